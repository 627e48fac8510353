// The digest of a file whose pieces come in any order: what is whole from its beginning on is hashed while the rest is on its way, so that little is
// left to read when the last piece is there.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';

const pieceBytes = 1024 * 1024;
/** So much is hashed before others have their turn. */
const turnBytes = 4 * 1024 * 1024;
/** Read and hashed without a pause: all files can use it. */
const room: { bytes: Buffer | null } = { bytes: null };

export class GrowingDigest {
  readonly #path: string;
  readonly #state = createHash('sha256');
  #hashed = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Goes on for a while. @param end the file has its bytes up to here, for good. @throws PlumbError FILE_UNREADABLE */
  advance(end: number): void {
    if (end - this.#hashed < pieceBytes) return;
    this.#hash(Math.min(end, this.#hashed + turnBytes));
  }

  /** @param bytes of the whole file. @throws PlumbError FILE_UNREADABLE */
  async end(bytes: number): Promise<{ readonly digest: Digest; readonly bytes: number }> {
    while (this.#hashed < bytes && this.#hash(Math.min(bytes, this.#hashed + turnBytes))) await setImmediate();
    return { digest: `sha256:${this.#state.digest('hex')}`, bytes: this.#hashed };
  }

  /** @returns false: the file ends before that */
  #hash(end: number): boolean {
    const bytes = (room.bytes ??= Buffer.allocUnsafeSlow(pieceBytes));
    let file: number | null = null;
    try {
      // opened for a moment: thousands of files may be on their way
      file = openSync(this.#path, 'r');
      while (this.#hashed < end) {
        const got = readSync(file, bytes, 0, Math.min(pieceBytes, end - this.#hashed), this.#hashed);
        if (got === 0) return false;
        this.#state.update(bytes.subarray(0, got));
        this.#hashed += got;
      }
      return true;
    } catch (error) {
      throw systemError(error, 'read', this.#path);
    } finally {
      if (file !== null) closeSync(file);
    }
  }
}
