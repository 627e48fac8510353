// What a check of provenance keeps of a version: of every digest that the sidecar or the data have, what is wrong with it, its licences and how many rows of
// the data say so. A function of the two bags of rows alone, so that a version that was reached by changes is kept as one that was read whole.
//
//   u32 length of the head, head: JSON {sidecar, licences, flagged, size}, then of each digest its first 16 bytes, then its faults, licence and count as u32
import { DigestTable } from '../../datasets/digest-table.ts';
import type { Digest } from '../../base/digest.ts';
import type { RememberedVersion } from '../memory.ts';

const [faultsWord, licenceWord, countWord] = [0, 1, 2];
const words = 3;
const nameBytes = 16;

/** A row that does not hold, where it stands. */
export interface FlaggedPlace {
  readonly row: number;
  /** null: the row has no key */
  readonly key: string | null;
  readonly digest: Digest;
}

/** Of the sidecar that was read, as `rememberedAs` has it; null: there was none. */
export type KnownSidecar = RememberedVersion | null;

export class KnownRows {
  readonly #table = new DigestTable(words);
  #names = Buffer.alloc(1024 * nameBytes);
  /** licences in words; the first is that of a row without provenance */
  readonly #licences: string[] = ['unknown'];
  readonly #licenceNumbers = new Map([['unknown', 0]]);
  readonly #absent: number;

  /** @param absent faults of a row that the sidecar does not have */
  constructor(absent: number) {
    this.#absent = absent;
  }

  /** @returns its entry; a new one is of a row that the sidecar does not have */
  entryOf(digest: Digest): number {
    return this.#entryOf(Buffer.from(digest.slice(7, 7 + 2 * nameBytes), 'hex'));
  }

  #entryOf(name: Buffer): number {
    const { entry, isNew } = this.#table.add(name);
    if (!isNew) return entry;
    if ((entry + 1) * nameBytes > this.#names.length) this.#names = Buffer.concat([this.#names, Buffer.alloc(this.#names.length)]);
    name.copy(this.#names, entry * nameBytes, 0, nameBytes);
    this.#table.set(entry, faultsWord, this.#absent << 1);
    return entry;
  }

  faults(entry: number): number {
    return this.#table.get(entry, faultsWord) >>> 1;
  }

  /** Does the sidecar have it? */
  isThere(entry: number): boolean {
    return (this.#table.get(entry, faultsWord) & 1) === 1;
  }

  licence(entry: number): string {
    return this.#licences[this.#table.get(entry, licenceWord)] ?? 'unknown';
  }

  /** What the sidecar says of it. */
  set(entry: number, faults: number, licence: string): void {
    this.#table.set(entry, faultsWord, (faults << 1) | 1);
    this.#table.set(entry, licenceWord, this.#numberOf(licence));
  }

  /** The sidecar has it no more. */
  unset(entry: number): void {
    this.#table.set(entry, faultsWord, this.#absent << 1);
    this.#table.set(entry, licenceWord, 0);
  }

  count(entry: number): number {
    return this.#table.get(entry, countWord);
  }

  /** So many rows of the data more (or, below zero, fewer) say so. */
  addCount(entry: number, by: number): void {
    this.#table.set(entry, countWord, this.count(entry) + by);
  }

  #numberOf(licence: string): number {
    const known = this.#licenceNumbers.get(licence);
    if (known !== undefined) return known;
    this.#licenceNumbers.set(licence, this.#licences.length);
    return this.#licences.push(licence) - 1;
  }

  /** rows of the data, those of them that the sidecar has, and how many have which licences */
  tally(): { readonly rows: number; readonly known: number; readonly licences: ReadonlyMap<string, number> } {
    const byNumber = new Float64Array(this.#licences.length);
    let [rows, known] = [0, 0];
    for (let entry = 0; entry < this.#table.size; entry += 1) {
      const count = this.count(entry);
      if (count === 0) continue;
      rows += count;
      if (this.isThere(entry)) known += count;
      const number = this.#table.get(entry, licenceWord);
      byNumber[number] = (byNumber[number] ?? 0) + count;
    }
    return {
      rows,
      known,
      licences: new Map(this.#licences.flatMap((name, at) => ((byNumber[at] ?? 0) > 0 ? [[name, byNumber[at] ?? 0] as const] : []))),
    };
  }

  /** @param beside what is kept with it */
  toBytes(beside: { readonly sidecar: KnownSidecar; readonly flagged: readonly FlaggedPlace[] }): Buffer {
    const head = Buffer.from(JSON.stringify({ ...beside, licences: this.#licences, size: this.#table.size }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    const values = Buffer.alloc(this.#table.size * words * 4);
    for (let entry = 0; entry < this.#table.size; entry += 1)
      for (let word = 0; word < words; word += 1) values.writeUInt32LE(this.#table.get(entry, word), (entry * words + word) * 4);
    return Buffer.concat([length, head, this.#names.subarray(0, this.#table.size * nameBytes), values]);
  }

  /** @param bytes that `toBytes` made; the memory of checks vouches for them */
  static fromBytes(bytes: Buffer, absent: number): { readonly known: KnownRows; readonly sidecar: KnownSidecar; readonly flagged: FlaggedPlace[] } {
    const end = 4 + bytes.readUInt32LE(0);
    const head = JSON.parse(bytes.toString('utf8', 4, end)) as { sidecar: KnownSidecar; flagged: FlaggedPlace[]; licences: string[]; size: number };
    const known = new KnownRows(absent);
    for (const licence of head.licences) known.#numberOf(licence);
    const values = end + head.size * nameBytes;
    for (let at = 0; at < head.size; at += 1) {
      const entry = known.#entryOf(bytes.subarray(end + at * nameBytes, end + (at + 1) * nameBytes));
      for (let word = 0; word < words; word += 1) known.#table.set(entry, word, bytes.readUInt32LE(values + (at * words + word) * 4));
    }
    return { known, sidecar: head.sidecar, flagged: head.flagged };
  }
}
