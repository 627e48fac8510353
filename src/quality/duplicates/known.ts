// What a search keeps beside its index, so that the next version's reads less: scores of pairs, and what was told of rows in clusters. Both are found
// again from the rows: with or without them the answer is the same.
import type { RowChanges } from '../../datasets/row-changes.ts';
import { pairCode, type PairCode } from './candidates.ts';
import type { Entries } from '../text/entries.ts';
import type { SharedRows } from './shared-bands.ts';

/** Of more pairs, or rows, what is known is not kept: it would be larger than what it saves. */
const mostKept = 1_000_000;

/** Jaccard indexes of pairs. */
export class KnownScores {
  readonly #scores = new Map<PairCode, number>();

  get(code: PairCode): number | undefined {
    return this.#scores.get(code);
  }

  add(code: PairCode, score: number): void {
    if (this.#scores.size < mostKept) this.#scores.set(code, score);
  }

  /** Three numbers a pair: two rows, from 0, and the score. */
  encode({ count, first }: Entries): Float64Array {
    const numbers = new Float64Array(this.#scores.size * 3);
    let at = 0;
    for (const [code, score] of this.#scores) {
      numbers[at++] = first[Math.floor(code / count)] as number;
      numbers[at++] = first[code % count] as number;
      numbers[at++] = score;
    }
    return numbers;
  }

  static decode(numbers: Float64Array, entries: Entries, changes: RowChanges): KnownScores {
    const known = new KnownScores();
    for (let at = 0; at < numbers.length; at += 3) {
      const [a, b] = [entryAfter(numbers[at] as number, entries, changes), entryAfter(numbers[at + 1] as number, entries, changes)];
      if (a !== null && b !== null && a !== b) known.add(pairCode(Math.max(a, b), Math.min(a, b), entries), numbers[at + 2] as number);
    }
    return known;
  }
}

function entryAfter(row: number, { of }: Entries, changes: RowChanges): number | null {
  const after = changes.numberAfter(row + 1);
  return after === null ? null : (of[after - 1] as number);
}

/** What is told of a row in a cluster. */
export interface RowFacts {
  /** null: the rows have no key */
  readonly key: string | null;
  /** hex of its row digest */
  readonly digest: string;
  /** hex: of its texts without white space at their ends */
  readonly exact: string;
  readonly label: string | null;
}

/** Facts by row, from 0. */
export type KnownFacts = Map<number, RowFacts>;

/** All that is kept beside an index. */
export interface Known {
  readonly scores: KnownScores;
  readonly facts: KnownFacts;
  readonly shared: SharedRows;
}

/** @returns u32 bytes of the scores; u32 bytes of the rows that share a band; both; facts as JSON */
export function encodeKnown({ scores, facts, shared }: Known, entries: Entries): Buffer {
  const numbers = scores.encode(entries);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(numbers.byteLength, 0);
  head.writeUInt32LE(shared.byteLength, 4);
  const rows = facts.size > mostKept ? [] : [...facts].map(([row, { key, digest, exact, label }]) => [row, key, digest, exact, label]);
  return Buffer.concat([head, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), shared, Buffer.from(JSON.stringify(rows))]);
}

/** Scores and facts of the version after; which rows shared a band before. */
export function decodeKnown(bytes: Buffer, entries: Entries, changes: RowChanges): Known {
  const length = bytes.readUInt32LE(0);
  const end = 8 + length + bytes.readUInt32LE(4);
  const scores = new Float64Array(length / 8);
  new Uint8Array(scores.buffer).set(bytes.subarray(8, 8 + length));
  const facts: KnownFacts = new Map();
  const rows = JSON.parse(bytes.toString('utf8', end)) as [number, string | null, string, string, string | null][];
  for (const [row, key, digest, exact, label] of rows) {
    const after = changes.numberAfter(row + 1);
    if (after !== null) facts.set(after - 1, { key, digest, exact, label });
  }
  return { scores: KnownScores.decode(scores, entries, changes), facts, shared: bytes.subarray(8 + length, end) };
}
