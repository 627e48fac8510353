import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { createProject, type TestProject } from '../datasets/project.fixture.ts';
import { collectLive, type Live } from './live.ts';
import { readRetention } from './retention.ts';

const day = 86_400_000;
const now = new Date('2026-06-01T00:00:00Z');
const artifact = (label: string): Digest => digestOf(label);

/** A main branch whose pointers were moved so many days ago. */
async function history(moves: readonly (readonly [daysAgo: number, model: string, label: string | null])[]): Promise<TestProject> {
  const project = await createProject();
  await project.git('checkout', '-q', '-B', 'main');
  for (const [daysAgo, model, label] of moves) {
    const path = `models/${model}/production.json`;
    await project.write(path, JSON.stringify({ artifact: label === null ? null : artifact(label) }));
    const date = new Date(now.getTime() - daysAgo * day).toISOString();
    process.env['GIT_COMMITTER_DATE'] = date;
    await project.git('add', '--all');
    await project.git('commit', '-qm', 'move', '--date', date);
    delete process.env['GIT_COMMITTER_DATE'];
  }
  return project;
}

async function live(project: TestProject, retention: { pointerDays: number | null } = { pointerDays: null }): Promise<Live> {
  return collectLive(await project.open(), { retention: { ...retention, runDays: 30 }, workspaceOnly: false, shallow: 'refuse', now });
}

test('what a pointer ever named stays, and says where', async () => {
  const project = await history([[500, 'a', 'one'], [100, 'a', 'two'], [1, 'a', null]]); // prettier-ignore
  const found = await live(project);
  expect(found.get(artifact('one'))).toMatch(/^production of a at commit [0-9a-f]{12} \(2025-01-17\)$/);
  expect(found.has(artifact('two'))).toBe(true);
});

test('a retention counts from the day on which another took the place', async () => {
  const project = await history([[900, 'a', 'oldest'], [500, 'a', 'one'], [450, 'b', 'other'], [420, 'b', 'another'], [100, 'a', 'two'], [1, 'a', 'three']]); // prettier-ignore
  const found = await live(project, { pointerDays: 400 });
  const kept = ['oldest', 'one', 'two', 'three', 'other', 'another'].filter((label) => found.has(artifact(label)));
  // 'one' was in production until 100 days ago, though b was moved twice before the window
  expect(kept).toEqual(['one', 'two', 'three', 'another']);
});

test('the policy of the main branch counts, not that of the work tree', async () => {
  const project = await history([[1, 'a', 'one']]);
  const policy = (pointers: string): string => `version: 1\nmodels: {}\ngates: {}\nretention:\n  pointers: ${pointers}\n  runs: 7 days\n`;
  await project.write('policy.yaml', policy('400 days'));
  await project.git('add', '--all');
  await project.git('commit', '-qm', 'policy');
  await project.write('policy.yaml', policy('1 day'));
  expect(await readRetention(await project.open())).toEqual({ pointerDays: 400, runDays: 7 });
});

test('a clone without history keeps what it sees for itself, and decides nothing for others', async () => {
  const project = await history([[500, 'a', 'one'], [1, 'a', 'two']]); // prettier-ignore
  await project.git('clone', '-q', '--depth', '1', `file://${project.root}`, 'shallow');
  const { openProject } = await import('../project/open.ts');
  const shallow = await openProject({ cwd: `${project.root}/shallow`, env: {} });
  const request = { retention: { pointerDays: null, runDays: 30 }, workspaceOnly: false, now } as const;
  await expect(collectLive(shallow, { ...request, shallow: 'refuse' })).rejects.toMatchObject({ code: 'GIT_TOO_SHALLOW' });
  const found = await collectLive(shallow, { ...request, shallow: 'keep' });
  expect([found.has(artifact('one')), found.has(artifact('two'))]).toEqual([false, true]);
});

test('evidence keeps the record that its name says', async () => {
  const project = await history([[1, 'a', 'one']]);
  const record = digestOf('record');
  await project.write(`models/a/evidence/production/${record.slice(7)}.json`, '{}');
  expect((await live(project)).get(record)).toBe('the work tree');
});
