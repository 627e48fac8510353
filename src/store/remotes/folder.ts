// A remote that is a folder: a disk, or a share. No locks, only atomic renames and links, so many machines may write at once, over NFS too.
// What is written goes to tmp/, is flushed, takes its place, and then the folder of its place is flushed.
import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { sweepTemporary, syncFolder, temporaryBeside } from '../../base/atomic.ts';
import { errnoOf, PlumbError, systemError } from '../../base/errors.ts';
import { makeFolder } from '../cache/sharing.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import { remoteFailed } from './failures.ts';
import { keyedRemote, type Found, type KeyedReader, type KeyedWriter, type Part } from './keyed.ts';
import { Passing } from './retry.ts';

const pieceBytes = 1 << 20;
/** Questions to a share under way: each is a round trip. */
const statsAtOnce = 64;

/** @param root absolute path; the folder is made by the first write, the folder that it stands in must be there */
export function openFolderRemote(root: string): Remote {
  const guarded = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    work()
      // a file of a share that was replaced between two of our steps
      .catch((error: unknown) => (errnoOf(error) === 'ESTALE' ? work() : Promise.reject(error)))
      .catch((error: unknown) => Promise.reject(folderFailure(error, doing, root)));
  let ready: Promise<void> | undefined;
  const makeReady = (): Promise<void> => (ready ??= makeRoot(root));
  let mounted: Promise<void> | undefined;
  /** Nothing there: of a share that is not mounted that says nothing. */
  const absent = <T>(value: T): Promise<T> => (mounted ??= checkParent(root)).then(() => value);

  const reader: KeyedReader = {
    url: root,
    get: (path, part, options) =>
      guarded('read from', async () => (await readPart(join(root, path), part, { root, isBrief: options.isBrief ?? false })) ?? (await absent(null))),
    has: (path) => guarded('look into', async () => (await isThere(join(root, path))) || (await absent(false))),
  };
  const writer: KeyedWriter = {
    put: (path, bytes, ifAbsent) =>
      guarded('write to', async () => {
        const place = join(root, path);
        if (ifAbsent && (await isThere(place))) return false;
        await makeReady();
        const temporary = await writeTemporary(root, bytes);
        try {
          return await (ifAbsent ? linkIntoPlace : moveIntoPlace)(root, temporary, place);
        } finally {
          await rm(temporary, { force: true });
        }
      }),
    putFile: (path, file, options) =>
      guarded('write to', async () => {
        await makeReady();
        const temporary = temporaryIn(root, 'pack');
        try {
          await (file.disposable === true ? takeFile : copyWhole)(file.path, temporary);
          await options.onBytes?.(file.bytes);
          options.signal.throwIfAborted();
          await moveIntoPlace(root, temporary, join(root, path));
        } finally {
          await rm(temporary, { force: true });
        }
      }),
    list: (prefix, options) => listBelow(root, prefix, options),
    remove: (path) => guarded('remove from', () => rm(join(root, path), { force: true })),
    move: (from, to) =>
      guarded('write to', async () => {
        if (!(await isThere(join(root, from)))) return absent(false);
        await makeReady();
        try {
          return await moveIntoPlace(root, join(root, from), join(root, to));
        } catch (error) {
          // somebody else was faster
          if (errnoOf(error) === 'ENOENT') return false;
          throw error;
        }
      }),
  };
  return keyedRemote(reader, writer);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A share that is not mounted must not become a folder of the local disk: only the last folder of the path is made. */
async function makeRoot(root: string): Promise<void> {
  await checkParent(root);
  await mkdir(root).catch((error: unknown) => (errnoOf(error) === 'EEXIST' ? undefined : Promise.reject(error)));
  makeFolder(root, join(root, 'tmp'));
  // by the clock of the share: one that differs from ours must not cost a writer its file
  const probe = temporaryIn(root, 'clock');
  await (await open(probe, 'wx')).close();
  const { mtime } = await stat(probe);
  await rm(probe, { force: true });
  await sweepTemporary(join(root, 'tmp'), mtime);
}

async function checkParent(root: string): Promise<void> {
  const parent = await stat(dirname(root)).catch(() => null);
  if (parent !== null && parent.isDirectory()) return;
  throw new PlumbError('REMOTE_FAILED', {
    what: `the remote ${root} cannot be reached: the folder that it stands in is not there`,
    mend: 'mount the share, make that folder, or correct `remote` in plumbline.yaml',
  });
}

function temporaryIn(root: string, label: string): string {
  return temporaryBeside(join(root, 'tmp', label));
}

/** @returns path of a file in tmp/ that is on the disk */
async function writeTemporary(root: string, bytes: Uint8Array): Promise<string> {
  const path = temporaryIn(root, 'text');
  const file = await open(path, 'wx', 0o444);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

/** Reflink, else copy_file_range, else by hand: copyFile does the best that both file systems can. */
async function copyWhole(source: string, target: string): Promise<void> {
  const before = await stat(source).catch((error: unknown) => Promise.reject(systemError(error, 'read', source)));
  // the permissions that the umask leaves: a copy comes with those of its source
  const file = await open(target, 'wx', 0o444);
  const { mode } = await file.stat();
  await file.close();
  await rm(target);
  await copyFile(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await chmod(target, mode & 0o777);
  const copied = await flush(target);
  if (copied !== before.size) throw new PlumbError('FILE_CHANGED', { what: `${source} changed while it was copied`, mend: 'run the command again' });
}

/** On one file system, the caller's temporary file gets a second name, and no byte is copied. */
async function takeFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch {
    return copyWhole(source, target);
  }
  await chmod(target, 0o444);
  await flush(target);
}

/** @returns its size, in bytes */
async function flush(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function moveIntoPlace(root: string, temporary: string, place: string): Promise<true> {
  await inFolderOf(root, place, () => rename(temporary, place));
  await syncFolder(dirname(place));
  return true;
}

/** File systems without links: of several writers at one instant the last one wins, and all read back the same. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Once for ever: a link to a finished file is made or it is not, on NFS too. */
async function linkIntoPlace(root: string, temporary: string, place: string): Promise<boolean> {
  try {
    await inFolderOf(root, place, () => link(temporary, place));
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (noLinks.has(errno)) return moveIntoPlace(root, temporary, place);
    if (errno !== 'EEXIST') throw error;
    // an NFS client that lost the answer asks again, and is told of its own link. Source: open(2), O_EXCL
    if ((await stat(temporary)).nlink !== 2) return false;
  }
  await syncFolder(dirname(place));
  return true;
}

async function inFolderOf(root: string, place: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder(root, dirname(place));
    await work();
    for (let made = dirname(place); made.length > root.length; made = dirname(made)) await syncFolder(dirname(made));
  }
}

async function readPart(path: string, part: Part, how: Reading): Promise<Found | null> {
  let file: FileHandle;
  try {
    // whoever else writes to the folder may have put a pipe there, and would be waited for without end
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw remoteFailed(how.root, `has something at ${relative(how.root, path)} that is no file`, 'take it away');
  }
  return { bytes: null, body: pieces(file, part, how) };
}

interface Reading {
  readonly root: string;
  readonly isBrief: boolean;
}

async function* pieces(file: FileHandle, part: Part, { root, isBrief }: Reading): AsyncGenerator<Uint8Array> {
  let room = Buffer.alloc(0);
  try {
    for (let at = part.start, end = part.end ?? Number.POSITIVE_INFINITY; at < end;) {
      const wanted = Math.min(pieceBytes, end - at);
      if (!isBrief || room.length < wanted) room = Buffer.allocUnsafe(wanted);
      const { bytesRead, buffer } = await file.read(room, 0, wanted, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } catch (error) {
    throw errnoOf(error) === 'ESTALE' ? new Passing('replaced a file while it was read') : folderFailure(error, 'read from', root);
  } finally {
    await file.close();
  }
}

async function* listBelow(root: string, prefix: string, options: RequestOptions): ReturnType<KeyedWriter['list']> {
  const folders = [prefix.slice(0, -1)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return checkParent(root).then(() => []);
      throw folderFailure(error, 'list', root);
    });
    folders.push(...entries.filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`));
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => `${folder}/${entry.name}`);
    for (let at = 0; at < paths.length; at += statsAtOnce) {
      options.signal.throwIfAborted();
      const batch = paths.slice(at, at + statsAtOnce);
      const facts = await Promise.all(batch.map((path) => stat(join(root, path)).catch(() => null)));
      // null: it went meanwhile
      for (const [index, path] of batch.entries()) {
        const found = facts[index];
        // a file keeps its mtime when it is moved, and what was condemned is as young as that: ctime says when
        if (found) yield { path, bytes: found.size, modified: found.ctime > found.mtime ? found.ctime : found.mtime };
      }
    }
  }
}

/** Errors of this machine and of ours stay what they are; what the folder did is the remote's failure. */
function folderFailure(error: unknown, doing: string, root: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof PlumbError || errno === undefined || errno === 'ABORT_ERR') return error;
  const denied = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  return new PlumbError(denied ? 'REMOTE_DENIED' : 'REMOTE_FAILED', {
    what: `cannot ${doing} the remote ${root}: ${errno}`,
    mend:
      errno === 'ENOSPC' || errno === 'EDQUOT'
        ? 'make room in the remote'
        : denied
          ? 'ask who owns that folder for the permission, or mount it for writing'
          : 'check that the folder is mounted and that it is in order',
    cause: error,
  });
}
