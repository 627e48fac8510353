// What follows from the records: what is served, since when, what is revoked, which policy judges. A pure fold, the same for a server, for reconcile and for
// whoever asks what was in production on a day long ago.
import type { Digest } from '../base/digest.ts';
import { byCodeUnit } from '../base/canonical.ts';
import type { Oid } from '../git/git.ts';
import type { LogRecord, Signers } from './audit-record.ts';
import type { Stage } from './schema.ts';

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

/** What the records say, as far as they go. */
export interface LogState {
  /** by number */
  readonly records: readonly LogRecord[];
  /** digest of the last record; null: there is none */
  readonly head: Digest | null;
  /** the commit of the main branch that the first record is about; null: there is none */
  readonly began: Oid | null;
  /** the newest commit of the main branch that a record is about; null: there is none */
  readonly last: Oid | null;
  /** the policy that judges what comes next, and a commit of the main branch that has it; null: there is none */
  readonly policy: { readonly digest: Digest; readonly commit: Oid } | null;
  /** who may sign the next record; null: there is no record */
  readonly signers: Signers | null;
  /** artifacts, and parts of them, that were taken out for good */
  readonly revoked: ReadonlySet<Digest>;
  /** What may be served there now; null: nothing. A revoked artifact never is; whoever has the pointer asks `revoked` for its parts, too. */
  served(model: string, stage: Stage): Served | null;
  /** All that may be served now, by model, then stage. */
  allServed(): Served[];
  /** Since when an artifact is served in a stage without a break; null: it is not. */
  servedSince(model: string, stage: Stage, artifact: Digest): Date | null;
  /** SHA-256 of the pointers that were served there one after the other, oldest first; null: there was none from then on. What is revoked now is not asked. */
  servedPointers(model: string, stage: Stage): readonly (Digest | null)[];
}

/** @param records verified, from number 0 on */
export function logState(records: readonly LogRecord[]): LogState {
  const fold = new Fold();
  for (const record of records) fold.add(record);
  const { revoked, policy, last } = fold;
  const served = (model: string, stage: Stage): Served | null => {
    const found = fold.places.get(placeKey(model, stage)) ?? null;
    return found === null || revoked.has(found.artifact) ? null : found;
  };
  return {
    records,
    head: records.at(-1)?.digest ?? null,
    began: records[0]?.decision.commit ?? null,
    last,
    policy,
    signers: records.at(-1)?.decision.signers ?? null,
    revoked,
    served,
    allServed: () =>
      [...fold.places.values()]
        .filter(({ artifact }) => !revoked.has(artifact))
        .toSorted((a, b) => byCodeUnit(placeKey(a.model, a.stage), placeKey(b.model, b.stage))),
    servedSince: (model, stage, artifact) => {
      const found = served(model, stage);
      return found?.artifact === artifact ? new Date(found.since) : null;
    },
    servedPointers: (model, stage) => fold.pointers.get(placeKey(model, stage)) ?? [],
  };
}

function placeKey(model: string, stage: Stage): string {
  return `${model}/${stage}`;
}

class Fold {
  readonly places = new Map<string, Served>();
  readonly pointers = new Map<string, (Digest | null)[]>();
  readonly revoked = new Set<Digest>();
  policy: LogState['policy'] = null;
  last: Oid | null = null;
  readonly #commits = new Set<Oid>();

  add({ decision }: LogRecord): void {
    const { commit, policy, revoked } = decision;
    for (const digest of revoked) this.revoked.add(digest);
    for (const move of decision.moves) if (move.served) this.#move(move, decision);
    if (policy !== (this.policy?.digest ?? null)) this.policy = policy === null ? null : { digest: policy, commit };
    // a commit may be judged again after later ones were: what was refused then may be approved now
    if (!this.#commits.has(commit)) this.last = commit;
    this.#commits.add(commit);
  }

  #move({ model, stage, to, pointer }: LogRecord['decision']['moves'][number], { commit, seq, at }: LogRecord['decision']): void {
    const key = placeKey(model, stage);
    const before = this.places.get(key);
    this.pointers.set(key, [...(this.pointers.get(key) ?? []), pointer]);
    if (to === null || pointer === null) {
      this.places.delete(key);
      return;
    }
    // a revocation ends what it takes out: if that ever came again, its time would count anew
    const unbroken = before?.artifact === to && !this.revoked.has(to);
    this.places.set(key, { model, stage, artifact: to, pointer, commit, seq, since: unbroken ? before.since : at });
  }
}
