// A promotion as it should be, what goes back, and what does not follow from what is there. Forgeries are in judge-forgery.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { artifactOf, bad, better, good, parsedPolicy, type ExampleModel } from './example.fixture.ts';
import { against, approvedPolicy, JudgeScene, pointIn, type Sides } from './judge.fixture.ts';
import { judgeMove } from './judge-move.ts';
import type { ServedLog } from './move-input.ts';

const production = 'models/intents/production.json';
const digestOfModel = (model: ExampleModel): Digest => digestOf(artifactOf(model));

/** A log that has served nothing, but for what is said. */
function logOf(over: Partial<ServedLog> = {}): ServedLog {
  return { began: null, servedSince: () => null, servedPointers: () => [], revoked: new Set(), ...over };
}

describe('the good model serves, the better one is in staging', () => {
  let scene: JudgeScene;
  let promotion: Sides;
  beforeAll(async () => {
    scene = await JudgeScene.make();
    await scene.release({ candidate: good });
    await scene.promote({ candidate: better, stage: 'staging' });
    promotion = await scene.pull({ candidate: better, production: good });
  });
  afterAll(() => scene.remove());
  afterEach(() => scene.toMain());

  test('a promotion that somebody approved holds, point by point', async () => {
    const judgement = await scene.judge(promotion);
    expect(against(judgement)).toEqual({});
    expect(judgement).toMatchObject({ holds: true, kind: 'promotion', fast: false, review: null, counted: [{ login: 'bob', review: '41' }] });
    expect(judgement.points.map(({ point }) => point)).toEqual([
      'files',
      'pointers',
      'evidence',
      'bytes',
      'report',
      'gate',
      'inputs',
      'order',
      'revoked',
      'policy',
      'promoter',
      'approvals',
    ]);
    const pointer = await scene.repository.run('show', `${promotion.after}:${production}`);
    expect(judgement.moves).toEqual([
      {
        model: 'intents',
        stage: 'production',
        kind: 'promotion',
        from: digestOfModel(good),
        to: digestOfModel(better),
        pointer: digestOf(`${pointer}\n`),
        served: true,
      },
    ]);
  });

  test('nobody approved it: every other point holds', async () => {
    const judgement = await scene.judge(promotion, { facts: await scene.factsOf(promotion, { opinions: [] }) });
    expect(Object.keys(against(judgement))).toEqual(['approvals']);
    expect(judgement.moves).toMatchObject([{ served: false }]);
  });

  test('T16: what was pushed past every pull request does not hold', async () => {
    const judgement = await scene.judge(promotion, { facts: null });
    expect(against(judgement)).toMatchObject({ approvals: 'no pull request brought it: it was pushed to the branch, so nobody approved it' });
    expect(Object.keys(against(judgement))).toEqual(['promoter', 'approvals']);
  });

  test('without a forge, what asks for nobody holds, and nothing else', async () => {
    expect(Object.keys(against(await scene.judge(promotion, { facts: 'no forge' })))).toEqual(['approvals']);
    const judging = await scene.judging(promotion.before);
    const { production: rule } = judging.policy.models['intents'] ?? {};
    const lax = { ...judging.policy, models: { intents: { production: rule && { ...rule, approvals: { ...rule.approvals, count: 0 } } } } };
    expect(against(await scene.judge(promotion, { facts: 'no forge', policy: { ...judging, policy: lax } }))).toEqual({});
  });

  test('a base that went on with other work changes nothing; one that promoted another model does', async () => {
    const { repository } = scene;
    await repository.run('checkout', '-q', '-B', 'aside', 'main');
    await repository.write({ 'README.md': 'hello\n' });
    const later = await repository.commitAll('docs');
    expect(against(await scene.judge({ before: later, after: promotion.after }))).toEqual({});
    await scene.promote({ candidate: bad, stage: 'staging' });
    await scene.promote({ candidate: bad, production: good, force: { reason: 'a hurry' } });
    const judgement = await scene.judge({ before: await repository.head(), after: promotion.after });
    expect(against(judgement)).toMatchObject({ order: expect.stringMatching(/was decided when .* was there; now it is .*: promote again/) });
    expect(against(judgement).order).toContain('is not in staging on the base');
  });

  test('after the merge it is judged alike, whatever the merge made of the commits', async () => {
    const { repository } = scene;
    for (const squash of [false, true]) {
      await repository.run('checkout', '-q', '-B', 'merged', promotion.before);
      await repository.run('merge', '-q', ...(squash ? ['--squash'] : ['--no-ff', '-m', 'merged']), promotion.after);
      if (squash) await repository.run('commit', '-q', '-m', 'squashed');
      const merged = { before: promotion.before, after: await repository.head() };
      const facts = await scene.factsOf(promotion, { state: 'merged', merged: { at: '2026-11-21T10:00:00.000Z', by: null, commit: merged.after } });
      expect(against(await scene.judge(merged, { facts }))).toEqual({});
    }
  });

  test('a merge that brought more than its pull request does not hold', async () => {
    const { repository } = scene;
    await repository.run('checkout', '-q', '-B', 'evil', promotion.before);
    await repository.run('merge', '-q', '--no-ff', '--no-commit', promotion.after);
    await repository.write({ 'train.py': 'print("hello")\n' });
    const after = await repository.commitAll('merged');
    const judgement = await scene.judge({ before: promotion.before, after }, { facts: await scene.factsOf(promotion, { state: 'merged' }) });
    expect(against(judgement)).toEqual({ files: 'it changes other files, too: train.py; put them into another pull request' });
  });

  test('a gate that does not hold stands with the approval of somebody who may waive it', async () => {
    const { repository } = scene;
    await repository.run('checkout', '-q', '-B', 'worse', 'main');
    await scene.promote({ candidate: bad, stage: 'staging' });
    const before = await repository.head();
    await scene.promote({ candidate: bad, production: good, force: { reason: 'the old one leaks' } });
    const sides = { before, after: await repository.head() };
    const judgement = await scene.judge(sides);
    expect(against(judgement)).toEqual({});
    expect(pointIn(judgement, 'gate')?.why).toContain('does NOT hold; forced: the old one leaks');
    const writer = await scene.factsOf(sides, { standing: { ada: { role: 'write', teams: {} }, bob: { role: 'write', teams: {} } } });
    expect(Object.keys(against(await scene.judge(sides, { facts: writer })))).toEqual(['approvals']);
  });

  test('there is nothing to judge where no pointer, revocation or policy changes', async () => {
    const sides = await scene.branch(async () => {
      await scene.repository.write({ 'README.md': 'hello\n' });
      await scene.repository.commitAll('docs');
    });
    expect(await judgeMove(await scene.input(sides))).toBeNull();
  });

  test('a new policy takes those whom the old one names, and one that does not parse never judges', async () => {
    const { repository } = scene;
    const changed = (text: string): Promise<Sides> =>
      scene.branch(async () => {
        await repository.write({ 'policy.yaml': text });
        await repository.commitAll('policy');
      });
    const stricter = await changed(approvedPolicy.replace('count: 1', 'count: 2'));
    expect(await scene.judge(stricter)).toMatchObject({ kind: 'policy', holds: true, moves: [] });
    expect(Object.keys(against(await scene.judge(stricter, { facts: await scene.factsOf(stricter, { opinions: [] }) })))).toEqual(['approvals']);
    expect(against(await scene.judge(await changed('models: [')))).toMatchObject({ policy: expect.stringContaining('does not parse') });
  });

  test('nobody judges without a policy', async () => {
    expect(against(await scene.judge(promotion, { policy: null }))).toMatchObject({ policy: 'the base branch has no policy.yaml: nobody can judge' });
  });

  describe('the soak time', () => {
    const soaked = approvedPolicy.replace('      gate: default\n', '      gate: default\n      soak: 24 hours\n');
    const hours = (count: number): number => count * 3_600_000;

    test('is counted by the commits where there is no log, and by the log where there is one', async () => {
      const policy = { ...(await scene.judging(promotion.before)), policy: parsedPolicy(soaked) };
      const staged = Date.parse(await scene.repository.run('log', '-1', '--format=%cI', 'main', '--', 'models/intents/staging.json'));
      const now = (ms: number): Date => new Date(staged + ms);
      const early = await scene.judge(promotion, { policy, now: now(hours(1)) });
      expect(against(early)).toEqual({
        soak: expect.stringMatching(/has been in staging since 2026-11-21 ..:.. UTC; 23 hours of 24 hours are left$/),
      });
      const late = await scene.judge(promotion, { policy, now: now(hours(25)) });
      expect(pointIn(late, 'soak')).toEqual({
        point: 'soak',
        holds: true,
        why: 'long enough in staging, by the dates of the commits: there is no log of decisions',
      });
      const log = logOf({ servedSince: () => now(hours(20)) });
      expect(against(await scene.judge(promotion, { policy, log, now: now(hours(25)) })).soak).toContain('19 hours of 24 hours are left');
      expect(against(await scene.judge(promotion, { policy, log, now: now(hours(45)) }))).toEqual({});
      expect(against(await scene.judge(promotion, { policy, log: logOf(), now: now(hours(99)) }))).toMatchObject({
        soak: expect.stringContaining('is not in staging'),
        order: expect.stringContaining('the log of decisions does not have it served there'),
      });
    });
  });
});

test('a project in a sub-folder, and what its neighbours change', async () => {
  const scene = await JudgeScene.make(approvedPolicy, 'team/ünits/');
  try {
    await scene.release({ candidate: good });
    await scene.promote({ candidate: better, stage: 'staging' });
    expect(against(await scene.judge(await scene.pull({ candidate: better, production: good })))).toEqual({});
    const stray = await scene.branch(async () => {
      await scene.promote({ candidate: better, production: good });
      await scene.repository.write({ '../README.md': 'of the neighbours\n' });
      await scene.repository.commitAll('docs');
    });
    expect(against(await scene.judge(stray)).files).toContain('team/README.md');
  } finally {
    await scene.remove();
  }
});
