// Brings together what the decision needs: the base branch's policy, who signed, what the main branch's workflow files are. Each is looked up when the
// first record asks for it.
import type { Git, Oid } from '../git/git.ts';
import type { TrustDomain } from '../project/trust-domain.ts';
import { refused, verifyEnvelope, type Checked } from './attestation.ts';
import { decideReuse, type MergedPull, type ReuseDecision } from './decide-reuse.ts';
import type { Candidate, OwnRuns } from './run-names.ts';
import type { TrustPolicy } from './trust-policy.ts';

/** What of the base branch judges. */
export interface TrustBase {
  readonly commit: Oid;
  readonly trust: TrustPolicy | null;
  /** text of `trust.sigstore.root`; null: there is none */
  readonly sigstoreRoot: string | null;
}

export interface ReuseJudge {
  readonly reader: TrustDomain;
  readonly main: string;
  readonly merged: readonly MergedPull[];
  readonly own: OwnRuns;
  readonly git: Git;
  /** null: this clone does not have it */
  base(): Promise<TrustBase | null>;
  /** Brings a commit into this clone. @returns whether it is there now */
  fetchCommit(commit: Oid): Promise<boolean>;
}

export async function judgeReuse(judge: ReuseJudge, { record, found, note }: Candidate): Promise<ReuseDecision> {
  const { reader, main, merged } = judge;
  const own = (await judge.own.list()).has(record.digest);
  const question = { record, found, reader, own, main, merged, attestation: null, trust: null, workflowBlobs: new Set<string>() };
  // a job needs no policy for what it made itself
  if (own) return decideReuse(question);
  const base = await judge.base();
  if (base === null) return { reuse: false, why: 'the policy.yaml of the base branch is not in this clone (check out with fetch-depth: 0)' };
  const attestation = note === null || base.trust === null ? null : await checkNote(judge, note, base.trust, base.sigstoreRoot);
  const path = attestation?.state === 'verified' ? attestation.statement.predicate.job.workflow.path : null;
  const workflowBlobs = path === null ? new Set<string>() : await blobsOnMain(judge.git, base.commit, path);
  return decideReuse({ ...question, attestation, trust: base.trust, workflowBlobs });
}

/**
 * Whose signature is it? @param note an envelope or a bundle, in one line of JSON. @param root text of `trust.sigstore.root`; null: there is none
 */
export async function checkNote(
  judge: Pick<ReuseJudge, 'git' | 'fetchCommit'>,
  note: string,
  trust: TrustPolicy,
  root: string | null,
): Promise<Checked> {
  if (!note.includes('"mediaType"')) return verifyEnvelope(note, trust.keys);
  if (trust.sigstore === undefined || root === null)
    return refused('it was signed by Sigstore, for which policy.yaml has no trust.sigstore, or no root');
  const { verifyBundle } = await import('./sigstore.ts');
  const checked = verifyBundle(note, { issuer: trust.sigstore.issuer, root });
  if (checked.state === 'refused') return checked;
  // whoever writes a workflow writes what its job says of it: git is asked instead
  const { workflow } = checked.statement.predicate.job;
  const { workflowCommit, ...verified } = checked;
  const isHere = (await judge.git.resolve(workflowCommit)) !== null || (await judge.fetchCommit(workflowCommit));
  const blob = isHere ? await blobAt(judge.git, workflowCommit, workflow.path) : null;
  const { statement } = verified;
  return {
    ...verified,
    statement: { ...statement, predicate: { ...statement.predicate, job: { ...statement.predicate.job, workflow: { ...workflow, blob } } } },
  };
}

/** git id of a file of a commit, or null. @param path relative to the repository */
export async function blobAt(git: Git, commit: Oid, path: string): Promise<Oid | null> {
  if ((await git.resolve(commit)) === null) return null;
  const folder = path.split('/').slice(0, -1).join('/');
  return (await git.listTree(commit, folder)).find((entry) => entry.path === path)?.oid ?? null;
}

/** A pull request may have run before its workflow was changed on the main branch: so many changes are looked back. */
const mostVersions = 20;

/** What a file is on a branch, and was. A shallow clone knows what it is. */
export async function blobsOnMain(git: Git, commit: Oid, path: string): Promise<Set<Oid>> {
  const commits = [commit];
  if (!(await git.isShallow())) for (const { oid } of await git.log(commit, { path, firstParent: true, max: mostVersions })) commits.push(oid);
  const blobs = new Set<Oid>();
  for (const oid of commits) {
    const blob = await blobAt(git, oid, path);
    if (blob !== null) blobs.add(blob);
  }
  return blobs;
}
