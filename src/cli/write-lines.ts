import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { temporaryBeside } from '../base/atomic.ts';
import { systemError } from '../base/errors.ts';

/**
 * A file of what comes, all or nothing: one that is cut would pass for the whole.
 * @throws PlumbError FILE_UNREADABLE, DISK_FULL, and what `lines` throws
 */
export async function writeLines(path: string, lines: AsyncIterable<string | Buffer> | Iterable<string | Buffer>): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await pipeline(Readable.from(lines), createWriteStream(temporary, { flags: 'wx' }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, 'write', path);
  }
}
