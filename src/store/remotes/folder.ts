// A remote that is a folder: a disk, or a share. No locks, only atomic renames and links, so many machines may write at once, over NFS too.
import { access, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepTemporary } from '../../base/atomic.ts';
import type { Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, PlumbError } from '../../base/errors.ts';
import { copyHashed } from '../copy.ts';
import { bytesMissing, mismatch } from '../faults.ts';
import { moveIntoPlace, namePath, objectPath, readNameFile, temporaryIn, writeNameFile } from '../layout.ts';
import { mapInParallel } from '../parallel.ts';
import type { Remote } from '../store.ts';

const width = 16;

/** @param root absolute path; the folder is made by the first put, the folder that it stands in must be there */
export function openFolderRemote(root: string): Remote {
  let ready: Promise<void> | undefined;
  const makeReady = (): Promise<void> => (ready ??= makeRoot(root));
  const guarded = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => Promise.reject(remoteError(error, doing, root)));
  return {
    url: root,
    has: (digests) =>
      guarded('look into', async () => {
        const there = await mapInParallel(digests, { width }, async (digest) => isThere(objectPath(root, digest)));
        return new Set(digests.filter((_, at) => there[at]));
      }),
    put: (digest, source) =>
      guarded('write to', async () => {
        await makeReady();
        await putObject(root, digest, source);
      }),
    get: (digest, target) => guarded('read from', () => getObject(root, digest, target)),
    readName: (name) => guarded('read from', () => readNameFile(namePath(root, name))),
    writeName: (name, digest) =>
      guarded('write to', async () => {
        await makeReady();
        return writeNameFile(root, name, digest);
      }),
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A share that is not mounted must not become a folder of the local disk: only the last folder of the path is made. */
async function makeRoot(root: string): Promise<void> {
  const parent = await stat(dirname(root)).catch(() => null);
  if (parent === null || !parent.isDirectory()) {
    throw new PlumbError('REMOTE_FAILED', {
      what: `the remote ${root} cannot be made: the folder that it stands in is not there`,
      mend: 'mount the share, make that folder, or correct `remote` in plumbline.yaml',
    });
  }
  await mkdir(root).catch((error: unknown) => (errnoOf(error) === 'EEXIST' ? undefined : Promise.reject(error)));
  await sweepTemporary(join(root, 'tmp'), new Date());
}

async function putObject(root: string, digest: Digest, source: string): Promise<void> {
  const path = objectPath(root, digest);
  if (await isThere(path)) return;
  const temporary = await temporaryIn(root, digest.slice(7, 19));
  const copied = await copyHashed(source, temporary, { mode: 0o444, lasting: true });
  if (copied.digest !== digest) {
    await rm(temporary, { force: true });
    throw mismatch(digest, copied.digest, source);
  }
  await moveIntoPlace(temporary, path);
}

async function getObject(root: string, digest: Digest, target: string): Promise<void> {
  try {
    await copyHashed(objectPath(root, digest), target, { mode: 0o444, lasting: true });
  } catch (error) {
    if (!isPlumbError(error, 'FILE_MISSING')) throw error;
    throw bytesMissing([digest], root);
  }
}

/** Errors of this machine (a full disk) and of ours stay what they are; what the folder did is the remote's failure. */
function remoteError(error: unknown, doing: string, root: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof PlumbError || errno === undefined) return error;
  return new PlumbError('REMOTE_FAILED', {
    what: `cannot ${doing} the remote ${root}: ${errno}`,
    mend: errno === 'ENOSPC' || errno === 'EDQUOT' ? 'make room in the remote' : 'check that the folder is mounted and that you may write there',
    cause: error,
  });
}
