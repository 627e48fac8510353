// A decision, point by point: each with its reason, whether it holds or not, so that nobody has to guess what is missing.

/** Names of what is looked at, in the order in which people read them. */
export const points = [
  'files',
  'pointers',
  'evidence',
  'bytes',
  'signatures',
  'report',
  'gate',
  'inputs',
  'data',
  'order',
  'soak',
  'revoked',
  'unit',
  'policy',
  'promoter',
  'approvals',
] as const;
export type PointName = (typeof points)[number];

/** 'unknown' never counts as holding: it says that asking again may help. */
export interface Point {
  readonly point: PointName;
  readonly holds: true | false | 'unknown';
  /** one sentence for people: what holds, or what does not and what would mend it */
  readonly why: string;
}

export interface Judgement {
  readonly holds: boolean;
  /** in the order of `points`; those that do not apply are left out */
  readonly points: readonly Point[];
}

export function judgementOf(found: readonly Point[]): Judgement {
  const ordered = found.toSorted((a, b) => points.indexOf(a.point) - points.indexOf(b.point));
  return { holds: ordered.length > 0 && ordered.every(({ holds }) => holds === true), points: ordered };
}
