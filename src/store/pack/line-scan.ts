// The lines of a file, as it streams by. A line is the bytes up to and with 0x0A; the last one may lack it.
import { open, type FileHandle } from 'node:fs/promises';
import { systemError } from '../../base/errors.ts';

const blockBytes = 4 * 1024 * 1024;
/** No text of rows has lines above this; what has is not looked at line by line. */
const longestLine = 16 * 1024 * 1024;

/** Opens a file for a while. @throws PlumbError FILE_MISSING, FILE_UNREADABLE */
export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    return await use(file);
  } catch (error) {
    throw systemError(error, 'read', path);
  } finally {
    await file.close();
  }
}

/** Bytes of a file from its beginning, block by block; a block is only good until the next is asked for. */
export async function* blocksOf(file: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafeSlow(blockBytes);
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(block, 0, blockBytes, at);
    if (bytesRead === 0) return;
    yield block.subarray(0, bytesRead);
    at += bytesRead;
  }
}

export interface SeenLine {
  /** of the whole buffer */
  readonly view: DataView;
  readonly bytes: Buffer;
}

/**
 * Shows each line of a file.
 * @param see gets a buffer and where in it the line lies, good until it returns; false stops
 * @returns false when it was stopped, or a line is longer than 16 MiB
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE; AbortError
 */
export function scanLines(path: string, signal: AbortSignal, see: (line: SeenLine, start: number, end: number) => boolean): Promise<boolean> {
  return withFile(path, async (file) => {
    let seen = seenLine(blockBytes);
    // bytes of a line that has begun, at the front of the buffer
    for (let held = 0; ;) {
      signal.throwIfAborted();
      if (held === seen.bytes.length) {
        if (held >= longestLine) return false;
        const larger = seenLine(held * 2);
        seen.bytes.copy(larger.bytes);
        seen = larger;
      }
      const { bytes } = seen;
      const { bytesRead } = await file.read(bytes, held, bytes.length - held);
      if (bytesRead === 0) return held === 0 || see(seen, 0, held);
      const have = bytes.subarray(0, held + bytesRead);
      let start = 0;
      for (let end = have.indexOf(10, held) + 1; end > 0; end = have.indexOf(10, start) + 1) {
        if (!see(seen, start, end)) return false;
        start = end;
      }
      bytes.copyWithin(0, start, have.length);
      held = have.length - start;
    }
  });
}

function seenLine(size: number): SeenLine {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}
