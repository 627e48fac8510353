// Which earlier runs a command may reuse: a laptop's own, or what a job of CI may build on by the base branch's policy.
import { execFile } from 'node:child_process';
import { parseYaml } from '../base/config.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { MergedPull } from '../pipeline/decide-reuse.ts';
import type { TrustBase } from '../pipeline/reuse-judge.ts';
import type { RunNames } from '../pipeline/run-names.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { at, domainOf, readJobEvent, type Environment, type TrustDomain } from '../project/trust-domain.ts';

/**
 * @throws PlumbError RUN_DOMAIN in a job of CI that is not understood
 */
export async function openRunNames(project: Project, env: Environment): Promise<RunNames> {
  const domain = domainOf(env, () => readJobEvent(env));
  const { ciRuns, laptopRuns, OwnRuns } = await import('../pipeline/run-names.ts');
  if (domain.kind === 'laptop') return laptopRuns(project.store);
  const [{ judgeReuse }, { readJob }] = await Promise.all([import('../pipeline/reuse-judge.ts'), import('../pipeline/ci-job.ts')]);
  const event = readJobEvent(env);
  const own = new OwnRuns(project.localDir, domain, readJob(env, event));
  const merged = readMerged(env['PLUMB_MERGED_PULLS'] ?? '');
  let base: Promise<TrustBase | null> | undefined;
  const judge = {
    reader: domain,
    main: project.config.main,
    merged,
    own,
    git: project.git,
    base: () => (base ??= openTrustBase(project, env, domain)),
    fetchCommit: (commit: string) => fetchCommit(project, env, commit),
  };
  return ciRuns({ store: project.store, domain, merged, own, decide: (candidate) => judgeReuse(judge, candidate) });
}

/** '7,8@<commit that was merged>' @throws PlumbError USAGE */
export function readMerged(text: string): MergedPull[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, number, head] = /^([1-9][0-9]{0,9})(?:@([0-9a-f]{40,64}))?$/.exec(part) ?? [];
      if (number !== undefined) return { number: Number(number), head: head ?? null };
      throw new PlumbError('USAGE', {
        what: `PLUMB_MERGED_PULLS has ${JSON.stringify(part.slice(0, 60))}`,
        mend: 'write numbers of pull requests, each with the commit that was merged if it is known: 7,8@<commit>',
      });
    });
}

/** Where the policy stands that a branch cannot change: the first of these that this clone has. */
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

/** The trust section of the base branch's policy; null: the base is not to be had. @throws PlumbError CONFIG_INVALID */
export async function openTrustBase(project: Project, env: Environment, domain: TrustDomain): Promise<TrustBase | null> {
  const revisions = baseRevisions(domain, { env, event: readJobEvent(env), main: project.config.main });
  const [first = ''] = revisions;
  return (await readTrustBase(project, revisions)) ?? ((await fetchCommit(project, env, first)) ? readTrustBase(project, [first]) : null);
}

async function readTrustBase(project: Project, revisions: readonly string[]): Promise<TrustBase | null> {
  for (const revision of revisions) {
    const commit = await resolveOrNull(project, revision);
    if (commit === null) continue;
    const text = await project.readTextAt(commit, files.policy);
    if (text === undefined) return { commit, trust: null, sigstoreRoot: null };
    const { policySchema } = await import('../registry/schema.ts');
    const { trust = null } = await parseYaml(text, files.policy, policySchema);
    const root = trust?.sigstore === undefined ? undefined : await project.readTextAt(commit, trust.sigstore.root);
    return { commit, trust, sigstoreRoot: root ?? null };
  }
  return null;
}

/** A shallow clone cannot say what is beyond its end. */
async function resolveOrNull({ git }: Project, revision: string): Promise<Oid | null> {
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
export async function fetchCommit({ git }: Project, env: Environment, commit: string): Promise<boolean> {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) return false;
  // a clone that has its whole history keeps it
  const depth = (await git.isShallow()) ? ['--depth=1'] : [];
  const args = ['--git-dir', git.gitDir, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', ...depth, 'origin', commit];
  const options = { env: { ...env, GIT_TERMINAL_PROMPT: '0' }, timeout: 60_000 };
  const isDone = await new Promise<boolean>((resolve) => execFile('git', args, options, (error) => resolve(error === null)));
  return isDone && (await git.resolve(commit)) !== null;
}
