// What a move of a pointer is judged from, and what comes out. Whoever asks (the check before a merge, reconcile after it) hands the world in through
// these few interfaces; the judgement itself (judge-move.ts) reads nothing else but git.
import type { Digest } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import type { MergedPull } from '../pipeline/decide-reuse.ts';
import type { DecisionKind, Move } from './audit-record.ts';
import type { Judgement } from './judgement.ts';
import type { PullFacts } from './pull-facts.ts';
import type { Policy, Stage } from './schema.ts';

/** The policy that judges: of the base branch before a merge, the last one of the log after it. */
export interface JudgingPolicy {
  readonly text: string;
  /** SHA-256 of the text */
  readonly digest: Digest;
  readonly policy: Policy;
  /** a commit of the main branch that has it: files that it names (`trust.sigstore.root`) are read there */
  readonly commit: Oid;
}

/** What was served when: `DecisionLog` has it. */
export interface ServedLog {
  /** the commit of the main branch that the first record is about; null: there is no record */
  readonly began: Oid | null;
  /** Since when an artifact is served in a stage without a break; null: it is not. */
  servedSince(model: string, stage: Stage, artifact: Digest): Date | null;
  /** SHA-256 of the pointers that were served there one after the other, oldest first; null: there was none from then on. */
  servedPointers(model: string, stage: Stage): readonly (Digest | null)[];
  /** artifacts, and parts of them, that were taken out for good */
  readonly revoked: ReadonlySet<Digest>;
}

/** Bytes as everybody can fetch them. `openMoveStore` makes it of a store. */
export interface MoveStore {
  /** Which of these versions are there with all that belongs to them: run records with what the runs wrote, manifests with their parts. */
  hasBytes(roots: readonly Digest[]): Promise<ReadonlyMap<Digest, boolean | 'unknown'>>;
  /**
   * A file on this machine that holds the bytes of an object, hashed.
   * @param within versions that it belongs to
   * @returns its path, or why they cannot be had, or are others; unknown: asking again may help
   */
  pathOf(digest: Digest, within: readonly Digest[]): Promise<{ readonly path: string } | { readonly why: string; readonly unknown: boolean }>;
}

/** What deciding about a signature needs beyond git. */
export interface MoveTrust {
  /** name of the main branch */
  readonly main: string;
  /** A pull request that was merged into the main branch; null: it was not. */
  mergedPull(number: number): Promise<MergedPull | null | 'unknown'>;
  /** Brings a commit into this clone. @returns whether it is there now */
  fetchCommit(commit: Oid): Promise<boolean>;
}

export interface MoveInput {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** commit of the base branch that it would be, or was, merged onto: the first parent */
  readonly before: Oid;
  /** head of the pull request, or the commit of the main branch */
  readonly after: Oid;
  /** null: there is none, and nobody can judge */
  readonly policy: JudgingPolicy | null;
  /** null: no pull request brought it. 'no forge': nobody can be asked; enough where the policy asks for nobody */
  readonly facts: PullFacts | null | 'no forge';
  /** null: there is no log; then git's first-parent line says what was where, and the judgement says so */
  readonly log: ServedLog | null;
  readonly store: MoveStore;
  readonly trust: MoveTrust;
  readonly now: Date;
}

export interface MoveJudgement extends Judgement {
  readonly kind: DecisionKind;
  /** sorted by model, then stage; `served` says whether the judgement holds. Empty: no pointer moves */
  readonly moves: readonly Move[];
  /** what it takes out for good, sorted */
  readonly revoked: readonly Digest[];
  /** it goes back to what was there before, and was judged as that alone */
  readonly fast: boolean;
  /** the approvals that counted */
  readonly counted: readonly CountedApproval[];
  /** those that did not, and why */
  readonly refused: readonly { readonly login: string; readonly why: string }[];
  /** why an issue for a review afterwards shall be opened; null: no need */
  readonly review: string | null;
}

export interface CountedApproval {
  readonly login: string;
  /** id of the review */
  readonly review: string;
  /** what the reviewer saw */
  readonly commit: string | null;
  /** RFC 3339 */
  readonly at: string;
}
