// Which policy judged? The copy in the evidence is only worth something when the branch had it: a promotion that was judged by a weaker policy
// of a side branch holds in all else.
import { digestOf } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { Finding } from './evidence.ts';
import type { PointerChange } from './history.ts';
import { pointerPath, type PointerPlace } from './pointer.ts';

/**
 * Promotions whose policy was neither in force when they reached the branch nor at their base, which must be a commit of this branch before them.
 * A branch that had no policy yet had nothing to protect.
 * @param promotions changes that brought a new decision
 * @param revision commit whose first-parent line they are on
 */
export async function checkPolicies(
  { git, prefix, revision }: { git: Git; prefix: string; revision: Oid },
  place: PointerPlace,
  promotions: readonly PointerChange[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let line: ReadonlyMap<Oid, number> | undefined;
  for (const { commit, parents, pointer, promotion } of promotions) {
    if (pointer === null || promotion === null) continue;
    const [parent] = parents;
    const inForce = parent === undefined ? null : await policyAt(git, prefix, parent);
    if (inForce === pointer.policy || inForce === null) continue;
    // only whoever was not judged by what was in force pays for the walk over all commits
    line ??= new Map((await git.log(revision, { firstParent: true })).map(({ oid }, at) => [oid, at]));
    const { base } = promotion;
    const isEarlier = base !== null && (line.get(base) ?? -1) > (line.get(commit) ?? Number.POSITIVE_INFINITY);
    if (base !== null && isEarlier && (await policyAt(git, prefix, base)) === pointer.policy) continue;
    const file = pointerPath(place);
    const judged =
      base === null
        ? 'no commit'
        : isEarlier
          ? `commit ${base.slice(0, 12)}, which has another`
          : `commit ${base.slice(0, 12)}, which this branch never was at before`;
    findings.push({
      file,
      commit,
      what: `${file}: the policy that judged was never in force on this branch: its record names ${judged}`,
      mend: 'promote again, judged by the policy of the main branch (leave --base out)',
    });
  }
  return findings;
}

async function policyAt(git: Git, prefix: string, commit: Oid): Promise<string | null> {
  const bytes = await git.readBlob(commit, prefix + files.policy);
  return bytes === null ? null : digestOf(bytes);
}
