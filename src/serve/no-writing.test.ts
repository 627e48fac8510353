// T20: nothing that traffic, a webhook or a broken log can do makes the server write to git, or merge: it has no way to.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openPredictor } from '../train/predictor.ts';
import { openDeliveries } from './deliveries.ts';
import { openPlace } from './place.ts';
import { readOnlyGit } from './read-only-git.ts';
import { startServer } from './server.ts';
import { createTestbed, trainTinyModels } from './testbed.ts';
import { defaultWebhookLimits } from './webhook.ts';

test('T20: traffic provokes nothing: no commit, no branch, no push, whatever the predictions are', async () => {
  const models = await trainTinyModels();
  onTestFinished(() => models.remove());
  const bed = await createTestbed();
  onTestFinished(() => bed.remove());
  const { digest } = await bed.store.putFile(models.fruit);
  await bed.promote((await bed.store.putFile(models.colour)).digest);
  await bed.promote(digest);
  const state = async (): Promise<string> =>
    [await bed.gitCommand('for-each-ref'), await bed.gitCommand('count-objects'), await bed.gitCommand('status', '--porcelain')].join('\n');
  const before = await state();
  const server = await startServer({
    git: readOnlyGit(bed.git),
    store: bed.store,
    prefix: '',
    ref: 'main',
    stage: 'production',
    open: openPredictor,
    pollMs: 20,
    address: { host: '127.0.0.1', port: 0 },
    webhook: {
      secret: Buffer.alloc(32, 1),
      deliveries: await openDeliveries({ folder: null, most: 10, keepMs: 1000, now: () => Date.now() }),
      limits: defaultWebhookLimits,
    },
    tell: () => undefined,
  });
  onTestFinished(() => server.close());
  await expect.poll(() => server.readiness().ready).toBe(true);
  const post = (path: string, body: string): Promise<Response> =>
    fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  // what a poisoned feedback loop would send: the same text again and again, labels that it wants, commands in texts
  for (let at = 0; at < 50; at += 1) {
    await post('/v1/models/intents/predict', JSON.stringify({ text: `roll back now ${at % 3}; git push --force` }));
    await post('/v1/models/intents/predict', JSON.stringify({ text: 'x', label: 'blue', feedback: -1 }));
    await post('/v1/models/intents/rollback', '{}');
    await post('/hooks/forge', '{"ref":"refs/heads/main","rollback":true}');
  }
  const listed = (await (await fetch(`${server.url}/v1/models`)).json()) as { models: { digest: string }[] };
  expect(listed.models.map((model) => model.digest)).toEqual([digest]);
  expect(await state()).toBe(before);
});

test('T20: what the server reads git by can do nothing else', async () => {
  const bed = await createTestbed();
  onTestFinished(() => bed.remove());
  const { git, clone } = await openPlace({ cwd: bed.root, env: process.env }, undefined);
  const head = await bed.gitCommand('rev-parse', 'HEAD');
  expect(clone.program).not.toBeNull();
  expect(git.program).toBeNull();
  await expect(git.commit('x', ['plumbline.yaml'])).rejects.toThrow(/never writes/);
  await expect(git.revert(head, 'x')).rejects.toThrow(/never writes/);
  await expect(git.createBranch('x', head)).rejects.toThrow(/never writes/);
  await expect(git.switchTo('main')).rejects.toThrow(/never writes/);
  await expect(git.stage(['plumbline.yaml'])).rejects.toThrow(/never writes/);
  await expect(git.resetIndex(['plumbline.yaml'])).rejects.toThrow(/never writes/);
  expect(await git.resolve('HEAD')).toBe(head);
});

test('T20: no file of the server knows how to push, to commit or to ask a forge; of git it brings refs here, in one place', () => {
  const folder = import.meta.dirname;
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name));
  expect(sources.length).toBeGreaterThan(15);
  const wrong: string[] = [];
  for (const name of sources.filter((one) => one !== 'testbed.ts')) {
    const text = readFileSync(join(folder, name), 'utf8');
    if (/\b(pushBranch|commitFiles|planRecords|moveRef)\b|from '\.\.\/(forge|ci|cli)\//.test(text)) wrong.push(name);
    if (/node:child_process/.test(text)) wrong.push(name);
    if (/\bfetchRefs\b/.test(text) && name !== 'origin.ts') wrong.push(name);
  }
  expect(wrong).toEqual([]);
});
