// The way back: which model, by which commit.
//
// Where the last promotion is a commit of its own, the way back is `git revert` of it: the commit that anybody would make by hand. It takes the
// evidence of that promotion away together with the pointer; history keeps it. Otherwise (further back than one promotion, or a commit that also changed
// something else) the earlier pointer is put back with the evidence that it names. Either way the pointer is the earlier one byte by byte, so
// the server ends on the same model, and `plumb history` calls all three a rollback.
import { hexOf, shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { changeTogether, undoable } from '../project/together.ts';
import { evidenceFolder, loadEvidence, type PlannedFile } from './evidence.ts';
import { describeTakenBack, pointerHistory, stateOf, type PointerChange, type PointerHistory } from './history.ts';
import { oneLine } from './one-line.ts';
import { parsePointer, pointerPath, pointerText, type PointerPlace } from './pointer.ts';
import { commitTree } from './tree.ts';

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
  how: { readonly revert: Oid | null; readonly reason: string | undefined },
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
  return `roll ${place.model} in ${place.stage} back to ${describeModel(to)}\n\n${does}\n\n${trailers.join('\n')}\n`;
}

export interface RollbackWish {
  readonly place: PointerPlace;
  /** artifact (its digest or the first seven or more of its hex digits) or revision; left out: the model before the current one */
  readonly to?: string | undefined;
  /** kept in the commit message, shown in `plumb history` */
  readonly reason?: string | undefined;
  /** false: the files are left in the work tree, for a commit by hand */
  readonly commit: boolean;
}

/**
 * Reads the history of HEAD, decides, and makes the commit. Whatever fails, the files are as they were. Hold the project's mutex.
 * @returns the plan, and the commit that was made (null: none was wanted)
 * @throws PlumbError NOTHING_TO_ROLL_BACK, PROMOTION_REFUSED, GIT_DIRTY, GIT_REVISION_UNKNOWN, GIT_TOO_SHALLOW, EVIDENCE_INVALID, NAME_INVALID
 */
export async function rollBack(
  project: Pick<Project, 'git' | 'prefix' | 'root' | 'localDir'>,
  { place, to, reason, commit }: RollbackWish,
): Promise<{ plan: RollbackPlan; commit: Oid | null }> {
  const { git, prefix } = project;
  const own = [prefix + pointerPath(place), `${prefix}${evidenceFolder(place)}/`];
  await checkClean(git, own);
  const history = (await git.resolve('HEAD')) === null ? [] : await pointerHistory(git, prefix, 'HEAD', place.model, place.stage);
  const plan = planRollback(place, history, to === undefined ? undefined : await findWanted(project, place, history, to));
  const { revert } = plan;
  const reverted = commit && revert !== null ? await revertedFiles(git, prefix, revert, own) : null;
  if (revert !== null && reverted !== null) {
    return { plan, commit: await undoable(project, reverted, () => git.revert(revert, describeRollback(plan, { revert, reason }))) };
  }
  const files = await readRestore(git, prefix, plan);
  const paths = files.map((file) => prefix + file.path);
  const message = describeRollback(plan, { revert: null, reason });
  return { plan, commit: await changeTogether(project, files, async () => (commit ? git.commit(message, paths) : null)) };
}

async function checkClean(git: Git, own: readonly string[]): Promise<void> {
  const dirty = await git.dirtyPaths(own.map((path) => path.replace(/\/$/, '')));
  if (dirty.length === 0) return;
  throw new PlumbError('GIT_DIRTY', {
    what: `${oneLine(dirty.join(', '))} ${dirty.length === 1 ? 'has' : 'have'} uncommitted changes`,
    where: { file: dirty[0] ?? '' },
    mend: 'commit them, or take them back with `git checkout -- <file>`, then roll back',
  });
}

/** What the revert of a commit leaves, where that changed this pointer and its evidence and nothing else, against its first parent; else null. */
async function revertedFiles(
  git: Git,
  prefix: string,
  commit: Oid,
  [pointer, evidence]: readonly string[],
): Promise<{ path: string; bytes: Uint8Array | null }[] | null> {
  const [parent] = (await git.readCommit(commit)).parents;
  if (parent === undefined) return null;
  const changed = await git.changedPaths(parent, commit);
  if (!changed.every((path) => path === pointer || path.startsWith(evidence ?? pointer ?? ''))) return null;
  const before = await git.readBlobs(parent, changed);
  return changed.map((path, at) => ({ path: path.slice(prefix.length), bytes: before[at] ?? null }));
}

/** Artifacts of this history first: a digest that `plumb history` prints is meant as one, even where a commit begins alike. */
async function findWanted(
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

/** The files that bring an earlier pointer back as it was, with the evidence that it names. Evidence that came later stays. */
async function readRestore(git: Git, prefix: string, { place, to }: RollbackPlan): Promise<PlannedFile[]> {
  const tree = commitTree(git, prefix, to.commit);
  const text = to.text ?? '';
  const { paths, findings } = await loadEvidence(tree, await parsePointer(text, place));
  const [first] = findings;
  if (first !== undefined) {
    throw new PlumbError('EVIDENCE_INVALID', { what: `in commit ${short(to.commit)}: ${first.what}`, where: { file: first.file }, mend: first.mend });
  }
  const bytes = await tree.read(paths);
  return [...paths.map((path, at) => ({ path, bytes: pointerText(bytes[at] ?? new Uint8Array()) })), { path: pointerPath(place), bytes: text }];
}
