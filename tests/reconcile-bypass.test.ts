// Ways around approvals that need a push to the main branch, or a click of somebody who does not know what for: each is tried, and serves nothing.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { digestOf } from '../src/base/digest.ts';
import { checkPromotion, type CheckedPull } from '../src/ci/check-promotion.ts';
import { openGit } from '../src/git/open.ts';
import { openMoveStore } from '../src/registry/move-store.ts';
import { artifactOf, better, good } from '../src/registry/example.fixture.ts';
import { against, openScene, removeScenes, removeTemplates, servedBy, teamPolicy, type ReconcileScene, type Runner } from './reconcile-scene.ts';

const [goodDigest, betterDigest] = [good, better].map((model) => digestOf(artifactOf(model)));
const production = 'models/intents/production.json';

const promoted = (scene: ReconcileScene) => (): Promise<unknown> => scene.team.promote({ candidate: better, production: good });

// each is several clones, pushes and runs, one after the other
vi.setConfig({ testTimeout: 90_000 });
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

test('T16: an approval is of what its pull request shows, not of whatever else its branch was made from', async () => {
  const { scene, runner } = await openScene();
  const again = { reason: 'once more' };
  const revert = (): Promise<unknown> => scene.git.run('revert', '--no-edit', 'HEAD');
  // what nobody approved is pushed, and taken back; a branch still has it
  await scene.pushDirectly('mallory', promoted(scene));
  await scene.pushDirectly('mallory', revert);
  await scene.pushDirectly('mallory', () => scene.team.promote({ candidate: better, production: good, again }));
  await scene.git.run('branch', 'hidden');
  await scene.pushDirectly('mallory', revert);
  expect(servedBy(await runner.reconcile())).toBe(goodDigest);
  await scene.git.run('checkout', '-q', 'hidden');
  await scene.team.promote({ candidate: good, model: 'other' });
  await scene.push('ada', 'hidden');
  await scene.git.run('checkout', '-q', 'main');
  const pull = scene.github.openPull({ head: 'hidden', base: 'main', title: 'another model', author: 'ada' });
  expect(pull.files.map(({ filename }) => filename)).not.toContain(production);
  scene.approve(pull);
  // merged by hand, with the pointer that the pull request does not show; the forge takes it for its merge
  const mergeCommit = await scene.pushDirectly('mallory', async () => {
    await scene.git.run('merge', '-q', '--no-ff', '--no-commit', 'hidden');
    await scene.git.run('checkout', '-q', 'hidden', '--', 'models');
    await scene.git.run('commit', '-q', '-m', 'merge');
  });
  Object.assign(pull, { state: 'closed', mergedAt: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), mergedBy: 'mallory', mergeCommit });
  const said = await runner.reconcile();
  expect(said.json.written.at(-1)).toMatchObject({ commit: mergeCommit, holds: false });
  expect(against(said.json.written.at(-1)?.points)).toEqual({ approvals: expect.stringContaining(`${production} comes with it`) });
  expect(servedBy(said)).toBe(goodDigest);
});

test('T28: a merged pull request of which the forge lists a part alone is refused, and holds up nobody else', async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.offer(async () => {
    await scene.git.write({ 'notes.md': 'one\n' });
    await scene.git.commitAll('notes');
    await scene.team.promote({ candidate: better, production: good });
  });
  scene.approve(pull);
  const merged = await scene.merge(pull, { method: 'rebase' });
  pull.changedFiles = 4000;
  const said = await runner.reconcile();
  expect(said.error).toBeNull();
  expect(said.json.written.at(-1)).toMatchObject({ commit: merged, holds: false });
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', merged));
  expect((await runner.reconcile()).json.written).toMatchObject([{ kind: 'rollback', holds: true }]);
});

test('T27: who starts a failed run again breaks no glass, nor does a run that was begun for something else', async () => {
  const { scene, runner } = await openScene();
  const glass = { breakGlass: 'intents', stage: 'production', reason: 'now' } as const;
  const runOf = async (...logins: string[]): Promise<void> => {
    await scene.startedBy(logins[0] ?? '');
    const [run] = scene.github.runs.splice(0);
    const attempts = logins.map((by) => ({ by, startedAt: run?.attempts[0]?.startedAt ?? '', endedAt: null }));
    if (run !== undefined) scene.github.runs.push({ ...run, attempts });
  };
  // an administrator began it once, for another model; some forges do not tell who started it again
  await runOf('carol');
  await scene.pushDirectly('mallory', promoted(scene));
  const old = await runner.reconcile(glass);
  expect(old.json.troubles).toMatchObject([{ code: 'PROMOTION_REFUSED', what: expect.stringContaining('begun before the main branch had') }]);
  await runOf('mallory', 'carol');
  const again = await runner.reconcile(glass);
  expect(again.json.troubles).toMatchObject([{ code: 'PROMOTION_REFUSED', what: expect.stringContaining('started again') }]);
  expect(servedBy(again)).toBe(goodDigest);
});

/** The required check, as a job of the runner's clone asks. */
async function check({ folder, env, scene }: Runner, pull: number): Promise<CheckedPull> {
  const remote = { remote: 'origin', token: { server: scene.github.serverUrl, secret: 'token-of-job' } };
  const trust = { main: 'main', mergedPull: () => Promise.resolve(null), fetchCommit: () => Promise.resolve(false) };
  const world = { git: await openGit(folder, env), prefix: '', main: 'main', forge: scene.forge('job'), remote, pin: undefined, trust };
  return checkPromotion({ ...world, store: openMoveStore(scene.team.store), now: new Date() }, pull);
}

const lax = teamPolicy.replace('      approvals: { count: 1 }\n', '');
const writePolicy = (scene: ReconcileScene, text: string) => (): Promise<unknown> =>
  scene.git.write({ 'policy.yaml': text }).then(() => scene.git.commitAll('tidy'));

test('T16: a policy that was pushed opens no door for the check of what comes next', async () => {
  const { scene, runner } = await openScene();
  await scene.pushDirectly('mallory', writePolicy(scene, lax));
  const pull = await scene.propose({ candidate: better, production: good });
  expect(against((await check(runner, pull.number)).judgement?.points)).toHaveProperty('approvals');
  const change = await scene.offer(writePolicy(scene, `# who decides what\n${lax}`));
  scene.approve(change);
  expect(against((await check(runner, change.number)).judgement?.points)).toEqual({ policy: expect.stringContaining('not in force') });
});

test('T16: a policy that was pushed does not come into force behind a small change of it that people approve', async () => {
  const { scene, runner } = await openScene();
  const pushed = await scene.pushDirectly('mallory', writePolicy(scene, lax));
  const change = await scene.offer(writePolicy(scene, `# who decides what\n${lax}`));
  scene.approve(change);
  const merged = await scene.merge(change);
  const said = await runner.reconcile();
  expect(against(said.json.written.at(-1)?.points)).toEqual({ policy: expect.stringContaining('not in force') });
  expect((await scene.log()).policy?.digest).toBe(digestOf(teamPolicy));
  // what is in force comes back by whoever brings it, and nothing is refused any more
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', merged, pushed));
  expect((await runner.reconcile()).json.refused).toEqual([]);
  expect(scene.github.issues.filter(({ state }) => state === 'open')).toEqual([]);
});

test('T29: a log that a pushed policy puts on another branch is not begun there', async () => {
  const { scene, runner } = await openScene();
  const first = (await scene.log()).records[0]?.digest ?? '';
  await scene.pushDirectly('mallory', async () => {
    await scene.team.promote({ candidate: better, production: good });
    await writePolicy(scene, teamPolicy.replace('audit:\n', 'audit:\n  branch: plumb/new\n'))();
  });
  const fresh = await scene.runner();
  expect((await fresh.reconcile({ start: true })).error).toMatchObject({
    code: 'AUDIT_REWRITTEN',
    message: expect.stringContaining('refs/remotes/origin/plumb/audit'),
  });
  // nor where the other one was taken away
  await scene.git.run('push', '-q', scene.urlFor('carol'), ':plumb/audit');
  const last = await scene.runner();
  expect((await last.reconcile({ start: true, auditKey: first })).error?.code).toBe('AUDIT_REWRITTEN');
  expect((await runner.reconcile({ start: true })).error?.code).toBe('AUDIT_REWRITTEN');
});

test('T24: certificates that were pushed come into force with no policy that people approve, unless it names them', async () => {
  const trust = 'trust:\n  repository: o/r\n  workflows: [.github/workflows/deploy.yml]\n  sigstore: { root: root.json }\n';
  const signed = `${teamPolicy}  workflows: [.github/workflows/deploy.yml]\n`;
  const { scene, runner } = await openScene();
  const theirs = '{"roots":"of mallory"}';
  await scene.pushDirectly('mallory', () => scene.git.write({ 'root.json': theirs }).then(() => scene.git.commitAll('root')));
  const change = await scene.offer(writePolicy(scene, signed + trust));
  scene.approve(change);
  await scene.merge(change);
  const said = await runner.reconcile();
  expect(against(said.json.written.at(-1)?.points)).toEqual({ policy: expect.stringContaining(digestOf(theirs)) });
  expect((await scene.log()).signers?.jobs).toBeNull();
  await scene.pushDirectly('carol', () => scene.git.run('revert', '--no-edit', 'HEAD'));
  const named = await scene.offer(writePolicy(scene, signed + trust.replace('root.json', `root.json, sha256: '${digestOf(theirs)}'`)));
  scene.approve(named);
  await scene.merge(named);
  expect((await runner.reconcile()).json.written.at(-1)).toMatchObject({ kind: 'policy', holds: true });
});

test('T12: a branch that left main at two places hides no pointer from the check behind the one that suits it', async () => {
  const { scene, runner } = await openScene();
  const { git } = scene;
  // promoted, and taken back; a branch of the time between is merged for something else
  await scene.pushDirectly('carol', promoted(scene));
  await git.run('branch', 'between');
  const back = await scene.pushDirectly('carol', () => git.run('revert', '--no-edit', 'HEAD'));
  await git.run('checkout', '-q', 'between');
  await git.write({ 'notes.md': 'harmless\n' });
  await git.commitAll('notes');
  // whoever makes a commit says when it was made
  await git.run('-c', 'user.name=m', 'commit', '-q', '--amend', '--no-edit', '--date=2030-01-01T00:00:00Z');
  const tree = await git.run('rev-parse', 'HEAD^{tree}');
  await scene.pushDirectly('carol', () => git.run('merge', '-q', '--no-ff', '--no-edit', 'between'));
  expect(await git.run('show', `HEAD:${production}`)).toBe(await git.run('show', `${back}:${production}`));
  const head = await git.run('commit-tree', tree, '-p', back, '-p', 'between', '-m', 'an update');
  await git.run('branch', 'update', head);
  await scene.push('mallory', 'update');
  const pull = scene.github.openPull({ head: 'update', base: 'main', title: 'an update', author: 'mallory' });
  expect((await check(runner, pull.number)).judgement).toMatchObject({ holds: false });
  const merged = await scene.merge(pull, { method: 'merge' });
  expect(await git.run('show', `${merged}:${production}`)).not.toBe(await git.run('show', `${back}:${production}`));
});
