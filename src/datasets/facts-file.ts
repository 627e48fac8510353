// What is known of the rows of one data set, chunk by chunk, so that a chunk that was read once is not read again: names and types of its
// columns, fingerprints and range of its keys. Of this machine only, and disposable: what does not read as it was written is as good as not there.
//
//   "PLROWS1\n", u32 length of the head, head: JSON { rules, context, chunks, words, labelled, texts, summaries, labels }, padded to 4 bytes
//   columns: 32-byte digest[chunks], u32 rows[chunks], u32 summary[chunks], u32 length of the first key[chunks], u32 of the last[chunks],
//            u32 fingerprint[words], u32 number of a row's label[labelled]
//   key texts, one behind the other; SHA-256 of all before
//
// Numbers are in the byte order of the machine.
import { createHash, hash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import type { WordList } from './word-list.ts';

/** Changes whenever what a chunk must fulfil, or what is kept of it, changes: then nothing of before counts. */
const rules = 2;
const magic = Buffer.from('PLROWS1\n');
/** Larger files are not kept: fingerprints of 8 M rows are 64 MB. */
const mostRows = 8_000_000;
const mostChunks = 1_000_000;
/** More ways than this that chunks differ in their columns, and the list of them is a copy of the data. */
const mostSummaries = 10_000;

export interface ChunkFacts {
  readonly rows: number;
  readonly summary: string;
  readonly keys: { readonly first: string; readonly last: string } | null;
  /** two words a row; empty without a key */
  readonly fingerprints: Uint32Array;
  /** for each row, which of the labels it has; empty without a label column */
  readonly labelled: Uint32Array;
}

/** Facts of the version that was added last. */
export interface KnownFacts {
  readonly labels: readonly string[];
  /** @param digest 32 bytes */
  find(digest: Buffer): ChunkFacts | null;
}

interface Head {
  readonly rules: number;
  /** how the rows were read: facts of another reading say nothing */
  readonly context: string;
  readonly chunks: number;
  readonly words: number;
  readonly labelled: number;
  readonly texts: number;
  readonly summaries: readonly string[];
  readonly labels: readonly string[];
}

/** @param context what the rows were read with, as text: facts of another reading are none */
export async function readFactsFile(path: string, context: string): Promise<KnownFacts | null> {
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null || bytes.length < magic.length + 36 || !bytes.subarray(0, magic.length).equals(magic)) return null;
  const body = bytes.subarray(0, -32);
  if (!hash('sha256', body, 'buffer').equals(bytes.subarray(-32))) return null;
  const headEnd = magic.length + 4 + bytes.readUInt32LE(magic.length);
  const head = JSON.parse(body.toString('utf8', magic.length + 4, headEnd)) as Head;
  return head.rules === rules && head.context === context ? new FoundFacts(body, headEnd, head) : null;
}

class FoundFacts implements KnownFacts {
  readonly #head: Head;
  readonly #digests: Buffer;
  readonly #texts: Buffer;
  /** rows, summary, length of the first key, of the last: a column each */
  readonly #columns: readonly Uint32Array[];
  readonly #words: Uint32Array;
  readonly #labelled: Uint32Array;
  /** behind the last row, and behind the last byte of text, of each chunk */
  readonly #rowEnds: Float64Array;
  readonly #textEnds: Float64Array;
  /** slot -> chunk + 1, 0 where free */
  readonly #slots: Int32Array;

  constructor(body: Buffer, headEnd: number, head: Head) {
    let at = headEnd;
    const take = (bytes: number): Buffer => body.subarray(at, (at += bytes));
    const words = (count: number): Uint32Array => {
      const part = take(count * 4);
      return part.byteOffset % 4 === 0
        ? new Uint32Array(part.buffer, part.byteOffset, count)
        : new Uint32Array(part.buffer.slice(part.byteOffset, part.byteOffset + count * 4));
    };
    this.#head = head;
    this.#digests = take(head.chunks * 32);
    this.#columns = Array.from({ length: 4 }, () => words(head.chunks));
    this.#words = words(head.words);
    this.#labelled = words(head.labelled);
    this.#texts = take(head.texts);
    this.#rowEnds = new Float64Array(head.chunks);
    this.#textEnds = new Float64Array(head.chunks);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(head.chunks * 2 + 2)));
    this.#fill();
  }

  #fill(): void {
    const mask = this.#slots.length - 1;
    let rowEnd = 0;
    let textEnd = 0;
    for (let chunk = 0; chunk < this.#head.chunks; chunk += 1) {
      this.#rowEnds[chunk] = rowEnd += this.#get(0, chunk);
      this.#textEnds[chunk] = textEnd += this.#get(2, chunk) + this.#get(3, chunk);
      let slot = this.#digests.readUInt32LE(chunk * 32) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = chunk + 1;
    }
  }

  #get(column: number, chunk: number): number {
    return this.#columns[column]?.[chunk] as number;
  }

  get labels(): readonly string[] {
    return this.#head.labels;
  }

  find(digest: Buffer): ChunkFacts | null {
    const mask = this.#slots.length - 1;
    for (let slot = digest.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const chunk = (this.#slots[slot] as number) - 1;
      if (chunk === -1) return null;
      if (digest.compare(this.#digests, chunk * 32, chunk * 32 + 32) === 0) return this.#factsOf(chunk);
    }
  }

  #factsOf(chunk: number): ChunkFacts {
    const rows = this.#get(0, chunk);
    const rowEnd = this.#rowEnds[chunk] as number;
    const textEnd = this.#textEnds[chunk] as number;
    const lastStart = textEnd - this.#get(3, chunk);
    const hasKeys = this.#head.words > 0 && rows > 0;
    return {
      rows,
      summary: this.#head.summaries[this.#get(1, chunk)] as string,
      keys: hasKeys
        ? { first: this.#texts.toString('utf8', lastStart - this.#get(2, chunk), lastStart), last: this.#texts.toString('utf8', lastStart, textEnd) }
        : null,
      fingerprints: this.#words.subarray((rowEnd - rows) * 2, rowEnd * 2), // of no words at all, none
      labelled: this.#labelled.subarray(rowEnd - rows, rowEnd),
    };
  }
}

/** What is kept of each row. */
export interface RowWords {
  /** two words a row, or none */
  readonly fingerprints: WordList;
  /** a word a row, or none */
  readonly labelled: WordList;
}

/** Gathers facts of a file's chunks, in order, and writes them in one go: about 60 bytes a chunk until then. */
export class FactsFile {
  #digests = new ByteList();
  #texts = new ByteList();
  #columns: [number[], number[], number[], number[]] = [[], [], [], []];
  readonly #summaries = new Map<string, number>();
  readonly #rows: RowWords;
  #tooLarge = false;

  /** @param rows words of the rows of all chunks, filled by whoever adds these */
  constructor(rows: RowWords) {
    this.#rows = rows;
  }

  /** @param digest 32 bytes */
  add(digest: Buffer, facts: Pick<ChunkFacts, 'rows' | 'summary' | 'keys'>): void {
    if (this.#tooLarge) return;
    let summary = this.#summaries.get(facts.summary);
    if (summary === undefined) this.#summaries.set(facts.summary, (summary = this.#summaries.size));
    const [first, last] = [Buffer.from(facts.keys?.first ?? ''), Buffer.from(facts.keys?.last ?? '')];
    const [rows, summaries, firsts, lasts] = this.#columns;
    rows.push(facts.rows);
    summaries.push(summary);
    firsts.push(first.length);
    lasts.push(last.length);
    this.#digests.push(digest);
    this.#texts.push(first);
    this.#texts.push(last);
    const { fingerprints, labelled } = this.#rows;
    if (Math.max(fingerprints.length / 2, labelled.length) > mostRows || rows.length > mostChunks || this.#summaries.size > mostSummaries)
      this.forget();
  }

  /** Nothing is to be kept: the file goes when it would be written. */
  forget(): void {
    this.#tooLarge = true;
    this.#digests = new ByteList();
    this.#texts = new ByteList();
    this.#columns = [[], [], [], []];
    this.#summaries.clear();
  }

  /** Puts the file in place of the one before. What cannot be written is not: the next add reads all rows again. */
  async write(path: string, context: string, labels: readonly string[]): Promise<void> {
    if (this.#tooLarge) return rm(path, { force: true }).catch(() => undefined);
    const temporary = temporaryBeside(path);
    try {
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(temporary, 'wx');
      try {
        await this.#writeTo(handle, context, labels);
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async #writeTo(handle: FileHandle, context: string, labels: readonly string[]): Promise<void> {
    const { fingerprints, labelled } = this.#rows;
    const texts = this.#texts.bytes;
    const head: Head = {
      rules,
      context,
      chunks: this.#columns[0].length,
      words: fingerprints.length,
      labelled: labelled.length,
      texts: texts.length,
      summaries: [...this.#summaries.keys()],
      labels,
    };
    const json = JSON.stringify(head);
    const padded = Buffer.from(json + ' '.repeat((4 - (Buffer.byteLength(json) % 4)) % 4));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(padded.length);
    const columns = this.#columns.map((column) => bytesOf(Uint32Array.from(column)));
    const state = createHash('sha256');
    const parts = [magic, length, padded, this.#digests.bytes, ...columns, ...[...fingerprints.pieces(), ...labelled.pieces()].map(bytesOf), texts];
    for (const part of parts) {
      state.update(part);
      await handle.writeFile(part);
    }
    await handle.writeFile(state.digest());
  }
}

/** Bytes that come in small pieces. */
class ByteList {
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  #length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  push(bytes: Buffer): void {
    while (this.#length + bytes.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += bytes.copy(this.#bytes, this.#length);
  }
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
