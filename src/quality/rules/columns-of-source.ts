// Names of the columns of a version whose manifest says them, without reading its rows.
import { byCodeUnit } from '../../base/canonical.ts';
import { readHeader } from '../../datasets/row-gaps.ts';
import type { RowSource, TreeSource } from '../../datasets/row-source.ts';
import { readRowsAt } from '../../datasets/rows-at.ts';
import type { ReadNode } from '../../store/tree/tree.ts';

/** @param source with a tree */
export async function columnsOfSource(source: RowSource, readNode: ReadNode): Promise<{ columns: string[]; leading: number }> {
  const first = source.format === 'csv' ? [...(await readHeader(readNode, source as TreeSource, {}))] : await columnsOfFirst(source, readNode);
  const others = Object.keys(source.tree?.schema ?? {}).filter((name) => !first.includes(name));
  return { columns: [...first, ...others.toSorted(byCodeUnit)], leading: first.length };
}

async function columnsOfFirst(source: RowSource, readNode: ReadNode): Promise<string[]> {
  for await (const { value } of readRowsAt(source, [1], { readNode })) return Object.keys(value);
  return [];
}
