// What stops a run: history that does not continue the log, and answers that do not come. Nothing new is served then, and what was served goes on.
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { openScene, removeScenes, removeTemplates, servedBy } from './reconcile-scene.ts';

const betterDigest = digestOf(artifactOf(better));

afterEach(removeScenes);
afterAll(removeTemplates);

test('T29: a main branch that was rewritten, and a log that was, stop all that is new; what was served stays served', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  await scene.merge(pull);
  await runner.reconcile();
  const main = await scene.pull();
  const log = await scene.log();

  await scene.git.run('reset', '-q', '--hard', 'HEAD~1');
  await scene.team.promote({ candidate: better, production: good });
  await scene.push('carol', '+main');
  const said = await runner.reconcile();
  expect(said.error?.code).toBe('AUDIT_REWRITTEN');
  expect(scene.github.issues).toMatchObject([{ state: 'open', title: expect.stringContaining('does not hold') }]);
  await scene.push('carol', `+${main}:refs/heads/main`);
  expect((await runner.reconcile()).error).toBeNull();
  expect(scene.github.issues).toMatchObject([{ state: 'closed' }]);

  // cut off, taken away, begun anew
  for (const refs of [[`+${log.tip}~1:refs/heads/plumb/audit`], [':refs/heads/plumb/audit'], ['+main:refs/heads/plumb/audit']]) {
    await scene.push('carol', ...refs);
    expect((await runner.reconcile({ start: true })).error?.code, refs[0]).toBe('AUDIT_REWRITTEN');
  }
  await scene.push('carol', `+${log.tip}:refs/heads/plumb/audit`);
  const healed = await runner.reconcile();
  expect(healed.error).toBeNull();
  expect(servedBy(healed)).toBe(betterDigest);
});

test('answers that do not come decide nothing: the run ends with what the forge said, and the next one goes on', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  await scene.merge(pull);
  const before = (await scene.log()).tip;
  scene.github.faults.push({ method: 'GET', path: '/pulls/\\d+/reviews', status: 502, times: 20 });
  expect((await runner.reconcile()).error?.code).toBe('FORGE_FAILED');
  scene.github.faults.length = 0;
  scene.github.limit.used = scene.github.limit.perHour;
  expect((await runner.reconcile()).error?.code).toBe('FORGE_BUSY');
  scene.github.limit.used = 0;
  expect((await scene.log()).tip).toBe(before);
  expect(scene.github.issues).toEqual([]);
  expect(servedBy(await runner.reconcile())).toBe(betterDigest);
});
