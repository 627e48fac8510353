// Commits that no work tree has, and the way to a remote and back. The user's files, index and HEAD stay as they are: a commit is made in an index of its
// own, in a folder that goes again. What was killed half-way leaves objects that nothing names, which git's own collection takes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from './git.ts';
import { checkBranchName, checkOid, checkPath, cleanMessage, isOid, isRefName } from './names.ts';
import type { GitProgram } from './process.ts';
import { addressOf, askRemote, needProgram, saidBy, type RemoteOptions } from './remote-access.ts';

export type { GitToken, RemoteOptions } from './remote-access.ts';

export interface CommitWish {
  /** what it is made on top of; null: a history of its own begins */
  readonly parent: Oid | null;
  /** path, relative to the top of the repository -> bytes; null: it goes. All others stay as the parent has them. */
  readonly files: ReadonlyMap<string, Uint8Array | null>;
  readonly message: string;
  /** author and committer; left out: who git says we are */
  readonly author?: { readonly name: string; readonly email: string };
  /** author's and committer's time; left out: now */
  readonly at?: Date;
}

/**
 * Makes a commit of these files on top of another, without work tree, index or branch. Hooks do not run. A person's own commit is signed where
 * `commit.gpgSign` says so; that of an `author` who was named is not.
 * @throws PlumbError GIT_UNSUPPORTED, GIT_NOTHING_TO_COMMIT (the parent has them all so), GIT_FAILED (git knows no identity), PATH_OUTSIDE
 */
export async function commitFiles(git: Git, wish: CommitWish): Promise<Oid> {
  const program = needProgram(git);
  const folder = await mkdtemp(join(tmpdir(), 'plumb-commit-'));
  try {
    const tree = await writeTree(program, wish, folder);
    if (wish.parent !== null && tree === (await objectOf(program, `${wish.parent}^{tree}`))) {
      throw new PlumbError('GIT_NOTHING_TO_COMMIT', { what: 'these files are there already, as they shall be', mend: 'there is nothing to do' });
    }
    const message = ['-F', '-', ...(wish.parent === null ? [] : ['-p', wish.parent]), ...(await signing(program, wish))];
    const made = await program.run(['commit-tree', tree, ...message], { input: cleanMessage(wish.message), env: identity(wish) });
    return checkOid(made.stdout.toString('latin1').trim());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeTree(program: GitProgram, { parent, files }: CommitWish, folder: string): Promise<Oid> {
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  await program.run(parent === null ? ['read-tree', '--empty'] : ['read-tree', checkOid(parent)], { env });
  const paths = [...files.keys()].map(checkPath).toSorted(byCodeUnit);
  const ids = await writeBlobs(
    program,
    paths.map((path) => files.get(path) ?? null),
    folder,
  );
  // an id of nothing, in the length that this repository's ids have
  const nothing = '0'.repeat(ids.find((id) => id !== null)?.length ?? parent?.length ?? 40);
  // what goes makes room first: a folder may come where a file was
  const gone = paths.map((path, at) => (ids[at] === null ? `0 ${nothing}\t${path}\0` : ''));
  const kept = paths.map((path, at) => (ids[at] === null ? '' : `100644 ${ids[at]}\t${path}\0`));
  const { stderr } = await program.run(['update-index', '-z', '--replace', '--index-info'], { env, input: [...gone, ...kept].join('') });
  // git leaves out what it would not check out, .git/config and the like, and only says so
  const refused = /^Ignoring path (.*)$/m.exec(stderr)?.[1];
  if (refused !== undefined)
    throw new PlumbError('PATH_OUTSIDE', { what: `git takes no file at "${refused.slice(0, 200)}"`, mend: 'give it another name' });
  return (await program.run(['write-tree'], { env })).stdout.toString('latin1').trim();
}

/** All of them by one git; their names in the folder are ours. */
async function writeBlobs(program: GitProgram, blobs: readonly (Uint8Array | null)[], folder: string): Promise<(Oid | null)[]> {
  const names: string[] = [];
  for (const [at, bytes] of blobs.entries()) {
    if (bytes === null) continue;
    names.push(join(folder, `${at}`));
    await writeFile(names.at(-1) ?? '', bytes);
  }
  if (names.length === 0) return blobs.map(() => null);
  const { stdout } = await program.run(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input: names.map((name) => `${name}\n`).join('') });
  const ids = stdout.toString('latin1').trim().split('\n').map(checkOid);
  return blobs.map((bytes) => (bytes === null ? null : (ids.shift() ?? null)));
}

async function objectOf(program: GitProgram, revision: string): Promise<Oid> {
  return (await program.run(['rev-parse', '--verify', '--end-of-options', revision])).stdout.toString('latin1').trim();
}

async function signing(program: GitProgram, { author }: CommitWish): Promise<string[]> {
  if (author !== undefined) return [];
  const { stdout } = await program.run(['config', '--type=bool', '--get', 'commit.gpgSign'], { allow: [1] });
  return stdout.toString('latin1').trim() === 'true' ? ['-S'] : [];
}

function identity({ author, at }: CommitWish): Record<string, string> {
  const date = at === undefined ? undefined : `@${Math.floor(at.getTime() / 1000)} +0000`;
  return {
    ...(author === undefined
      ? {}
      : {
          GIT_AUTHOR_NAME: author.name,
          GIT_AUTHOR_EMAIL: author.email,
          GIT_COMMITTER_NAME: author.name,
          GIT_COMMITTER_EMAIL: author.email,
        }),
    ...(date === undefined ? {} : { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }),
  };
}

export interface PushWish extends RemoteOptions {
  readonly commit: Oid;
  /** without refs/heads/ */
  readonly branch: string;
  /** where the remote's branch must be for it to move; null: it must not be there */
  readonly expected: Oid | null;
  /** the commit need not follow on `expected`: what the branch has goes */
  readonly replace?: boolean;
}

/**
 * Moves a branch of the remote from one commit to another, or makes it, in one step: of two who expect the same, one gets 'pushed'.
 * @returns 'unchanged': it is there already; 'refused': somebody else moved the branch, look again
 * @throws PlumbError GIT_PUSH_REFUSED (a rule or a hook), GIT_REMOTE_DENIED, GIT_REMOTE_FAILED, GIT_REMOTE_MISSING, GIT_UNSUPPORTED
 */
export async function pushBranch(git: Git, wish: PushWish): Promise<'pushed' | 'unchanged' | 'refused'> {
  const program = needProgram(git);
  const ref = `refs/heads/${checkBranchName(wish.branch)}`;
  const { commit, expected, remote, token } = wish;
  if (expected !== null && wish.replace !== true && !(await follows(program, expected, commit))) return 'refused';
  // with a lease git does not ask whether the commit follows on what is there, so we did
  const lease = `--force-with-lease=${ref}:${expected === null ? '' : checkOid(expected)}`;
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--recurse-submodules=no',
    lease,
    '--',
    remote,
    `${checkOid(commit)}:${ref}`,
  ];
  const result = await askRemote(program, wish, { direction: 'push', args, allow: [1] });
  // '<flag>\t<from>:<to>\t<summary>'
  const line = result.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => text.split('\t')[1]?.endsWith(`:${ref}`) === true);
  if (line === undefined) throw pushRefused(wish, saidBy(result, token));
  const [flag, , summary = ''] = line.split('\t');
  if (flag === '=') return 'unchanged';
  if (flag !== '!') return 'pushed';
  if (/stale info|fetch first|non-fast-forward|already exists|cannot lock ref|failed to update ref|incorrect old value/i.test(summary))
    return 'refused';
  throw pushRefused(wish, `${saidBy({ ...result, stderr: summary }, token)} ${saidBy(result, token)}`);
}

/** False too where this clone does not have what the branch was at: it has moved on without us. */
async function follows(program: GitProgram, before: Oid, after: Oid): Promise<boolean> {
  return (await program.run(['merge-base', '--is-ancestor', checkOid(before), checkOid(after)], { allow: [1, 128] })).code === 0;
}

function pushRefused({ remote, branch }: PushWish, said: string): PlumbError {
  return new PlumbError('GIT_PUSH_REFUSED', {
    what: `${remote} does not take a push to ${branch}: ${said}`,
    mend: 'look at the rules for this branch (rulesets, branch protection, hooks) and at what the token may do',
  });
}

/**
 * Where refs of the remote are now, by one request.
 * @param names whole names, 'refs/heads/main'; 'refs/heads/plumb/*' is all below that folder
 * @returns of those that are there
 * @throws PlumbError GIT_REMOTE_DENIED, GIT_REMOTE_FAILED, GIT_REMOTE_MISSING, GIT_UNSUPPORTED
 */
export async function remoteRefs(git: Git, options: RemoteOptions & { readonly names: readonly string[] }): Promise<ReadonlyMap<string, Oid>> {
  const args = ['ls-remote', '--quiet', '--', options.remote, ...options.names.map(checkRefs)];
  const { stdout } = await askRemote(needProgram(git), options, { direction: 'fetch', args });
  const found = new Map<string, Oid>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [oid = '', name = ''] = line.split('\t');
    // git takes a name for the end of a longer one
    if (isOid(oid) && options.names.some((wanted) => name === wanted || (wanted.endsWith('/*') && name.startsWith(wanted.slice(0, -1)))))
      found.set(name, oid);
  }
  return found;
}

/**
 * Brings commits of the remote here, with all that they need. Nothing is checked out, and no ref of this clone moves but those that are named.
 * @param refs whole names; with `to`, that ref of ours is set to it, whatever it was
 * @throws PlumbError GIT_REMOTE_DENIED, GIT_REMOTE_FAILED (also where a ref is not there), GIT_REMOTE_MISSING, GIT_UNSUPPORTED
 */
export async function fetchRefs(
  git: Git,
  options: RemoteOptions & { readonly refs: readonly { readonly from: string; readonly to?: string }[] },
): Promise<void> {
  const specs = options.refs.map(({ from, to }) => (to === undefined ? checkRefOrOid(from) : `+${checkRefOrOid(from)}:${checkRef(to)}`));
  // an empty refmap: what the clone is set to fetch into is not moved by the way
  const plain = ['--quiet', '--refmap=', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
  await askRemote(needProgram(git), options, { direction: 'fetch', args: ['fetch', ...plain, '--', options.remote, ...specs] });
}

function checkRefs(name: string): string {
  return name.endsWith('/*') ? `${checkRef(name.slice(0, -2))}/*` : checkRef(name);
}

function checkRefOrOid(name: string): string {
  return isOid(name) ? name : checkRef(name);
}

function checkRef(name: string): string {
  if (name.startsWith('refs/') && isRefName(name)) return name;
  throw new PlumbError('NAME_INVALID', { what: `"${name.slice(0, 120)}" is no name of a ref`, mend: "write it whole, such as 'refs/heads/main'" });
}

/** What is fetched from; may hold credentials, and is not to be shown. null: there is no such remote. @throws PlumbError GIT_UNSUPPORTED */
export function addressOfRemote(git: Git, remote: string): Promise<string | null> {
  return addressOf(needProgram(git), remote, 'fetch');
}
