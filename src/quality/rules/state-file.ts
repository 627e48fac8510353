// A state as bytes: for the next version, and for whoever puts the parts of several runners together.
//
//   u32 length of the head, head: JSON, then for each check of rows its numbers (u32 each), each index (value-index.ts), each bag (column-bag.ts)
import { decodeBag, encodeBag } from '../columns/column-bag.ts';
import { encodeKeptIndex, KeptIndex } from '../columns/kept-index.ts';
import { ValueIndex, type Values } from '../columns/value-index.ts';
import type { Blocks } from '../memory.ts';
import { factsOf, type JudgedState } from './judge-rows.ts';
import type { BrokenRow, State } from './state.ts';

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

/** What is remembered looks its indexes up where they lie. */
export type RecalledState = Omit<KeptState, 'values'> & { readonly values: readonly Values[] };

/** @param entries what the verdict had to know of broken rows */
export function encodeState(state: KeptState, entries: ReadonlyMap<number, BrokenRow>): Buffer {
  return encode(
    state,
    entries,
    state.values.map((index) => index.encode()),
  );
}

/** @returns null for bytes that are no state */
export function decodeState(bytes: Buffer): KeptState | null {
  return decode(bytes, (index) => ValueIndex.decode(index));
}

/** The same for a memory: entries of indexes lie in its blocks. */
export function encodeRemembered(state: KeptState, entries: ReadonlyMap<number, BrokenRow>): { readonly state: Buffer; readonly blocks: Buffer } {
  const kept = state.values.map(encodeKeptIndex);
  const heads = kept.map(({ head }) => head);
  return { state: encode(state, entries, heads), blocks: Buffer.concat(kept.map((index) => index.entries)) };
}

/** @returns null for bytes that are no state */
export function decodeRemembered(bytes: Buffer, blocks: Blocks): RecalledState | null {
  let first = 0;
  return decode(bytes, (head) => {
    const index = new KeptIndex(head, blocks, first);
    first += index.count;
    return index;
  });
}

function encode(state: KeptState, entries: ReadonlyMap<number, BrokenRow>, indexes: readonly Buffer[]): Buffer {
  const lists = state.broken.map((numbers) => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  const bags = state.bags.map(encodeBag);
  const lengths = (parts: readonly Buffer[]): number[] => parts.map((part) => part.length);
  const { rows, columns, leading, looked } = state;
  const head: Head = { rows, columns, leading, looked, entries: [...entries], lists: lengths(lists), indexes: lengths(indexes), bags: lengths(bags) };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...lists, ...indexes, ...bags]);
}

function decode<Index extends Values>(
  bytes: Buffer,
  decodeIndex: (bytes: Buffer) => Index,
): (Omit<KeptState, 'values'> & { readonly values: readonly Index[] }) | null {
  try {
    let at = 4 + bytes.readUInt32LE(0);
    const head = JSON.parse(bytes.toString('utf8', 4, at)) as Head;
    const take = (length: number): Buffer => bytes.subarray(at, (at += length));
    const broken = head.lists.map((length) => new Uint32Array(new Uint8Array(take(length)).buffer));
    const values = head.indexes.map((length) => decodeIndex(take(length)));
    const bags = head.bags.map((length) => decodeBag(take(length)));
    if (at !== bytes.length) return null;
    const { rows, columns, leading, looked, entries } = head;
    return { rows, columns, leading, looked, broken, values, bags, entries: new Map(entries) };
  } catch {
    return null;
  }
}

/** What a verdict asks for. */
export function withFacts<Kept extends RecalledState>(kept: Kept): Kept & Pick<State, 'indexes'> {
  return { ...kept, indexes: kept.values.map(factsOf) };
}
