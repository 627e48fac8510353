import { afterAll, beforeAll, expect, test } from 'vitest';
import { better, good } from './example.fixture.ts';
import { against, JudgeScene } from './judge.fixture.ts';

let scene: JudgeScene;
beforeAll(async () => {
  scene = await JudgeScene.make();
  await scene.release({ candidate: good });
  await scene.promote({ candidate: better, stage: 'staging' });
});
afterAll(() => scene.remove());

test('a promotion that somebody approved holds, point by point', async () => {
  const judgement = await scene.judge(await scene.pull({ candidate: better, production: good }));
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
});
