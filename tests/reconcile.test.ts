// What reconcile records and serves in a team's day: on a real repository at a strict stand-in of GitHub.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, expect, test } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy } from './reconcile-scene.ts';

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

test('offline, and in a bare clone: what needs an approval waits for somebody who can ask, what goes back does not', async () => {
  const { scene } = await openScene();
  const bare = await scene.runner({ bare: true });
  const env = { GITHUB_ACTIONS: '', PLUMB_FORGE_TOKEN: 'token-of-job' };
  const pull = await scene.propose({ candidate: better, production: good });
  scene.approve(pull);
  const commit = await scene.merge(pull);
  scene.github.requests.length = 0;
  const offline = await bare.reconcile({ offline: true, forge: 'github' }, env);
  expect(offline.error).toBeNull();
  expect(against(offline.json.written[0]?.points)).toEqual({ approvals: expect.stringContaining('there is no forge to ask') });
  await scene.pushDirectly('ada', () => scene.git.run('revert', '--no-edit', commit));
  const back = await bare.reconcile({ offline: true }, env);
  expect(back.json).toMatchObject({ written: [{ kind: 'rollback', holds: true }], refused: [] });
  expect(scene.github.requests).toEqual([]);
});

test("by a person's own token, what an earlier run opened is found again: one issue and one deployment, however often it runs", async () => {
  const { scene } = await openScene();
  const commit = await scene.pushDirectly('ada', () =>
    scene.git.run('rm', '-q', 'models/intents/production.json').then(() => scene.git.run('commit', '-qm', 'out')),
  );
  for (const name of ['one', 'two']) {
    const runner = await scene.runner();
    const said = await runner.reconcile({}, { PLUMB_FORGE_TOKEN: 'token-of-carol' });
    expect([name, said.error]).toEqual([name, null]);
  }
  expect(scene.github.issues).toMatchObject([{ login: 'carol', state: 'open', body: expect.stringContaining(commit) as string }]);
  expect(new Set(scene.github.deployments.map(({ environment, sha }) => `${environment} ${sha}`)).size).toBe(scene.github.deployments.length);
  // named all the same, another one is believed
  await (await scene.runner()).reconcile({ author: 'carol' }, { PLUMB_FORGE_TOKEN: 'token-of-carol' });
  expect(scene.github.issues).toHaveLength(1);
});

test('--dry-run of the first record says no digest to pin: it is not written', async () => {
  const { scene } = await openScene();
  await scene.push('carol', ':plumb/audit');
  const runner = await scene.runner();
  const dry = await runner.reconcile({ start: true, dryRun: true });
  expect(dry.notes).toContain('would be recorded start');
  expect(dry.notes).not.toContain('PLUMB_AUDIT_KEY');
  expect((await runner.reconcile({ start: true })).notes).toContain('PLUMB_AUDIT_KEY=sha256:');
});

test('without the key, or with another one, it says which key is missing', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  await scene.merge(pull);
  expect(await runner.reconcile({}, { PLUMB_AUDIT_SIGNING_KEY: '' })).toMatchObject({ error: { code: 'AUDIT_SIGNER' } });
  const { privateKey: other } = generateKeyPairSync('ed25519');
  const wrong = Buffer.from(other.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
  expect(await runner.reconcile({}, { PLUMB_AUDIT_SIGNING_KEY: wrong })).toMatchObject({ error: { code: 'AUDIT_SIGNER' } });
});
