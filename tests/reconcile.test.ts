// What reconcile records and serves in a team's day: on a real repository at a strict stand-in of GitHub.
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy, teamPolicy } from './reconcile-scene.ts';

const [goodDigest, betterDigest] = [good, better].map((model) => digestOf(artifactOf(model)));

afterEach(removeScenes);
afterAll(removeTemplates);

test('an approved promotion is served; a revert by hand goes back at once, and people are asked to look at it', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  const commit = await scene.merge(pull);
  const said = await runner.reconcile();
  expect(said.error).toBeNull();
  expect(against(said.json.written[0]?.points)).toEqual({});
  expect(said.json.written).toMatchObject([
    { kind: 'promotion', commit, holds: true, pull: { number: pull.number, author: 'ada', mergedBy: 'carol' }, approvals: [{ login: 'bob' }] },
  ]);
  expect(servedBy(said)).toBe(betterDigest);
  expect((await scene.log()).served('intents', 'production')).toMatchObject({ artifact: betterDigest, commit });
  expect(scene.github.issues).toEqual([]);
  expect(scene.activeIn('production/intents')).toEqual([commit]);

  const revert = await scene.pushDirectly('ada', () => scene.git.run('revert', '--no-edit', commit));
  const back = await runner.reconcile();
  expect(back.json.written).toMatchObject([{ kind: 'rollback', commit: revert, holds: true, pull: null, approvals: [] }]);
  expect(servedBy(back)).toBe(goodDigest);
  expect(scene.activeIn('production/intents')).toEqual([revert]);
  expect(scene.github.issues).toMatchObject([{ state: 'open', title: expect.stringContaining('To review') }]);

  // what people have closed stays closed, whoever looks again
  for (const issue of scene.github.issues) issue.state = 'closed';
  const other = await scene.runner();
  expect((await other.reconcile()).json.written).toEqual([]);
  expect(scene.github.issues).toMatchObject([{ state: 'closed' }]);
  expect(scene.github.deployments.filter(({ environment }) => environment === 'production/intents')).toHaveLength(2);
});

test('nothing new: origin is asked, and neither the forge nor the log', async () => {
  const { scene, runner } = await openScene();
  await runner.reconcile();
  scene.github.requests.length = 0;
  const said = await runner.command();
  expect(said.exit).toBe(0);
  expect(scene.github.requests).toEqual([]);
  expect(said.stdout).toContain('nothing new');
  expect(said.stdout).toContain('serving intents in production');
  // an hour later, what was changed by hand is seen again
  await runner.age(3_600_001);
  await runner.command();
  expect(scene.github.requests.length).toBeGreaterThan(0);
});

test('--dry-run says what would be decided and writes nothing', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  await scene.merge(pull);
  const before = await scene.log();
  const said = await runner.reconcile({ dryRun: true }, { PLUMB_AUDIT_SIGNING_KEY: '' });
  expect(said.exit).toBe(1);
  expect(said.json.written).toMatchObject([{ holds: false }]);
  expect((await scene.log()).tip).toBe(before.tip);
  expect([scene.github.issues, scene.github.deployments]).toEqual([[], []]);
});

test('a log begins when somebody says so, and never by itself', async () => {
  const { scene } = await openScene();
  await scene.push('carol', ':plumb/audit');
  const runner = await scene.runner();
  expect((await runner.reconcile()).error?.code).toBe('AUDIT_MISSING');
  const said = await runner.reconcile({ start: true, reason: 'as agreed on Monday' });
  expect(said.json.written).toMatchObject([{ kind: 'start', seq: 0, reason: 'as agreed on Monday', holds: true }]);
  expect(servedBy(said)).toBe(goodDigest);
  // asked for again, it goes on
  expect((await runner.reconcile({ start: true })).json.written).toEqual([]);
});

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
