// What we ask the git command to write: commits of chosen files, reverts, branches.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitReader } from './commit-reader.ts';
import { branchExists, checkNothingUnfinished, dirty, needWorkTree, noBranch, noHead, nothingToCommit } from './failures.ts';
import type { Git, Oid } from './git.ts';
import { checkBranchName, checkOid, checkPath, cleanMessage } from './names.ts';
import { failure, inPortions, records, type GitProgram } from './process.ts';
import type { Repository } from './repository.ts';
import { conflict, planRevert, type Entries } from './revert.ts';
import { checkCommittable } from './work-tree.ts';

export interface WriterParts {
  readonly repository: Repository;
  readonly git: GitProgram;
  readonly commits: CommitReader;
  readonly head: () => Promise<Oid | null>;
  readonly entries: (commit: Oid, paths: readonly string[]) => Promise<Entries>;
  readonly filesOf: (commit: Oid) => Promise<string[]>;
  readonly dirtyPaths: Git['dirtyPaths'];
  readonly changedPaths: Git['changedPaths'];
}

export type Writer = Pick<Git, 'commit' | 'revert' | 'resetIndex' | 'stage' | 'createBranch' | 'switchTo'>;

export function createWriter(parts: WriterParts): Writer {
  return {
    commit: (message, paths) => commitFiles(parts, message, paths),
    revert: (oid, message) => revertCommit(parts, oid, message),
    resetIndex: (paths) => resetIndex(parts, paths),
    stage: (paths) => stage(parts, paths),
    createBranch: (name, at) => createBranch(parts, name, at),
    switchTo: (branch) => switchTo(parts, branch),
  };
}

const pathsFromInput = ['--pathspec-from-file=-', '--pathspec-file-nul'];

function zeroEnded(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join('');
}

async function commitFiles(parts: WriterParts, message: string, paths: readonly string[]): Promise<Oid> {
  const top = needWorkTree(parts.repository, 'commit');
  for (const path of paths) checkPath(path);
  await checkNothingUnfinished(parts.repository, 'commit');
  if (paths.length === 0) throw nothingToCommit('no file is to be committed');
  const tracked = await trackedOf(parts, paths);
  const present = await checkCommittable(top, paths, async (missing) => {
    const head = await parts.head();
    return head === null ? tracked : new Set([...tracked, ...(await parts.entries(head, missing)).keys()]);
  });
  const added = present.filter((path) => !tracked.has(path));
  // git commits by name only what it knows of; a file that is asked for by name goes in even where a pattern ignores it
  if (added.length > 0) await parts.git.run(['add', '--intent-to-add', '--force', ...pathsFromInput], { input: zeroEnded(added) });
  try {
    return await commitOnly(parts, message, paths, []);
  } catch (error) {
    if (added.length > 0) await parts.git.run(['update-index', '--force-remove', '-z', '--stdin'], { input: zeroEnded(added) });
    throw error;
  }
}

async function commitOnly(parts: WriterParts, message: string, paths: readonly string[], options: readonly string[]): Promise<Oid> {
  // where a folder came in the place of a file, the files in it stand for both: git refuses the name of the folder
  const named: string[] = [];
  for (const path of paths) {
    const isFolder = paths.some((other) => other.startsWith(`${path}/`)) && (await isFolderNow(parts.repository, path));
    if (!isFolder) named.push(path);
  }
  const args = ['commit', '--quiet', '--only', '--cleanup=verbatim', ...options, `--message=${cleanMessage(message)}`, ...pathsFromInput];
  const result = await parts.git.run(args, { input: zeroEnded(named), allow: [1] });
  if (result.code === 0) return headNow(parts);
  if (await isAsHead(parts, paths)) throw nothingToCommit('these files are as the last commit has them');
  // hooks may speak on either stream
  throw failure(args, { ...result, stderr: `${result.stderr}${result.stdout.toString('utf8')}` });
}

async function isFolderNow(repository: Repository, path: string): Promise<boolean> {
  const facts = await lstat(join(needWorkTree(repository, 'commit'), path)).catch(() => null);
  return facts?.isDirectory() === true;
}

async function headNow({ head }: WriterParts): Promise<Oid> {
  const oid = await head();
  if (oid === null) throw new Error('git made a commit and HEAD has none');
  return oid;
}

async function trackedOf({ git }: WriterParts, paths: readonly string[]): Promise<Set<string>> {
  const tracked = new Set<string>();
  for (const some of inPortions(paths)) for (const path of records((await git.run(['ls-files', '-z', '--', ...some])).stdout)) tracked.add(path);
  return tracked;
}

async function isAsHead({ git, head }: WriterParts, paths: readonly string[]): Promise<boolean> {
  const oid = await head();
  if (oid === null) return false;
  for (const some of inPortions(paths)) {
    if ((await git.run(['diff', '--quiet', '--no-ext-diff', oid, '--', ...some], { allow: [1] })).code !== 0) return false;
  }
  return true;
}

/** The tree without files, which every repository knows. */
const emptyTree: Readonly<Record<Repository['objectFormat'], Oid>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

async function revertCommit(parts: WriterParts, oid: Oid, message: string): Promise<Oid> {
  needWorkTree(parts.repository, 'revert');
  await checkNothingUnfinished(parts.repository, 'revert');
  const { parents } = await parts.commits.read(oid);
  // of a merge: what it brought to the branch that it was made on
  const parent = parents[0];
  if (parent !== undefined) await parts.commits.read(parent);
  const head = await parts.head();
  if (head === null) throw noHead();
  const changed = parent === undefined ? await parts.filesOf(oid) : await parts.changedPaths(parent, oid);
  const plan = planRevert(changed, {
    before: parent === undefined ? new Map() : await parts.entries(parent, changed),
    after: await parts.entries(oid, changed),
    now: await parts.entries(head, changed),
  });
  if (plan.kind === 'nothing') throw nothingToCommit(`nothing of commit ${oid.slice(0, 12)} is left to undo`);
  const inTheWay = await parts.dirtyPaths(changed);
  if (plan.kind === 'restore') {
    const source = parent ?? emptyTree[parts.repository.objectFormat];
    const begun = inTheWay.length > 0 && (await isBegun(parts, source, plan.paths, inTheWay));
    if (begun || inTheWay.length === 0) return restore(parts, { source: begun ? null : source, paths: plan.paths, message });
  }
  if (inTheWay.length > 0 || plan.kind === 'restore') throw dirty(inTheWay, `undo commit ${oid.slice(0, 12)}`);
  return mergeRevert(parts, { oid, isMerge: parents.length > 1, message, paths: plan.paths });
}

/** A revert that was killed before its commit has left the very files that this one is about to write: it goes on from there. */
async function isBegun({ git }: WriterParts, source: Oid, paths: readonly string[], inTheWay: readonly string[]): Promise<boolean> {
  if (inTheWay.some((path) => !paths.includes(path))) return false;
  for (const some of inPortions(paths)) {
    if ((await git.run(['diff', '--quiet', '--no-ext-diff', source, '--', ...some], { allow: [1] })).code !== 0) return false;
  }
  return true;
}

/**
 * No text has to be merged: whatever else is staged or edited stays as it is.
 * @param source null when the files are there already
 */
async function restore(
  parts: WriterParts,
  { source, paths, message }: { source: Oid | null; paths: readonly string[]; message: string },
): Promise<Oid> {
  const from = (tree: Oid): Promise<unknown> =>
    parts.git.run(['restore', `--source=${tree}`, '--staged', '--worktree', ...pathsFromInput], { input: zeroEnded(paths) });
  const head = await headNow(parts);
  try {
    if (source !== null) await from(source);
    // as `git revert` does: the way back does not wait for the hooks that check new work
    return await commitOnly(parts, message, paths, ['--no-verify']);
  } catch (error) {
    await from(head);
    throw error;
  }
}

async function mergeRevert(
  { git, head, dirtyPaths }: WriterParts,
  { oid, isMerge, message, paths }: { oid: Oid; isMerge: boolean; message: string; paths: readonly string[] },
): Promise<Oid> {
  const staged = records((await git.run(['diff', '--cached', '--name-only', '-z', '--no-renames', '--no-ext-diff'])).stdout);
  if (staged.length > 0) throw dirty(staged, `undo commit ${oid.slice(0, 12)}`);
  const before = await head();
  try {
    await git.run(['revert', '--no-commit', ...(isMerge ? ['--mainline', '1'] : []), oid]);
    const result = (await git.run(['diff', '--cached', '--quiet', '--no-ext-diff'], { allow: [1] })).code;
    if (result === 0) throw nothingToCommit(`nothing of commit ${oid.slice(0, 12)} is left to undo`);
    await git.run(['commit', '--quiet', '--no-verify', '--cleanup=verbatim', `--message=${cleanMessage(message)}`]);
  } catch (error) {
    const unmerged = records((await git.run(['diff', '--name-only', '-z', '--diff-filter=U', '--no-ext-diff'])).stdout);
    if ((await head()) === before) await git.run(['reset', '--merge', '--quiet']);
    if (unmerged.length > 0) throw conflict(oid, [...new Set(unmerged)], error);
    const inTheWay = /would be overwritten/.test(String(error)) ? await dirtyPaths(['']) : [];
    throw inTheWay.length > 0 ? dirty(inTheWay, `undo commit ${oid.slice(0, 12)}: ${paths.join(', ')}`) : error;
  }
  const made = await head();
  if (made === null) throw new Error('git made a commit and HEAD has none');
  return made;
}

async function resetIndex({ repository, git, head }: WriterParts, paths: readonly string[]): Promise<void> {
  needWorkTree(repository, 'reset the index');
  for (const path of paths) checkPath(path);
  if (paths.length === 0) return;
  const input = zeroEnded(paths);
  if ((await head()) === null) await git.run(['update-index', '--force-remove', '-z', '--stdin'], { input });
  else await git.run(['reset', '--quiet', ...pathsFromInput], { input });
}

async function stage({ repository, git }: WriterParts, paths: readonly string[]): Promise<void> {
  const top = needWorkTree(repository, 'stage files');
  await checkCommittable(top, paths, async () => new Set());
  if (paths.length > 0) await git.run(['add', '--force', ...pathsFromInput], { input: zeroEnded(paths) });
}

async function branchIsThere({ git }: WriterParts, name: string): Promise<boolean> {
  return (await git.run(['show-ref', '--verify', '--quiet', `refs/heads/${name}`], { allow: [1] })).code === 0;
}

async function createBranch(parts: WriterParts, name: string, at: Oid): Promise<void> {
  checkBranchName(name);
  await parts.commits.read(checkOid(at));
  if (await branchIsThere(parts, name)) throw branchExists(name);
  await parts.git.run(['branch', '--no-track', name, at]);
}

async function switchTo(parts: WriterParts, branch: string): Promise<void> {
  needWorkTree(parts.repository, 'switch branches');
  checkBranchName(branch);
  if (!(await branchIsThere(parts, branch))) throw noBranch(branch);
  const result = await parts.git.run(['switch', '--no-guess', '--quiet', branch], { allow: [1] });
  if (result.code === 0) return;
  if (!/would be overwritten|resolve your current index/.test(result.stderr)) throw failure(['switch'], result);
  throw dirty(await parts.dirtyPaths(['']), `switch to ${branch}`);
}
