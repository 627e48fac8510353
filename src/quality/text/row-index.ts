// What is known of each row of a version, in the order of its rows: a record of fixed width, and behind it a list of numbers of any length. It is a
// function of the rows alone, so that the index of the next version is the records of the rows that stay, moved, beside those of the rows that came.
//
//   file: "PLROWIX1", u32 rows, u32 width, u32 numbers in all lists; records; lists. Little endian.
import { endianness } from 'node:os';
import type { RowChanges } from '../../datasets/row-changes.ts';
import { NumberList } from './number-list.ts';

/** Of each record: where its list begins in the list of all, before all that is the index's own. */
export class RowIndex {
  readonly width: number;
  rows = 0;
  readonly #records = new NumberList();
  readonly #starts = new NumberList();
  readonly #tail = new NumberList();
  /** a view for all who ask: millions of them would keep the collector busy */
  #seen: Uint32Array | null = null;

  constructor(width: number) {
    this.width = width;
  }

  /** The records, one behind the other: only until one is added. */
  get records(): Uint32Array {
    return (this.#seen ??= this.#records.values);
  }

  get tail(): Uint32Array {
    return this.#tail.values;
  }

  /** Where the list of a row begins; of the row behind the last: where all end. @param row from 0 */
  startOf(row: number): number {
    return row < this.rows ? (this.#starts.array[row] as number) : this.#tail.length;
  }

  /** @param record `width` numbers */
  add(record: Uint32Array, list: NumberList): void {
    this.#starts.push(this.#tail.length);
    this.#records.append(record);
    this.#tail.appendList(list);
    this.rows += 1;
    this.#seen = null;
  }

  /** @param rest what is kept behind it */
  encode(rest: Uint8Array): Buffer {
    const head = Buffer.alloc(headBytes);
    head.write(magic, 'latin1');
    head.writeUInt32LE(this.rows, 8);
    head.writeUInt32LE(this.width, 12);
    head.writeUInt32LE(this.#tail.length, 16);
    return Buffer.concat([head, bytesOf(this.#starts.values), bytesOf(this.records), bytesOf(this.tail), rest]);
  }

  /** Where the bytes allow it the index is a view of them, which what is done with it changes. @returns null: it is none of that width */
  static decode(bytes: Buffer, width: number): { readonly index: RowIndex; readonly rest: Buffer } | null {
    if (endianness() !== 'LE' || bytes.length < headBytes || bytes.toString('latin1', 0, 8) !== magic) return null;
    const [rows, found, tail] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12), bytes.readUInt32LE(16)];
    if (found !== width || bytes.length < headBytes + 4 * (rows + rows * width + tail)) return null;
    const index = new RowIndex(width);
    let at = headBytes;
    for (const [list, count] of [
      [index.#starts, rows],
      [index.#records, rows * width],
      [index.#tail, tail],
    ] as const) {
      list.array = numbersAt(bytes, at, count);
      list.length = count;
      at += 4 * count;
    }
    index.rows = rows;
    return { index, rest: bytes.subarray(at) };
  }

  /** As `nextIndex`. */
  static next(before: RowIndex, changes: Pick<RowChanges, 'rows' | 'kept'>, added: RowIndex, numbers: readonly number[]): RowIndex {
    const { width } = before;
    const { rows } = changes;
    const { count, isMoved } = countKept(changes);
    if (count + numbers.length !== rows) throw new Error(`${rows - count - numbers.length} rows are neither old nor new`);
    const isSame = !isMoved && rows <= before.rows;
    const next = isSame ? before : new RowIndex(width);
    // while `before` is what it was
    const lists = before.#tail.length + added.#tail.length > 0 ? listsOf(before, changes, added, numbers) : null;
    if (!isSame) {
      next.#records.array = new Uint32Array(Math.max(1, rows * width));
      for (const kept of changes.kept()) next.#records.copy(before.#records, (kept.before - 1) * width, (kept.after - 1) * width, kept.count * width);
    }
    for (const [at, number] of numbers.entries()) next.#records.copy(added.#records, at * width, (number - 1) * width, width);
    next.rows = rows;
    next.#seen = null;
    next.#records.length = rows * width;
    if (lists !== null || !isSame) next.#starts.array = lists?.starts ?? new Uint32Array(Math.max(1, rows));
    next.#starts.length = rows;
    if (lists !== null) next.#tail.take(lists.tail);
    return next;
  }
}

/** The lists of the version after, and where each begins. */
function listsOf(
  before: RowIndex,
  changes: Pick<RowChanges, 'rows' | 'kept'>,
  added: RowIndex,
  numbers: readonly number[],
): { readonly starts: Uint32Array<ArrayBuffer>; readonly tail: Uint32Array<ArrayBuffer> } {
  const starts = new Uint32Array(Math.max(1, changes.rows));
  // how long each is, and from that where each begins
  for (const { before: from, after, count } of changes.kept())
    for (let at = 0; at < count; at += 1) starts[after - 1 + at] = before.startOf(from + at) - before.startOf(from - 1 + at);
  for (const [at, number] of numbers.entries()) starts[number - 1] = added.startOf(at + 1) - added.startOf(at);
  let length = 0;
  for (let row = 0; row < changes.rows; row += 1) {
    const count = starts[row] as number;
    starts[row] = length;
    length += count;
  }
  const tail = new Uint32Array(length);
  const [old, fresh] = [before.tail, added.tail];
  for (const { before: from, after, count } of changes.kept())
    tail.set(old.subarray(before.startOf(from - 1), before.startOf(from - 1 + count)), starts[after - 1]);
  for (const [at, number] of numbers.entries()) tail.set(fresh.subarray(added.startOf(at), added.startOf(at + 1)), starts[number - 1]);
  return { starts, tail };
}

const magic = 'PLROWIX1';
const headBytes = 20;

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Numbers of 32 bits that stand in bytes. */
function numbersAt(bytes: Buffer, from: number, count: number): Uint32Array<ArrayBuffer> {
  const { buffer, byteOffset } = bytes;
  if (count > 0 && (byteOffset + from) % 4 === 0 && buffer instanceof ArrayBuffer) return new Uint32Array(buffer, byteOffset + from, count);
  const numbers = new Uint32Array(Math.max(1, count));
  new Uint8Array(numbers.buffer).set(bytes.subarray(from, from + 4 * count));
  return numbers;
}

/** @returns isMoved: some of the rows that stay have another number now */
function countKept({ kept }: Pick<RowChanges, 'kept'>): { readonly count: number; readonly isMoved: boolean } {
  let [count, isMoved] = [0, false];
  for (const rows of kept()) {
    count += rows.count;
    isMoved ||= rows.before !== rows.after;
  }
  return { count, isMoved };
}

/**
 * The index of the version after. Where no row moved it is `before` with other records: who calls this has no use for that any more.
 * @param added records of `changes.added()`, in its order
 * @param numbers the numbers of these rows
 */
export function nextIndex(before: RowIndex, changes: Pick<RowChanges, 'rows' | 'kept'>, added: RowIndex, numbers: readonly number[]): RowIndex {
  return RowIndex.next(before, changes, added, numbers);
}
