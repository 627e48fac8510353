// A pull request's runs on their way to main, with real clones, a real remote and real signatures.
import { expect, test } from 'vitest';
import { publicText } from '../src/pipeline/attestation.ts';
import { allCached, allRan, Forge, policy, privateKey, statesOf } from './trust-forge.ts';

test('after a merge main runs nothing, and later jobs and laptops neither', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  expect(await pull.run()).toBe(allRan);
  // a second step of the same job needs no signature for what the first one made
  expect(await pull.run()).toBe(allCached);
  const { json } = await pull.publish();
  expect(json).toMatchObject({ domain: 'pull-7', signed: 'key ci' });
  // a push on top finds its own
  expect(await forge.pull(7, 'topic').run()).toBe(allCached);
  // before the merge nobody else does
  expect(await forge.pull(8, 'topic').run()).toBe(allRan);
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  expect(await main.run()).toBe(allCached);
  const taken = await main.publish();
  expect((taken.json as { published: { from: string }[] }).published.map(({ from }) => from)).toEqual(['pull-7', 'pull-7', 'pull-7']);
  // taken over: nobody has to know which pull request it was
  const next = forge.main();
  expect(await next.run()).toBe(allCached);
  expect((await next.publish()).json).toMatchObject({ published: [], objects: 0 });
  expect(statesOf(await forge.laptop().plumb(['run']))).toBe(allCached);
});

test('in clones as a runner makes them: of two commits, and of one', async () => {
  using forge = new Forge();
  const main = forge.main();
  await main.run();
  await main.publish();
  forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  // the merge and its parents; the merge alone, where the base is fetched
  for (const depth of [2, 1]) expect(await pull.shallow(depth).run()).toBe('left ran, right cached, both ran');
  // started by a comment: the head alone is there, the workflow is main's
  const head = forge.project.git('rev-parse', 'topic');
  const started = forge.dispatched(7, 'topic');
  expect(await started.run()).toBe('left ran, right cached, both ran');
  expect((await started.publish()).json).toMatchObject({ domain: 'pull-7', signed: 'key ci' });
  forge.merge('topic');
  expect(await forge.main(`7@${head}`).run()).toBe(allCached);
});

test('when the base had moved, only what differs runs', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  forge.commit({ 'right.txt': 'moved\n' }, 'main moved');
  forge.merge('topic');
  expect(await forge.main(`7@${head}`).run()).toBe('left cached, right ran, both ran');
});

test('a job that is not understood reuses nothing and says what to set; a key pair from `plumb keys new` works', async () => {
  using forge = new Forge();
  const main = forge.main();
  const unclear = await main.clone.plumb(['run'], { env: { ...main.env, GITHUB_REF: 'refs/heads/topic' } });
  expect(unclear).toMatchObject({ exit: 2, code: 'RUN_DOMAIN' });
  const pair = (await main.plumb(['keys', 'new', '--name', 'fresh'])).json as { public: string; private: string };
  forge.commit({ 'policy.yaml': policy().replace(publicText(privateKey), pair.public).replace('name: ci', 'name: fresh') }, 'another key');
  const job = forge.main();
  await job.run();
  expect((await job.publish(pair.private)).json).toMatchObject({ signed: 'key fresh' });
  expect(await forge.main().run()).toBe(allCached);
});
