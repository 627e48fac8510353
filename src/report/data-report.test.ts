// A report of data alone: what it says first, in each of its views.
import { expect, test } from 'vitest';
import { buildReport } from './build.ts';
import { branchParts } from './example.fixture.ts';
import { headlineOf, mayGoOn } from './headline.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { problemOfData } from './data-verdict.ts';
import type { ReportParts } from './parts.ts';
import { reportSchema, type Report } from './schema.ts';
import { renderText } from './text.ts';

/** The same branch in a repository without a model. */
function dataParts(story: 'good' | 'bad', without: Partial<ReportParts> = {}): ReportParts {
  const { validation, findings, drift, mergeBase: _, problem: _none, ...parts } = branchParts(story, 770);
  const checked = { validation, findings, drift, ...without } as Pick<ReportParts, 'validation' | 'findings' | 'drift'>;
  const problem = problemOfData(checked);
  const none = { gate: null, candidate: null, baseline: null, evaluation: null, baselineEvaluation: null, comparison: null, curves: [] };
  return { ...parts, ...none, ...checked, model: null, ...(problem === null ? {} : { problem }) };
}

const headOf = (report: Report): string => renderMarkdown(report).split('\n').slice(0, 3).join('\n');

test('checks that hold are good news, with what is to be looked at all the same', () => {
  const report = buildReport(dataParts('good'));
  expect(reportSchema.parse(report)).toEqual(report);
  expect(mayGoOn(report)).toBe(true);
  const head = headOf(report);
  expect(head).toMatch(/^## ✅ Data: the checks hold\n\n\*\*7 checks of intents and intents-test hold; to be looked at: /);
  for (const told of ['near-duplicate in 2 rows of intents', '`EMAIL_ADDRESS` in 1 row of intents', '1 more']) expect(head).toContain(told);
});

test('what does not hold is said first, with its rows; no word of a model, and no metric', () => {
  const report = buildReport(dataParts('bad'));
  expect(report).toMatchObject({ model: null, verdict: 'no model', problem: { code: 'RULES_BROKEN' } });
  expect(mayGoOn(report)).toBe(false);
  const { tone, reasons } = headlineOf(report);
  expect([tone, reasons.length]).toEqual(['bad', 2]);
  const [markdown, html, text] = [renderMarkdown(report), renderHtml(report), renderText(report)];
  expect(markdown).toMatch(
    /^## ⛔ Data: the checks do not hold\n\n- \*\*12 rows of 10,003 in intents against rule 3.*\n- \*\*intents, duplicates: near-duplicate in 2 of 10,003 rows\*\*\n/,
  );
  expect(text).toContain('✗ The checks do not hold');
  for (const view of [markdown, html, text]) {
    expect(view).not.toMatch(/Metrics|Accuracy|McNemar|the gate|no model to/i);
    expect(view).not.toContain('jane@');
  }
  for (const view of [markdown, html]) for (const row of ['r9001', 'r9003']) expect(view).toContain(row);
  expect(html).toContain('Plumbline data report');
});

test('a check that nobody ran, and no check at all, are never a yes', () => {
  const note = 'it reads what split makes, which has no run';
  const findings: ReportParts['findings'] = [
    { check: 'pii', dataset: 'split.train', state: 'not looked at', rows: 0, flagged: 0, kinds: [], notes: [], note },
  ];
  const unseen = buildReport(dataParts('good', { findings }));
  expect(unseen.problem).toMatchObject({ code: 'RUN_MISSING', what: expect.stringContaining(note) as string });
  expect([headlineOf(unseen).gate, mayGoOn(unseen)]).toEqual(['Not everything was looked at', false]);
  const none = buildReport(dataParts('good', { validation: [], findings: [], drift: [] }));
  expect(none.problem).toBeUndefined();
  expect([headlineOf(none).gate, mayGoOn(none)]).toEqual(['No check judged these data', false]);
});

test('drift that is an error does not hold, drift that is a warning is told', () => {
  const [first, ...rest] = branchParts('good', 770).drift ?? [];
  if (first === undefined) throw new Error('the example drifted');
  const report = buildReport(dataParts('good', { drift: [{ ...first, severity: 'error' }, ...rest] }));
  expect(report.problem?.code).toBe('DATA_DRIFTED');
  expect(headlineOf(report).why).toContain('intents drifted from intents at 0123456789ab in label, text');
  expect(mayGoOn(buildReport(dataParts('good')))).toBe(true);
});

test('a change that no check reads is nothing to judge', () => {
  const report = buildReport({ ...dataParts('good'), change: { since: '0123456789ab', relevant: false, why: [] } });
  expect(headOf(report)).toContain('Data: nothing to judge');
  expect(mayGoOn(report)).toBe(true);
});
