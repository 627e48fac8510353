// What reviews say of each row: for provenance, policy, apply and the queue.
import type { Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import { readJournals } from './journal.ts';
import { decidedIn, readReviews } from './review-files.ts';
import { hasChange, type Annotator, type ReviewAction } from './schema.ts';
import { outcomeOf, settle, type Decided, type SettledRow } from './settled.ts';

/**
 * accepted: the row may stay as it is; replaced: it shall become another one (an edit or a label), which is accepted; rejected: it shall go;
 * disputed: people disagree, and nobody has adjudicated. Only accepted is a yes.
 */
export type ReviewStatus = 'accepted' | 'replaced' | 'rejected' | 'disputed';

export interface RowReview {
  readonly status: ReviewStatus;
  /** how it came to that; of a row that an edit made: edit */
  readonly action: ReviewAction | null;
  /** who says so (of a dispute: everybody), in the order of persons */
  readonly by: readonly Annotator[];
  /** the last of their decisions */
  readonly at: string;
  readonly adjudicated: boolean;
  readonly notes: readonly string[];
  /** of a replaced row: what it becomes */
  readonly becomes: Digest | null;
  /** of a row that a decision made: the row that was looked at */
  readonly from: Digest | null;
}

/** All decisions of the work tree about a data set: files below reviews/, and sittings that are not ended. @throws PlumbError REVIEW_INVALID */
export async function readDecided(project: Pick<Project, 'root' | 'localDir'>, data: string): Promise<Decided[]> {
  const [files, journals] = await Promise.all([readReviews(project, data), readJournals(project, data)]);
  return [...files, ...journals].flatMap(decidedIn);
}

/**
 * The review of each row that anything was decided about, by the digest of the row (datasets/row-digest.ts). A row that an edit or a label makes is in
 * it, too: it was accepted by whoever made it, as long as nothing was decided about itself.
 * @param data name of a data set of the lock
 * @throws PlumbError REVIEW_INVALID, FILE_UNREADABLE
 */
export async function decisionsByRow(project: Pick<Project, 'root' | 'localDir'>, data: string): Promise<ReadonlyMap<Digest, RowReview>> {
  return reviewsOf(settle(await readDecided(project, data)));
}

/** The same from decisions. */
export function reviewsOf(settled: ReadonlyMap<Digest, SettledRow>): ReadonlyMap<Digest, RowReview> {
  const reviews = new Map<Digest, RowReview>();
  const made: RowReview[] = [];
  for (const [row, one] of settled) {
    const review = reviewOf(one);
    reviews.set(row, review);
    if (review.becomes !== null) made.push({ ...review, from: row });
  }
  for (const review of made) {
    const row = review.becomes;
    if (row !== null && !settled.has(row)) reviews.set(row, { ...review, status: 'accepted', becomes: null });
  }
  return reviews;
}

function reviewOf({ decision, votes, adjudicated }: SettledRow): RowReview {
  const counted = decision === null ? votes : adjudicated ? [decision] : votes;
  const rest = {
    by: counted.map(({ annotator }) => annotator),
    at: counted.map(({ at }) => at).reduce((a, b) => (a > b ? a : b)),
    adjudicated,
    notes: counted.flatMap(({ note }) => note ?? []),
    from: null,
  };
  if (decision === null) return { status: 'disputed', action: null, becomes: null, ...rest };
  const outcome = outcomeOf(decision);
  const becomes = hasChange(decision.action) && outcome !== 'accept' ? (decision.becomes ?? null) : null;
  const status = becomes !== null ? 'replaced' : outcome === 'accept' ? 'accepted' : 'rejected';
  return { status, action: decision.action, becomes, ...rest };
}
