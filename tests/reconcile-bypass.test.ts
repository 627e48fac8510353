// Ways around approvals that need a push to the main branch, or a click of somebody who does not know what for: each is tried, and serves nothing.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy, type ReconcileScene } from './reconcile-scene.ts';

const [goodDigest, betterDigest] = [good, better].map((model) => digestOf(artifactOf(model)));
const production = 'models/intents/production.json';

afterEach(removeScenes);
afterAll(removeTemplates);

/** `better` is promoted as it should be, and taken back. */
async function takeBack(scene: ReconcileScene): Promise<void> {
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  const merged = await scene.merge(pull);
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', merged));
}

test('T17: a model that was taken back is not on the way back again because it was pushed, broken, and pushed once more', async () => {
  const { scene, runner } = await openScene();
  await takeBack(scene);
  expect(servedBy(await runner.reconcile())).toBe(goodDigest);
  await scene.pushDirectly('mallory', async () => {
    await scene.git.run('revert', '--no-edit', 'HEAD');
    const text = await scene.git.run('show', `HEAD:${production}`);
    await scene.git.write({ [production]: 'broken' });
    await scene.git.commitAll('a slip');
    await scene.git.write({ [production]: `${text}\n` });
    await scene.git.commitAll('mended');
  });
  const said = await runner.reconcile();
  expect(said.json.written.map(({ holds }) => holds)).toEqual([false, false, false]);
  expect(servedBy(said)).toBe(goodDigest);
});

test('T16: a pointer that was pushed away and put back by hand leaves the way back as it was', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  const merged = await scene.merge(pull);
  await scene.pushDirectly('mallory', async () => {
    await rm(join(scene.git.top, production));
    await scene.git.commitAll('away');
  });
  expect(servedBy(await runner.reconcile())).toBe(betterDigest);
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', 'HEAD'));
  const restored = await runner.reconcile();
  expect(against(restored.json.written.at(-1)?.points)).toEqual({});
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', merged));
  expect(servedBy(await runner.reconcile())).toBe(goodDigest);
});
