// The way back: what takes the short one, and what does not.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { artifactOf, better, good, type ExampleModel } from './example.fixture.ts';
import { against, approvedPolicy, JudgeScene, type Sides } from './judge.fixture.ts';
import type { ServedLog } from './move-input.ts';

const production = 'models/intents/production.json';
const digestOfModel = (model: ExampleModel): Digest => digestOf(artifactOf(model));

/** A log that has served nothing, but for what is said. */
function logOf(over: Partial<ServedLog> = {}): ServedLog {
  return { began: null, servedSince: () => null, servedPointers: () => [], revoked: new Set(), ...over };
}

let scene: JudgeScene;
let revert: Sides;
/** that the revert brings back */
let pointer: Digest;
beforeAll(async () => {
  scene = await JudgeScene.make();
  await scene.release({ candidate: good });
  await scene.release({ candidate: better, production: good });
  revert = await scene.branch(() => scene.repository.run('revert', '--no-edit', 'HEAD'));
  pointer = digestOf(`${await scene.repository.run('show', `${revert.after}:${production}`)}\n`);
});
afterAll(() => scene.remove());
afterEach(() => scene.toMain());

test('a revert takes the fast lane: nobody needs to approve it, and a review comes afterwards', async () => {
  const judgement = await scene.judge(revert, { facts: await scene.factsOf(revert, { opinions: [] }) });
  expect(against(judgement)).toEqual({});
  expect(judgement).toMatchObject({ holds: true, fast: true, kind: 'rollback', moves: [{ kind: 'rollback', to: digestOfModel(good) }] });
  expect(judgement.points.map(({ point }) => point)).toEqual(['files', 'pointers', 'evidence', 'revoked', 'approvals']);
  expect(judgement.review).toBe(`${production} went back with 0 approvals, fewer than a promotion needs`);
  expect((await scene.judge(revert, { facts: null })).holds).toBe(true);
});

test('with a log, only what was served is gone back to so quickly', async () => {
  expect(await scene.judge(revert, { log: logOf({ servedPointers: () => [pointer] }) })).toMatchObject({ fast: true, holds: true });
  const never = await scene.judge(revert, { log: logOf() });
  expect(never).toMatchObject({ fast: false, holds: false, kind: 'rollback' });
  expect(against(never).order).toContain('goes back to what was never served');
});

test('T17: what the log has taken back is on no line, whatever the branch had meanwhile', async () => {
  const newer = digestOf(`${await scene.repository.run('show', `${revert.before}:${production}`)}\n`);
  const fast = async (...served: (Digest | null)[]): Promise<boolean> =>
    (await scene.judge(revert, { log: logOf({ began: revert.before, servedPointers: () => served }) })).fast;
  expect(await fast(newer)).toBe(true);
  // out of the stage, and something else since; back to nothing
  expect(await fast(newer, null, newer)).toBe(false);
  expect(await fast(newer, pointer, newer)).toBe(true);
});

test('what stood there when the log began, or before, counts as served; what came and went after that does not', async () => {
  const [newer, older] = (await scene.repository.run('log', '--first-parent', '--format=%H', revert.before, '--', production)).split('\n');
  for (const began of [newer, older]) expect(await scene.judge(revert, { log: logOf({ began: began! }) })).toMatchObject({ fast: true, holds: true });
  const before = await scene.repository.run('rev-parse', `${older}~1`);
  expect(await scene.judge(revert, { log: logOf({ began: before }) })).toMatchObject({ fast: false, holds: false });
});

test('other work that the reverted commit brought goes with it, but for the policy', async () => {
  const { repository } = scene;
  const also = (path: string): Promise<Sides> =>
    scene.branch(async () => {
      await repository.run('revert', '--no-edit', '--no-commit', 'HEAD');
      await repository.write({ [path]: approvedPolicy.replace('count: 1', 'count: 0') });
      await repository.commitAll('back');
    });
  expect(against(await scene.judge(await also('train.py')))).toEqual({});
  expect(against(await scene.judge(await also('policy.yaml'))).files).toContain('it changes policy.yaml and what is judged by it');
});

test('T17: the revert of a revert is no way back: what was taken back comes again by a promotion that says so', async () => {
  const { repository } = scene;
  await repository.run('checkout', '-q', '-B', 'back', revert.after);
  await repository.run('revert', '--no-edit', 'HEAD');
  const judgement = await scene.judge({ before: revert.after, after: await repository.head() });
  expect(judgement).toMatchObject({ fast: false, holds: false, moves: [{ kind: 'again' }] });
  expect(against(judgement).order).toMatch(/took .* back on .*; to bring it back, promote with --again/);
});

test('T17: what was taken out for good does not come back, by no lane', async () => {
  for (const revoked of [digestOfModel(good), digestOf('another')]) {
    const judgement = await scene.judge(revert, { log: logOf({ servedPointers: () => [pointer], revoked: new Set([revoked]) }) });
    expect(judgement.fast).toBe(revoked !== digestOfModel(good));
    expect(against(judgement).revoked).toEqual(revoked === digestOfModel(good) ? expect.stringContaining('was taken out for good') : undefined);
  }
});

test('taking the model out of the stage is no way back, until it is that of the first one', async () => {
  const { repository } = scene;
  const removal = await scene.branch(async () => {
    await repository.run('rm', '-q', production);
    await repository.commitAll('out');
  });
  const facts = await scene.factsOf(removal, { opinions: [] });
  expect(Object.keys(against(await scene.judge(removal, { facts })))).toEqual(['approvals']);
  expect(await scene.judge(removal)).toMatchObject({
    holds: true,
    kind: 'removal',
    fast: false,
    moves: [{ kind: 'removed', to: null, pointer: null }],
  });
  await repository.run('checkout', '-q', '-B', 'first', revert.after);
  await repository.run('rm', '-q', production);
  const after = await repository.commitAll('the first one, too');
  expect(await scene.judge({ before: revert.after, after }, { facts: null })).toMatchObject({ holds: true, fast: true, kind: 'removal' });
});

test('who goes back and brings something new along goes the long way', async () => {
  const { repository } = scene;
  await repository.run('checkout', '-q', '-B', 'mixed', 'main');
  await repository.run('revert', '--no-edit', 'HEAD');
  await scene.promote({ candidate: good, model: 'other' });
  const judgement = await scene.judge({ before: await repository.run('rev-parse', 'main'), after: await repository.head() });
  expect(judgement).toMatchObject({ fast: false, holds: false, kind: 'promotion' });
  expect(against(judgement).order).toContain(
    'intents in production goes back to what was never served, or together with pointers that do not go back',
  );
});
