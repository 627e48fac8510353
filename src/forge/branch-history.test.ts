import { expect, test } from 'vitest';
import { historyOf, objectName, readHistory, type BranchMove, type BranchRecord } from './branch-history.ts';

const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string];
const at = new Date(0);
const move = (login: string, before: string | null, after: string | null): BranchMove => ({ who: { login, kind: 'person' }, before, after, at });
const [made, pushed, forced] = [move('ann', null, one), move('bob', one, two), move('cy', two, three)];

const loginsOf = (record: BranchRecord): unknown => {
  const history = historyOf(record);
  return Array.isArray(history) ? history.map((push) => push.who?.login) : history;
};

test.each<[string, BranchRecord, unknown]>([
  ['whole', { moves: [made, pushed, forced], tip: three }, ['ann', 'bob', 'cy']],
  ['of a branch that is gone', { moves: [made, pushed, move('dee', two, null)], tip: null }, ['ann', 'bob']],
  ['of one that was made again', { moves: [made, move('ann', one, null), move('bob', null, three)], tip: three }, ['bob']],
  ['without its beginning', { moves: [pushed, forced], tip: three }, null],
  ['with a gap', { moves: [made, forced], tip: three }, null],
  ['without its end', { moves: [made, pushed], tip: three }, 'behind'],
  ['without the deletion', { moves: [made, pushed], tip: null }, 'behind'],
  ['going on after the branch was deleted', { moves: [made, move('ann', one, null), pushed], tip: two }, null],
  ['empty', { moves: [], tip: one }, 'behind'],
  ['of no branch at all', { moves: [], tip: null }, null],
])('a record %s', (_, record, expected) => {
  expect(loginsOf(record)).toEqual(expected);
});

test('one that is behind is asked for again, a few times', async () => {
  const waits: number[] = [];
  const pause = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  let looks = 0;
  const late = () => Promise.resolve({ moves: (looks += 1) < 3 ? [made] : [made, pushed], tip: two });
  expect(await readHistory(late, pause)).toHaveLength(2);
  expect(waits).toEqual([500, 1000]);
  expect(await readHistory(() => Promise.resolve({ moves: [made], tip: two }), pause)).toBeNull();
  expect(waits).toEqual([500, 1000, 500, 1000, 2000]);
  expect(await readHistory(() => Promise.resolve({ moves: [pushed], tip: two }), pause)).toBeNull();
  expect(waits).toHaveLength(5);
});

test('the name of nothing is no name', () => {
  expect([objectName('0'.repeat(40)), objectName('0'.repeat(64)), objectName(one)]).toEqual([null, null, one]);
});
