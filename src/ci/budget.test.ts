import { expect, test } from 'vitest';
import { budgetOf, checkBudget, limitCommand } from './budget.ts';
import type { Decision } from './command.ts';
import type { Job } from './levels.ts';

const job = (estimate: number | null, minutes = 360): Job => ({ name: 'a', stages: ['a'], 'runs-on': ['x'], minutes, estimate, gpus: 0, why: '' });

test('T28: more jobs, or more minutes, than the base allows start nothing; what nobody measured counts as its limit', async () => {
  const budget = await budgetOf('version: 1\nmodels: {}\ngates: {}\nbudget: { jobs: 3, minutes: 60 }\n');
  expect(() => checkBudget([[job(20), job(30)], [job(10)]], budget)).not.toThrow();
  expect(() =>
    checkBudget(
      [
        [job(1), job(1)],
        [job(1), job(1)],
      ],
      budget,
    ),
  ).toThrow('would start 4 jobs, and policy.yaml of its base allows 3');
  expect(() => checkBudget([[job(20), job(30.1)], [job(10)]], budget)).toThrow(
    'about 60.1 minutes of machines, and policy.yaml of its base allows 60',
  );
  expect(() => checkBudget([[job(1), job(null)]], budget)).toThrow('361 minutes of machines (1 of 2 jobs were never measured');
  expect(() => checkBudget([[job(1), job(null, 25)]], budget)).not.toThrow();
});

test('without a policy the usual budget holds; one that does not parse is no budget', async () => {
  expect(await budgetOf(undefined)).toEqual({ jobs: 256, commands: 30 });
  await expect(budgetOf('budget: { jobs: many }\n')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('T28: commands are answered as long as the hour has answers left; that it has none is said once', () => {
  const run: Decision = { do: 'dispatch', workflow: 'pr.yml', inputs: {}, reply: 'Running.' };
  const told = [0, 1, 2, 3, 4].map((answered) => limitCommand(run, { answered, most: 2 }));
  expect(told).toEqual([
    run,
    run,
    { do: 'refuse', reaction: 'confused', reply: expect.stringContaining('2 commands an hour, is used up') as string },
    { do: 'refuse', reaction: '-1', reply: null },
    { do: 'refuse', reaction: '-1', reply: null },
  ]);
  // who may not command gets no words by being many
  const silent: Decision = { do: 'refuse', reaction: '-1', reply: null };
  expect(limitCommand(silent, { answered: 2, most: 2 })).toBe(silent);
});
