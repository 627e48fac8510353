// Names of the columns of a version whose manifest says them, without reading its rows.
import { byCodeUnit } from '../../base/canonical.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches } from '../../datasets/rows.ts';

/** @param source with a tree */
export async function columnsOfSource(source: RowSource): Promise<{ columns: string[]; leading: number }> {
  let first: string[] = [];
  for await (const [row] of readRowBatches(source.path, source.format, { name: source.name })) {
    if (row !== undefined) first = Object.keys(row.value);
    break;
  }
  const others = Object.keys(source.tree?.schema ?? {}).filter((name) => !first.includes(name));
  return { columns: [...first, ...others.toSorted(byCodeUnit)], leading: first.length };
}
