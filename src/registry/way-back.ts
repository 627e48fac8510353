// The way back as files: what a rollback changes on top of a commit, whether it is committed in the work tree or as a pull request. Where the last promotion
// moved several models at once, all of them go back: they were chosen together.
import { shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { evidenceFolder, loadEvidence } from './evidence.ts';
import { pointerHistory, type PointerHistory } from './history.ts';
import { parsePointer, placeOf, pointerPath, pointerText, type PointerPlace } from './pointer.ts';
import { describeRollback, findWanted, planRollback, type RollbackPlan } from './rollback-plan.ts';
import { commitTree } from './tree.ts';

/** One pointer that goes back. */
export interface StepBack {
  readonly place: PointerPlace;
  /** artifacts; null: none, or a broken pointer */
  readonly from: Digest | null;
  readonly to: Digest | null;
}

export interface ChangedFile {
  /** project-relative */
  readonly path: string;
  /** null: it goes */
  readonly bytes: Uint8Array | null;
}

export interface WayBack {
  readonly plan: RollbackPlan;
  /** the wanted one first, then those that were moved with it, by model */
  readonly steps: readonly StepBack[];
  /** the commit whose plain revert this is; null: the earlier pointers are put back */
  readonly revert: Oid | null;
  /** the pointers last */
  readonly files: readonly ChangedFile[];
  /** of the commit */
  readonly message: string;
}

export interface WayWish {
  readonly place: PointerPlace;
  /** artifact (its digest or the first seven or more of its hex digits) or revision; left out: the model before the current one */
  readonly to?: string | undefined;
  readonly reason?: string | undefined;
}

type Place = { readonly git: Git; readonly prefix: string };

/**
 * @param tip commit whose first-parent line is the history, and on which the files would change; null: there is none
 * @throws PlumbError NOTHING_TO_ROLL_BACK, PROMOTION_REFUSED, GIT_REVISION_UNKNOWN, GIT_TOO_SHALLOW, EVIDENCE_INVALID, NAME_INVALID
 */
export async function findWayBack(where: Place, { place, to, reason }: WayWish, tip: Oid | null): Promise<WayBack> {
  const { git, prefix } = where;
  const historyOf = async ({ model, stage }: PointerPlace): Promise<PointerHistory> =>
    tip === null ? [] : pointerHistory(git, prefix, tip, model, stage);
  const history = await historyOf(place);
  const plan = planRollback(place, history, to === undefined ? undefined : await findWanted(where, place, history, to));
  if (tip === null) throw new Error('a way back without a commit');
  const others = await movedWith(where, plan, historyOf);
  const steps = [{ place, from: plan.from.after, to: plan.to.after }, ...others.map(({ step }) => step)];
  const reverted = plan.revert === null ? null : await revertedFiles(where, plan.revert, { tip, places: steps.map((step) => step.place) });
  const revert = reverted === null ? null : plan.revert;
  const files = reverted ?? [
    ...(await restoredFiles(where, place, { commit: plan.to.commit, text: plan.to.text })),
    ...(await Promise.all(others.map(({ step, before }) => restoredFiles(where, step.place, before)))).flat(),
  ];
  return {
    plan,
    steps,
    revert,
    files: pointersLast(files),
    message: describeRollback(plan, { revert, reason, others: others.map(({ step }) => step) }),
  };
}

interface MovedWith {
  readonly step: StepBack;
  /** what it goes back to; text null: nothing was there */
  readonly before: { readonly commit: Oid; readonly text: string | null };
}

/** Models of the same stage that the last promotion moved, too, and that nobody has moved since. */
async function movedWith(
  { git, prefix }: Place,
  { place, from, to, revert }: RollbackPlan,
  historyOf: (place: PointerPlace) => Promise<PointerHistory>,
): Promise<MovedWith[]> {
  const [parent] = from.parents;
  if (parent === undefined) return [];
  const changed = await git.changedPaths(parent, from.commit);
  const places = changed.flatMap((path) => (path.startsWith(prefix) ? (placeOf(path.slice(prefix.length)) ?? []) : []));
  const found: MovedWith[] = [];
  for (const other of places.filter(({ model, stage }) => stage === place.stage && model !== place.model)) {
    const [last] = await historyOf(other);
    if (last?.commit !== from.commit) continue;
    // as far back as the wanted one goes
    const commit = revert === null ? to.commit : parent;
    const bytes = await git.readBlob(commit, prefix + pointerPath(other));
    const text = bytes === null ? null : pointerText(bytes);
    const pointer = text === null ? null : await parsePointer(text, other);
    found.push({ step: { place: other, from: last.after, to: pointer?.artifact.digest ?? null }, before: { commit, text } });
  }
  return found;
}

/** What the revert of a commit leaves, where that changed these pointers and their evidence and nothing else, and all of it is still as it left it. */
async function revertedFiles(
  { git, prefix }: Place,
  commit: Oid,
  { tip, places }: { readonly tip: Oid; readonly places: readonly PointerPlace[] },
): Promise<ChangedFile[] | null> {
  const [parent] = (await git.readCommit(commit)).parents;
  if (parent === undefined) return null;
  const changed = await git.changedPaths(parent, commit);
  const own = places.flatMap((place) => [prefix + pointerPath(place), `${prefix}${evidenceFolder(place)}/`]);
  if (!changed.every((path) => own.some((name) => path === name || (name.endsWith('/') && path.startsWith(name))))) return null;
  const [before, after, now] = await Promise.all([parent, commit, tip].map((at) => git.readBlobs(at, changed)));
  if (!changed.every((_, at) => isSame(after?.[at] ?? null, now?.[at] ?? null))) return null;
  return changed.map((path, at) => ({ path: path.slice(prefix.length), bytes: before?.[at] ?? null }));
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}

/** The files that bring an earlier pointer back as it was, with the evidence that it names. Evidence that came later stays. */
async function restoredFiles(
  { git, prefix }: Place,
  place: PointerPlace,
  { commit, text }: { commit: Oid; text: string | null },
): Promise<ChangedFile[]> {
  if (text === null) return [{ path: pointerPath(place), bytes: null }];
  const tree = commitTree(git, prefix, commit);
  const { paths, findings } = await loadEvidence(tree, await parsePointer(text, place));
  const [first] = findings;
  if (first !== undefined) {
    throw new PlumbError('EVIDENCE_INVALID', {
      what: `in commit ${commit.slice(0, 12)}: ${first.what}`,
      where: { file: first.file },
      mend: first.mend,
    });
  }
  const bytes = await tree.read(paths);
  return [...paths.map((path, at) => ({ path, bytes: bytes[at] ?? new Uint8Array() })), { path: pointerPath(place), bytes: Buffer.from(text) }];
}

function pointersLast(files: readonly ChangedFile[]): ChangedFile[] {
  return files.toSorted((a, b) => Number(placeOf(a.path) !== null) - Number(placeOf(b.path) !== null));
}

/** 'intents in production: 9f3c12ab34cd -> 0123456789ab' */
export function describeStep({ place, from, to }: StepBack): string {
  const name = (digest: Digest | null, none: string): string => (digest === null ? none : shortDigest(digest));
  return `${place.model} in ${place.stage}: ${name(from, 'a broken pointer')} -> ${name(to, 'nothing')}`;
}
