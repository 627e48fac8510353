// Files that change together with a commit: a pointer and its evidence. They are written one by one, so an undo list is written first, outside
// of git: a failure puts all of them back, and after a kill the next writer does. What reached the branch stays.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepKilled, writeFileAtomic } from '../base/atomic.ts';
import { errnoOf, systemError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import { files as places } from './layout.ts';
import type { Project } from './open.ts';

type Place = Pick<Project, 'root' | 'git' | 'prefix' | 'localDir'>;

export interface PlannedChange {
  /** project-relative, '/' between names */
  readonly path: string;
  readonly bytes: string;
}

interface UndoList {
  readonly head: Oid | null;
  readonly files: readonly {
    readonly path: string;
    /** base64 of what stood there; null: nothing */
    readonly before: string | null;
    /** base64 of what is written; null: it is taken away */
    readonly after: string | null;
  }[];
}

/**
 * Writes files in the order given, then does `conclude`: commits them. Whatever fails, they are as they were. Hold the project's mutex.
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE, and what `conclude` throws
 */
export async function changeTogether<T>(place: Place, changes: readonly PlannedChange[], conclude: () => Promise<T>): Promise<T> {
  return undoable(place, changes, async () => {
    for (const { path, bytes } of changes) await writeFileAtomic(join(place.root, path), bytes);
    return conclude();
  });
}

/** The same for work that changes the files itself, as git does in a revert. @param changes what it leaves behind; null: it takes the file away */
export async function undoable<T>(
  place: Place,
  changes: readonly { readonly path: string; readonly bytes: string | Uint8Array | null }[],
  work: () => Promise<T>,
): Promise<T> {
  const files = await Promise.all(
    changes.map(async ({ path, bytes }) => ({
      path,
      before: await readBase64(join(place.root, path)),
      after: bytes === null ? null : Buffer.from(bytes).toString('base64'),
    })),
  );
  const list: UndoList = { head: await place.git.resolve('HEAD'), files };
  await mkdir(place.localDir, { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make', place.localDir)));
  await writeFileAtomic(listFile(place), JSON.stringify(list));
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // what cannot be put back now (the disk is full) is put back by the next writer
    await undo(place, list).catch(() => undefined);
    throw error;
  }
  await rm(listFile(place), { force: true });
  return result;
}

/** Puts back what a killed `changeTogether` left half done. Hold the project's mutex. */
export async function undoUnfinished(place: Place): Promise<void> {
  if (!existsSync(listFile(place))) return;
  const list = JSON.parse(await readFile(listFile(place), 'utf8')) as UndoList;
  // a branch can bring such a file along: it puts nothing anywhere but where promotions write
  if (list.files.every(({ path }) => isPromoted(path))) await undo(place, list);
  else await rm(listFile(place), { force: true });
}

/** One line on files that stand half changed in the work tree, with the mend; null: there are none. @param localDir absolute path of .plumb */
export function describeUnfinished(localDir: string): { readonly what: string; readonly mend: string } | null {
  if (!existsSync(listFile({ localDir }))) return null;
  return {
    what: `${places.models}/ stands between two states: a promotion or a rollback is at work, or was killed`,
    mend: 'if none is at work, run it again: `plumb promote` and `plumb rollback` first put back what was there; commit nothing before',
  };
}

function isPromoted(path: string): boolean {
  const names = path.split('/');
  return names[0] === places.models && names.every((name) => name !== '' && name !== '.' && name !== '..');
}

function listFile({ localDir }: Pick<Place, 'localDir'>): string {
  return join(localDir, 'undo.json');
}

async function undo(place: Place, { head, files }: UndoList): Promise<void> {
  const now = await place.git.resolve('HEAD');
  const paths = files.map((file) => place.prefix + file.path);
  const committed = now === null || now === head ? null : await place.git.readBlobs(now, paths);
  for (const [at, file] of files.entries()) {
    const path = join(place.root, file.path);
    await sweepKilled(dirname(path));
    const there = await readBase64(path);
    const blob = committed?.[at] ?? null;
    const isCommitted = committed !== null && (blob === null ? null : Buffer.from(blob).toString('base64')) === file.after;
    // a file that somebody has changed since is theirs
    if (!isOnTheWay(there, file.after) || isCommitted || there === file.before) continue;
    if (file.before !== null) await writeFileAtomic(path, Buffer.from(file.before, 'base64'));
    else await remove(place.root, file.path);
  }
  await place.git.resetIndex(paths);
  await rm(listFile(place), { force: true });
}

/** Is a file what was to be written, or a part of it? A git that is killed leaves the file that it writes away, empty or cut. */
function isOnTheWay(there: string | null, after: string | null): boolean {
  if (after === null || there === null) return there === null;
  const written = Buffer.from(there, 'base64');
  return Buffer.from(after, 'base64').subarray(0, written.length).equals(written);
}

/** The file, and the folders that were made for it. */
async function remove(root: string, path: string): Promise<void> {
  await rm(join(root, path), { force: true });
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const isGone = await rmdir(join(root, folder)).then(
      () => true,
      () => false, // it holds something else
    );
    if (!isGone) return;
  }
}

async function readBase64(path: string): Promise<string | null> {
  try {
    return (await readFile(path)).toString('base64');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw systemError(error, 'read', path);
  }
}
