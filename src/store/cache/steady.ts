// Reading a file of the work tree of which somebody may be writing at the same moment: what is hashed must be what its stamp speaks of.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { digestOf, type Digest } from '../../base/digest.ts';
import { errnoOf, PlumbError, systemError } from '../../base/errors.ts';
import type { FileStamp } from './cache.ts';
import { pump } from './pump.ts';
import type { Control } from './task.ts';

/** Up to here a file is read in one go, into a buffer that is used again and again. */
export const oneRead = 1 << 20;

const scratch: { bytes: Buffer | null } = { bytes: null };

export interface OpenFile {
  readonly fd: number;
  readonly facts: Stats;
}

/**
 * Opens a file for reading, hands it on and closes it. Special files are not waited for.
 * @returns null where there is none
 * @throws PlumbError FILE_KIND, FILE_UNREADABLE
 */
export async function withFile<T>(path: string, work: (file: OpenFile) => T | Promise<T>): Promise<T | null> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw systemError(error, 'read', path);
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw notAFile(path);
    return await work({ fd, facts });
  } finally {
    closeSync(fd);
  }
}

/**
 * All bytes of a file of at most `oneRead` bytes, as its size says; null: it has changed meanwhile.
 * They lie in a buffer that the next call uses again.
 */
export function readWhole({ fd, facts }: OpenFile): Buffer | null {
  const bytes = (scratch.bytes ??= Buffer.allocUnsafeSlow(oneRead + 1));
  let have = 0;
  // one read says all: a file that has grown gives one byte more than it should
  for (let got = -1; got !== 0 && have <= facts.size; have += got) {
    got = readSync(fd, bytes, have, facts.size + 1 - have, have);
    if (have + got === facts.size) return bytes.subarray(0, facts.size);
  }
  return null;
}

/** Digest of an open file; null: it was written to meanwhile. */
export async function hashOpen(file: OpenFile, path: string, control: Control): Promise<Digest | null> {
  try {
    if (file.facts.size <= oneRead) {
      const bytes = readWhole(file);
      if (bytes !== null) control.told(bytes.length);
      return bytes === null ? null : digestOf(bytes);
    }
    const read = await pump(file.fd, null, control);
    return read.bytes === file.facts.size && isAsItWas(file) ? read.digest : null;
  } catch (error) {
    throw systemError(error, 'read', path);
  }
}

/** Has nobody written to it since it was opened, as far as its times tell? */
export function isAsItWas({ fd, facts }: OpenFile): boolean {
  const now = fstatSync(fd);
  return now.size === facts.size && now.mtimeMs === facts.mtimeMs;
}

export function stampOf(facts: Stats): FileStamp {
  return { bytes: facts.size, mtimeMs: facts.mtimeMs, ctimeMs: facts.ctimeMs, ino: facts.ino, links: facts.nlink };
}

/** How often a file that changes under our hands is read again. */
const tries = 3;

/** @param read null: the file has changed while it was read @throws PlumbError FILE_CHANGED */
export async function untilSteady<T>(path: string, read: () => Promise<T | 'changed'>): Promise<T> {
  for (let trial = 0; trial < tries; trial += 1) {
    const found = await read();
    if (found !== 'changed') return found;
  }
  throw fileChanged(path);
}

export function fileChanged(path: string): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${path} is being written to while it is read`,
    where: { file: path },
    mend: 'run the command again when its writer has finished',
  });
}

function notAFile(path: string): PlumbError {
  return new PlumbError('FILE_KIND', {
    what: `${path} is not a regular file`,
    where: { file: path },
    mend: 'put a regular file there, or leave it out of the data set',
  });
}
