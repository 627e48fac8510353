// One pass over a file of rows: hashed, cut into chunks, checked, and told as a tree. This thread reads, hashes and cuts; others parse what no
// earlier pass has parsed. What it finds wrong it does not explain: whoever asked reads the rows one by one then (row-check.ts), to the first bad one.
import { availableParallelism } from 'node:os';
import { createHash, hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { systemError } from '../base/errors.ts';
import { createRowCutter, type RowCutter } from '../store/chunk/rows.ts';
import { createRowTreeBuilder, type RowTreeBuilder } from '../store/tree/row-builder.ts';
import type { KeepNode, TreeSummary } from '../store/tree/tree.ts';
import { parseCsvText } from './csv-text.ts';
import { FactsFile, type ChunkFacts, type KnownFacts } from './facts-file.ts';
import { hasTwice } from './key-fingerprint.ts';
import { LabelNumbers, type LabelCounts } from './class-balance.ts';
import { WordList } from './word-list.ts';
import { maxRowBytes } from './jsonl.ts';
import { createFactsPool, createFactsReader, type Facts, type FactsReader } from './row-facts-pool.ts';
import type { RowsContext } from './row-facts.ts';
import { SchemaInference, type Summary } from './schema-inference.ts';

export interface ScanOptions {
  readonly format: 'jsonl' | 'csv';
  readonly key: string | null;
  readonly label: string | null;
  /** facts of chunks that need not be parsed */
  readonly known: (context: string) => Promise<KnownFacts | null>;
  readonly keepNode: KeepNode;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface RowScan {
  readonly digest: Digest;
  readonly bytes: number;
  readonly rows: number;
  readonly schema: Record<string, string>;
  readonly tree: TreeSummary;
  /** two keys have one fingerprint: they are one key, or, once in millions of files, they are not */
  readonly doubtful: boolean;
  /** rows of each label; null: no label column, or more labels than anybody counts */
  readonly labels: LabelCounts | null;
  /** Keeps what was learned of the chunks for the next pass. */
  writeFacts(path: string): Promise<void>;
  /** that were parsed; the other chunks were known */
  readonly parsedBytes: number;
}

const blockBytes = 1 << 19;
/** Room before a block for what the block before left over; more is rare. */
const reserve = 1 << 17;
/** Beside this thread, which has as much to do as one and a half of them. */
const mostThreads = 3;
/** Below this a thread has not started before all is done. */
const worthThreads = 4 << 20;

/**
 * @returns null: something is wrong in the rows
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE
 */
export async function scanRows(path: string, options: ScanOptions): Promise<RowScan | null> {
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    const scan = new Scan(options, (await handle.stat()).size);
    return await scan.run(handle).finally(() => scan.close());
  } catch (error) {
    throw systemError(error, 'read', path);
  } finally {
    await handle.close();
  }
}

interface Chunk {
  readonly digest: Buffer;
  readonly bytes: number;
  /** null: it is asked for */
  readonly known: ChunkFacts | null;
}

/** Chunks of one block, in order, and what was asked about them. */
interface Batch {
  readonly chunks: readonly Chunk[];
  /** of the chunks that are not known; null: something is wrong in them */
  readonly facts: Promise<Facts | null>;
}

/** A file in blocks, each in a buffer of its own behind what was left over of the one before. The next one is read while a block is at work. */
class Blocks {
  readonly #handle: FileHandle;
  /** that are free again */
  readonly #buffers: ArrayBuffer[];
  #ahead: Promise<Buffer>;

  constructor(handle: FileHandle, buffers: ArrayBuffer[]) {
    this.#handle = handle;
    this.#buffers = buffers;
    this.#ahead = this.#read();
  }

  async next(rest: Uint8Array): Promise<{ bytes: Buffer; ended: boolean }> {
    let block = await this.#take();
    if (rest.length <= reserve) {
      const bytes = Buffer.from(block.buffer, reserve - rest.length, rest.length + block.length);
      bytes.set(rest);
      return { bytes, ended: block.length < blockBytes };
    }
    // a row of many blocks: as much again is read at once, so that its bytes are copied a few times and not hundreds
    const parts: Uint8Array[] = [rest, block];
    for (let bytes = block.length; block.length === blockBytes && bytes < rest.length; bytes += block.length) {
      block = await this.#take();
      parts.push(block);
    }
    return { bytes: Buffer.concat(parts), ended: block.length < blockBytes };
  }

  async #take(): Promise<Buffer> {
    const block = await this.#ahead;
    if (block.length === blockBytes) this.#ahead = this.#read();
    return block;
  }

  async #read(): Promise<Buffer> {
    const buffer = Buffer.from(this.#buffers.pop() ?? new ArrayBuffer(reserve + blockBytes), reserve);
    let filled = 0;
    while (filled < blockBytes) {
      const { bytesRead } = await this.#handle.read(buffer, filled, blockBytes - filled, null);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** Waits for what is being read: then the file may be closed. */
  async stop(): Promise<void> {
    await this.#ahead.catch(() => undefined);
  }
}

class Scan {
  readonly #options: ScanOptions;
  readonly #threads: number;
  readonly #cutter: RowCutter;
  readonly #content = createHash('sha256');
  readonly #buffers: ArrayBuffer[] = [];
  readonly #batches: Batch[] = [];
  readonly #result: Result;
  #pool: FactsReader | null = null;
  #known: KnownFacts | null = null;
  #context: RowsContext | null = null;
  #bytes = 0;
  #parsed = 0;

  constructor(options: ScanOptions, size: number) {
    this.#options = options;
    this.#cutter = createRowCutter({ quoted: options.format === 'csv' });
    this.#threads = size < worthThreads ? 0 : Math.min(mostThreads, Math.max(1, availableParallelism() - 1));
    this.#result = new Result(options);
  }

  async close(): Promise<void> {
    for (const { facts } of this.#batches) facts.catch(() => undefined);
    await this.#pool?.close();
  }

  async run(handle: FileHandle): Promise<RowScan | null> {
    const blocks = new Blocks(handle, this.#buffers);
    try {
      return (await this.#readAll(blocks)) ? this.#end() : null;
    } finally {
      await blocks.stop();
    }
  }

  async #readAll(blocks: Blocks): Promise<boolean> {
    let rest: Uint8Array = new Uint8Array(0);
    for (let ended = false; !ended;) {
      this.#options.signal?.throwIfAborted();
      const block = await blocks.next(rest);
      const fresh = block.bytes.subarray(rest.length);
      this.#content.update(fresh);
      this.#bytes += fresh.length;
      this.#options.onBytes?.(fresh.length);
      ended = block.ended;
      const ends = this.#cutter.cut(block.bytes, ended);
      rest = Uint8Array.prototype.slice.call(block.bytes, ends.at(-1) ?? 0);
      if (rest.length > maxRowBytes || !(await this.#ask(block.bytes, ends))) return false;
      while (this.#batches.length > 2 * this.#threads) if (!(await this.#settle())) return false;
    }
    while (this.#batches.length > 0) if (!(await this.#settle())) return false;
    return true;
  }

  #end(): RowScan {
    const digest: Digest = `sha256:${this.#content.digest('hex')}`;
    return this.#result.end({ digest, bytes: this.#bytes, context: JSON.stringify(this.#context), parsedBytes: this.#parsed });
  }

  /** Hashes the chunks of a block, and asks for what is not known of them. @returns false: something is wrong */
  async #ask(bytes: Buffer, ends: readonly number[]): Promise<boolean> {
    if (ends.length === 0) return true;
    const first = this.#context === null;
    if (first && !(await this.#begin(bytes.subarray(0, ends[0])))) return false;
    const chunks: Chunk[] = [];
    const unknown: [number, number][] = [];
    let start = 0;
    for (const end of ends) {
      const digest = hash('sha256', bytes.subarray(start, end), 'buffer');
      // the first chunk is always read: what a file begins with (a mark, a header) is no row
      const known = first && start === 0 ? null : (this.#known?.find(digest) ?? null);
      chunks.push({ digest, bytes: end - start, known });
      if (known === null) {
        unknown.push([bytes.byteOffset + start, bytes.byteOffset + end]);
        this.#parsed += end - start;
      }
      start = end;
    }
    this.#batches.push({ chunks, facts: this.#read(bytes.buffer as ArrayBuffer, unknown, first) });
    return true;
  }

  async #read(buffer: ArrayBuffer, ends: readonly [number, number][], first: boolean): Promise<Facts | null> {
    const answer = ends.length === 0 ? { bytes: buffer, facts: noFacts } : await this.#readerFor(ends).read({ bytes: buffer, ends, first });
    if (answer.bytes.byteLength === reserve + blockBytes) this.#buffers.push(answer.bytes);
    return answer.facts;
  }

  /** Where most is known, what is left is read here sooner than a thread could take it. */
  #readerFor(ends: readonly [number, number][]): FactsReader {
    const context = this.#context as RowsContext;
    const bytes = ends.reduce((sum, [start, end]) => sum + end - start, 0);
    if (this.#threads === 0 || bytes < blockBytes / 4) return createFactsReader(context);
    return (this.#pool ??= createFactsPool(context, this.#threads));
  }

  /** Knows with the first chunk how rows are read. */
  async #begin(chunk: Buffer): Promise<boolean> {
    const { format, key, label } = this.#options;
    let context: RowsContext = { format, key, label, columns: null };
    if (format === 'csv') {
      const columns = parseCsvText(chunk.toString('utf8').replace(/^\ufeff/, ''))?.[0];
      if (columns === undefined || new Set(columns).size < columns.length) return false;
      this.#result.columns = columns;
      context = { ...context, columns };
    }
    this.#context = context;
    this.#known = await this.#options.known(JSON.stringify(context));
    this.#result.knows(this.#known?.labels ?? []);
    return true;
  }

  /** Waits for the oldest batch and takes it in. */
  async #settle(): Promise<boolean> {
    const [batch] = this.#batches;
    const facts = await batch?.facts;
    if (batch === undefined || facts === null || facts === undefined) return false;
    this.#batches.shift();
    return this.#result.take(batch.chunks, facts);
  }
}

const noFacts: Facts = { rows: [], schemas: [], keys: [], fingerprints: new Uint32Array(0), labels: [], labelled: new Uint32Array(0) };

/** What comes out, chunk by chunk in the order of the file. */
class Result {
  /** of the header of a CSV */
  columns: readonly string[] | null = null;
  readonly #inference = new SchemaInference();
  readonly #parsedSummaries = new Map<string, Summary>();
  readonly #words = { fingerprints: new WordList(), labelled: new WordList() };
  readonly #labels: LabelNumbers | null;
  readonly #tree: RowTreeBuilder;
  readonly #facts = new FactsFile(this.#words);
  /** words that a row has of each kind */
  readonly #perRow: { readonly fingerprints: 0 | 2; readonly labelled: 0 | 1 };
  #knownLabels: Uint32Array = new Uint32Array(0);
  #rows = 0;

  constructor({ key, label, keepNode }: Pick<ScanOptions, 'key' | 'label' | 'keepNode'>) {
    this.#tree = createRowTreeBuilder(keepNode);
    this.#labels = label === null ? null : new LabelNumbers();
    this.#perRow = { fingerprints: key === null ? 0 : 2, labelled: label === null ? 0 : 1 };
  }

  /** Facts that are known name labels by their place in this list. */
  knows(labels: readonly string[]): void {
    this.#knownLabels = this.#labels?.numbersOf(labels) ?? this.#knownLabels;
  }

  take(chunks: readonly Chunk[], found: Facts): boolean {
    const labels = this.#labels?.numbersOf(found.labels) ?? this.#knownLabels;
    let index = 0;
    let row = 0;
    for (const { known, ...chunk } of chunks) {
      if (known !== null) {
        if (!this.#takeChunk(chunk, known, this.#knownLabels)) return false;
        continue;
      }
      const rows = found.rows[index] as number;
      const partOf = (words: Uint32Array, perRow: number): Uint32Array => words.subarray(row * perRow, (row + rows) * perRow);
      const facts: ChunkFacts = {
        rows,
        summary: found.schemas[index] as string,
        keys: found.keys[index] ?? null,
        fingerprints: partOf(found.fingerprints, this.#perRow.fingerprints),
        labelled: partOf(found.labelled, this.#perRow.labelled),
      };
      if (!this.#takeChunk(chunk, facts, labels)) return false;
      index += 1;
      row += rows;
    }
    return true;
  }

  /** @param labels numbers of the labels that the facts name */
  #takeChunk({ digest, bytes }: Omit<Chunk, 'known'>, facts: ChunkFacts, labels: Uint32Array): boolean {
    const { rows, keys } = facts;
    this.#rows += rows;
    if (facts.summary !== '') {
      try {
        this.#inference.join(this.#summaryOf(facts.summary), rows);
      } catch {
        return false; // too many columns
      }
    }
    this.#words.fingerprints.push(facts.fingerprints);
    if (this.#labels !== null) this.#words.labelled.push(this.#labels.count(facts.labelled, labels));
    this.#tree.add({ digest: `sha256:${digest.toString('hex')}`, bytes, rows, keys });
    this.#facts.add(digest, facts);
    return true;
  }

  #summaryOf(text: string): Summary {
    const known = this.#parsedSummaries.get(text);
    if (known !== undefined) return known;
    const summary = JSON.parse(text) as Summary;
    if (this.#parsedSummaries.size < 1000) this.#parsedSummaries.set(text, summary);
    return summary;
  }

  end({ context, ...file }: { digest: Digest; bytes: number; context: string; parsedBytes: number }): RowScan {
    const labels = this.#labels?.counts ?? null;
    if (labels === null && this.#labels !== null) this.#facts.forget();
    return {
      ...file,
      rows: this.#rows,
      schema: this.columns === null ? this.#inference.schema() : textColumns(this.columns),
      tree: this.#tree.finish(),
      doubtful: hasTwice(this.#words.fingerprints),
      labels,
      writeFacts: (path) => this.#facts.write(path, context, this.#labels?.texts ?? []),
    };
  }
}

function textColumns(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.toSorted().map((name) => [name, 'string']));
}
