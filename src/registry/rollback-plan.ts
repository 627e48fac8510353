// The way back: which model, by which commit.
//
// Where the last promotion is a commit of its own, the way back is `git revert` of it: the commit that anybody would make by hand. It takes the
// evidence of that promotion away together with the pointer; history keeps it. Otherwise (further back than one promotion, or a commit that also changed
// something else) the earlier pointer is put back with the evidence that it names. Either way the pointer is the earlier one byte by byte, so
// the server ends on the same model, and `plumb history` calls all three a rollback.
import { hexOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { describeTakenBack, stateOf, type PointerChange, type PointerHistory } from './history.ts';
import { oneLine } from './one-line.ts';
import { pointerPath, pointerText, type PointerPlace } from './pointer.ts';

export interface RollbackPlan {
  readonly place: PointerPlace;
  /** what put the model there that is in the stage now (or broke its pointer) */
  readonly from: PointerChange;
  /** what put the model there that will be */
  readonly to: PointerChange;
  /** a commit whose revert alone leads there; null: there is none */
  readonly revert: Oid | null;
}

/**
 * Decides where to go back to: the model before the current one, or the newest of the earlier ones that is wanted.
 * @throws PlumbError NOTHING_TO_ROLL_BACK; PROMOTION_REFUSED for a model that was itself taken back: to bring it again is a promotion
 */
export function planRollback(place: PointerPlace, history: PointerHistory, wanted?: (change: PointerChange) => boolean): RollbackPlan {
  const { line } = stateOf(history);
  const broken = history[0]?.kind === 'broken' ? history[0] : undefined;
  const from = broken ?? line.at(-1);
  const to = wanted === undefined ? line.at(broken === undefined ? -2 : -1) : line.findLast(wanted);
  if (from === undefined) {
    const mend =
      history[0] === undefined
        ? `run \`plumb promote ${place.model} --to ${place.stage}\``
        : `\`git revert ${short(history[0].commit)}\` undoes the commit that took it out`;
    throw nothing(place, `has no model in ${place.stage}`, mend);
  }
  if (to === undefined && wanted !== undefined) throw notThere(place, history, wanted);
  if (to === undefined) {
    throw nothing(
      place,
      `has no earlier model in ${place.stage}: ${describeModel(from)} was the first`,
      `to take it out of ${place.stage} altogether, run \`git revert ${short(from.commit)}\``,
    );
  }
  if (to === from) throw nothing(place, `is at ${describeModel(from)} in ${place.stage} already`, 'name an earlier one with --to');
  const before = history[history.indexOf(from) + 1];
  return { place, from, to, revert: before?.text === to.text ? from.commit : null };
}

function notThere(place: PointerPlace, history: PointerHistory, wanted: (change: PointerChange) => boolean): PlumbError {
  const was = history.find((change) => change.after !== null && wanted(change))?.after ?? null;
  const by = was === null ? undefined : stateOf(history).reverted.get(was);
  if (was === null || by === undefined)
    return nothing(place, `was never at that in ${place.stage}`, `\`plumb history ${place.model} --stage ${place.stage}\` shows digests and commits`);
  return new PlumbError('PROMOTION_REFUSED', {
    what: `${place.model} ${shortDigest(was)} is no earlier model but one that was taken back: ${describeTakenBack(was, by)}`,
    mend: `to bring it back, run \`plumb promote ${place.model} --to ${place.stage} --again --reason "..."\``,
  });
}

function nothing(place: PointerPlace, what: string, mend: string): PlumbError {
  return new PlumbError('NOTHING_TO_ROLL_BACK', { what: `${place.model} ${what}`, mend, where: { file: pointerPath(place) } });
}

function describeModel({ after }: PointerChange): string {
  return after === null ? 'a broken pointer' : shortDigest(after);
}

function short(commit: Oid): string {
  return commit.slice(0, 12);
}

/** The commit message of a rollback. A reason is one line of the last paragraph, behind our word. */
export function describeRollback(
  { place, from, to }: RollbackPlan,
  how: {
    readonly revert: Oid | null;
    readonly reason: string | undefined;
    /** models that go back with it */
    readonly others: readonly { readonly place: PointerPlace; readonly to: Digest | null }[];
  },
): string {
  const reason = oneLine(how.reason ?? '');
  const trailers = [
    `Plumb-Model: ${place.model}`,
    `Plumb-Stage: ${place.stage}`,
    `Plumb-Artifact: ${to.after ?? 'none'}`,
    `Plumb-Previous: ${from.after ?? 'none'}`,
    ...(reason === '' ? [] : [`Plumb-Reason: ${reason}`]),
  ];
  const does = how.revert === null ? `This puts back the pointer of commit ${to.commit}.` : `This reverts commit ${how.revert}.`;
  const others = how.others.map((one) => `${one.place.model} goes with it, back to ${one.to === null ? 'nothing' : shortDigest(one.to)}.`);
  return `roll ${place.model} in ${place.stage} back to ${describeModel(to)}\n\n${[does, ...others].join('\n')}\n\n${trailers.join('\n')}\n`;
}

/** Artifacts of this history first: a digest that `plumb history` prints is meant as one, even where a commit begins alike. */
export async function findWanted(
  { git, prefix }: { readonly git: Git; readonly prefix: string },
  place: PointerPlace,
  history: PointerHistory,
  to: string,
): Promise<(change: PointerChange) => boolean> {
  const hex = /^(?:sha256:)?([0-9a-f]{7,64})$/.exec(to)?.[1];
  const isMeant = (change: PointerChange): boolean => change.after !== null && hex !== undefined && hexOf(change.after).startsWith(hex);
  const artifacts = new Set(history.filter(isMeant).map((change) => change.after));
  if (artifacts.size === 1) return isMeant;
  if (artifacts.size > 1) throw new PlumbError('USAGE', { what: `"${to}" begins ${artifacts.size} digests`, mend: 'write more of the digest' });
  const commit = to.startsWith('sha256:') ? null : await git.resolve(to);
  const bytes = commit === null ? null : await git.readBlob(commit, prefix + pointerPath(place));
  if (bytes !== null) return (change) => change.text === pointerText(bytes);
  if (commit !== null) throw nothing(place, `had no pointer in ${place.stage} at ${short(commit)}`, 'name a commit that had one');
  throw new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `"${oneLine(to, 100)}" is neither a digest of ${place.model}'s history in ${place.stage} nor a commit`,
    mend: `\`plumb history ${place.model} --stage ${place.stage}\` shows both`,
  });
}
