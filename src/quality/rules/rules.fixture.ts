// Versions of rows with their trees, and a world without a project: for the tests of the engines.
import { cellText } from '../../datasets/row-content.ts';
import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseYaml } from '../../base/config.ts';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import { csvLine } from '../../datasets/csv-text.ts';
import { scanRows } from '../../datasets/row-scan.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { FlaggedRow } from '../findings.ts';
import { noMemory } from '../memory.ts';
import { runRules, type Engine, type RulesRun, type RulesWorld } from './run.ts';
import { rulesSchema } from './schema.ts';

export const folder: string = mkdtempSync(join(tmpdir(), 'plumb-rules-test-'));
const nodes = new Map<Digest, Uint8Array>();

export type Cells = Readonly<Record<string, unknown>>;

export function jsonlOf(rows: readonly Cells[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** @param columns of the header; a cell that a row has not is empty */
export function csvOf(rows: readonly Cells[], columns: readonly string[]): string {
  const cells = (row: Cells): string[] => columns.map((name) => cellText(row[name]));
  return [columns as string[], ...rows.map(cells)].map(csvLine).join('');
}

/** A file as it is. */
export async function fileOf(bytes: Buffer | string, format: 'jsonl' | 'csv' | 'parquet', name = 'data'): Promise<CheckedRows> {
  const content = digestOf(bytes);
  const path = join(folder, `${hexOf(content)}.${format}`);
  await writeFile(path, bytes);
  return { source: { path, format, name }, content };
}

/** The same with a tree, as a locked data set has it. */
export async function versionOf(text: string, format: 'jsonl' | 'csv', name = 'data'): Promise<CheckedRows> {
  const rows = await fileOf(text, format, name);
  const keepNode = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    nodes.set(digest, bytes.slice());
    return digest;
  };
  const scan = await scanRows(rows.source.path, { format, key: null, label: null, known: async () => null, keepNode });
  if (scan === null) throw new Error('rows that no add would take');
  const tree = { root: scan.tree.root, rows: scan.rows, schema: scan.schema, key: null, label: null, labels: null };
  return { ...rows, source: { ...rows.source, tree } };
}

export function worldOf(more: Partial<RulesWorld> = {}): RulesWorld {
  return {
    memory: noMemory,
    readNode: async (digest) => nodes.get(digest) as Uint8Array,
    pathOf: async (content) => join(folder, `${hexOf(content)}.jsonl`),
    progress: silentProgress,
    signal: new AbortController().signal,
    openReference: () => Promise.reject(new Error('these rules refer to nothing')),
    now: null,
    ...more,
  };
}

export interface Judged {
  readonly run: RulesRun;
  readonly flagged: readonly FlaggedRow[];
}

export async function judge(rows: CheckedRows, rules: string, world: RulesWorld = worldOf()): Promise<Judged> {
  const flagged: FlaggedRow[] = [];
  const parsed = await parseYaml(rules, 'rules/x.yaml', rulesSchema);
  const run = await runRules(rows, { rules: parsed, file: 'rules/x.yaml' }, world, (row) => void flagged.push(row));
  return { run, flagged };
}

export async function judgeBy(engine: Engine, rows: CheckedRows, rules: string, more: Partial<RulesWorld> = {}): Promise<Judged> {
  return judge(rows, rules, worldOf({ ...more, engine }));
}
