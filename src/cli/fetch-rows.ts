// `plumb fetch NAME --sample 100 --out FILE`, `--split test`: some rows of a data set, written where they are wanted.
import { resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { csvLine } from '../datasets/csv-text.ts';
import { requireDataset } from '../datasets/lock.ts';
import { readLockedManifest, type RowsManifest } from '../datasets/manifest.ts';
import { sampleRows } from '../datasets/row-sample.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Project } from '../project/open.ts';
import type { Cli } from './command.ts';
import { writeLines } from './write-lines.ts';

export interface RowsWanted {
  readonly sample?: number;
  readonly split?: string;
  readonly seed: number;
  /** a file, or '-' */
  readonly out: string;
}

/** The column that says which split a row belongs to, as published data sets have it. */
const splitColumn = 'split';

/** @throws PlumbError USAGE, DATASET_UNKNOWN, DATASET_FORMAT, DATASET_COLUMN, BYTES_MISSING, FILE_UNREADABLE, DISK_FULL */
export async function fetchRows(
  project: Project,
  { lock, names }: { lock: Lock; names: readonly string[] },
  wanted: RowsWanted,
  cli: Cli,
): Promise<void> {
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new PlumbError('USAGE', { what: 'rows are taken from one data set', mend: 'name it: plumb fetch intents --sample 100 --out sample.jsonl' });
  }
  const entry = requireDataset(lock, name);
  await project.store.openRoots([entry.digest], cli);
  const manifest = await readLockedManifest(project.store, name, entry);
  if (manifest.kind !== 'rows') {
    throw new PlumbError('DATASET_FORMAT', {
      what: `data set "${name}" is a folder of files, and has no rows to choose from`,
      mend: "choose files: plumb fetch NAME --path 'train/**'",
    });
  }
  if (wanted.out === '-' && cli.json)
    throw new PlumbError('USAGE', { what: 'with --json rows need a file to go to', mend: 'name it: --out sample.jsonl' });
  const count = { rows: 0 };
  const lines = counted(
    wanted.split === undefined
      ? sampleRows(project.store, manifest, sampleOf(manifest, wanted, cli))
      : splitRows(project, { name, manifest }, wanted, cli),
    count,
  );
  if (wanted.out === '-') for await (const line of lines) cli.print(line.replace(/\r?\n$/, ''));
  else await writeLines(resolve(cli.cwd, wanted.out), lines);
  const rows = manifest.format === 'csv' ? Math.max(0, count.rows - 1) : count.rows;
  cli.emit({ dataset: name, rows, of: manifest.rows, out: wanted.out });
  if (wanted.out !== '-') cli.print(`${rows} of ${manifest.rows} rows of ${name}, in ${wanted.out}`);
}

function sampleOf(
  manifest: RowsManifest,
  { sample = manifest.rows, seed }: RowsWanted,
  { signal }: Cli,
): { rows: number; seed: number; signal: AbortSignal } {
  return { rows: sample, seed, signal };
}

async function* splitRows(
  project: Project,
  { name, manifest }: { name: string; manifest: RowsManifest },
  wanted: RowsWanted,
  cli: Cli,
): AsyncGenerator<string> {
  if (!Object.hasOwn(manifest.schema, splitColumn)) {
    throw new PlumbError('DATASET_COLUMN', {
      what: `data set "${name}" has no column "${splitColumn}" that says which split a row belongs to`,
      mend: 'splits that a pipeline makes are outputs of its stages: plumb run split',
    });
  }
  let left = wanted.sample ?? Number.POSITIVE_INFINITY;
  let header = manifest.format === 'csv';
  for await (const batch of readRowBatches(await project.store.pathOf(manifest.content), manifest.format, { signal: cli.signal })) {
    for (const { value } of batch) {
      if (header) yield csvLine(Object.keys(value));
      header = false;
      if (value[splitColumn] !== wanted.split || left === 0) continue;
      left -= 1;
      yield manifest.format === 'csv' ? csvLine(Object.values(value) as string[]) : `${JSON.stringify(value)}\n`;
    }
  }
}

async function* counted(lines: AsyncIterable<string>, count: { rows: number }): AsyncGenerator<string> {
  for await (const line of lines) {
    count.rows += 1;
    yield line;
  }
}
