// Reads a large file through while it is hashed and, where wanted, written elsewhere: the disk and the hash work at the same time.
import { createHash } from 'node:crypto';
import { read, write } from 'node:fs';
import { promisify } from 'node:util';
import type { Digest } from '../../base/digest.ts';
import type { Control } from './task.ts';

const readPiece = promisify(read);
const writePiece = promisify(write);

const pieceBytes = 1 << 20;

/**
 * @param source open for reading; read from its start
 * @param sink open for writing, or null: only hash
 * @returns digest and size of what was read, which is what was written
 */
export async function pump(source: number, sink: number | null, control: Control): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256');
  const buffers = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)] as const;
  let writing: Promise<void> | null = null;
  let reading = readPiece(source, buffers[0], 0, pieceBytes, 0);
  let bytes = 0;
  try {
    for (let turn = 0; ; turn ^= 1) {
      const { bytesRead } = await reading;
      // the other buffer is free when what it held is written
      await writing;
      if (bytesRead === 0) return { digest: `sha256:${hash.digest('hex')}`, bytes };
      control.throwIfAborted();
      const piece = buffers[turn as 0 | 1].subarray(0, bytesRead);
      const at = bytes;
      bytes += bytesRead;
      reading = readPiece(source, buffers[(turn ^ 1) as 0 | 1], 0, pieceBytes, bytes);
      if (sink !== null) writing = writeAll(sink, piece, at);
      // each is waited for in its turn; one that fails while the other is waited for is nobody's until then, and Node ends a process for that
      reading.catch(() => undefined);
      writing?.catch(() => undefined);
      hash.update(piece);
      control.told(bytesRead);
    }
  } finally {
    // whoever closes the files must find nobody at work in them
    await Promise.allSettled([reading, writing]);
  }
}

async function writeAll(file: number, piece: Buffer, at: number): Promise<void> {
  for (let done = 0; done < piece.length;) done += (await writePiece(file, piece, done, piece.length - done, at + done)).bytesWritten;
}
