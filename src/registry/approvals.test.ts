import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { approved, head, inputOf } from './approval-case.fixture.ts';
import { caseGroups } from './approval-cases.fixture.ts';
import { decideApprovals, type ApprovalDecision } from './approvals.ts';
import type { Point } from './judgement.ts';
import type { PullFacts } from './pull-facts.ts';

function pointOf({ points }: ApprovalDecision, name: Point['point']): Point {
  const found = points.find(({ point }) => point === name);
  if (found === undefined) throw new Error(`no point ${name}`);
  return found;
}

describe.each(caseGroups)('$title', ({ cases }) => {
  test.each(cases)('$name', ({ change, holds, counted, says }) => {
    const decision = decideApprovals(inputOf(change));
    const point = pointOf(decision, 'approvals');
    expect(point.why).toContain(says);
    expect({ holds: point.holds, counted: decision.counted.map(({ login }) => login) }).toEqual({ holds, counted });
  });
});

test('each approval that does not count is told with its reason, by name up to ten', () => {
  const opinions = ['anna', 'bea', 'dora', 'helper[bot]', ...Array.from({ length: 12 }, (_, at) => `stranger${at}`)].map((login) => approved(login));
  const decision = decideApprovals(inputOf({ facts: { opinions }, wanted: { count: 2 } }));
  expect(decision.counted).toMatchObject([{ login: 'bea', commit: head, review: opinions[1]?.id }]);
  expect(decision.refused).toHaveLength(15);
  expect(decision.refused.slice(0, 4)).toEqual([
    { login: 'anna', why: 'opened the pull request' },
    { login: 'dora', why: 'is not among members of team ml' },
    { login: 'helper[bot]', why: 'is no person: what bots say never counts' },
    { login: 'stranger0', why: 'may not be among those with role write: the forge does not say' },
  ]);
  expect(pointOf(decision, 'approvals').why).toMatch(
    /^2 approvals are needed by members of team ml: 1 of 2 counts: bea; missing: 1; .*nor do 5 others$/,
  );
});

test('whose approval is missing is said as the policy has it: by the stage, by access.approve, or by both', () => {
  const nobody = { teams: [], people: [], role: undefined };
  const approve = { ...nobody, people: ['olga'] };
  const why = (change: Parameters<typeof inputOf>[0]): string =>
    pointOf(decideApprovals(inputOf({ ...change, facts: { opinions: [] } })), 'approvals').why;
  expect(why({})).toContain('needed by members of team ml: none counts');
  expect(why({ wanted: { teams: [] }, access: { approve } })).toContain('needed by olga: none counts');
  expect(why({ access: { approve } })).toContain('needed by members of team ml, who must be of access.approve as well (olga): none counts');
});

test('logins and teams that are names of every object are like any other', () => {
  const odd = ['constructor', '__proto__', 'toString'];
  for (const login of odd) {
    expect(decideApprovals(inputOf({ facts: { opinions: [approved(login)] }, wanted: { teams: odd } })).counted).toEqual([]);
    const standing = JSON.parse(`{"${login.toLowerCase()}": {"role": "write", "teams": {"${login}": "yes"}}}`) as PullFacts['standing'];
    const facts = { opinions: [approved(login)], standing };
    expect(decideApprovals(inputOf({ facts, wanted: { teams: [login] } })).counted).toHaveLength(1);
  }
});

test('the page has the table, row by row', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/approvals.md', import.meta.url)), 'utf8');
  expect(caseGroups.flatMap(({ cases }) => cases).length).toBeGreaterThan(40);
  expect(page.slice(page.indexOf('<!-- cases -->'), page.indexOf('<!-- end of cases -->'))).toBe(`<!-- cases -->\n\n${tableOf()}\n`);
});

const answers = new Map<unknown, string>([
  [true, 'yes'],
  [false, 'no'],
  ['unknown', 'not known'],
]);

/** As docs/approvals.md has it between its two marks. */
function tableOf(): string {
  return caseGroups
    .map(({ title, cases }) => {
      const rows = cases.map(({ name, holds, counted, why }) => `| ${name} | ${answers.get(holds)} | ${counted.join(', ') || '-'} | ${why} |`);
      return [`### ${title}`, '', '| what happens | approved? | who counts | why |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
    })
    .join('\n');
}
