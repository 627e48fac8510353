// The log of decisions as its readers hold it: what was decided about the main branch, by whom it is signed, and what may be served because of it.
import type { Digest } from '../base/digest.ts';
import type { Oid } from '../git/git.ts';
import type { Decision, DecisionStatement, Signers } from './audit-record.ts';
import type { Stage } from './schema.ts';

/** A record that verified. */
export interface LogRecord {
  readonly decision: Decision;
  /** the files that it is about, as its commit has them */
  readonly subject: DecisionStatement['subject'];
  /** SHA-256 of the record's bytes: what the next one names as `previous` */
  readonly digest: Digest;
  /** the record's bytes: a DSSE envelope, or a Sigstore bundle, in one line of JSON */
  readonly text: string;
  readonly signedBy: { readonly kind: 'key' | 'sigstore'; readonly name: string };
}

/** What a stage serves, as the log has it. */
export interface Served {
  readonly model: string;
  readonly stage: Stage;
  readonly artifact: Digest;
  /** SHA-256 of the pointer's bytes */
  readonly pointer: Digest;
  /** commit of the main branch to read the pointer and its evidence from */
  readonly commit: Oid;
  /** number of the record that put this pointer there */
  readonly seq: number;
  /** since when this artifact is served there without a break; RFC 3339 */
  readonly since: string;
}

/** Something about the log that does not hold. */
export interface LogFinding {
  /** rewritten: what was there before, in the log or on the main branch, is not there any more; invalid: all else */
  readonly kind: 'invalid' | 'rewritten';
  /** of the record, or null: of the log as a whole */
  readonly seq: number | null;
  readonly what: string;
  readonly mend: string;
}

/**
 * Records up to the first that does not verify, and what follows from them. With findings it must not be believed to be all: a server keeps what it has,
 * reconcile stops.
 */
export interface DecisionLog {
  /** whole name of the ref that it was read from: refs/remotes/origin/plumb/audit */
  readonly ref: string;
  /** commit of that ref: the parent of the next append */
  readonly tip: Oid;
  /** by number; at least one, unless there are findings */
  readonly records: readonly LogRecord[];
  /** digest of the last record; null: there is none */
  readonly head: Digest | null;
  /** the newest commit of the main branch that a record is about; null: there is none */
  readonly last: Oid | null;
  /** the policy that judges what comes next, and a commit of the main branch that has it; null: there is none */
  readonly policy: { readonly digest: Digest; readonly commit: Oid } | null;
  /** who may sign the next record */
  readonly signers: Signers | null;
  /** pinned: the first record is the one, or signed by the key, that the caller knows; first-use: it vouches for itself */
  readonly trust: 'pinned' | 'first-use';
  /** artifacts, and parts of them, that were taken out for good */
  readonly revoked: ReadonlySet<Digest>;
  readonly findings: readonly LogFinding[];
  /** What may be served there now; null: nothing. A revoked artifact never is; whoever has the pointer asks `revoked` for its parts, too. */
  served(model: string, stage: Stage): Served | null;
  /** All that may be served now, by model, then stage. */
  allServed(): Served[];
  /** Since when an artifact is served in a stage without a break; null: it is not. */
  servedSince(model: string, stage: Stage, artifact: Digest): Date | null;
  /** Was a pointer with these bytes (SHA-256) ever served, in any stage? Whether it is revoked now is not asked. */
  wasServed(pointer: Digest): boolean;
}
