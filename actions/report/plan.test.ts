// What the action posts of a report without a model.
import { expect, test } from 'vitest';
import type { CiContext } from '../../src/ci/context.ts';
import { buildReport } from '../../src/report/build.ts';
import type { ReportParts } from '../../src/report/parts.ts';
import type { Inputs } from './inputs.ts';
import { planReport, type Plan } from './plan.ts';

const context = {
  forge: 'github',
  event: 'pull_request',
  commit: 'a'.repeat(40),
  runUrl: 'https://forge.example/o/r/actions/runs/42',
  runId: '42',
  defaultBranch: 'main',
  pullRequest: { number: 7, fork: false, baseRef: 'main' },
} as unknown as CiContext;
const inputs = { place: '.', model: null, stage: 'production', comment: true, status: true, check: true, against: null } as unknown as Inputs;

const held: ReportParts = {
  model: null,
  title: { revision: 'c0ffee1', branch: 'rows', base: 'main' },
  gate: null,
  candidate: null,
  baseline: null,
  change: { since: '0123456789ab', relevant: true, why: ['data sets changed'] },
  data: [],
  params: [],
  stages: [],
  findings: [{ check: 'pii', dataset: 'tickets', state: 'holds', rows: 9, flagged: 0, kinds: [], notes: [] }],
  evaluation: null,
  baselineEvaluation: null,
  comparison: null,
  curves: [],
  cost: { seconds: 1 },
  warnings: [],
};

function planOf(parts: Partial<ReportParts>): Plan {
  return planReport({ report: buildReport({ ...held, ...parts }) }, { inputs, context, annotations: [] });
}

test('checks that hold are a green status, and no fault of the step', () => {
  const { status, outputs, trouble, comment } = planOf({});
  expect(status).toMatchObject({ state: 'success', description: 'The checks hold: 1 check of tickets holds' });
  expect(outputs).toEqual({ holds: 'true', verdict: 'no model', relevant: 'true' });
  expect(trouble).toBeNull();
  expect(comment).toMatchObject({ make: true, body: expect.stringContaining('## ✅ Data: the checks hold') as string });
});

test.each([
  ['PII_FOUND', 'failure', 'the checks do not hold: 1 row of 9 [PII_FOUND]'],
  ['DATA_DRIFTED', 'failure', 'the checks do not hold: 1 row of 9 [DATA_DRIFTED]'],
  ['RUN_MISSING', 'error', 'not everything was looked at: 1 row of 9 [RUN_MISSING]'],
] as const)('%s is a status of %s, and the step fails', (code, state, said) => {
  const { status, outputs, trouble } = planOf({ problem: { code, what: '1 row of 9', mend: 'look' } });
  expect(status?.state).toBe(state);
  expect(outputs.holds).toBe('false');
  expect(trouble).toBe(said);
});

test('without any check nothing was judged, which is no yes', () => {
  const { status, check, trouble } = planOf({ findings: [] });
  expect([status?.state, check?.conclusion, trouble]).toEqual(['failure', 'failure', null]);
});

test('what no check reads is a green status without a comment of its own', () => {
  const { status, comment } = planOf({ change: { since: '0123456789ab', relevant: false, why: [] } });
  expect([status?.state, comment?.make]).toEqual(['success', false]);
});
