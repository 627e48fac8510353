import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inputOf } from './approval-case.fixture.ts';
import { caseGroups } from './approval-cases.fixture.ts';
import { decideApprovals, type ApprovalDecision } from './approvals.ts';
import type { Point } from './judgement.ts';

function pointOf({ points }: ApprovalDecision, name: Point['point']): Point {
  const found = points.find(({ point }) => point === name);
  if (found === undefined) throw new Error(`no point ${name}`);
  return found;
}

for (const { title, cases } of caseGroups) {
  describe(`${title}`, () => {
    for (const { name, change, holds, counted, says } of cases) {
      test(`${name}`, () => {
        const decision = decideApprovals(inputOf(change));
        const point = pointOf(decision, 'approvals');
        expect(point.why).toContain(says);
        expect({ holds: point.holds, counted: decision.counted.map(({ login }) => login) }).toEqual({ holds, counted });
      });
    }
  });
}

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
