import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { temporaryBeside } from '../base/atomic.ts';
import { systemError } from '../base/errors.ts';

/**
 * A file of what comes, and the folder that it lies in; all or nothing, for one that is cut would pass for the whole.
 * @throws PlumbError FILE_UNREADABLE, DISK_FULL, and what `lines` throws
 */
export async function writeLines(path: string, lines: AsyncIterable<string | Buffer> | Iterable<string | Buffer>): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make the folder of', path)));
  const temporary = temporaryBeside(path);
  try {
    await pipeline(Readable.from(lines), createWriteStream(temporary, { flags: 'wx' }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, 'write', path);
  }
}
