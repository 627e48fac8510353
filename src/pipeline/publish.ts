// What a job of CI made becomes something that others may reuse: bytes first, then the signature, then the names that lead to both.
import type { KeyObject } from 'node:crypto';
import { PlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { Git } from '../git/git.ts';
import { domainText, type Environment } from '../project/trust-domain.ts';
import type { Named, PushResult, Store, TransferOptions } from '../store/store.ts';
import { publicText, readPublicKey, readSigningKey, signStatement, statementOf, type Job, type Statement } from './attestation.ts';
import { checkpointName, checkpointRoot, type KeptCheckpoint } from './checkpoint-share.ts';
import type { JobFacts } from './ci-job.ts';
import type { BoundStage } from './graph.ts';
import { findUsable, frozenRecord, isRunOf, readyStage, type PlanContext } from './plan.ts';
import { collectRuns } from './reachable.ts';
import { readableRecord, type KeptRecord } from './records.ts';
import { blobAt, type TrustBase } from './reuse-judge.ts';
import type { RunNames } from './run-names.ts';
import type { TrustPolicy } from './trust-policy.ts';

/** One statement is about so many runs: it stands beside the name of each. */
const runsAStatement = 64;

/** How a job signs. key: who it is in the policy, or null where the policy does not name it */
export type Signer =
  | { readonly kind: 'key'; readonly key: KeyObject; readonly name: string | null }
  | { readonly kind: 'sigstore'; readonly policy: NonNullable<TrustPolicy['sigstore']>; readonly root: string };

/**
 * With what this job signs: its key, else its identity where the policy takes those.
 * @returns null: with nothing
 * @throws PlumbError SIGNING_KEY
 */
export function findSigner(env: Environment, base: TrustBase | null): Signer | null {
  const text = env['PLUMB_SIGNING_KEY'];
  if (text !== undefined && text !== '') {
    const key = readSigningKey(text);
    const known = base?.trust?.keys.find((one) => publicText(readPublicKey(one.public)) === publicText(key));
    return { kind: 'key', key, name: known?.name ?? null };
  }
  const policy = base?.trust?.sigstore;
  if (policy === undefined || !base?.sigstoreRoot || !env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']) return null;
  return { kind: 'sigstore', policy, root: base.sigstoreRoot };
}

/**
 * The runs to publish: those that this job made and, on the main branch, those that it took over from merged pull requests. The list of what a job made
 * stands in its work tree, where its stages write: so only what the fingerprint of one of these stages leads to is vouched for, whatever a record says it is.
 * @param stages those that the job was asked for, with what they need, in an order in which each comes after all that it needs
 */
export async function runsToPublish(stages: ReadonlyMap<string, BoundStage>, context: PlanContext): Promise<KeptRecord[]> {
  const { store, runs } = context;
  const own: KeptRecord[] = [];
  for (const digest of await runs.own()) {
    const kept = await readableRecord(store, digest);
    if (kept !== undefined) own.push(kept);
  }
  const chosen = new Map<Digest, KeptRecord>();
  const produced = new Map<string, KeptRecord>();
  for (const [name, stage] of stages) {
    const frozen = await frozenRecord(stage, context);
    if (frozen === undefined && stage.after.some((before) => stages.has(before) && !produced.has(before))) continue;
    const ready = frozen === undefined ? await readyStage(stage, produced, context) : null;
    const made = ready === null ? [] : own.filter(({ record }) => isRunOf(ready, record));
    const found = ready === null || stage.spec.always ? undefined : await findUsable(ready, context);
    for (const kept of made) chosen.set(kept.digest, kept);
    if (found !== undefined && runs.domain.kind === 'trusted' && runs.found.get(found.digest)?.domain.kind === 'pull')
      chosen.set(found.digest, found);
    const kept = frozen ?? made.at(-1) ?? found;
    if (kept !== undefined) produced.set(name, kept);
  }
  return [...chosen.values()];
}

export interface PublishOrder {
  readonly store: Store;
  readonly git: Git;
  readonly runs: RunNames;
  readonly records: readonly KeptRecord[];
  /** of stages that were stopped */
  readonly checkpoints: readonly KeptCheckpoint[];
  readonly signer: Signer | null;
  readonly job: JobFacts;
  readonly env: Environment;
  /** Brings a commit into this clone. @returns whether it is there now */
  fetchCommit(commit: string): Promise<boolean>;
}

/** @throws PlumbError SIGNING_FAILED, REMOTE_MISSING, REMOTE_FAILED */
export async function publishRuns(order: PublishOrder, options: TransferOptions): Promise<PushResult> {
  const { store, runs, records, checkpoints } = order;
  // what cannot be signed is not sent
  const notes = await signRecords(order);
  const named = ({ digest }: { readonly digest: Digest }): Named => ({ digest, note: notes.get(digest) ?? null });
  const roots = [...collectRuns(records, store, runs.nameOf).roots, ...checkpoints.map((kept) => checkpointRoot(kept, store, null))];
  const sent = await store.push(roots, [], options);
  for (const kept of records) {
    const name = runs.nameOf(kept.record.fingerprint);
    await store.setNameInRemote(name, named(kept), options);
    await store.setNameHere(name, named(kept));
  }
  for (const kept of checkpoints) await store.setNameInRemote(checkpointName(runs, kept.record.fingerprint), named(kept), options);
  return sent;
}

async function signRecords(order: PublishOrder): Promise<Map<Digest, string>> {
  const { signer, runs } = order;
  const records = [...order.records, ...order.checkpoints];
  const notes = new Map<Digest, string>();
  if (signer === null || records.length === 0) return notes;
  const job = await describeJob(order);
  for (let at = 0; at < records.length; at += runsAStatement) {
    const some = records.slice(at, at + runsAStatement);
    const subjects = some.map(({ digest, record }) => ({ stage: record.stage, digest }));
    const note = await signWith(signer, statementOf(subjects, domainText(runs.domain), job), order.env);
    for (const { digest } of some) notes.set(digest, note);
  }
  return notes;
}

async function describeJob({ job, git, fetchCommit }: PublishOrder): Promise<Job> {
  if (job.workflowPath === null) {
    throw new PlumbError('SIGNING_FAILED', {
      what: 'this job does not say of which workflow file it is',
      mend: 'set PLUMB_WORKFLOW to the path of the file, such as .gitea/workflows/pr.yml',
    });
  }
  const { workflowPath: path, workflowCommit, ...facts } = job;
  // a job that was started for a pull request has that checked out, and is made of main's file
  if ((await git.resolve(workflowCommit)) === null) await fetchCommit(workflowCommit);
  return { ...facts, workflow: { path, blob: await blobAt(git, workflowCommit, path) } };
}

async function signWith(signer: Signer, statement: Statement, env: Environment): Promise<string> {
  if (signer.kind === 'key') return signStatement(statement, signer.key);
  const { signBundle } = await import('./sigstore.ts');
  return signBundle(statement, signer.policy, signer.root, env);
}
