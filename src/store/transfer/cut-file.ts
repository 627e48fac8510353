// Files cut into chunks as they are read: one block is on its way while the other is cut, and chunks are used where they lie.
import { closeSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemError } from '../../base/errors.ts';
import { createChunker } from '../chunk/chunker.ts';
import type { ChunkSizes } from '../chunk/policy.ts';

const readPiece = promisify(read);

/** A file up to here is read at once. */
export const blockBytes: number = 2 * 1024 * 1024;

/** A file that is to be cut. */
export interface CutFile {
  readonly path: string;
  /** as far as is known */
  readonly bytes: number;
  readonly sizes: ChunkSizes;
}

/** Cuts one file after the other; what they are read into is used again. */
export class FileCutter {
  /** in front of each block is room for a chunk that began in the block before */
  #rooms: readonly [Buffer, Buffer] | null = null;
  #head = 0;

  /**
   * @param use gets each chunk; its bytes are good until it is done
   * @returns bytes of the file; whole: all of it, where that was one block: good until the next file is cut
   * @throws PlumbError FILE_MISSING, FILE_UNREADABLE; the signal's reason
   */
  async cut(
    { path, bytes, sizes }: CutFile,
    signal: AbortSignal,
    use: (chunk: Buffer) => Promise<void> | void,
  ): Promise<{ readonly bytes: number; readonly whole: Buffer | null }> {
    const rooms = this.#roomsFor(sizes.max);
    const head = this.#head;
    let file: number | null = null;
    let next: Promise<number> | number = 0;
    try {
      const fd = (file = openSync(path, 'r'));
      // the way to another thread and back costs more than reading a small file
      const readInto = (room: Buffer): Promise<number> | number =>
        bytes <= blockBytes ? readSync(fd, room, head, blockBytes, null) : readAhead(fd, room, head);
      const chunker = createChunker(sizes);
      let held = 0;
      let total = 0;
      next = readInto(rooms[0]);
      for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
        signal.throwIfAborted();
        const room = rooms[turn];
        const other = rooms[turn === 0 ? 1 : 0];
        const got = await next;
        if (got === 0) {
          if (held > 0) await use(room.subarray(head - held, head));
          return { bytes: total, whole: total > 0 && total <= blockBytes && turn === 1 ? other.subarray(head, head + total) : null };
        }
        next = readInto(other);
        total += got;
        let start = head - held;
        for (const end of chunker.push(room.subarray(head, head + got))) {
          await use(room.subarray(start, head + end));
          start = head + end;
        }
        held = room.copy(other, head - (head + got - start), start, head + got);
      }
    } catch (error) {
      throw systemError(error, 'read', path);
    } finally {
      await Promise.resolve(next).catch(() => undefined);
      if (file !== null) closeSync(file);
    }
  }

  #roomsFor(largestChunk: number): readonly [Buffer, Buffer] {
    if (this.#rooms === null || this.#head < largestChunk) {
      this.#head = largestChunk;
      this.#rooms = [Buffer.allocUnsafeSlow(largestChunk + blockBytes), Buffer.allocUnsafeSlow(largestChunk + blockBytes)];
    }
    return this.#rooms;
  }
}

function readAhead(file: number, room: Buffer, at: number): Promise<number> {
  const reading = readPiece(file, room, at, blockBytes, null).then(({ bytesRead }) => bytesRead);
  // it is looked at when its turn comes
  reading.catch(() => undefined);
  return reading;
}
