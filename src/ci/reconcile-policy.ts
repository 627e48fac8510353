// The policy that judges what comes next: the last one that the log let in, whatever the main branch has by now.
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { signersOf } from '../registry/audit-signers.ts';
import { parsePolicyText } from '../registry/chain.ts';
import { gitPolicies, type DecisionLog } from '../registry/decision-log.ts';
import type { LogRecord } from '../registry/audit-record.ts';
import type { JudgingPolicy } from '../registry/move-input.ts';
import type { Policy } from '../registry/schema.ts';

interface Place {
  readonly git: Git;
  readonly prefix: string;
}

/** null: none is in force, or it is not to be had. Then nobody can judge, and nothing holds. */
export async function policyInForce({ git, prefix }: Place, { policy }: Pick<DecisionLog, 'policy'>): Promise<JudgingPolicy | null> {
  const found = policy === null ? null : await gitPolicies(git, prefix).policy(policy.digest, policy.commit);
  const parsed = found === null ? 'there is none' : parsePolicyText(found.text);
  if (policy === null || found === null || typeof parsed === 'string') return null;
  return { text: found.text, digest: policy.digest, policy: parsed, commit: policy.commit };
}

/** The policies that records were judged by, by digest; those that cannot be read are left out. */
export async function policiesOf({ git, prefix }: Place, records: readonly LogRecord[]): Promise<ReadonlyMap<string, Policy>> {
  const source = gitPolicies(git, prefix);
  const found = new Map<string, Policy>();
  const asked = new Set<string>();
  for (const { decision } of records) {
    const { policy, commit } = decision;
    // the first that names it is about the commit that brought it
    if (policy === null || asked.has(policy)) continue;
    asked.add(policy);
    const parsed = parsePolicyText((await source.policy(policy, commit))?.text ?? '');
    if (typeof parsed !== 'string') found.set(policy, parsed);
  }
  return found;
}

/**
 * People approve the change that they are shown. Where what the main branch had before is not in force, that is a part of what would change.
 * @returns why it is not what they saw; null: it is, or it brings back what is in force
 */
export async function policyGap(
  place: Place,
  { before, after }: { readonly before: Oid; readonly after: Oid },
  { policy }: Pick<DecisionLog, 'policy'>,
): Promise<string | null> {
  if (policy === null || (await policyDigest(place, before)) === policy.digest || (await policyDigest(place, after)) === policy.digest) return null;
  const there = `${files.policy} of ${policy.commit.slice(0, 12)}`;
  return `it changes a policy.yaml that is not in force, so that nobody was shown all that would change: bring back ${there} first, then change that`;
}

/** null: the commit has none */
export async function policyDigest({ git, prefix }: Place, commit: Oid): Promise<Digest | null> {
  const bytes = await git.readBlob(commit, prefix + files.policy);
  return bytes === null ? null : digestOf(bytes);
}

/**
 * Why a policy cannot judge, though people approved it: the log could not go on with it.
 * @param commit of the main branch, that brought it
 * @param log null: it begins with this policy
 * @returns null: it can
 */
export async function policyTrouble(
  { git, prefix, logBranch }: Place & { readonly logBranch: string },
  commit: Oid,
  log: Pick<DecisionLog, 'policy'> | null,
): Promise<string | null> {
  const bytes = await git.readBlob(commit, prefix + files.policy);
  if (bytes === null) return 'policy.yaml is gone: nothing would be judged any more, and nobody could sign';
  const found = await gitPolicies(git, prefix).policy(digestOf(bytes), commit);
  const parsed = found === null ? 'it cannot be read' : parsePolicyText(found.text);
  if (found === null || typeof parsed === 'string') return `policy.yaml does not parse: ${typeof parsed === 'string' ? parsed : ''}`;
  const branch = parsed.audit?.branch ?? 'plumb/audit';
  if (branch !== logBranch) return `the log of decisions stays where it began: \`audit.branch\` must be ${logBranch}`;
  const root = await rootTrouble({ git, prefix }, { root: found.root, sha256: parsed.trust?.sigstore?.sha256 }, log);
  if (root !== null) return root;
  try {
    const { keys, jobs } = signersOf(parsed, found.root);
    return keys.length > 0 || jobs !== null
      ? null
      : 'it names nobody who signs the log of decisions (`audit.keys`, or `audit.workflows` with `trust.sigstore`)';
  } catch (error) {
    if (isPlumbError(error, 'SIGNING_KEY')) return error.message;
    throw error;
  }
}

/** The certificates stand in a file beside the policy, which anybody may change who may push: approvals are of the policy's bytes alone. */
async function rootTrouble(
  place: Place,
  { root, sha256 }: { readonly root: string | null; readonly sha256: Digest | undefined },
  log: Pick<DecisionLog, 'policy'> | null,
): Promise<string | null> {
  if (root === null) return null;
  if (sha256 !== undefined)
    return digestOf(root) === sha256 ? null : `the file of trust.sigstore.root is not ${sha256}, which trust.sigstore.sha256 says`;
  const policy = log?.policy ?? null;
  if (log === null || (policy !== null && (await gitPolicies(place.git, place.prefix).policy(policy.digest, policy.commit))?.root === root))
    return null;
  return `its trust.sigstore.root is another file than the one in force, which nobody approved: add \`sha256: ${digestOf(root)}\` to trust.sigstore`;
}
