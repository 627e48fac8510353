// From what was found about a step of the main branch to the record that the log gets of it. Nothing is decided here.
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import type { PullRequest } from '../forge/forge.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { DecisionDraft } from '../registry/audit-append.ts';
import type { Decision, DecisionStatement } from '../registry/audit-record.ts';
import { trailer } from '../registry/history.ts';
import type { Point } from '../registry/judgement.ts';
import type { MoveJudgement } from '../registry/move-input.ts';
import { oneLine } from '../registry/one-line.ts';
import { parseRevocation, revocationOf } from '../registry/revocation.ts';
import type { Step } from './reconcile-steps.ts';

/** A record before anybody has signed it. */
export type Draft = Omit<DecisionDraft, 'by'>;

/** What all records of a run say alike. */
export interface DraftFrame {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** owner/name at the forge, or 'local' */
  readonly repository: string;
  /** the main branch */
  readonly branch: string;
  now(): Date;
}

export interface Found {
  readonly judgement: MoveJudgement;
  /** that brought it; null: it was pushed, or there is no forge */
  readonly pull: PullRequest | null;
  /** digest of the policy in force before; null: there is none */
  readonly policy: Digest | null;
}

export async function draftOf(frame: DraftFrame, step: Step, { judgement, pull, policy }: Found): Promise<Draft> {
  const { kind, holds } = judgement;
  const after = kind === 'policy' && holds ? await digestAt(frame, step.commit, files.policy) : policy;
  return {
    ...(await aboutStep(frame, step)),
    kind,
    moves: judgement.moves.map((move) => ({ ...move, served: holds })),
    revoked: [...judgement.revoked],
    policy: after,
    holds,
    points: judgement.points.map(({ point, holds: one, why }) => ({ point, holds: one, why })),
    pull: pull === null ? null : pullOf(pull),
    approvals: judgement.counted.map(({ login, review, commit, at }) => ({ login, review, commit, at: instant(at) })),
    reason: await reasonOf(frame, step, judgement),
  };
}

/** The same, not served. @param point what speaks against it, before all else */
export function refuse(judgement: MoveJudgement, point: Point): MoveJudgement {
  const points = [point, ...judgement.points.filter((one) => one.point !== point.point)];
  return { ...judgement, holds: false, points, moves: judgement.moves.map((move) => ({ ...move, served: false })) };
}

/** What a record says of its step, whatever was decided. */
export async function aboutStep(frame: DraftFrame, { commit, parent, paths }: Pick<Step, 'commit' | 'parent' | 'paths'>) {
  const { repository, branch } = frame;
  const subject: DecisionStatement['subject'] = [];
  for (const path of paths) {
    const digest = await digestAt(frame, commit, path);
    if (digest !== null) subject.push({ name: path, digest: { sha256: hexOf(digest) } });
  }
  return { at: frame.now().toISOString(), repository, branch, commit, parent, subject };
}

async function digestAt({ git, prefix }: DraftFrame, commit: Oid, path: string): Promise<Digest | null> {
  const bytes = await git.readBlob(commit, prefix + path);
  return bytes === null ? null : digestOf(bytes);
}

function pullOf({ number, url, author, mergedBy, mergedAt, head }: PullRequest): Decision['pull'] {
  return { number, url, author, mergedBy: mergedBy?.login ?? null, mergedAt: mergedAt?.toISOString() ?? null, head };
}

/** RFC 3339 as our records have it, in UTC. */
function instant(text: string): string {
  return new Date(text).toISOString();
}

/** Of a move back, what its commit says; of a revocation, what its file says; of others, the promotion's own record does. */
async function reasonOf({ git, prefix }: DraftFrame, { commit, message, paths }: Step, { kind }: MoveJudgement): Promise<string | null> {
  const said = kind === 'rollback' || kind === 'removal' || kind === 'revocation' ? trailer(message, 'Plumb-Reason') : null;
  if (said !== null || kind !== 'revocation') return said;
  for (const path of paths.filter((one) => revocationOf(one) !== null)) {
    const bytes = await git.readBlob(commit, prefix + path);
    const revocation = bytes === null ? null : await parseRevocation(Buffer.from(bytes).toString('utf8'), path).catch(() => null);
    if (revocation !== null) return oneLine(revocation.reason);
  }
  return null;
}
