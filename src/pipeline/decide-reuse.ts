// May a run that is there be reused here? Decided from values alone: who asks, where the record was found, who signed it, what the base branch's policy
// says. What is not allowed is refused, with the reason that people are shown.
import { hexOf, type Digest } from '../base/digest.ts';
import { domainText, type TrustDomain } from '../project/trust-domain.ts';
import type { Checked, Job } from './attestation.ts';
import type { RunRecord } from './run-record.ts';
import type { TrustPolicy } from './trust-policy.ts';

/** A pull request whose commits the main branch has now. */
export interface MergedPull {
  readonly number: number;
  /** the commit that was merged, before the forge made another of it; null: not known */
  readonly head: string | null;
}

/** What of a run record, or of a checkpoint's, speaks for or against it. */
export interface Judged {
  readonly digest: Digest;
  readonly record: Pick<RunRecord, 'builder' | 'command' | 'recalled'>;
}

export interface ReuseQuestion {
  readonly record: Judged;
  /** whose name led to it */
  readonly found: TrustDomain;
  /** who asks */
  readonly reader: TrustDomain;
  /** this very job made it */
  readonly own: boolean;
  /** null: it is not signed */
  readonly attestation: Checked | null;
  /** of the base branch; null: it has none */
  readonly trust: TrustPolicy | null;
  /** name of the main branch */
  readonly main: string;
  readonly merged: readonly MergedPull[];
  /** git ids that the signed workflow file has, or had, on the main branch */
  readonly workflowBlobs: ReadonlySet<string>;
}

export type ReuseDecision = { readonly reuse: true } | { readonly reuse: false; readonly why: string };

/** The domains in which a job looks for earlier runs, in this order. */
export function domainsToAsk(reader: TrustDomain, merged: readonly MergedPull[]): TrustDomain[] {
  switch (reader.kind) {
    case 'laptop':
      return [reader, { kind: 'trusted' }];
    case 'trusted':
      return [reader, ...merged.map(({ number }) => ({ kind: 'pull' as const, number }))];
    default:
      return [{ kind: 'trusted' }, reader];
  }
}

export function decideReuse(question: ReuseQuestion): ReuseDecision {
  const why = reasonAgainst(question);
  return why === null ? { reuse: true } : { reuse: false, why };
}

/** null: nothing speaks against it */
function reasonAgainst(question: ReuseQuestion): string | null {
  const { record, found, reader, own, attestation, trust, merged } = question;
  if (!domainsToAsk(reader, merged).some((domain) => domainText(domain) === domainText(found)))
    return `it was run for ${domainText(found)}, which ${domainText(reader)} does not build on`;
  if (reader.kind === 'laptop') return null;
  const isOwnDomain = domainText(reader) === domainText(found);
  if (own && isOwnDomain) return null;
  if (record.record.builder.kind === 'laptop') return 'it was run on a laptop';
  // a fork's job has no secret to sign with, and nobody but the fork's next job reads what it wrote
  if (isOwnDomain && reader.kind === 'fork') return null;
  if (trust === null)
    return found.kind === 'pull' && !isOwnDomain
      ? 'policy.yaml of the main branch has no trust: section, so nothing of a pull request is reused'
      : null;
  if (attestation === null) return 'it is not signed';
  if (attestation.state === 'refused') return attestation.why;
  const { subject, predicate } = attestation.statement;
  if (!subject.some(({ digest }) => digest.sha256 === hexOf(record.digest))) return 'its signature is one of other runs';
  if (predicate.domain !== domainText(found)) return `it was signed for ${predicate.domain}, and stands under ${domainText(found)}`;
  return againstJob(predicate.job, question, trust);
}

function againstJob(job: Job, question: ReuseQuestion, trust: TrustPolicy): string | null {
  const { found, reader, main, merged, record, workflowBlobs } = question;
  if (job.repository.toLowerCase() !== trust.repository.toLowerCase()) return `it was signed in the repository ${job.repository}`;
  if (trust.repositoryId !== undefined && job.repositoryId !== trust.repositoryId)
    return `it was signed in another repository that is called ${job.repository}`;
  if (!isRefOf(job, found, main)) return `it was signed by a job of ${job.ref}, which is not ${domainText(found)}`;
  // a pull request may change its own workflow, and reuse what that made: nobody else does
  if (found.kind !== 'trusted' && domainText(found) === domainText(reader)) return null;
  const { path, blob } = job.workflow;
  if (!trust.workflows.includes(path)) return `it was signed by the workflow ${path}, which policy.yaml does not name`;
  // any stage of a pull request can write to the disk of a runner
  if (found.kind === 'pull' && record.record.recalled === true) return 'it leaned on what a runner remembered, which a pull request can write';
  // what runs for the main branch is the main branch's own file
  if (found.kind === 'trusted') return againstSpeaker(job, trust);
  if (blob === null) return `which ${path} signed it is not known`;
  if (!workflowBlobs.has(blob)) return `it was signed by a ${path} that the main branch never had`;
  if (trust.commands === 'any' || !('cmd' in record.record.command) || found.kind !== 'pull') return null;
  const head = merged.find(({ number }) => number === found.number)?.head ?? null;
  if (head === null) return `which commit of pull request ${found.number} was merged is not known, and its command may have been another before`;
  return head === job.commit ? null : `its command ran at ${job.commit.slice(0, 12)}, and ${head.slice(0, 12)} was merged`;
}

/**
 * A comment in a pull request starts a job of main's files at the ref of main, which then runs the code of the pull request: what such a job says of
 * itself must not be enough to speak for main.
 */
function againstSpeaker({ workflow: { path }, event }: Job, trust: TrustPolicy): string | null {
  if (trust.main === undefined)
    return event === 'workflow_dispatch' ? `it was signed by a job of ${path} that was started by hand or by a comment` : null;
  return trust.main.includes(path) ? null : `it was signed by the workflow ${path}, which policy.yaml does not let speak for the main branch`;
}

function isRefOf({ ref, event }: Job, found: TrustDomain, main: string): boolean {
  if (found.kind === 'trusted') return ref === `refs/heads/${main}`;
  if (found.kind !== 'pull') return false;
  const { number } = found;
  if (ref === `refs/pull/${number}/merge` || ref === `refs/pull/${number}/head`) return true;
  if (event === 'merge_group') return ref.startsWith('refs/heads/gh-readonly-queue/') && new RegExp(`/pr-${number}-[0-9a-f]{40}$`).test(ref);
  // started for a pull request by a command in a comment
  return event === 'workflow_dispatch' && ref === `refs/heads/${main}`;
}
