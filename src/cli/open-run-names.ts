// Which earlier runs a command may reuse: a laptop's own, or what a job of CI may build on by the base branch's policy.
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import type { MergedPull } from '../pipeline/decide-reuse.ts';
import type { TrustBase } from '../pipeline/reuse-judge.ts';
import type { RunNames } from '../pipeline/run-names.ts';
import { fetchCommit, findBaseCommit } from '../project/base-commit.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { domainOf, readJobEvent, type Environment, type TrustDomain } from '../project/trust-domain.ts';

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

/** The trust section of the base branch's policy; null: the base is not to be had. @throws PlumbError CONFIG_INVALID */
export async function openTrustBase(project: Project, env: Environment, domain: TrustDomain): Promise<TrustBase | null> {
  const commit = await findBaseCommit({ git: project.git, env, domain, main: project.config.main });
  if (commit === null) return null;
  const text = await project.readTextAt(commit, files.policy);
  if (text === undefined) return { commit, trust: null, sigstoreRoot: null };
  const { policySchema } = await import('../registry/schema.ts');
  const { trust = null } = await parseYaml(text, files.policy, policySchema);
  const root = trust?.sigstore === undefined ? undefined : await project.readTextAt(commit, trust.sigstore.root);
  return { commit, trust, sigstoreRoot: root ?? null };
}
