// In a job on a pull request: the commit that it would be merged into, whose files the branch cannot change.
import { execFile } from 'node:child_process';
import { isPlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { at, readJobEvent, type Environment, type TrustDomain } from './trust-domain.ts';

export interface BaseQuestion {
  readonly git: Git;
  readonly env: Environment;
  readonly domain: TrustDomain;
  /** name of the main branch */
  readonly main: string;
}

/** The first of where it may be found that this clone has, or can bring here; null: it is not to be had. */
export async function findBaseCommit({ git, env, domain, main }: BaseQuestion): Promise<Oid | null> {
  const revisions = baseRevisions(domain, { env, event: readJobEvent(env), main });
  for (const revision of revisions) {
    const commit = await resolveOrNull(git, revision);
    if (commit !== null) return commit;
  }
  const [first = ''] = revisions;
  return (await fetchCommit({ git }, env, first)) ? resolveOrNull(git, first) : null;
}

function baseRevisions(domain: TrustDomain, job: { readonly env: Environment; readonly event: unknown; readonly main: string }): string[] {
  const { env, event, main } = job;
  if (domain.kind === 'trusted') return ['HEAD'];
  const { GITHUB_SHA: started = '', GITHUB_REF: ref = '' } = env;
  const text = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : []);
  const ofPull = [...text(at(event, 'pull_request', 'base', 'sha')), ...text(at(event, 'merge_group', 'base_sha'))];
  // the forge's own merge: its first parent is the base, which a clone of depth 2 has
  const ofMerge = at(event, 'pull_request') !== undefined && /^refs\/pull\/\d+\/merge$/.test(ref) ? [`${started}~1`] : [];
  // started by hand for a pull request, a workflow runs on main: its own commit is one of main
  const ofStart = at(event, 'inputs', 'pull') === undefined ? [] : text(started);
  const branches = [...text(env['GITHUB_BASE_REF']), main].flatMap((branch) => [`refs/remotes/origin/${branch}`, `refs/heads/${branch}`]);
  return [...ofPull, ...ofMerge, ...ofStart, ...branches];
}

/** A shallow clone cannot say what is beyond its end. */
async function resolveOrNull(git: Git, revision: string): Promise<Oid | null> {
  try {
    return await git.resolve(revision);
  } catch (error) {
    if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return null;
    throw error;
  }
}

/**
 * Brings a commit that this clone lacks: the base, or the one that a pull request's workflow was made of, to which no branch leads once it is merged.
 * It fails quietly: then the run is not reused, and that is said.
 */
export async function fetchCommit({ git }: { readonly git: Git }, env: Environment, commit: string): Promise<boolean> {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) return false;
  // a clone that has its whole history keeps it
  const depth = (await git.isShallow()) ? ['--depth=1'] : [];
  const args = ['--git-dir', git.gitDir, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', ...depth, 'origin', commit];
  const options = { env: { ...env, GIT_TERMINAL_PROMPT: '0' }, timeout: 60_000 };
  const isDone = await new Promise<boolean>((resolve) => execFile('git', args, options, (error) => resolve(error === null)));
  return isDone && (await git.resolve(commit)) !== null;
}
