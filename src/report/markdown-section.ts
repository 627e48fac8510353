// What the parts of a comment are made of.
import type { Section } from './page.ts';

/** What reviewers would miss most goes last when room is short. */
export const ranks = {
  top: 0,
  gate: 1,
  cases: 2,
  metrics: 2,
  validation: 2,
  findings: 2,
  drift: 3,
  data: 3,
  params: 3,
  stages: 4,
  classes: 5,
  rows: 6,
  rest: 7,
} as const;

export const plain: Pick<Section, 'tail' | 'first' | 'noun' | 'more'> = {
  tail: '',
  first: 20,
  noun: ['row', 'rows'],
  more: (words) => `\n*${words}*\n`,
};

type Folded = Pick<Section, 'rows' | 'noun' | 'rank'> & { readonly head: string; readonly open?: boolean; readonly first?: number };

/** A part that is opened by a click; one that is open can be closed. */
export function folded(summary: string, parts: Folded): Section {
  const { open, ...section } = parts;
  return {
    ...plain,
    ...section,
    head: `\n<details${open === true ? ' open' : ''}><summary>${summary}</summary>\n\n${parts.head}`,
    tail: '\n</details>\n',
  };
}
