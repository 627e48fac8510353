// What the base's policy asks of data, in a real repository: before a promotion is written, when it is verified, and when a pull request brings it.
import { afterEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { better, good, policyText, promotionInput, type ExampleOrder } from './example.fixture.ts';
import { against, JudgeScene, pointIn } from './judge.fixture.ts';
import { planPromotion } from './promotion.ts';
import { verifyPointer } from './verify-pointer.ts';
import { workTree } from './tree.ts';

let scene: JudgeScene | null = null;
afterEach(async () => {
  await scene?.remove();
  scene = null;
});

const wants = (check: string): string => `${policyText}data: { require: [${check}] }\n`;
const order: ExampleOrder = { candidate: good, stage: 'staging' };

test('a model whose data set went through the check is promoted, verifies and is judged so', async () => {
  scene = await JudgeScene.make(wants('plumb/check'));
  const judgement = await scene.judge(await scene.pull(order));
  expect(against(judgement)).toEqual({});
  expect(pointIn(judgement, 'data')).toMatchObject({ holds: true, why: 'all that it was trained on went through plumb/check' });
});

test('one whose data set did not is refused, whatever gate it passes and whoever forces it', async () => {
  const refused = planPromotion(promotionInput({ ...order, policyText: wants('plumb/provenance'), force: { reason: 'now' } }));
  await expect(refused).rejects.toMatchObject({ code: 'PROMOTION_REFUSED', message: expect.stringContaining('the data set "intents"') as string });
});

test('a promotion that was planned under a laxer policy is found by the check of its pull request, and by verify', async () => {
  scene = await JudgeScene.make(wants('plumb/provenance'));
  const { repository } = scene;
  const here = scene;
  const sides = await scene.branch(async () => {
    await here.publish(good);
    await repository.promote({ ...order, manifest: here.manifest, policyText, base: await repository.head() });
  });
  const judgement = await scene.judge(sides);
  expect(judgement.holds).toBe(false);
  expect(against(judgement)).toMatchObject({ data: expect.stringContaining('was not looked at by plumb/provenance') as string });
  // the policy in the evidence is exchanged for the stricter one: then the promotion does not follow from it
  await repository.run('checkout', '-q', 'work');
  const { pointer, evidence } = await verifyPointer(workTree(repository.root), { model: 'intents', stage: 'staging' });
  if (pointer === null || evidence === null) throw new Error('no pointer');
  const { checkChain } = await import('./chain.ts');
  expect(checkChain(pointer, evidence, null)).toEqual([]);
  expect(checkChain(pointer, { ...evidence, policy: wants('plumb/provenance') }, null).map(({ what }) => what)).toEqual([
    expect.stringContaining('was not looked at by plumb/provenance') as string,
  ]);
});

test('a check that read a sidecar which the base never had says nothing: nobody reviewed it', async () => {
  scene = await JudgeScene.make(wants('plumb/check'));
  const sidecar = { kind: 'data', ref: 'intents.provenance', digest: digestOf('all accepted, says the branch') } as const;
  const judgement = await scene.judge(await scene.pull({ ...order, alsoChecked: { provenance: sidecar } }));
  expect(against(judgement)).toEqual({
    data: expect.stringContaining('a check read the data set "intents.provenance"') as string,
  });
});

test('what goes back is not asked again: it was asked when it came', async () => {
  scene = await JudgeScene.make(policyText);
  await scene.release({ candidate: good });
  await scene.release({ candidate: better, production: good });
  await scene.repository.write({ 'policy.yaml': wants('plumb/provenance') });
  await scene.repository.commitAll('policy: rows must have a source');
  const { repository } = scene;
  const sides = await scene.branch(async () => {
    const [, before] = (await repository.history()).map(({ commit }) => commit);
    await repository.run('checkout', before ?? '', '--', 'models/intents/production.json', 'models/intents/evidence/production');
    await repository.commitAll('back');
  });
  const judgement = await scene.judge(sides);
  expect(judgement.fast).toBe(true);
  expect(pointIn(judgement, 'data')).toBeUndefined();
});
