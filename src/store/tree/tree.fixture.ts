// Nodes in memory, and trees made of lists.
import { digestOf, type Digest } from '../../base/digest.ts';
import { createFileTreeBuilder } from './file-builder.ts';
import { compareUtf8 } from './keys.ts';
import { createRowTreeBuilder } from './row-builder.ts';
import type { FileEntry, PlacedChunk, RowChunk, TreeSummary } from './tree.ts';

export class Nodes {
  readonly byDigest = new Map<Digest, Uint8Array>();
  /** nodes that were read, in order */
  reads: Digest[] = [];

  keep = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    this.byDigest.set(digest, bytes);
    return digest;
  };

  read = async (digest: Digest): Promise<Uint8Array> => {
    this.reads.push(digest);
    const bytes = this.byDigest.get(digest);
    if (bytes === undefined) throw new Error(`no node ${digest}`);
    return bytes;
  };

  /** @param entries in any order */
  files(entries: Iterable<FileEntry>): TreeSummary {
    const builder = createFileTreeBuilder(this.keep);
    for (const entry of [...entries].toSorted((a, b) => compareUtf8(a.path, b.path))) builder.add(entry);
    return builder.finish();
  }

  rows(chunks: Iterable<RowChunk>): TreeSummary {
    const builder = createRowTreeBuilder(this.keep);
    for (const chunk of chunks) builder.add(chunk);
    return builder.finish();
  }
}

export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export function fileOf(path: string, content: string | number = 0): FileEntry {
  const text = `${path} ${content}`;
  return { path, digest: digestOf(text), bytes: text.length * 1000, executable: text.length % 3 === 0 };
}

/** @param count names as a folder of images has them */
export function manyFiles(count: number): FileEntry[] {
  return Array.from({ length: count }, (_, at) => fileOf(`train/${String(at % 97).padStart(2, '0')}/image-${String(at).padStart(7, '0')}.jpg`));
}

export function chunkOf(content: string | number, keys: RowChunk['keys'] = null): RowChunk {
  const text = String(content);
  return { digest: digestOf(text), bytes: 8000 + text.length, rows: 40 + text.length, keys };
}

export function manyChunks(count: number, name = 'chunk'): RowChunk[] {
  const key = (at: number): string => `key-${String(at * 40).padStart(9, '0')}`;
  return Array.from({ length: count }, (_, at) => chunkOf(`${name} ${at}`, { first: key(at), last: key(at + 1) }));
}

export function place(chunks: readonly RowChunk[]): PlacedChunk[] {
  let [offset, row] = [0, 0];
  return chunks.map((chunk) => {
    const placed = { ...chunk, offset, row };
    offset += chunk.bytes;
    row += chunk.rows;
    return placed;
  });
}
