import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createChunker } from '../chunk/chunker.ts';
import { chunkSizes, type ChunkSizes } from '../chunk/policy.ts';
import { blockBytes, FileCutter } from './cut-file.ts';

const { signal } = new AbortController();

function newFile(bytes: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-cut-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'file'), bytes);
  return join(folder, 'file');
}

/** Bytes that are cut at many places, and nowhere the same. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

function chunksOf(bytes: Buffer, sizes: ChunkSizes): Buffer[] {
  const ends = [0, ...createChunker(sizes).push(bytes), bytes.length];
  return ends.slice(1).flatMap((end, at) => (end > ends[at]! ? [bytes.subarray(ends[at], end)] : []));
}

test('chunks of a file are those of its bytes, wherever its blocks end, one file after the other', async () => {
  const cutter = new FileCutter();
  for (const length of [0, 1, 100_000, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes + 777]) {
    const bytes = noise(length);
    const sizes = chunkSizes('bytes', Math.max(length, 100_000))!;
    // the size that is told decides how the file is read, not what comes out
    for (const told of [length, blockBytes + 1]) {
      const found: Buffer[] = [];
      const { bytes: total, whole } = await cutter.cut(
        { path: newFile(bytes), bytes: told, sizes },
        signal,
        (chunk) => void found.push(Buffer.from(chunk)),
      );
      expect(total).toBe(length);
      const expected = chunksOf(bytes, sizes);
      expect(found.length).toBe(expected.length);
      expect(found.every((chunk, at) => chunk.equals(expected[at]!))).toBe(true);
      if (whole !== null) expect(whole.equals(bytes)).toBe(true);
      expect(whole !== null).toBe(length > 0 && length <= blockBytes);
    }
  }
});

test('what its user throws ends the cutting, and so does a file that is not there', async () => {
  const cutter = new FileCutter();
  const sizes = chunkSizes('bytes', 100_000)!;
  const file = { path: newFile(noise(3 * blockBytes)), bytes: 3 * blockBytes, sizes };
  const refuse = () => Promise.reject(new Error('full'));
  await expect(cutter.cut(file, signal, refuse)).rejects.toThrow('full');
  await expect(cutter.cut({ ...file, path: `${file.path}-not` }, signal, refuse)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  await expect(cutter.cut(file, AbortSignal.abort(new Error('stopped')), refuse)).rejects.toThrow('stopped');
});
