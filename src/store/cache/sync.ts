// One flush of the disk for a whole session: thousands of files by fsync each would cost thousands of waits.
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';
import { eachInParallel } from '../parallel.ts';

/** Up to so many files are flushed one by one: flushing a file system writes what all others have left to be written, too. */
const few = 8;

/**
 * Makes files and folders last, through a power cut too: many of them by `sync -f`, which is syncfs(2), for the whole file system that `root` is on.
 * Where that command is not there or does not know the option, one by one.
 */
export async function flush(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length > few && (await syncFileSystem(root))) return;
  await eachInParallel(paths, { width: few }, flushOne);
}

/** @param root absolute @returns false: it could not be done in this way */
function syncFileSystem(root: string): Promise<boolean> {
  // elsewhere `sync` takes no arguments, or means something else by them
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn('sync', ['-f', root], { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** Flushes a file or a folder. File systems that cannot flush folders (some network ones) are let be. */
async function flushOne(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync().catch((error: unknown) => (cannotFlush.has(errnoOf(error) ?? '') ? undefined : Promise.reject(error)));
  } finally {
    await handle.close();
  }
}

const cannotFlush = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']);
