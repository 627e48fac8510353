// What reconcile does not believe: that a check ran, what a status says, who a job says that it is, what was approved before, what history is said to be.
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good, type ExampleModel } from '../src/registry/example.fixture.ts';
import { revocationPath, serialiseRevocation } from '../src/registry/revocation.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy, type ReconcileScene } from './reconcile-scene.ts';

const [goodDigest, betterDigest] = [good, better].map((model) => digestOf(artifactOf(model)));

afterEach(removeScenes);
afterAll(removeTemplates);

const promoted = (scene: ReconcileScene) => (): Promise<unknown> => scene.team.promote({ candidate: better, production: good });

test('T16: what an administrator pushed past the rules is not served, and an issue says why; a pull request that was merged past them is, once people approve', async () => {
  const { scene, runner } = await openScene();
  const pushed = await scene.pushDirectly('carol', promoted(scene));
  const said = await runner.reconcile();
  expect(said.exit).toBe(1);
  expect(said.json.written).toMatchObject([{ commit: pushed, holds: false, pull: null, moves: [{ served: false }] }]);
  expect(against(said.json.written[0]?.points)).toEqual({
    promoter: expect.stringContaining('no pull request brought it'),
    approvals: expect.stringContaining('nobody approved it'),
  });
  expect(servedBy(said)).toBe(goodDigest);
  expect(scene.github.issues).toMatchObject([{ state: 'open', title: expect.stringContaining('Not served: intents in production') }]);
  const states = scene.github.deployments
    .filter(({ environment }) => environment === 'production/intents')
    .map((one) => [one.sha === pushed, one.states.at(-1)?.state]);
  // what goes on being served, and above it what was refused
  expect(states).toEqual([
    [false, 'success'],
    [true, 'failure'],
  ]);

  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', pushed));
  await runner.reconcile();
  expect(scene.github.issues[0]?.state).toBe('closed');

  // the rules let administrators merge what nobody approved
  const again = { reason: 'the way it should have been' };
  const pull = await scene.propose({ candidate: better, production: good, again });
  const merged = await scene.merge(pull);
  expect(servedBy(await runner.reconcile())).toBe(goodDigest);
  scene.approve(pull);
  const healed = await runner.reconcile();
  expect(healed.json.written).toMatchObject([{ commit: merged, holds: true, approvals: [{ login: 'bob' }] }]);
  expect(servedBy(healed)).toBe(betterDigest);
  expect(scene.github.issues.filter(({ title, state }) => title.startsWith('Not served') && state === 'open')).toEqual([]);
  expect(scene.activeIn('production/intents')).toEqual([merged]);
});

test('T13: statuses and checks that say success make nothing true, whoever set them', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good }, { author: 'mallory' });
  for (const login of ['mallory', 'carol'])
    await scene.forge(login).setStatus(pull.head, { context: 'plumb/promotion', state: 'success', description: 'all holds', link: null });
  const commit = await scene.merge(pull);
  await scene.forge('mallory').setStatus(commit, { context: 'plumb/promotion', state: 'success', description: 'all holds', link: null });
  const said = await runner.reconcile();
  expect(against(said.json.written[0]?.points)).toEqual({ approvals: expect.stringContaining('1 approval is needed') });
  expect(servedBy(said)).toBe(goodDigest);
});

test('T17: an approval of other bytes is none', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  // after the approval the branch gets another pointer
  const other: ExampleModel = { name: 'other', right: 108 };
  await scene.git.run('checkout', '-q', 'promote');
  await scene.git.run('reset', '-q', '--hard', 'main');
  await scene.team.promote({ candidate: other, stage: 'staging' });
  await scene.team.promote({ candidate: other, production: good });
  await scene.push('ada', '+promote');
  await scene.git.run('checkout', '-q', 'main');
  await scene.merge(scene.github.pulls.find(({ number }) => number === pull.number) ?? pull);
  const replayed = await runner.reconcile();
  expect(against(replayed.json.written[0]?.points)).toHaveProperty('approvals');
  expect(servedBy(replayed)).toBe(goodDigest);
});

test('T17: a model that was taken out does not come back, by no approval and by no broken glass', async () => {
  const { scene, runner } = await openScene();
  await scene.pushDirectly('carol', async () => {
    const [by, at] = ['Carol <carol@example.org>', '2026-11-21T09:00:00.000Z'];
    const text = serialiseRevocation({
      plumbline: 'revocation/1',
      model: 'intents',
      digest: betterDigest as `sha256:${string}`,
      reason: 'poisoned',
      at,
      by,
    });
    await scene.git.write({ [revocationPath('intents', betterDigest as `sha256:${string}`)]: text });
    await scene.git.commitAll('revoke');
  });
  await runner.reconcile();
  expect((await scene.log()).revoked).toEqual(new Set([betterDigest]));
  const back = await scene.propose({ candidate: better, production: good }, { branch: 'back' });
  scene.approve(back);
  await scene.merge(back);
  const refused = await runner.reconcile();
  expect(against(refused.json.written.at(-1)?.points)).toHaveProperty('revoked');
  expect(servedBy(refused)).toBe(goodDigest);
  // and nobody can have it served all the same
  await scene.startedBy('carol');
  const glass = await runner.reconcile({ breakGlass: 'intents', stage: 'production', reason: 'I want it' });
  expect(glass.json.troubles).toMatchObject([{ code: 'PROMOTION_REFUSED' }]);
});

test('T27: who breaks the glass is who started the run, as the forge knows it, whatever the job says of itself', async () => {
  const { scene, runner } = await openScene();
  await scene.pushDirectly('mallory', promoted(scene));
  const glass = { breakGlass: 'intents', stage: 'production', reason: 'the old model answers wrongly' } as const;
  const pretends = { GITHUB_ACTOR: 'carol', GITHUB_TRIGGERING_ACTOR: 'carol', GIT_AUTHOR_NAME: 'carol', GIT_COMMITTER_NAME: 'carol' };
  await scene.startedBy('mallory');
  const denied = await runner.reconcile(glass, pretends);
  expect(denied.json.troubles).toMatchObject([{ code: 'PROMOTION_REFUSED', what: expect.stringContaining('mallory may not break the glass') }]);
  expect(denied.exit).toBe(1);
  await scene.startedBy('carol', 'push');
  expect((await runner.reconcile(glass, pretends)).json.troubles).toMatchObject([{ what: expect.stringContaining('started by push') }]);
  expect((await runner.reconcile(glass, { ...pretends, GITHUB_RUN_ID: '77' })).json.troubles).toMatchObject([{ code: 'PROMOTION_REFUSED' }]);
  expect((await scene.log()).served('intents', 'production')?.artifact).toBe(goodDigest);

  await scene.startedBy('carol');
  const broken = await runner.reconcile(glass, { GITHUB_ACTOR: 'mallory' });
  expect(broken.json.written).toMatchObject([
    { kind: 'glass', holds: false, approvals: [{ login: 'carol' }], reason: 'the old model answers wrongly' },
  ]);
  expect(servedBy(broken)).toBe(betterDigest);
  expect(scene.github.issues.map(({ title, state }) => [title.split(':')[0], state])).toEqual([
    ['Not served', 'closed'],
    ['Glass broken', 'open'],
  ]);
});
