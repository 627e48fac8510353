// The answer to `/plumb explain <case>`: what the models say to one case, and what changed in the rows that teach its labels.
import type { CaseResult } from '../evaluate/schema.ts';
import { maskSensitive } from '../quality/sensitive.ts';
import { percent } from '../report/figures.ts';
import { code, prose } from '../report/markdown-text.ts';
import type { Report } from '../report/schema.ts';

export interface AskedCase {
  /** as somebody wrote it */
  readonly wanted: string;
  /** commit in full */
  readonly head: string;
  /** null: the suite has no such case */
  readonly candidate: CaseResult | null;
  /** what is served, or the merge base: null where there is none, or where it was not asked this case */
  readonly other: { readonly what: string; readonly result: CaseResult | null } | null;
  readonly data: Report['data'];
}

/** A case by its id, else by its whole input: what people copy out of a report is the one or the other. */
export function findCase(cases: readonly CaseResult[], wanted: string): CaseResult | null {
  const text = wanted.trim();
  return cases.find((one) => one.id === text) ?? cases.find((one) => one.input.trim() === text) ?? null;
}

/** Markdown in which nothing of the data is more than text. */
export function explainCase({ wanted, head, candidate, other, data }: AskedCase): string {
  if (candidate === null) return `There is no case ${shown(wanted)} in the suite of ${head}: its id, or its whole text, is what finds it.\n`;
  const { id, input, expected } = candidate;
  const rows = [`| the answer of the suite | ${shown(expected)} | |`, answer(`this commit, ${head.slice(0, 12)}`, candidate)];
  if (other !== null) rows.push(other.result === null ? `| ${prose(other.what)} | *was not asked this case* | |` : answer(other.what, other.result));
  const labels = [...new Set([expected, candidate.got, ...(other === null || other.result === null ? [] : [other.result.got])])];
  const taught = data.flatMap(({ name, balance }) =>
    balance
      .filter(({ label }) => labels.includes(label))
      .map(({ label, before, after }) => `- ${code(name)}: ${before} rows labelled ${shown(label)} before, ${after} now`),
  );
  const nothing = '- no data set changed its number of rows with one of these labels';
  return [
    `Case ${shown(id)}: ${shown(input, 1000)}`,
    '',
    '| | label | sure |',
    '| --- | --- | ---: |',
    ...rows,
    '',
    ...(taught.length === 0 ? [nothing] : taught),
    '',
  ].join('\n');
}

function answer(who: string, { got, expected, score }: CaseResult): string {
  return `| ${prose(who)} | ${shown(got)}${got === expected ? '' : ' (wrong)'} | ${percent(score)} |`;
}

function shown(text: string, limit?: number): string {
  return code(maskSensitive(text), limit);
}
