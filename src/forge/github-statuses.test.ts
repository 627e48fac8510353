// What is said of a commit, and by whom: a required check that a job forged looks like any other but for its writer.
import { expect, test } from 'vitest';
import { head, openWorld } from './github.fixture.ts';

test('a status names its writer, and the App whose account that is; the last one of a context counts', async () => {
  await using world = await openWorld();
  const said = { sha: head, context: 'plumb/promotion', description: 'd' };
  world.github.statuses.push({ ...said, state: 'failure', creator: 'plumb-app[bot]' }, { ...said, state: 'success', creator: 'github-actions[bot]' });
  world.github.statuses.push(
    { ...said, context: 'by hand', state: 'success', creator: 'mallory' },
    { ...said, context: 'lint', state: 'error', creator: 'theirs[bot]' },
  );
  const forged = { context: 'plumb/promotion', state: 'success', by: { login: 'github-actions[bot]', kind: 'bot' }, app: 15_368 };
  const byName = (await world.forge.statuses(head)).toSorted((a, b) => (a.context < b.context ? -1 : 1));
  expect(byName).toMatchObject([
    { context: 'by hand', by: { login: 'mallory', kind: 'person' }, app: null },
    { context: 'lint', state: 'error', by: { login: 'theirs[bot]', kind: 'bot' }, app: null },
    forged,
  ]);
  await world.forge.setStatus(head, { context: 'plumb/promotion', state: 'failure', description: '', link: null });
  const ours = (await world.forge.statuses(head)).find((one) => one.context === 'plumb/promotion');
  expect(ours).toMatchObject({ state: 'failure', by: { login: 'plumb-app[bot]' }, app: 4711 });
});

test('a check run says its App; one that was skipped has not passed', async () => {
  await using world = await openWorld();
  const empty = { sha: head, externalId: '', link: null, title: null, summary: null, text: null, annotations: [] };
  const done = (id: number, name: string, conclusion: string) => ({ ...empty, id, name, status: 'completed' as const, conclusion });
  world.github.checkRuns.push(
    done(1, 'gate', 'success'),
    done(2, 'skipped', 'skipped'),
    done(3, 'neutral', 'neutral'),
    done(4, 'timed out', 'timed_out'),
    { ...empty, id: 5, name: 'at work', status: 'in_progress', conclusion: null },
    { ...done(6, 'plumb/promotion', 'success'), app: 'plumb-app' },
  );
  const found = await world.forge.statuses(head);
  expect(Object.fromEntries(found.map((one) => [one.context, one.state]))).toEqual({
    gate: 'success',
    skipped: 'pending',
    neutral: 'pending',
    'timed out': 'failure',
    'at work': 'pending',
    'plumb/promotion': 'success',
  });
  expect(found.find((one) => one.context === 'plumb/promotion')).toMatchObject({ app: 4711, by: { login: 'plumb-app[bot]', kind: 'bot' } });
});
