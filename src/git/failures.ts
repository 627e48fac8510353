// What both implementations say when a repository cannot answer.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PlumbError, errnoOf } from '../base/errors.ts';
import type { Repository } from './repository.ts';

/** Commits whose parents a shallow clone does not have; empty in a full one. */
export async function readShallow(repository: Repository): Promise<ReadonlySet<string>> {
  try {
    const text = await readFile(join(repository.commonDir, 'shallow'), 'utf8');
    return new Set(text.split('\n').filter((line) => line !== ''));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Set();
    throw error;
  }
}

/** @param boundary the commit at which the clone ends, where it is known */
export function tooShallow(what: string, boundary?: string): PlumbError {
  return new PlumbError('GIT_TOO_SHALLOW', {
    what: `${what}, but this clone is shallow${boundary === undefined ? '' : `: it ends at commit ${boundary.slice(0, 12)}, whose parents are missing`}`,
    mend: 'run `git fetch --unshallow` (in GitHub Actions: actions/checkout with `fetch-depth: 0`), or `git fetch --deepen=1000` where the whole history is too large',
    ...(boundary === undefined ? {} : { details: { boundary } }),
  });
}

/** For an id that should be a commit here and is none. */
export async function missingCommit(oid: string, repository: Repository): Promise<PlumbError> {
  const shallow = await readShallow(repository);
  const [boundary] = shallow;
  if (boundary !== undefined) return tooShallow(`commit ${oid} is needed and not here`);
  return new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `this repository has no commit ${oid}`,
    mend: 'fetch the branch that has it (`git fetch origin`), or check the id',
  });
}

/** The error for a revision that resolves to nothing. */
export async function unknownRevision(revision: string, repository: Repository): Promise<PlumbError> {
  const [boundary] = await readShallow(repository);
  if (boundary !== undefined) return tooShallow(`"${revision}" names no commit that is here`, boundary);
  return new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `"${revision.slice(0, 200)}" names no commit of this repository`,
    mend: '`git branch --all` and `git tag` list what there is; a branch of a remote may have to be fetched first',
  });
}

/** @throws PlumbError GIT_NEEDS_WORK_TREE */
export function needWorkTree(repository: Repository, doing: string): string {
  if (repository.workTree !== null) return repository.workTree;
  throw new PlumbError('GIT_NEEDS_WORK_TREE', {
    what: `cannot ${doing} in ${repository.commonDir}: it is a bare repository, without files to work on`,
    where: { file: repository.commonDir },
    mend: 'run the command in a clone that has a work tree',
  });
}

export function noHead(): PlumbError {
  return new PlumbError('GIT_REVISION_UNKNOWN', { what: 'this repository has no commit yet', mend: 'commit something first' });
}

export function noBranch(name: string): PlumbError {
  return new PlumbError('GIT_REVISION_UNKNOWN', { what: `there is no branch "${name}"`, mend: '`git branch` lists the branches' });
}

export function branchExists(name: string): PlumbError {
  return new PlumbError('GIT_BRANCH_EXISTS', { what: `there is a branch "${name}" already`, mend: 'take another name, or delete the branch' });
}

export function nothingToCommit(what: string): PlumbError {
  return new PlumbError('GIT_NOTHING_TO_COMMIT', { what, mend: 'there is nothing to do' });
}

export function dirty(paths: readonly string[], doing: string): PlumbError {
  const shown = paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '');
  return new PlumbError('GIT_DIRTY', {
    what: `cannot ${doing}: ${shown} ${paths.length === 1 ? 'has' : 'have'} changes that are not committed`,
    mend: 'commit these changes, or put them aside with `git stash`',
    details: { paths },
  });
}

/** What git calls the states in which a commit of ours would end up inside somebody's unfinished work. */
const unfinished: Readonly<Record<string, string>> = {
  MERGE_HEAD: 'merge',
  CHERRY_PICK_HEAD: 'cherry-pick',
  REVERT_HEAD: 'revert',
  'rebase-merge': 'rebase',
  'rebase-apply': 'rebase',
};

/** @throws PlumbError GIT_DIRTY */
export async function checkNothingUnfinished(repository: Repository, doing: string): Promise<void> {
  for (const [file, name] of Object.entries(unfinished)) {
    if ((await stat(join(repository.headDir, file)).catch(() => null)) === null) continue;
    throw new PlumbError('GIT_DIRTY', {
      what: `cannot ${doing}: a ${name} is under way in this work tree`,
      mend: `finish it, or give it up with \`git ${name} --abort\``,
    });
  }
}
