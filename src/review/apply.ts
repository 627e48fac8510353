// Decisions become rows: a working copy is written anew, and what nobody decided about stays byte for byte.
import { cellText } from '../datasets/row-content.ts';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, temporaryBeside } from '../base/atomic.ts';
import { shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { csvLine } from '../datasets/csv-text.ts';
import { parseLine } from '../datasets/jsonl.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { withEdit, type RowEdit, type RowValue } from './change.ts';
import { hasChange } from './schema.ts';
import { outcomeOf, type SettledRow } from './settled.ts';

export interface Applied {
  readonly replaced: number;
  readonly removed: number;
  readonly rows: number;
  /** rows that say what was rejected or replaced: [new, old, how] */
  readonly lineage: readonly { readonly row: Digest; readonly from: Digest; readonly action: 'edit' | 'label' }[];
}

/** What becomes of rows; one that is not in it stays. */
type Fate =
  | { readonly kind: 'gone' }
  | { readonly kind: 'edit'; readonly edit: RowEdit; readonly becomes: Digest; readonly action: 'edit' | 'label' };

/** What is settled and changes something. */
export function fatesOf(settled: ReadonlyMap<Digest, SettledRow>): Map<Digest, Fate> {
  const fates = new Map<Digest, Fate>();
  for (const [row, { decision }] of settled) {
    if (decision === null) continue;
    const { action, edit, becomes } = decision;
    if (action === 'reject') fates.set(row, { kind: 'gone' });
    else if (hasChange(action) && outcomeOf(decision) !== 'accept' && edit !== undefined && becomes !== undefined)
      fates.set(row, { kind: 'edit', edit, becomes, action });
  }
  return fates;
}

/**
 * Writes the file anew, whole or not at all; nothing is written where no row changes.
 * @param before called with what will have happened, before the new file takes its place
 * @throws PlumbError DATASET_FORMAT for Parquet, DATASET_EMPTY where no row would be left, REVIEW_INVALID where an edit does not lead where it says, FILE_CHANGED
 */
export async function applyDecisions(
  source: RowSource,
  settled: ReadonlyMap<Digest, SettledRow>,
  { signal, before }: { readonly signal: AbortSignal; readonly before: (applied: Applied) => Promise<void> },
): Promise<Applied> {
  if (source.format === 'parquet')
    throw new PlumbError('DATASET_FORMAT', {
      what: `${source.name} is Parquet, whose rows cannot be changed one by one`,
      where: { file: source.name },
      mend: 'export the decisions (`plumb review list --json`) to what writes the file, or keep the data as JSONL or CSV',
    });
  const temporary = temporaryBeside(source.path);
  const facts = await stat(source.path).catch((error: unknown) => Promise.reject(systemError(error, 'read', source.path)));
  const input = await open(source.path, 'r');
  try {
    const output = await open(temporary, 'wx', facts.mode & 0o777);
    let applied: Applied;
    try {
      applied = await new Rewriting(source, fatesOf(settled), input, output).run(signal);
      await output.sync();
    } finally {
      await output.close();
    }
    if (applied.replaced + applied.removed === 0) return applied;
    if (applied.rows === 0)
      throw new PlumbError('DATASET_EMPTY', {
        what: `no row of ${source.name} would be left: all are rejected`,
        mend: 'a data set holds a row: look at `plumb review status`',
      });
    const now = await stat(source.path);
    if (now.size !== facts.size || now.mtimeMs !== facts.mtimeMs)
      throw new PlumbError('FILE_CHANGED', {
        what: `${source.name} was changed while it was read`,
        mend: 'run the command again when whoever writes it has finished',
      });
    await before(applied);
    await rename(temporary, source.path);
    await syncFolder(dirname(source.path));
    return applied;
  } catch (error) {
    throw systemError(error, 'write', source.path);
  } finally {
    await input.close();
    await rm(temporary, { force: true });
  }
}

class Rewriting {
  readonly #source: RowSource;
  readonly #fates: ReadonlyMap<Digest, Fate>;
  readonly #input: FileHandle;
  readonly #output: FileHandle;
  readonly #lineage = new Map<Digest, Applied['lineage'][number]>();
  #columns: readonly string[] | null = null;
  /** bytes of the file before this one are written, or stand nowhere any more */
  #from = 0;
  #replaced = 0;
  #removed = 0;
  #rows = 0;

  constructor(source: RowSource, fates: ReadonlyMap<Digest, Fate>, input: FileHandle, output: FileHandle) {
    this.#source = source;
    this.#fates = fates;
    this.#input = input;
    this.#output = output;
  }

  async run(signal: AbortSignal): Promise<Applied> {
    let start = 0;
    const onHead = (end: number, columns: readonly string[] | null): void => {
      start = end;
      this.#columns = columns;
    };
    for await (const batch of readRowBatches(this.#source.path, this.#source.format, { signal, name: this.#source.name, ends: true, onHead })) {
      for (const { value, end } of batch) {
        if (end === undefined) throw new Error('a row does not say where it ends');
        const digest = rowDigest(value);
        const fate = this.#fates.get(digest);
        if (fate !== undefined) await this.#change(fate, { digest, value, start, end });
        if (fate?.kind !== 'gone') this.#rows += 1;
        start = end;
      }
    }
    await this.#copyTo((await this.#input.stat()).size);
    return { replaced: this.#replaced, removed: this.#removed, rows: this.#rows, lineage: [...this.#lineage.values()] };
  }

  async #change(fate: Fate, row: { digest: Digest; value: RowValue; start: number; end: number }): Promise<void> {
    await this.#copyTo(row.start);
    this.#from = row.end;
    if (fate.kind === 'gone') {
      this.#removed += 1;
      return;
    }
    const bytes = Buffer.alloc(row.end - row.start);
    await this.#input.read(bytes, 0, bytes.length, row.start);
    const text = bytes.toString('utf8');
    const next = this.#source.format === 'csv' ? csvWith(row.value, fate.edit, this.#columns ?? []) : jsonWith(text, fate.edit);
    if (rowDigest(next.value) !== fate.becomes) throw otherRow(this.#source.name, row.digest);
    await this.#output.appendFile(next.text + lineEndOf(text));
    this.#replaced += 1;
    this.#lineage.set(row.digest, { row: fate.becomes, from: row.digest, action: fate.action });
  }

  async #copyTo(end: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(0, end - this.#from)));
    while (this.#from < end) {
      const { bytesRead } = await this.#input.read(buffer, 0, Math.min(buffer.length, end - this.#from), this.#from);
      if (bytesRead === 0)
        throw new PlumbError('FILE_CHANGED', { what: `${this.#source.name} became shorter while it was read`, mend: 'run the command again' });
      await this.#output.appendFile(buffer.subarray(0, bytesRead));
      this.#from += bytesRead;
    }
  }
}

const pieceBytes = 1 << 20;

function lineEndOf(text: string): string {
  return /(?:\r\n|\n|\r)$/.exec(text)?.[0] ?? '';
}

function csvWith(value: RowValue, edit: RowEdit, columns: readonly string[]): { text: string; value: RowValue } {
  const next = withEdit(value, edit, 'csv');
  return { text: csvLine(columns.map((name) => cellText(next[name]))).slice(0, -1), value: next };
}

/** The row as it is written, with other values: numbers that nobody touched keep every digit, 1.0 and 12345678901234567890 too. */
function jsonWith(text: string, edit: RowEdit): { text: string; value: RowValue } {
  const raw = JSON.parse(text.trim(), keepNumbers as (key: string, value: unknown) => unknown) as Record<string, unknown>;
  const line = JSON.stringify(withEdit(raw, edit, 'jsonl'));
  return { text: line, value: parsed(line) };
}

interface WithRaw {
  rawJSON(text: string): unknown;
}

function keepNumbers(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === 'number' && context.source !== undefined ? (JSON as unknown as WithRaw).rawJSON(context.source) : value;
}

function parsed(line: string): RowValue {
  return parseLine(line, { file: 'the edited row', row: 1 });
}

function otherRow(name: string, row: Digest): PlumbError {
  return new PlumbError('REVIEW_INVALID', {
    what: `the edit of row ${shortDigest(row)} of ${name} does not make the row that it says`,
    where: { file: name },
    mend: 'decide about the row again: `plumb review`',
  });
}
