// Some rows of a version, spread evenly over it: one of each of N stretches of equal length. The same seed gives the same rows.
import { hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { digestOf, type Digest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { chunksOfRows, walkChunks } from '../store/tree/row-walk.ts';
import type { PlacedChunk } from '../store/tree/tree.ts';
import { csvLine, parseCsvText } from './csv-text.ts';
import { skipByteOrderMark } from './encoding.ts';
import type { RowsManifest } from './manifest.ts';
import { readRowBatches } from './rows.ts';

export interface SampleOptions {
  /** how many; all where there are no more */
  readonly rows: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Numbers of the rows of a sample, from 0, ascending. */
export function pickRows(all: number, { rows, seed }: Pick<SampleOptions, 'rows' | 'seed'>): number[] {
  if (rows >= all) return Array.from({ length: all }, (_, row) => row);
  return Array.from({ length: rows }, (_, at) => {
    const [start, end] = [Math.floor((at * all) / rows), Math.floor(((at + 1) * all) / rows)];
    return start + (hash('sha256', `${seed}:${at}`, 'buffer').readUIntBE(0, 6) % (end - start));
  });
}

/**
 * The text of a sample, line by line: lines of JSONL as they stand in the file; of a CSV the header and records; of Parquet rows as JSON.
 * The file of the version is fetched as a whole where only the remote has it; of its bytes only chunks with rows of the sample are read.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
export async function* sampleRows(
  store: Pick<Store, 'pathOf' | 'readBytes'>,
  manifest: RowsManifest,
  options: SampleOptions,
): AsyncGenerator<string> {
  const picked = pickRows(manifest.rows, options);
  const path = await store.pathOf(manifest.content);
  if (manifest.tree === undefined) {
    yield* sampleWithoutTree(path, manifest, picked, options.signal);
    return;
  }
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    let next = 0;
    if (manifest.format === 'csv') yield (await headerOf(store, manifest.tree, handle)) ?? '';
    for await (const chunk of chunksWith(store, manifest.tree, picked, manifest.rows)) {
      options.signal?.throwIfAborted();
      if ((picked[next] ?? Number.POSITIVE_INFINITY) >= chunk.row + chunk.rows) continue;
      const lines = linesOf(await readChunk(handle, chunk), manifest.format === 'csv', chunk.offset === 0);
      for (; (picked[next] ?? Number.POSITIVE_INFINITY) < chunk.row + chunk.rows; next += 1) yield lines[(picked[next] as number) - chunk.row] ?? '';
    }
  } finally {
    await handle.close();
  }
}

/** Below one row of so many, each is looked up in the tree; else all chunks are walked through. */
const fewOf = 2000;

async function* chunksWith(store: Pick<Store, 'readBytes'>, tree: Digest, picked: readonly number[], all: number): AsyncGenerator<PlacedChunk> {
  const read = (digest: Digest): Promise<Uint8Array> => store.readBytes(digest);
  if (picked.length * fewOf > all) {
    yield* walkChunks(read, tree);
    return;
  }
  let known = 0;
  for (const row of picked) {
    if (row < known) continue;
    for await (const chunk of chunksOfRows(read, tree, { start: row, end: row + 1 })) {
      yield chunk;
      known = chunk.row + chunk.rows;
    }
  }
}

async function headerOf(store: Pick<Store, 'readBytes'>, tree: Digest, handle: FileHandle): Promise<string | undefined> {
  for await (const chunk of walkChunks((digest) => store.readBytes(digest), tree)) {
    const bytes = await readChunk(handle, chunk);
    return parseCsvText(bytes.toString('utf8', skipByteOrderMark(bytes, '')))
      ?.slice(0, 1)
      .map(csvLine)[0];
  }
  return undefined;
}

async function readChunk(handle: FileHandle, chunk: PlacedChunk): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(chunk.bytes);
  const { bytesRead } = await handle.read(bytes, 0, chunk.bytes, chunk.offset);
  if (bytesRead === chunk.bytes && digestOf(bytes) === chunk.digest) return bytes;
  throw new PlumbError('MANIFEST_INVALID', {
    what: 'the tree of rows of a data set is not that of its file',
    mend: 'the version was not made by Plumbline: add the data anew where it came from',
  });
}

/** One line for each row of a chunk. */
function linesOf(chunk: Buffer, isCsv: boolean, begins: boolean): string[] {
  const text = chunk.toString('utf8', begins ? skipByteOrderMark(chunk, '') : 0);
  if (isCsv) return (parseCsvText(text) ?? []).slice(begins ? 1 : 0).map(csvLine);
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => `${line}\n`);
}

async function* sampleWithoutTree(path: string, manifest: RowsManifest, picked: readonly number[], signal?: AbortSignal): AsyncGenerator<string> {
  let next = 0;
  let header = manifest.format === 'csv';
  for await (const batch of readRowBatches(path, manifest.format, signal === undefined ? {} : { signal })) {
    for (const { row, value } of batch) {
      if (header) yield csvLine(Object.keys(value));
      header = false;
      if (row - 1 !== picked[next]) continue;
      next += 1;
      yield manifest.format === 'csv' ? csvLine(Object.values(value) as string[]) : `${JSON.stringify(value)}\n`;
    }
    if (next === picked.length) return;
  }
}
