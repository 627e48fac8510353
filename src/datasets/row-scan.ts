// One pass over a file of rows: hashed, cut into chunks, checked, and told as a tree. This thread reads, hashes and cuts; others parse what no
// earlier pass has parsed. What it finds wrong it does not explain: whoever asked reads the rows one by one then (row-check.ts), to the first bad one.
import { availableParallelism } from 'node:os';
import { createHash, hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { systemError } from '../base/errors.ts';
import { createRowCutter, type RowCutter } from '../store/chunk/rows.ts';
import type { KeepNode } from '../store/tree/tree.ts';
import { parseCsvText } from './csv-text.ts';
import type { KnownFacts } from './facts-file.ts';
import { blockBytes, bufferBytes, FileBlocks } from './file-blocks.ts';
import { maxRowBytes } from './jsonl.ts';
import { createFactsPool, createFactsReader, type FactsReader } from './row-facts-pool.ts';
import type { Facts, RowsContext } from './row-facts.ts';
import { ScanResult, type Chunk, type RowScan } from './row-scan-result.ts';

export type { RowScan } from './row-scan-result.ts';

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
    try {
      return await scan.run(handle);
    } finally {
      await scan.close();
    }
  } catch (error) {
    throw systemError(error, 'read', path);
  } finally {
    await handle.close();
  }
}

/** Chunks of one block, in order, and what was asked about them. */
interface Batch {
  readonly chunks: readonly Chunk[];
  /** of the chunks that are not known; null: something is wrong in them */
  readonly facts: Promise<Facts | null>;
}

class Scan {
  readonly #options: ScanOptions;
  readonly #threads: number;
  readonly #cutter: RowCutter;
  readonly #content = createHash('sha256');
  readonly #buffers: ArrayBuffer[] = [];
  readonly #batches: Batch[] = [];
  readonly #result: ScanResult;
  #pool: FactsReader | null = null;
  #known: KnownFacts | null = null;
  #context: RowsContext | null = null;
  #bytes = 0;
  #parsed = 0;

  constructor(options: ScanOptions, size: number) {
    this.#options = options;
    this.#cutter = createRowCutter({ quoted: options.format === 'csv' });
    this.#threads = size < worthThreads ? 0 : Math.min(mostThreads, Math.max(1, availableParallelism() - 1));
    this.#result = new ScanResult(options);
  }

  async close(): Promise<void> {
    for (const { facts } of this.#batches) facts.catch(() => undefined);
    await this.#pool?.close();
  }

  async run(handle: FileHandle): Promise<RowScan | null> {
    const blocks = new FileBlocks(handle, this.#buffers);
    try {
      return (await this.#readAll(blocks)) ? this.#end() : null;
    } finally {
      await blocks.stop();
    }
  }

  async #readAll(blocks: FileBlocks): Promise<boolean> {
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
    if (answer.bytes.byteLength === bufferBytes) this.#buffers.push(answer.bytes);
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
