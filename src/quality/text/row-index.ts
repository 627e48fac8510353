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

  constructor(width: number) {
    this.width = width;
  }

  /** The records, one behind the other: only until one is added. */
  get records(): Uint32Array {
    return this.#records.values;
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
  }

  /** Rows of another index, in their order. */
  append(other: RowIndex, from: number, to: number): void {
    const first = other.startOf(from);
    const shift = this.#tail.length - first;
    this.#starts.reserve(this.rows + to - from);
    for (let row = from; row < to; row += 1) this.#starts.push(other.startOf(row) + shift);
    this.#records.append(other.records.subarray(from * this.width, to * this.width));
    this.#tail.append(other.tail.subarray(first, other.startOf(to)));
    this.rows += to - from;
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

  /** @returns null: it is none of that width */
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
      list.array = new Uint32Array(Math.max(1, count));
      new Uint8Array(list.array.buffer).set(bytes.subarray(at, at + 4 * count));
      list.length = count;
      at += 4 * count;
    }
    index.rows = rows;
    return { index, rest: bytes.subarray(at) };
  }
}

const magic = 'PLROWIX1';
const headBytes = 20;

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/**
 * The index of the version after.
 * @param added records of `changes.added()`, in its order
 * @param numbers the numbers of these rows
 */
export function nextIndex(before: RowIndex, changes: RowChanges, added: RowIndex, numbers: readonly number[]): RowIndex {
  // row of the version after -> row of `before` + 1, or -(row of `added` + 1)
  const origins = new Int32Array(changes.rows);
  for (let row = 0; row < before.rows; row += 1) {
    const after = changes.numberAfter(row + 1);
    if (after !== null) origins[after - 1] = row + 1;
  }
  for (const [at, number] of numbers.entries()) origins[number - 1] = -(at + 1);
  const next = new RowIndex(before.width);
  for (let row = 0; row < origins.length;) {
    const origin = origins[row] as number;
    if (origin === 0) throw new Error(`row ${row + 1} is neither old nor new`);
    const step = origin > 0 ? 1 : -1;
    let end = row + 1;
    while (end < origins.length && origins[end] === origin + step * (end - row)) end += 1;
    const first = Math.abs(origin) - 1;
    next.append(origin > 0 ? before : added, first, first + end - row);
    row = end;
  }
  return next;
}
