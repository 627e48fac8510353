// An index of values as a memory keeps it: what is asked of it costs what is asked, not what it holds. Its entries lie in blocks, sorted by digest, 16 bytes of
// a digest and the number of the row; beside them stand the first word of each block and the values that several rows have.
//
//   head: u32 entries, u32 different values, u32 groups, for each block u32: first word of its first entry; for each group: digest (16 bytes), u32 rows, u32 each
import { blockBytes, type Blocks } from '../memory.ts';
import type { ValueIndex, Values } from './value-index.ts';

const entryBytes = 20;
const inBlock = blockBytes / entryBytes;
const headWords = 3;

/** @returns head: to be read as a whole; entries: for blocks, of which each index begins with a new one */
export function encodeKeptIndex(index: ValueIndex): { readonly head: Buffer; readonly entries: Buffer } {
  const { size, distinct } = index;
  const found = index.entries();
  const entries = new Uint32Array((blocksFor(size) * blockBytes) / 4);
  entries.set(found);
  const fences = Uint32Array.from({ length: blocksFor(size) }, (_, block) => found[(block * blockBytes) / 4] as number);
  const groups = [...index.groups()].map(({ name, rows }) => Buffer.concat([Buffer.from(name, 'latin1'), wordsAsBytes([rows.length, ...rows])]));
  return { head: Buffer.concat([wordsAsBytes([size, distinct, groups.length]), asBytes(fences), ...groups]), entries: asBytes(entries) };
}

export class KeptIndex implements Values {
  readonly size: number;
  readonly distinct: number;
  readonly #head: Buffer;
  readonly #blocks: Blocks;
  readonly #first: number;
  /** blocks of this index */
  readonly count: number;

  /** @param first number of its first block @throws an Error: these bytes are no head, or there are not as many blocks */
  constructor(head: Buffer, blocks: Blocks, first: number) {
    this.size = head.readUInt32LE(0);
    this.distinct = head.readUInt32LE(4);
    this.count = blocksFor(this.size);
    this.#head = head;
    this.#blocks = blocks;
    this.#first = first;
    if ((first + this.count) * blockBytes > blocks.bytes) throw new Error('an index whose entries are not there');
    let end = (headWords + this.count) * 4;
    for (let group = head.readUInt32LE(8); group > 0; group -= 1) end += 20 + head.readUInt32LE(end + 16) * 4;
    if (end !== head.length) throw new Error('an index of values that was cut');
  }

  *groups(): Generator<{ readonly name: string; readonly rows: number[] }> {
    let at = (headWords + this.count) * 4;
    for (let group = this.#head.readUInt32LE(8); group > 0; group -= 1) {
      const name = this.#head.toString('latin1', at, at + 16);
      const rows = Array.from({ length: this.#head.readUInt32LE(at + 16) }, (_, nth) => this.#head.readUInt32LE(at + 20 + nth * 4));
      yield { name, rows };
      at += 20 + rows.length * 4;
    }
  }

  /** @throws TornMemory */
  rowsOf(name: Buffer): number[] {
    const word = name.readUInt32LE(0);
    const rows: number[] = [];
    for (let block = this.#firstBlock(word); block < this.count && (this.#fence(block) <= word || block === 0); block += 1) {
      const bytes = this.#blocks.read(this.#first + block);
      const entries = Math.min(inBlock, this.size - block * inBlock);
      for (let at = 0; at < entries * entryBytes; at += entryBytes) {
        if (bytes.readUInt32LE(at) === word && bytes.compare(name, 0, 16, at, at + 16) === 0) rows.push(bytes.readUInt32LE(at + 16));
      }
    }
    return rows.toSorted((a, b) => a - b);
  }

  /** The last one that begins below the word: entries with it may stand there. */
  #firstBlock(word: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#fence(middle) < word) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #fence(block: number): number {
    return this.#head.readUInt32LE((headWords + block) * 4);
  }
}

function blocksFor(size: number): number {
  return Math.ceil(size / inBlock);
}

function wordsAsBytes(words: ArrayLike<number>): Buffer {
  return asBytes(Uint32Array.from(words));
}

function asBytes(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
