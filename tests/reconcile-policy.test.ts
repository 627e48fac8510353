// Which policy judges, and what counts as one decision.
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy, teamPolicy } from './reconcile-scene.ts';

const [goodDigest, betterDigest] = [good, better].map((model) => digestOf(artifactOf(model)));

afterEach(removeScenes);
afterAll(removeTemplates);

test('a policy judges once it was approved, and not before', async () => {
  const { scene, runner } = await openScene();
  const strict = teamPolicy.replace('approvals: { count: 1 }', 'approvals: { count: 2 }');
  const change = await scene.offer(() => scene.git.write({ 'policy.yaml': strict }).then(() => scene.git.commitAll('two approvals')));
  const commit = await scene.merge(change);
  const refused = await runner.reconcile();
  expect(refused.json.written).toMatchObject([{ kind: 'policy', commit, holds: false }]);
  expect(scene.github.issues).toMatchObject([{ state: 'open', title: expect.stringContaining('Not in force') }]);

  // the policy before judges still: one approval is enough, and the pointer names that policy
  const pull = await scene.propose({ candidate: better, production: good, policyText: teamPolicy });
  scene.approve(pull);
  await scene.merge(pull);
  expect(servedBy(await runner.reconcile())).toBe(betterDigest);

  scene.approve(change);
  const healed = await runner.reconcile();
  expect(healed.json.written).toMatchObject([{ kind: 'policy', commit, holds: true, approvals: [{ login: 'bob' }] }]);
  expect((await scene.log()).policy).toEqual({ digest: digestOf(strict), commit });
  expect(scene.github.issues).toMatchObject([{ state: 'closed' }]);
});

test('a policy with which the log could not go on does not come into force, whoever approves it', async () => {
  const { scene, runner } = await openScene();
  const unsigned = teamPolicy.slice(0, teamPolicy.indexOf('audit:'));
  const change = await scene.offer(() => scene.git.write({ 'policy.yaml': unsigned }).then(() => scene.git.commitAll('no keys')));
  scene.approve(change);
  await scene.merge(change);
  const said = await runner.reconcile();
  expect(said.error).toBeNull();
  expect(against(said.json.written[0]?.points)).toEqual({ policy: expect.stringContaining('names nobody who signs') });
  expect((await scene.log()).policy?.digest).toBe(digestOf(teamPolicy));
});

test('a pull request that was rebased onto main is one decision, however many commits it is', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.offer(async () => {
    await scene.git.write({ 'models/intents/evidence/README': '' }).catch(() => undefined);
    await scene.git.run('checkout', '-q', '--', '.');
    await scene.git.run('clean', '-qfd', 'models');
    await scene.team.promote({ candidate: better, production: good });
    // the pointer in a commit of its own, behind its evidence
    await scene.git.run('reset', '-q', '--soft', 'HEAD~1');
    await scene.git.run('commit', '-q', '-m', 'the evidence', '--', 'models/intents/evidence');
    await scene.git.run('commit', '-q', '-m', 'the pointer');
  });
  scene.approve(pull);
  const commit = await scene.merge(pull, { method: 'rebase' });
  const said = await runner.reconcile();
  expect(against(said.json.written[0]?.points)).toEqual({});
  expect(said.json.written).toMatchObject([{ commit, holds: true }]);
  expect(servedBy(said)).toBe(betterDigest);
});

test('T12: what a rebased pull request brought in a commit of its own is judged with the rest of it', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.offer(async () => {
    await scene.git.write({ 'evals/intents.yaml': 'an easier suite' });
    await scene.git.commitAll('a small correction');
    await scene.team.promote({ candidate: better, production: good });
  });
  scene.approve(pull);
  await scene.merge(pull, { method: 'rebase' });
  const said = await runner.reconcile();
  expect(against(said.json.written.at(-1)?.points)).toMatchObject({ files: expect.stringContaining('evals/intents.yaml') });
  expect(servedBy(said)).toBe(goodDigest);
});
