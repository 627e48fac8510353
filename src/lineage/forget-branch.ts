// The branch that forgets: one commit on top of HEAD whose datasets.lock names data sets and sidecars without the rows. Work tree, index and HEAD stay as they are;
// until the branch is made, all that there is are bytes in the cache that nobody names.
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { formatLock, loadLockAt } from '../datasets/lock.ts';
import { storeRowFile } from '../datasets/add-rows.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { RowVersions, type RowsEntry } from '../datasets/row-versions.ts';
import { readRowBatches, type Row } from '../datasets/rows.ts';
import type { Lock } from '../datasets/schema.ts';
import { openStatIndex } from '../datasets/stat-index.ts';
import { stateOf } from '../datasets/working-copy.ts';
import type { Oid } from '../git/git.ts';
import { checkBranchName } from '../git/names.ts';
import { commitFiles } from '../git/publish.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { isSidecar } from './trace.ts';

export interface ForgottenBranch {
  readonly branch: string;
  readonly commit: Oid;
  /** by data set, sorted; left 0: nothing is left of it, and the lock has it no more */
  readonly data: readonly { readonly data: string; readonly removed: number; readonly left: number }[];
}

/**
 * @param rows what they say
 * @throws PlumbError GIT_DIRTY, DATASET_MODIFIED, GIT_BRANCH_EXISTS, NAME_INVALID, GIT_NOTHING_TO_COMMIT, DATASET_FORMAT (Parquet), BYTES_MISSING, GIT_UNSUPPORTED
 */
export async function makeForgetBranch(
  project: Project,
  rows: ReadonlySet<Digest>,
  { branch, signal }: { readonly branch: string; readonly signal: AbortSignal },
): Promise<ForgottenBranch> {
  const { git, prefix } = project;
  checkBranchName(branch);
  if ((await git.resolve(`refs/heads/${branch}`)) !== null)
    throw new PlumbError('GIT_BRANCH_EXISTS', { what: `there is a branch ${branch} already`, mend: 'name another one with --branch' });
  const head = await git.resolve('HEAD');
  if (head === null) throw new PlumbError('GIT_NOTHING_TO_COMMIT', { what: 'there is no commit yet', mend: 'commit datasets.lock first' });
  await refuseDirty(project);
  const lock = await loadLockAt(project, head);
  const data: ForgottenBranch['data'][number][] = [];
  const datasets: Lock['datasets'] = { ...lock.datasets };
  const names = new Set(Object.keys(lock.datasets));
  for (const name of [...names].toSorted()) {
    const entry = lock.datasets[name];
    if (entry === undefined || entry.format === 'files') continue;
    const goes = isSidecar(name, names)
      ? (value: Row['value']): boolean => rows.has(value['row'] as Digest)
      : (value: Row['value']): boolean => rows.has(rowDigest(value));
    const rest = await storeWithout(project, { name, entry, goes }, signal);
    if (rest.removed === 0) continue;
    data.push({ data: name, removed: rest.removed, left: entry.rows - rest.removed });
    if (rest.entry === null) delete datasets[name];
    else datasets[name] = rest.entry;
  }
  if (data.length === 0)
    throw new PlumbError('GIT_NOTHING_TO_COMMIT', {
      what: 'no data set of this commit has any of these rows',
      mend: 'there is nothing to do on a branch; the report says what history keeps',
    });
  signal.throwIfAborted();
  const text = formatLock({ version: 1, datasets });
  const commit = await commitFiles(git, { parent: head, files: new Map([[prefix + files.lock, Buffer.from(text)]]), message: messageOf(data) });
  await git.createBranch(branch, commit);
  return { branch, commit, data };
}

/** What is not committed would not be on the branch, and what is not locked may hold the rows again. */
async function refuseDirty(project: Project): Promise<void> {
  const { git, prefix } = project;
  const dirty = await git.dirtyPaths([prefix.replace(/\/$/, '')]);
  if (dirty.length > 0)
    throw new PlumbError('GIT_DIRTY', {
      what: `uncommitted changes stand in the way: ${dirty.slice(0, 5).join(', ')}${dirty.length > 5 ? ` and ${dirty.length - 5} more` : ''}`,
      mend: 'commit or stash them, then run the command again',
      details: { paths: dirty },
    });
  const head = (await git.resolve('HEAD')) ?? '';
  const index = await openStatIndex(project);
  try {
    for (const [name, entry] of Object.entries((await loadLockAt(project, head)).datasets)) {
      if (entry.format === 'files' || (await stateOf(project, entry, index)) !== 'modified') continue;
      throw new PlumbError('DATASET_MODIFIED', {
        what: `${entry.path} (${name}) differs from datasets.lock`,
        where: { file: entry.path },
        mend: 'lock and commit it, or bring it back with `plumb checkout`',
      });
    }
  } finally {
    index.save();
  }
}

interface Rewrite {
  readonly name: string;
  readonly entry: RowsEntry;
  readonly goes: (value: Row['value']) => boolean;
}

/** @returns entry null: no row is left */
async function storeWithout(
  project: Project,
  { name, entry, goes }: Rewrite,
  signal: AbortSignal,
): Promise<{ removed: number; entry: RowsEntry | null }> {
  const source = await new RowVersions(project, { signal }).locked(name, entry);
  const { removed, ranges } = await findRemoved(source, goes, signal);
  if (removed === 0) return { removed, entry };
  if (removed === entry.rows) return { removed, entry: null };
  if (ranges === null)
    throw new PlumbError('DATASET_FORMAT', {
      what: `${removed} rows of ${name} would have to go, and Parquet files are not written here`,
      where: { file: entry.path },
      mend: 'write the file without them by your own means (`plumb forget --json` tells rows), and `plumb add` it',
    });
  // a folder of this name is swept away by the next run of a stage, should this process be killed
  const room = join(project.localDir, 'work', `${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(room, { recursive: true });
    const absolute = join(room, `rows.${entry.format}`);
    await pipeline(Readable.from(bytesWithout(source.path, ranges)), createWriteStream(absolute, { flags: 'wx' })).catch((error: unknown) =>
      Promise.reject(systemError(error, 'write', absolute)),
    );
    const { format, key, label, path } = entry;
    const stored = await storeRowFile(project, { path, absolute, format, key, label }, { name, signal });
    return { removed, entry: stored.entry };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** Where removed rows stand in the file: from and behind; null: the format has no such places. */
type Ranges = readonly { readonly from: number; readonly to: number }[];

async function findRemoved(source: RowSource, goes: Rewrite['goes'], signal: AbortSignal): Promise<{ removed: number; ranges: Ranges | null }> {
  const ranges: { from: number; to: number }[] = [];
  let [removed, last] = [0, 0];
  const reading = { name: source.name, signal, ends: true, onHead: (end: number) => void (last = end) };
  for await (const batch of readRowBatches(source.path, source.format, reading)) {
    for (const { value, end } of batch) {
      if (goes(value)) {
        removed += 1;
        const before = ranges.at(-1);
        if (end !== undefined && before?.to === last) before.to = end;
        else if (end !== undefined) ranges.push({ from: last, to: end });
      }
      last = end ?? last;
    }
  }
  return { removed, ranges: source.format === 'parquet' ? null : ranges };
}

async function* bytesWithout(path: string, ranges: Ranges): AsyncGenerator<Buffer> {
  let from = 0;
  for (const range of [...ranges, { from: Number.POSITIVE_INFINITY, to: 0 }]) {
    if (range.from > from) yield* createReadStream(path, { start: from, end: range.from - 1 }) as AsyncIterable<Buffer>;
    from = range.to;
  }
}

/** Nobody who is forgotten is named for ever in the message. */
function messageOf(data: ForgottenBranch['data']): string {
  const lines = data.map(({ data: name, removed, left }) => `- ${name}: ${removed} ${removed === 1 ? 'row goes' : 'rows go'}, ${left} left`);
  return `forget: take rows out of ${data.map(({ data: name }) => name).join(', ')}\n\n${lines.join('\n')}\n`;
}
