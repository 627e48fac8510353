// What lives: every digest that git, the work tree or a recent run names. What follows from it (nodes, files, outputs) is marked in mark.ts.
//
// The texts are searched for digests and are not parsed: a lock in the middle of a merge, a pointer of a later version or evidence that does not
// verify keep what they name all the same. What a collector does not understand it does not let go of.
import type { Digest } from '../base/digest.ts';
import { RunLog } from '../pipeline/records.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { commitTree, workTree, type FileTree } from '../registry/tree.ts';
import type { Retention } from './retention.ts';

/** digest -> why it lives: the first reason found, in words */
export type Live = Map<Digest, string>;

export interface LiveRequest {
  readonly retention: Retention;
  /** only what the work tree names */
  readonly workspaceOnly: boolean;
  readonly now: Date;
}

/**
 * Everything that this repository names.
 * @throws PlumbError GIT_TOO_SHALLOW where the history of the main branch is not here and counts, FILE_UNREADABLE
 */
export async function collectLive(project: Project, request: LiveRequest): Promise<Live> {
  const live: Live = new Map();
  const seen = new Set<string>();
  await addTree(live, seen, workTree(project.root), 'the work tree');
  if (request.workspaceOnly) return live;
  const { git, prefix } = project;
  const tips = await git.tips();
  for (const { name, commit } of tips) await addTree(live, seen, commitTree(git, prefix, commit), tipText(name));
  await addPointerHistory(live, project, request);
  await addRuns(live, project, request);
  return live;
}

/** datasets.lock and everything below models/. Many tips hold the same texts: each text is searched once. */
async function addTree(live: Live, seen: Set<string>, tree: FileTree, why: string): Promise<void> {
  const paths = [files.lock, ...(await tree.list(files.models))];
  for (const bytes of await tree.read(paths)) {
    if (bytes === null) continue;
    const text = Buffer.from(bytes).toString('latin1');
    if (seen.has(text)) continue;
    seen.add(text);
    addText(live, text, why);
  }
}

function addText(live: Live, text: string, why: string): void {
  for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) if (!live.has(digest as Digest)) live.set(digest as Digest, why);
}

/** 'refs/heads/topic' -> 'branch topic' */
function tipText(name: string): string {
  const [, kind, rest = ''] = /^refs\/(heads|tags|remotes|pull)\/(.+)$/.exec(name) ?? [];
  if (kind === 'heads') return `branch ${rest}`;
  if (kind === 'tags') return `tag ${rest}`;
  if (kind === 'remotes') return `remote branch ${rest}`;
  return kind === 'pull' ? `pull request ${rest.split('/')[0] ?? rest}` : name;
}

/** A revert is always enough: what a pointer on the main branch ever named stays, as long as the policy says. */
async function addPointerHistory(live: Live, { git, prefix, config }: Project, { retention, now }: LiveRequest): Promise<void> {
  const main = await firstThere([`refs/heads/${config.main}`, `refs/remotes/origin/${config.main}`], (name) => git.resolve(name));
  if (main === null) return;
  const oldest = retention.pointerDays === null ? null : now.getTime() - retention.pointerDays * dayMs;
  for (const { commit, paths } of await git.logChanges(main, { path: prefix + files.models })) {
    // what a commit put there was there until the next one: the first that is too old still counts
    const isOld = oldest !== null && commit.date.getTime() < oldest;
    const texts = await git.readBlobs(commit.oid, paths);
    const why = `a pointer of ${commit.date.toISOString().slice(0, 10)} (commit ${commit.oid.slice(0, 12)})`;
    for (const bytes of texts) if (bytes !== null) addText(live, Buffer.from(bytes).toString('latin1'), why);
    if (isOld) return;
  }
}

const dayMs = 86_400_000;

async function firstThere<T>(names: readonly string[], ask: (name: string) => Promise<T | null>): Promise<T | null> {
  for (const name of names) {
    const found = await ask(name);
    if (found !== null) return found;
  }
  return null;
}

/** Runs of this machine that are young, and those of stages that run right now. */
async function addRuns(live: Live, project: Project, { retention, now }: LiveRequest): Promise<void> {
  const oldest = now.getTime() - retention.runDays * dayMs;
  for (const entry of await new RunLog(project.localDir).read()) {
    if (Date.parse(entry.at) < oldest || live.has(entry.run)) continue;
    live.set(entry.run, `a run of ${entry.stage} on ${entry.at.slice(0, 10)}`);
  }
}
