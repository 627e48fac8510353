// Runs of workflows, where GitHub caps its list and a run was started again.
import { expect, test } from 'vitest';
import type { ApiWorkflowRun } from '../../tests/github-api/state.ts';
import { head, openWorld } from './github.fixture.ts';

const file = '.github/workflows/promote.yml';
const time = (hour: number): string => `2026-05-01T${String(hour).padStart(2, '0')}:00:00Z`;
const between = { from: new Date(time(10)), to: new Date(time(12)) };
const run = (id: number, by: string, startedAt: string, endedAt: string | null): ApiWorkflowRun => ({
  id,
  file,
  event: 'workflow_dispatch',
  branch: 'main',
  sha: head,
  attempts: [{ by, startedAt, endedAt }],
});

test('what was at work then: begun before, begun then, not ended yet; no others', async () => {
  await using world = await openWorld();
  const early = run(1, 'early', time(8), time(9));
  const runs = [
    early,
    run(2, 'before', time(9), time(11)),
    run(3, 'then', time(11), time(13)),
    run(4, 'still', time(1), null),
    run(5, 'late', time(13), time(14)),
  ];
  world.github.runs.push(...runs, { ...run(6, 'other', time(11), null), file: '.github/workflows/other.yml' });
  const found = await world.forge.runsOfWorkflow(file, between);
  expect(found.map((one) => one.by?.login)).toEqual(['then', 'before', 'still']);
  expect(found.at(-1)).toMatchObject({ id: '4', endedAt: null, commit: head, file });
});

test('one that was started again tells everybody who started it, at the times when they did', async () => {
  await using world = await openWorld();
  const attempts = [
    { by: 'wim', startedAt: time(10), endedAt: time(11) },
    { by: 'cover', startedAt: time(20), endedAt: time(21) },
    { by: 'plumb-app[bot]', startedAt: time(22), endedAt: null },
  ];
  world.github.runs.push({ ...run(1, '', '', null), attempts });
  const at = (hour: number) => world.forge.runsOfWorkflow('promote.yml', { from: new Date(time(hour)), to: new Date(time(hour)) });
  expect((await at(10)).map((one) => one.by?.login)).toEqual(['wim']);
  expect((await at(20)).map((one) => one.by?.login)).toEqual(['cover']);
  expect(await world.forge.workflowRun('1')).toMatchObject({
    by: { login: 'plumb-app[bot]', kind: 'bot' },
    startedAt: new Date(time(22)),
    endedAt: null,
  });
});

test('more runs than GitHub lists are an error, never a part of them', async () => {
  await using world = await openWorld();
  for (let id = 1; id <= 999; id += 1) world.github.runs.push(run(id, 'wim', time(8), time(9)));
  expect(await world.forge.runsOfWorkflow(file, between)).toEqual([]);
  world.github.runs.push(run(1000, 'wim', time(8), time(9)));
  await expect(world.forge.runsOfWorkflow(file, between)).rejects.toMatchObject({ code: 'FORGE_LIMIT' });
});
