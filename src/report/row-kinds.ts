/** What can happen to a row, the most telling first. Apart from the schema, so that a view does not load zod for it. */
export const rowKinds = ['relabelled', 'edited', 'removed', 'added'] as const;
