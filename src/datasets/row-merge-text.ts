// The merged file, from the places of its rows: long runs of ours are copied as they stand, rows of theirs come in between.
import { open, type FileHandle } from 'node:fs/promises';
import { systemError } from '../base/errors.ts';
import { csvLine, parseCsvText } from './csv-text.ts';
import { isLineEnd, openRows, type RowsByNumber } from './row-merge-read.ts';
import type { Version } from './row-merge-side.ts';

/** What stands in the place of a row of ours: itself, nothing, or (from 0) a row of theirs. */
const itself = -1;
const nothing = -2;

export interface MergedRows {
  readonly ours: Version;
  readonly theirs: Version;
  /** for each row of ours */
  readonly stands: Int32Array;
  /** rows of theirs that come in, in the order of the merged file, and the row of ours (-1: the top) behind which each stands */
  readonly inserted: readonly { readonly behind: number; readonly row: number }[];
  readonly rows: number;
  /** rows that came in from theirs, took the place of ours, went */
  readonly added: number;
  readonly edited: number;
  readonly removed: number;
}

/** Gathers where rows stand. First what becomes of each row of ours, then the rows of theirs in their order. */
export class Placed {
  readonly #ours: Version;
  readonly #theirs: Version;
  readonly #stands: Int32Array;
  /** bit: the row is new in ours */
  readonly #own: Uint8Array;
  readonly #inserted: { behind: number; row: number }[] = [];
  #edited = 0;
  #removed = 0;
  /** the row of ours that the next row of theirs stands behind */
  #behind: number | null = null;

  constructor(ours: Version, theirs: Version) {
    this.#ours = ours;
    this.#theirs = theirs;
    this.#stands = new Int32Array(ours.rows).fill(itself);
    this.#own = new Uint8Array(ours.rows);
  }

  own(row: number): void {
    this.#own[row] = 1;
  }

  remove(row: number): void {
    this.#stands[row] = nothing;
    this.#removed += 1;
  }

  replace(row: number, by: number): void {
    this.#stands[row] = by;
    this.#edited += 1;
  }

  /** The row of theirs that comes next in theirs is this one of ours. */
  follow(row: number): void {
    this.#behind = this.#behindOwn(row);
  }

  insert(row: number): void {
    this.#behind ??= this.#behindOwn(-1);
    this.#inserted.push({ behind: this.#behind, row });
  }

  /** What ours added at a place stands before what theirs added there. */
  #behindOwn(row: number): number {
    let last = row;
    while (this.#own[last + 1] === 1) last += 1;
    return last;
  }

  done(): MergedRows {
    const rows = this.#ours.rows - this.#removed + this.#inserted.length;
    return {
      ours: this.#ours,
      theirs: this.#theirs,
      stands: this.#stands,
      inserted: this.#inserted.toSorted((a, b) => a.behind - b.behind), // stable: rows behind one row keep their order
      rows,
      added: this.#inserted.length,
      edited: this.#edited,
      removed: this.#removed,
    };
  }
}

/**
 * Writes the merged file.
 * @param path nothing is there yet
 * @throws PlumbError DISK_FULL, FILE_MISSING, FILE_UNREADABLE
 */
export async function writeSpans(merged: MergedRows, path: string, signal?: AbortSignal): Promise<void> {
  const files = { ours: openRows(merged.ours), theirs: openRows(merged.theirs) };
  const handle = await open(path, 'wx').catch((error: unknown) => Promise.reject(systemError(error, 'write', path)));
  try {
    const output = new Output(handle);
    await new Writing(merged, files, output).run(signal);
    await output.flush();
    await handle.sync();
  } catch (error) {
    throw systemError(error, 'write', path);
  } finally {
    await Promise.all([handle.close(), files.ours.close(), files.theirs.close()]);
  }
}

class Writing {
  readonly #merged: MergedRows;
  readonly #files: { readonly ours: RowsByNumber; readonly theirs: RowsByNumber };
  readonly #output: Output;
  readonly #textOfTheirs: (row: number) => Promise<Buffer>;
  /** bytes of ours up to here are written, or stand nowhere */
  #from = 0;
  #next = 0;

  constructor(merged: MergedRows, files: { ours: RowsByNumber; theirs: RowsByNumber }, output: Output) {
    this.#merged = merged;
    this.#files = files;
    this.#output = output;
    this.#textOfTheirs = inOrderOf(merged.ours.columns, merged.theirs.columns, files.theirs);
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const { ours, stands } = this.#merged;
    let end = ours.head;
    await this.#insertBehind(-1, end);
    for (let row = 0; row < ours.rows; row += 1) {
      if (row % 4096 === 0) signal?.throwIfAborted();
      const stand = stands[row] as number;
      if (stand !== itself) {
        await this.#copyTo(end);
        this.#from = ours.ends[row] as number;
        if (stand !== nothing) await this.#putTheirs(stand);
      }
      end = ours.ends[row] as number;
      await this.#insertBehind(row, end);
    }
    await this.#copyTo(Number.POSITIVE_INFINITY);
  }

  async #insertBehind(row: number, end: number): Promise<void> {
    const { inserted } = this.#merged;
    for (; inserted[this.#next]?.behind === row; this.#next += 1) {
      await this.#copyTo(end);
      await this.#putTheirs((inserted[this.#next] as { row: number }).row);
    }
  }

  async #putTheirs(row: number): Promise<void> {
    const beforeRows = this.#merged.ours.columns === null && this.#output.written === this.#merged.ours.head;
    if (!beforeRows && !isLineEnd(this.#output.last)) await this.#output.put(Buffer.from('\n'));
    await this.#output.put(await this.#textOfTheirs(row));
  }

  async #copyTo(end: number): Promise<void> {
    const last = end === Number.POSITIVE_INFINITY ? await this.#files.ours.size() : end;
    for (let at = this.#from; at < last; at += pieceBytes) await this.#output.put(await this.#files.ours.bytes(at, Math.min(last, at + pieceBytes)));
    this.#from = Math.max(this.#from, last);
  }
}

/** Rows of theirs as ours writes them: fields of a CSV in the order of its header. */
function inOrderOf(ours: readonly string[] | null, theirs: readonly string[] | null, rows: RowsByNumber): (row: number) => Promise<Buffer> {
  if (ours === null || theirs === null || ours.every((name, at) => theirs[at] === name)) return (row) => rows.textOf(row);
  const order = ours.map((name) => theirs.indexOf(name));
  return async (row) => {
    const record = parseCsvText((await rows.textOf(row)).toString('utf8'))?.[0] ?? [];
    return Buffer.from(csvLine(order.map((at) => record[at] ?? '')));
  };
}

const pieceBytes = 1 << 18;

/** Bytes into a file, many at a time. */
class Output {
  readonly #handle: FileHandle;
  readonly #buffer = Buffer.alloc(1 << 20);
  #filled = 0;
  written = 0;
  last: number | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async put(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.written += bytes.length;
    this.last = bytes.at(-1);
    if (this.#filled + bytes.length > this.#buffer.length) await this.flush();
    if (bytes.length > this.#buffer.length) await this.#handle.writeFile(bytes);
    else {
      bytes.copy(this.#buffer, this.#filled);
      this.#filled += bytes.length;
    }
  }

  async flush(): Promise<void> {
    await this.#handle.writeFile(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
