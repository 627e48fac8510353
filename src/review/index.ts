export { decisionsByRow, type ReviewStatus, type RowReview } from './by-row.ts';
export type { Annotator } from './schema.ts';
