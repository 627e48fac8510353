// The two versions of a comparison, as both ways of comparing read them.
import { byCodeUnit } from '../base/canonical.ts';
import type { ReadNode } from '../store/tree/tree.ts';
import { balanceChanges, ClassCounts, labelOf } from './class-balance.ts';
import type { RowsDiff } from './row-findings.ts';
import { findGaps, littleBytes, readGapRows, readHeader, type RowBatch } from './row-gaps.ts';
import type { RowSource, TreeSource } from './row-source.ts';
import { readRowBatches } from './rows.ts';
import { SchemaInference } from './schema-inference.ts';

export interface RowDiffOptions {
  /** examples of each kind */
  readonly limit: number;
  /** reads nodes of the trees of both sides; left out: all rows are read */
  readonly readNode?: ReadNode;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Both versions with what is gathered while they are read. */
export interface Sides {
  readonly label: string | null;
  /** compare by text: one side is CSV and the other is not */
  readonly asText: boolean;
  /** rows that both sides have and that nobody reads */
  readonly alike: number;
  /** each call reads the version; what it says of schema and classes is counted in the first reading only */
  readBefore(): AsyncGenerator<RowBatch>;
  readAfter(): AsyncGenerator<RowBatch>;
  schemaChanges(): RowsDiff['schema'];
  balanceChanges(): RowsDiff['balance'];
}

/** @returns sides that nobody has read yet, as often as called */
export async function createSides(before: RowSource, after: RowSource, options: RowDiffOptions): Promise<() => Sides> {
  const label = after.label ?? before.label ?? null;
  const key = after.key ?? before.key ?? null;
  const { readNode } = options;
  if (readNode !== undefined && hasTree(before, key, label) && hasTree(after, key, label) && before.format === after.format) {
    const sides = await sidesOfTrees(readNode, before, after, { label, options });
    if (sides !== null) return () => sides;
  }
  return () => sidesOfFiles(before, after, { label, options });
}

/** Does the tree say all that is needed of rows that are not read: that the key names them, and how many have which label? */
function hasTree(source: RowSource, key: string | null, label: string | null): source is TreeSource {
  return source.tree !== undefined && (key === null || source.tree.key === key) && (label === null || source.tree.label === label);
}

interface Wanted {
  readonly label: string | null;
  readonly options: RowDiffOptions;
}

/** @returns null: the headers differ, and a row that looks alike may say other things */
async function sidesOfTrees(readNode: ReadNode, before: TreeSource, after: TreeSource, { label, options }: Wanted): Promise<Sides | null> {
  let columns: readonly string[] | null = null;
  if (before.format === 'csv') {
    columns = await readHeader(readNode, before, options);
    const others = await readHeader(readNode, after, options);
    if (JSON.stringify(columns) !== JSON.stringify(others)) return null;
  }
  const gaps = await findGaps(readNode, before, after);
  const [old, now] = [before.tree.labels, after.tree.labels];
  return {
    label,
    asText: false,
    alike: gaps.alike,
    readBefore: remembered(gaps.before.allBytes, () => readGapRows(before, gaps.before, columns, options)),
    readAfter: remembered(gaps.after.allBytes, () => readGapRows(after, gaps.after, columns, options)),
    schemaChanges: () => schemaChanges(before.tree.schema, after.tree.schema),
    balanceChanges: () => (label === null || old === null || now === null ? null : balanceChanges(old, now)),
  };
}

function remembered(bytes: number, read: () => AsyncGenerator<RowBatch>): () => AsyncGenerator<RowBatch> {
  if (bytes > littleBytes) return read;
  let all: RowBatch[] | null = null;
  return async function* () {
    if (all === null) {
      const batches: RowBatch[] = [];
      for await (const batch of read()) batches.push(batch);
      all = batches;
    }
    yield* all;
  };
}

function sidesOfFiles(before: RowSource, after: RowSource, { label, options }: Wanted): Sides {
  const asText = before.format !== after.format && (before.format === 'csv' || after.format === 'csv');
  const schemas = { before: new SchemaInference(), after: new SchemaInference() };
  const labels = { before: new ClassCounts(), after: new ClassCounts() };
  const read = (source: RowSource, which: 'before' | 'after'): (() => AsyncGenerator<RowBatch>) => {
    let first = true;
    return async function* () {
      const counting = first;
      first = false;
      const reading = {
        name: source.name,
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.onBytes ? { onBytes: options.onBytes } : {}),
      };
      for await (const rows of readRowBatches(source.path, source.format, reading)) {
        for (const row of counting ? rows : []) {
          schemas[which].add(row.value);
          if (label !== null) labels[which].add(labelOf(row.value[label]), 1);
        }
        yield { rows, alike: 0 };
      }
    };
  };
  return {
    label,
    asText,
    alike: 0,
    readBefore: read(before, 'before'),
    readAfter: read(after, 'after'),
    schemaChanges: () => schemaChanges(schemas.before.schema(), schemas.after.schema()),
    balanceChanges: () => {
      const [old, now] = [labels.before.counts, labels.after.counts];
      return label === null || old === null || now === null ? null : balanceChanges(old, now);
    },
  };
}

function schemaChanges(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): RowsDiff['schema'] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted(byCodeUnit);
  const typeIn = (schema: Readonly<Record<string, string>>, name: string): string | null =>
    Object.hasOwn(schema, name) ? (schema[name] ?? null) : null;
  return names
    .map((column) => ({ column, before: typeIn(before, column), after: typeIn(after, column) }))
    .filter((change) => change.before !== change.after);
}
