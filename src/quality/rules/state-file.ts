// A state as bytes: for the next version, and for whoever puts the parts of several runners together.
//
//   u32 length of the head, head: JSON, then for each check of rows its numbers (u32 each), each index (value-index.ts), each bag (column-bag.ts)
import { decodeBag, encodeBag } from '../columns/column-bag.ts';
import { ValueIndex } from '../columns/value-index.ts';
import { factsOf, type JudgedState } from './judge-rows.ts';
import type { BrokenRow } from './state.ts';

interface Head {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly leading: number;
  readonly looked: readonly number[];
  readonly entries: readonly (readonly [number, BrokenRow])[];
  /** bytes of the lists, indexes and bags that follow */
  readonly lists: readonly number[];
  readonly indexes: readonly number[];
  readonly bags: readonly number[];
}

/** What is kept has its indexes; what they say is found in them. */
export type KeptState = Omit<JudgedState, 'indexes'>;

/** @param entries what the verdict had to know of broken rows */
export function encodeState(state: KeptState, entries: ReadonlyMap<number, BrokenRow>): Buffer {
  const lists = state.broken.map((numbers) => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  const indexes = state.values.map((index) => index.encode());
  const bags = state.bags.map(encodeBag);
  const lengths = (parts: readonly Buffer[]): number[] => parts.map((part) => part.length);
  const { rows, columns, leading, looked } = state;
  const head: Head = { rows, columns, leading, looked, entries: [...entries], lists: lengths(lists), indexes: lengths(indexes), bags: lengths(bags) };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...lists, ...indexes, ...bags]);
}

/** @returns null for bytes that are no state */
export function decodeState(bytes: Buffer): KeptState | null {
  try {
    let at = 4 + bytes.readUInt32LE(0);
    const head = JSON.parse(bytes.toString('utf8', 4, at)) as Head;
    const take = (length: number): Buffer => bytes.subarray(at, (at += length));
    const broken = head.lists.map((length) => new Uint32Array(new Uint8Array(take(length)).buffer));
    const values = head.indexes.map((length) => ValueIndex.decode(take(length)));
    const bags = head.bags.map((length) => decodeBag(take(length)));
    if (at !== bytes.length) return null;
    const { rows, columns, leading, looked, entries } = head;
    return { rows, columns, leading, looked, broken, values, bags, entries: new Map(entries) };
  } catch {
    return null;
  }
}

export function withFacts(kept: KeptState): JudgedState {
  return { ...kept, indexes: kept.values.map(factsOf) };
}
