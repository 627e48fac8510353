// What the forge says of a merged pull request, asked anew and from nobody else. An answer that did not come is not one that says no: the run ends with it.
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import type { PullRequest } from '../forge/forge.ts';
import type { Git } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { ApprovalRule } from '../registry/approvals.ts';
import { placeOf } from '../registry/pointer.ts';
import type { PullFacts } from '../registry/pull-facts.ts';
import type { Policy } from '../registry/schema.ts';
import type { FactsForge } from './pull-asking.ts';
import { gatherFacts } from './pull-facts.ts';
import type { Step } from './reconcile-steps.ts';

/**
 * @param policy that judges
 * @throws PlumbError FORGE_BUSY; FORGE_FAILED when the forge is in trouble
 */
export async function factsOfMerged(
  forge: FactsForge,
  { number }: PullRequest,
  { git, prefix, step, policy }: { readonly git: Git; readonly prefix: string; readonly step: Step; readonly policy: Policy },
): Promise<PullFacts> {
  const troubles: PlumbError[] = [];
  const facts = await gatherFacts(noting(forge, troubles), number, {
    git,
    prefix,
    base: step.before ?? step.commit,
    access: policy.access,
    rules: rulesOf(step, policy),
    paths: step.paths.map((path) => prefix + path),
  });
  const [trouble] = troubles;
  if (trouble !== undefined) throw trouble;
  return facts;
}

/** Everybody whose approval may be asked for. */
function rulesOf({ paths }: Step, { models, access }: Policy): ApprovalRule[] {
  const stages = paths.flatMap((path) => {
    const place = placeOf(path);
    const rule = place === null || !Object.hasOwn(models, place.model) ? undefined : models[place.model]?.[place.stage];
    return rule === undefined ? [] : [rule.approvals];
  });
  return paths.includes(files.policy) ? [...stages, { ...access.policy, codeowners: true }] : stages;
}

/** Lets nothing pass unseen that a forge answers when it is in trouble itself. */
function noting(forge: FactsForge, troubles: PlumbError[]): FactsForge {
  const seen = <A extends unknown[], T>(work: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      try {
        return await work(...args);
      } catch (error) {
        if (isPlumbError(error, 'FORGE_FAILED') && Number(error.details?.['status'] ?? 0) >= 500) troubles.push(error);
        throw error;
      }
    };
  };
  return {
    kind: forge.kind,
    findPullRequest: seen((by) => forge.findPullRequest(by)),
    changedFiles: seen((number) => forge.changedFiles(number)),
    reviews: seen((number) => forge.reviews(number)),
    pushes: seen((branch) => forge.pushes(branch)),
    retargetedAt: seen((number) => forge.retargetedAt(number)),
    runsOfWorkflow: seen((file, between) => forge.runsOfWorkflow(file, between)),
    permissionOf: seen((login) => forge.permissionOf(login)),
    isMember: seen((login, team) => forge.isMember(login, team)),
    fileAt: seen((commit, path) => forge.fileAt(commit, path)),
  };
}
