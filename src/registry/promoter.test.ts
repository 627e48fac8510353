import { expect, test } from 'vitest';
import { inputOf, head, made, ofMain, commit, judged, person, pushed, type CaseChange } from './approval-case.fixture.ts';
import { decidePromoter } from './promoter.ts';

function decide(change: CaseChange): string {
  const { facts, access } = inputOf(change);
  const { holds, why } = decidePromoter(facts, access);
  return `${holds}: ${why}`;
}

const ml = { promote: { teams: ['ml'], people: [] } };
const bot = { author: person('promoter[bot]'), pushes: [pushed('promoter[bot]', null, head, '08:59')] };

test('whoever opened it and pushed it must be allowed to', () => {
  expect(decide({ access: ml })).toBe('true: brought by anna');
  expect(decide({ access: { promote: { teams: ['risk'], people: [] } } })).toBe('false: anna may not: it is for members of team risk');
  expect(decide({ facts: { author: person('emil'), fork: true } })).toBe('false: emil may not: it is for those with role write');
});

test('T14: somebody who may not pushes onto the branch of one who may', () => {
  const next = commit('c2');
  const pushes = [made, pushed('dora', head, next, '09:30')];
  const facts = { pushes, head: next };
  expect(decide({ facts: { ...facts, subjects: { [next]: 'another model' } }, access: ml })).toBe(
    'false: dora may not: it is for members of team ml',
  );
  expect(decide({ facts: { ...facts, subjects: { [next]: judged } }, access: ml })).toBe('true: brought by anna');
  expect(decide({ facts: { ...facts, subjects: { [next]: null } }, access: ml })).toMatch(/^false: dora/);
});

test('a deploy key may not bring a model, and may bring the main branch', () => {
  expect(decide({ facts: { pushes: [pushed(null, null, head, '08:59')] } })).toMatch(/^false: nobody's account pushed it/);
  const next = commit('c2');
  expect(decide({ facts: { pushes: [made, pushed(null, head, next, '09:30')], head: next, subjects: { [next]: judged } } })).toMatch(/^true/);
});

test('T27: of a bot, whoever started its job; all of them, where several may have', () => {
  expect(decide({ facts: { ...bot, triggers: [person('carl')] }, access: ml })).toBe('true: brought by carl');
  expect(decide({ facts: { ...bot, triggers: [person('carl'), person('dora')] }, access: ml })).toMatch(/^false: dora may not/);
  expect(decide({ facts: { ...bot, triggers: [] } })).toMatch(/^false: .*no person is known to have started its job/);
  expect(decide({ facts: { ...bot, triggers: [person('other[bot]')] } })).toMatch(/^false/);
  expect(decide({ facts: { ...bot, triggers: null } })).toMatch(/^unknown: whose jobs made promoter\[bot\] do it/);
});

test('what is not known is not allowed', () => {
  expect(decide({ facts: { pushes: null }, access: ml })).toMatch(/^unknown: who pushed/);
  expect(decide({ facts: { pushes: null, fork: true } })).toMatch(/^unknown: who pushed/);
  expect(decide({ facts: { author: person('hugo'), pushes: [made] } })).toMatch(/^unknown: whether hugo may/);
  expect(decide({ facts: { author: person('stranger') } })).toMatch(/^unknown: whether stranger may/);
  expect(decide({ facts: { author: null } })).toMatch(/^false: the account that opened it is gone/);
});

test('whoever may push to a branch of the repository may write to it: without a rule of its own no list of pushes is needed', () => {
  expect(decide({ facts: { pushes: null } })).toBe('true: brought by anna');
  expect(decide({ facts: { pushes: [pushed('anna', null, head, '08:59')], subjects: { [head]: ofMain } } })).toBe('true: brought by anna');
});
