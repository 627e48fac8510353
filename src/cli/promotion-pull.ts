// A change of pointers as a pull request: a commit on top of origin's main branch that no work tree has, a branch of its own, one pull request. The same wish
// made again leads to the same branch and the same pull request: nothing is opened twice, and what people approved stays what they approved.
import { PlumbError } from '../base/errors.ts';
import { fetchRefs, remoteRefs, commitFiles, pushBranch } from '../git/publish.ts';
import type { Git, Oid } from '../git/git.ts';
import type { PullRequest } from '../forge/forge.ts';
import type { Project } from '../project/open.ts';
import { isForgeJob } from '../ci/forge-place.ts';
import type { Cli } from './command.ts';
import type { OpenForge } from './open-forge.ts';

/** Where main is at origin, now. */
export interface RemoteMain {
  /** short name */
  readonly branch: string;
  readonly commit: Oid;
}

const remote = 'origin';

/**
 * Brings origin's main branch here, into its remote-tracking branch.
 * @throws PlumbError GIT_REMOTE_MISSING, GIT_REMOTE_DENIED, GIT_REMOTE_FAILED
 */
export async function fetchMain({ git, config }: Pick<Project, 'git' | 'config'>, { gitToken }: Pick<OpenForge, 'gitToken'>): Promise<RemoteMain> {
  const branch = config.main;
  const to = `refs/remotes/${remote}/${branch}`;
  await fetchRefs(git, { remote, token: gitToken, refs: [{ from: `refs/heads/${branch}`, to }] });
  const commit = await git.resolve(to);
  if (commit === null) throw new Error(`git fetched ${to}, and it is not there`);
  return { branch, commit };
}

export interface PullPlan {
  /** of its own: plumb/promote/intents-production-9f3c12ab34cd */
  readonly branch: string;
  readonly main: RemoteMain;
  /** path, relative to the repository -> bytes; null: it goes */
  readonly files: ReadonlyMap<string, Uint8Array | null>;
  /** of the commit; its first line is the title */
  readonly message: string;
  /** Markdown, at most 65,536 characters */
  readonly body: string;
  readonly author: { readonly name: string; readonly email: string };
}

export interface OpenedPull {
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  readonly commit: Oid;
  /** unchanged: an open one says the same already */
  readonly state: 'opened' | 'updated' | 'unchanged';
  /** what whoever asked for it should know */
  readonly warning: string | null;
}

/**
 * @throws PlumbError GIT_PUSH_REFUSED, GIT_REMOTE_DENIED, GIT_REMOTE_FAILED, REPOSITORY_BUSY (somebody else pushed that branch meanwhile), FORGE_DENIED,
 * FORGE_FAILED, FORGE_REFUSED
 */
export async function openPull(git: Git, { forge, gitToken, place }: OpenForge, plan: PullPlan): Promise<OpenedPull> {
  const before = await fetchBranch(git, plan.branch, gitToken);
  const [title = ''] = plan.message.split('\n');
  const isThere = before !== null && (await hasJust(git, before, plan));
  const commit = isThere ? before : await pushPlan(git, plan, { before, gitToken });
  const pull = await forge.openPullRequest({ head: plan.branch, base: plan.main.branch, title, body: plan.body });
  const opened = { number: pull.number, url: pull.url, branch: plan.branch, commit };
  const warning = warningOf(pull, place.kind);
  if (before === null) return { ...opened, state: 'opened', warning };
  // also where the branch is as it shall be: whoever pushed it may have been killed before he said so
  await forge.updatePullRequest(pull.number, { title, body: plan.body });
  return { ...opened, state: isThere ? 'unchanged' : 'updated', warning };
}

/** The commit of a branch of origin, brought here; null: there is no such branch. */
export async function fetchBranch(git: Git, branch: string, token: OpenForge['gitToken']): Promise<Oid | null> {
  const ref = `refs/heads/${branch}`;
  const commit = (await remoteRefs(git, { remote, token, names: [ref] })).get(ref) ?? null;
  if (commit !== null && (await git.resolve(commit)) === null) await fetchRefs(git, { remote, token, refs: [{ from: ref }] });
  return commit;
}

/** Does a branch bring these files and nothing else? An update from main is nothing. */
async function hasJust(git: Git, tip: Oid, { main, files }: Pick<PullPlan, 'main' | 'files'>): Promise<boolean> {
  const parted = await git.mergeBase(main.commit, tip);
  if (parted === null) return false;
  const paths = [...files.keys()];
  if ((await git.changedPaths(parted, tip)).some((path) => !files.has(path))) return false;
  const found = await git.readBlobs(tip, paths);
  return paths.every((path, at) => {
    const [is, shall] = [found[at] ?? null, files.get(path) ?? null];
    return is === null || shall === null ? is === shall : Buffer.compare(is, shall) === 0;
  });
}

async function pushPlan(git: Git, plan: PullPlan, { before, gitToken }: { before: Oid | null; gitToken: OpenForge['gitToken'] }): Promise<Oid> {
  const { main, files, message, author, branch } = plan;
  const commit = await commitFiles(git, { parent: main.commit, files, message, author });
  const state = await pushBranch(git, { remote, token: gitToken, commit, branch, expected: before, replace: true });
  if (state !== 'refused') return commit;
  throw new PlumbError('REPOSITORY_BUSY', {
    what: `somebody else pushed ${branch} at the same moment`,
    mend: 'run it again: it looks at what is there now',
  });
}

/** What could not be known before: whose the token is. */
function warningOf({ author }: PullRequest, kind: OpenForge['place']['kind']): string | null {
  if (author !== (kind === 'gitea' ? 'gitea-actions' : 'github-actions[bot]')) return null;
  return kind === 'gitea'
    ? `the pull request is by ${author}: no workflow begins for it by itself`
    : `the pull request is by ${author}: check-promotion does not begin for it by itself (start it: \`gh workflow run check-promotion.yml\`), and other workflows wait until somebody with write access approves the runs on its page`;
}

/**
 * Who the commit is by: as git has it, in a job without such settings who started it, as the forge says. It is a name to read, and nothing is decided by it.
 * @throws PlumbError GIT_FAILED
 */
export async function committer({ git }: Pick<Project, 'git'>, { env }: Pick<Cli, 'env'>): Promise<PullPlan['author']> {
  const identity = await git.identity();
  if (identity !== null) return identity;
  const actor = env['GITHUB_TRIGGERING_ACTOR'] ?? env['GITHUB_ACTOR'] ?? '';
  if (isForgeJob(env) && /^[\w.[\]-]{1,100}$/.test(actor)) return { name: actor, email: `${actor}@users.noreply.github.com` };
  throw new PlumbError('GIT_FAILED', {
    what: 'git does not know who you are',
    mend: 'git config user.name "Your Name" && git config user.email you@example.org',
  });
}
