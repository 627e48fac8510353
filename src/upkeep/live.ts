// What lives: every digest that git, the work tree or a recent run names. What follows from it (nodes, files, outputs) is marked in mark.ts.
//
// The texts are searched for digests and are not parsed: a lock in the middle of a merge, a pointer of a later version or evidence that does not
// verify keep what they name all the same. What a collector does not understand it does not let go of.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Git } from '../git/git.ts';
import { RunLog } from '../pipeline/records.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { workTree } from '../registry/tree.ts';
import { mainCommit, type Retention } from './retention.ts';

/** digest -> why it lives: the first reason found, in words */
export type Live = Map<Digest, string>;

export interface LiveRequest {
  readonly retention: Retention;
  /** only what the work tree names */
  readonly workspaceOnly: boolean;
  /**
   * What a clone without history does: `keep`, for the bytes of this machine, goes by what it sees (what it does not see was never put here by it, and is
   * where the clone came from); `refuse`, for those of everybody.
   */
  readonly shallow: 'keep' | 'refuse';
  readonly now: Date;
  /** told of each file that is searched; path relative to the project */
  readonly onFile?: (path: string, text: string) => void;
}

type LiveProject = Pick<Project, 'root' | 'git' | 'prefix' | 'config' | 'localDir'>;

/**
 * Everything that this repository names.
 * @throws PlumbError GIT_TOO_SHALLOW where history counts that is not here, FILE_UNREADABLE
 */
export async function collectLive(project: LiveProject, request: LiveRequest): Promise<Live> {
  const live: Live = new Map();
  const add: AddFile = (path, bytes, why) => {
    if (bytes === null) return;
    const text = Buffer.from(bytes).toString('latin1');
    request.onFile?.(path, text);
    addText(live, { path, text, why });
  };
  await addWorkTree(add, project);
  if (request.workspaceOnly) return live;
  await addTips(add, project);
  await addPointerHistory(add, project, request);
  await addRuns(live, project, request);
  return live;
}

type AddFile = (path: string, bytes: Uint8Array | null, why: string) => void;

/** What is staged may be committed as it is, whatever was added since. */
async function addWorkTree(add: AddFile, { root, git, prefix }: LiveProject): Promise<void> {
  const tree = workTree(root);
  const paths = [files.lock, ...(await tree.list(files.models))];
  for (const [at, bytes] of (await tree.read(paths)).entries()) add(paths[at] ?? '', bytes, 'the work tree');
  for (const { path, bytes } of await git.readStaged([prefix + files.lock, prefix + files.models]))
    add(path.slice(prefix.length), bytes, 'the index');
}

/** datasets.lock and everything below models/ of every ref. Many refs hold the same files: each is read once. */
async function addTips(add: AddFile, { git, prefix }: LiveProject): Promise<void> {
  const commits = new Set<string>();
  const seen = new Set<string>();
  for (const { name, commit } of await git.tips()) {
    if (commits.has(commit)) continue;
    commits.add(commit);
    const models = (await git.listTree(commit, prefix + files.models)).filter(({ oid }) => !seen.has(oid));
    for (const { oid } of models) seen.add(oid);
    const paths = [prefix + files.lock, ...models.map(({ path }) => path)];
    for (const [at, bytes] of (await git.readBlobs(commit, paths)).entries()) add((paths[at] ?? '').slice(prefix.length), bytes, tipText(name));
  }
}

/** @param file path: that of evidence says which record it is */
function addText(live: Live, { path, text, why }: { readonly path: string; readonly text: string; readonly why: string }): void {
  const add = (digest: string): void => void (live.has(digest as Digest) || live.set(digest as Digest, why));
  for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) add(digest);
  const [, record] = /\/evidence\/[^/]+\/([0-9a-f]{64})\.json$/.exec(path) ?? [];
  if (record !== undefined) add(`sha256:${record}`);
}

/** 'refs/heads/topic' -> 'branch topic' */
function tipText(name: string): string {
  const [, kind, rest = ''] = /^refs\/(heads|tags|remotes|pull)\/(.+)$/.exec(name) ?? [];
  if (kind === 'heads') return `branch ${rest}`;
  if (kind === 'tags') return `tag ${rest}`;
  if (kind === 'remotes') return `remote branch ${rest}`;
  return kind === 'pull' ? `pull request ${rest.split('/')[0] ?? rest}` : name;
}

/**
 * A revert is always enough: what a pointer on the main branch ever named stays, as long as the policy says after another took its place. So of each
 * file those versions count that are younger, and the one that was there when that time began.
 */
async function addPointerHistory(add: AddFile, project: LiveProject, { retention, shallow, now }: LiveRequest): Promise<void> {
  const { git, prefix } = project;
  const main = await mainCommit(project);
  if (main === null) return;
  const oldest = retention.pointerDays === null ? Number.NEGATIVE_INFINITY : now.getTime() - retention.pointerDays * dayMs;
  const settled = new Set<string>();
  for (const { commit, paths } of await changesOf(git, main, { path: prefix + files.models, shallow })) {
    const open = paths.filter((path) => !settled.has(path));
    const texts = open.length === 0 ? [] : await git.readBlobs(commit.oid, open);
    const when = `commit ${commit.oid.slice(0, 12)} (${commit.date.toISOString().slice(0, 10)})`;
    for (const [at, path] of open.entries()) {
      const inProject = path.slice(prefix.length);
      add(inProject, texts[at] ?? null, `${pointerText(inProject)} at ${when}`);
      if (commit.date.getTime() < oldest) settled.add(path);
    }
  }
}

async function changesOf(git: Git, main: string, what: { path: string; shallow: 'keep' | 'refuse' }): ReturnType<Git['logChanges']> {
  try {
    return await git.logChanges(main, { path: what.path });
  } catch (error) {
    if (what.shallow === 'keep' && isPlumbError(error, 'GIT_TOO_SHALLOW')) return [];
    throw error;
  }
}

/** 'models/intents/production.json' -> 'production of intents' */
function pointerText(path: string): string {
  const [, model = '', stage] = /^models\/([^/]+)\/([^/]+)\.json$/.exec(path) ?? [];
  return stage === undefined ? path : `${stage} of ${model}`;
}

const dayMs = 86_400_000;

/** Runs of this machine that are young; a stage of a run that is under way writes its line when it ends. */
async function addRuns(live: Live, { localDir }: LiveProject, { retention, now }: LiveRequest): Promise<void> {
  const oldest = now.getTime() - retention.runDays * dayMs;
  for (const entry of await new RunLog(localDir).read()) {
    const at = Date.parse(entry.at);
    // a time that is none is no reason to let go
    if (at < oldest || live.has(entry.run)) continue;
    live.set(entry.run, `run of ${entry.stage}, ${ageText(now.getTime() - at)}`);
  }
}

function ageText(ms: number): string {
  const days = Math.floor(ms / dayMs);
  return days === 1 ? 'a day ago' : days > 1 ? `${days} days ago` : 'today';
}
