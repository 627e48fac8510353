// What was in a stage when: read from git, kept nowhere else.
//
// The history of a pointer is the first-parent line of a branch: what its readers (the server among them) saw, in the order in which they saw it.
// A pointer that came in by a merged branch counts from the merge on, as one change from what the branch had before to what it had after;
// steps that were taken and replaced on the side branch were never served, and are not part of it. So a digest that only a side branch
// took back is not on the deny list either.
import { shortDigest, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Commit, Git, Oid } from '../git/git.ts';
import { mapInParallel } from '../store/parallel.ts';
import { readPromotion } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { parsePointer, pointerPath, pointerText, type PointerPlace } from './pointer.ts';
import type { Pointer, Promotion, Stage } from './schema.ts';
import { commitTree } from './tree.ts';

/**
 * promotion: a new decision; forced: one against the gate; again: an artifact that was taken back before is there again;
 * rollback: the very pointer that stood there before came back, by revert or restore; removed: no pointer any more; broken: no valid pointer
 */
export type ChangeKind = 'promotion' | 'forced' | 'again' | 'rollback' | 'removed' | 'broken';

/** One commit that changed a pointer. */
export interface PointerChange {
  readonly commit: Oid;
  readonly parents: readonly Oid[];
  readonly date: Date;
  readonly author: { readonly name: string; readonly email: string };
  readonly kind: ChangeKind;
  /** artifact before and after; null: no pointer, or no valid one */
  readonly before: Digest | null;
  readonly after: Digest | null;
  /** what the commit left there */
  readonly text: string | null;
  readonly pointer: Pointer | null;
  /** the decision behind it; null: no pointer, or its evidence is not what it should be */
  readonly promotion: Promotion | null;
  /** why: of a forced or repeated promotion from its record, of a rollback from the commit; else null */
  readonly reason: string | null;
}

/** Newest first, as `git log` has it. */
export type PointerHistory = readonly PointerChange[];

/** Where the line of promotions stands after a history. */
export interface HistoryState {
  /** the changes that put each model there, oldest first; the last one is in the stage now. A rollback takes off the end. */
  readonly line: readonly PointerChange[];
  /**
   * Artifacts that were in the stage and were taken back, by a move to an earlier pointer or by removal, and that no promotion has brought back since:
   * all that stood above the pointer that came back. Each with the change that took it back.
   */
  readonly reverted: ReadonlyMap<Digest, PointerChange>;
}

/**
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 * @param revision commit whose first-parent line is read
 * @throws PlumbError GIT_TOO_SHALLOW, NAME_INVALID
 */
export async function pointerHistory(git: Git, prefix: string, revision: string, model: string, stage: Stage): Promise<PointerHistory> {
  const place = { model, stage };
  const commits = await git.log(revision, { path: prefix + pointerPath(place), firstParent: true });
  const snapshots = await mapInParallel(commits, { width: 8 }, (commit) => readSnapshot(git, prefix, commit, place));
  return classify(snapshots.toReversed()).toReversed();
}

/** What one commit left at the pointer's path. */
export interface Snapshot {
  readonly commit: Commit;
  readonly text: string | null;
  readonly pointer: Pointer | null;
  readonly promotion: Promotion | null;
}

async function readSnapshot(git: Git, prefix: string, commit: Commit, place: PointerPlace): Promise<Snapshot> {
  const tree = commitTree(git, prefix, commit.oid);
  const [bytes = null] = await tree.read([pointerPath(place)]);
  if (bytes === null) return { commit, text: null, pointer: null, promotion: null };
  const text = pointerText(bytes);
  const pointer = await orNull(parsePointer(text, place));
  return { commit, text, pointer, promotion: pointer === null ? null : await orNull(readPromotion(tree, pointer)) };
}

/** What does not verify has no say in what happened; `verify` tells it. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch((error: unknown) => {
    if (isPlumbError(error, 'POINTER_INVALID') || isPlumbError(error, 'EVIDENCE_INVALID')) return null;
    throw error;
  });
}

/** Names each change. Pure; both lists oldest first. */
export function classify(snapshots: readonly Snapshot[]): PointerChange[] {
  const changes: PointerChange[] = [];
  const fold = new Fold();
  let before: Digest | null = null;
  for (const { commit, text, pointer, promotion } of snapshots) {
    const after = pointer?.artifact.digest ?? null;
    const kind = fold.kindOf(text, pointer, promotion);
    const change = {
      commit: commit.oid,
      parents: commit.parents,
      date: commit.date,
      author: commit.author,
      kind,
      before,
      after,
      text,
      pointer,
      promotion,
      reason: reasonOf(kind, promotion, commit.message),
    };
    fold.add(change);
    changes.push(change);
    before = after;
  }
  return changes;
}

/** The line of promotions and the deny list at the end of a history. */
export function stateOf(history: PointerHistory): HistoryState {
  const { line, reverted } = foldOf(history);
  return { line, reverted };
}

/** What a change would be called that came after a history. */
export function kindOfNext(history: PointerHistory, next: Pick<Snapshot, 'text' | 'pointer' | 'promotion'>): ChangeKind {
  return foldOf(history).kindOf(next.text, next.pointer, next.promotion);
}

function foldOf(history: PointerHistory): Fold {
  const fold = new Fold();
  for (const change of history.toReversed()) fold.add(change);
  return fold;
}

class Fold {
  readonly line: PointerChange[] = [];
  readonly reverted = new Map<Digest, PointerChange>();

  kindOf(text: string | null, pointer: Pointer | null, promotion: Promotion | null): ChangeKind {
    if (text === null) return 'removed';
    if (pointer === null) return 'broken';
    if (this.line.some((change) => change.text === text)) return 'rollback';
    if (promotion?.forced) return 'forced';
    return promotion?.again || this.reverted.has(pointer.artifact.digest) ? 'again' : 'promotion';
  }

  add(change: PointerChange): void {
    if (change.kind === 'broken') return;
    if (change.kind === 'rollback') this.#backTo(this.line.findLastIndex((entry) => entry.text === change.text) + 1, change);
    else if (change.kind === 'removed') this.#backTo(0, change);
    else {
      this.line.push(change);
      if (change.after !== null) this.reverted.delete(change.after);
    }
  }

  #backTo(length: number, by: PointerChange): void {
    for (const taken of this.line.splice(length)) if (taken.after !== null) this.reverted.set(taken.after, by);
    const current = this.line.at(-1)?.after;
    if (current) this.reverted.delete(current);
  }
}

function reasonOf(kind: ChangeKind, promotion: Promotion | null, message: string): string | null {
  if (kind === 'rollback' || kind === 'removed') return trailer(message, 'Plumb-Reason');
  return promotion?.forced?.reason ?? promotion?.again?.reason ?? null;
}

/** Value of a trailer: from the last paragraph of a commit message alone, as git has it. */
export function trailer(message: string, name: string): string | null {
  const last =
    message
      .trimEnd()
      .split(/\n\s*\n/)
      .at(-1) ?? '';
  const line = last.split('\n').find((one) => one.startsWith(`${name}: `));
  return line === undefined ? null : oneLine(line.slice(name.length + 2));
}

/** 'rolled back to 0123456789ab' and its like, for people. */
export function describeChange(change: PointerChange): string {
  const because = change.reason === null ? '' : `: ${oneLine(change.reason, 200)}`;
  const taintedBy = change.promotion?.forced ? ` (forced in once: ${oneLine(change.promotion.forced.reason, 200)})` : '';
  const unproven = change.pointer !== null && change.promotion === null ? ' (its evidence is missing or broken: run `plumb verify --history`)' : '';
  if (change.kind === 'rollback') return `rolled back${because}${taintedBy}${unproven}`;
  if (change.kind === 'removed') return `removed${because}`;
  if (change.kind === 'broken') return 'broken: not a valid pointer';
  if (change.kind === 'forced') return `FORCED${change.promotion?.again ? ', AGAIN' : ''}${because}`;
  if (change.kind === 'again') return `promoted AGAIN${because === '' ? ', with no reason recorded' : because}${taintedBy}${unproven}`;
  return `promoted${unproven}`;
}

/** For messages: 'commit 0123456789 took 0123456789ab back on 2026-11-21' */
export function describeTakenBack(artifact: Digest, by: PointerChange): string {
  return `commit ${by.commit.slice(0, 10)} took ${shortDigest(artifact)} back on ${by.date.toISOString().slice(0, 10)}`;
}
