// Copying a file and knowing what was copied: by reflink where the disk can, else byte by byte, hashed on the way.
import { closeSync, constants, fsync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { copyFile, open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, digestOfFile, type Digest } from '../base/digest.ts';
import { errnoOf, systemError } from '../base/errors.ts';
import { pump } from './cache/pump.ts';

const syncToDisk = promisify(fsync);

export interface CopyOptions {
  /** permissions of the copy before the umask: 0o444, 0o666, 0o777 */
  readonly mode: number;
  /** true: on the disk when this returns */
  readonly lasting: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Copies a file to a path that is not there yet.
 * @returns digest and size of the bytes that the copy holds, whatever the source was called
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE, DISK_FULL; then there is no copy
 */
export async function copyHashed(source: string, target: string, options: CopyOptions): Promise<{ digest: Digest; bytes: number }> {
  const made = { is: false };
  try {
    options.signal?.throwIfAborted();
    const small = statSync(source).size <= smallBytes;
    return await (small ? copySmall(source, target, options, made) : copyLarge(source, target, options, made));
  } catch (error) {
    if (made.is) await rm(target, { force: true });
    const { path, syscall } = error as NodeJS.ErrnoException;
    throw path === source || syscall === 'read' ? systemError(error, 'read', source) : systemError(error, 'write to', dirname(target));
  }
}

/** Up to here a file costs less in one go than its way through the thread pool, and a reflink saves nothing. */
const smallBytes = 64 * 1024;

async function copySmall(source: string, target: string, options: CopyOptions, made: { is: boolean }): Promise<{ digest: Digest; bytes: number }> {
  const bytes = readFileSync(source);
  const file = openSync(target, 'wx', options.mode);
  made.is = true;
  try {
    writeFileSync(file, bytes);
    if (options.lasting) await syncToDisk(file);
  } finally {
    closeSync(file);
  }
  options.onBytes?.(bytes.length);
  return { digest: digestOf(bytes), bytes: bytes.length };
}

async function copyLarge(source: string, target: string, options: CopyOptions, made: { is: boolean }): Promise<{ digest: Digest; bytes: number }> {
  const cloned = await clone(source, target);
  made.is = cloned;
  const file = await open(target, cloned ? constants.O_RDONLY : constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, options.mode);
  made.is = true;
  try {
    if (cloned) await file.chmod(await permissionsOf(`${target}-mode`, options.mode));
    const copied = cloned ? await digestOfFile(target, options) : await copyBytes(source, file, options);
    if (options.lasting) await file.sync();
    return copied;
  } finally {
    await file.close();
  }
}

/** Pairs of folders between which this process found that there are no reflinks: a failed try costs as much as a small copy. */
const withoutClones = new Set<string>();
const never = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY']);

/** A reflink shares the bytes until either side is written to, so neither can change the other. */
async function clone(source: string, target: string): Promise<boolean> {
  const pair = `${dirname(dirname(source))}\0${dirname(target)}`;
  if (withoutClones.has(pair)) return false;
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (never.has(errnoOf(error) ?? '')) withoutClones.add(pair);
    return false;
  }
}

const permissions = new Map<number, number>();

/** What the umask makes of a mode. A clone has the permissions of its source; a new file shows which it should have. */
async function permissionsOf(probe: string, mode: number): Promise<number> {
  const known = permissions.get(mode);
  if (known !== undefined) return known;
  const file = await open(probe, 'wx', mode);
  try {
    const found = (await file.stat()).mode & 0o777;
    permissions.set(mode, found);
    return found;
  } finally {
    await file.close();
    await rm(probe, { force: true });
  }
}

async function copyBytes(source: string, out: FileHandle, options: CopyOptions): Promise<{ digest: Digest; bytes: number }> {
  const { signal, onBytes } = options;
  const input = await open(source, 'r');
  try {
    return await pump(input.fd, out.fd, { throwIfAborted: () => signal?.throwIfAborted(), told: (bytes) => onBytes?.(bytes) });
  } finally {
    await input.close();
  }
}
