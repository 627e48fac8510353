// May this server be sent requests? A load balancer reads the status code; people and checks read the rest.
import { errorTable, isPlumbError, type ErrorCode, type PlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { Oid } from '../git/git.ts';
import type { LogFacts } from './authority.ts';
import type { SlotState } from './host.ts';

/** Where the follower stands. */
export interface FollowState {
  readonly ref: string;
  /** commit that was read last; null before the first, and where the ref is not there */
  readonly commit: Oid | null;
  /** why the ref cannot be read now */
  readonly trouble: unknown;
  /** the log that decides; null: there is none, and pointers are believed; undefined: not known yet */
  readonly log?: LogFacts | null;
  /** why origin cannot be asked, where this server asks it */
  readonly origin?: PlumbError | null;
}

export interface Reason {
  readonly model?: string;
  readonly code: ErrorCode;
  /** a sentence without paths of this machine; the log has the whole story */
  readonly what: string;
  readonly wanted?: Digest;
  readonly answering?: Digest;
}

export interface Readiness {
  /** 200 or 503 */
  readonly ready: boolean;
  /** what answers is not all that the ref wants */
  readonly degraded: boolean;
  readonly reasons: readonly Reason[];
}

/**
 * Ready means: every model that the ref names has a model that answers, if only the one from before. Once that was so, one model's trouble does
 * not take the server out again: a broken pointer reaches all replicas in the same second, and a 503 from each would stop what works. It is told as
 * `degraded` instead.
 */
export function decideReadiness(input: {
  readonly follow: FollowState;
  readonly slots: readonly SlotState[];
  readonly wasReady: boolean;
  readonly stopping: boolean;
}): Readiness {
  const { follow, slots } = input;
  const reasons: Reason[] = [];
  if (follow.trouble !== null) reasons.push({ code: codeOf(follow.trouble), what: sentence(codeOf(follow.trouble)) });
  else if (follow.commit === null) reasons.push({ code: 'GIT_REVISION_UNKNOWN', what: `no commit of ${follow.ref} has been read yet` });
  else if (slots.length === 0 && !follow.log?.trouble) reasons.push({ code: 'POINTER_MISSING', what: waitingFor(follow, follow.commit) });
  for (const trouble of [follow.log?.trouble, follow.origin]) if (trouble) reasons.push({ code: trouble.code, what: sentence(trouble.code) });
  for (const slot of slots) {
    const code = slot.trouble?.code ?? (slot.answering === null ? 'MODEL_NOT_READY' : null);
    if (code === null) continue;
    reasons.push({
      model: slot.name,
      code,
      what: sentence(code),
      ...(slot.wanted === null ? {} : { wanted: slot.wanted }),
      ...(slot.answering === null ? {} : { answering: slot.answering.digest }),
    });
  }
  const answering = slots.filter((slot) => slot.answering !== null).length;
  const enough = input.wasReady ? answering > 0 : answering > 0 && answering === slots.length;
  return { ready: enough && !input.stopping, degraded: reasons.length > 0, reasons };
}

function waitingFor({ log }: FollowState, commit: string): string {
  const at = commit.slice(0, 12);
  return log
    ? `the log of decisions serves nothing yet; the branch is at ${at}: waiting for a record`
    : `no pointer at ${at} yet: waiting for a promotion`;
}

function codeOf(trouble: unknown): ErrorCode {
  return isPlumbError(trouble) ? trouble.code : 'GIT_FAILED';
}

function sentence(code: ErrorCode): string {
  return errorTable[code][1];
}
