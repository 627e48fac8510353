// Models, and parts of models, that move as one.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { better, chainOfExample, good, policyText, promotionInput, testText, type ExampleModel, type ExampleOrder } from './example.fixture.ts';
import { against, JudgeScene, pointIn } from './judge.fixture.ts';
import { planPromotion } from './promotion.ts';
import type { Pointer } from './schema.ts';
import { misfit } from './unit.ts';

const unit = ['intents', 'other'];
const policy = `${policyText.replace('      from: staging\n', '').replace('gate: default', 'gate: floor')}units:\n  both: [${unit.join(', ')}]\n`;

let scene: JudgeScene;
beforeAll(async () => {
  scene = await JudgeScene.make(policy);
  await together(good);
});
afterAll(() => scene.remove());
afterEach(() => scene.toMain());

/** Both models of the unit in one commit. */
async function together(candidate: ExampleModel, over: Partial<ExampleOrder> = {}, others: Partial<ExampleOrder> = over): Promise<string> {
  const { repository } = scene;
  await scene.publish(candidate);
  const order = { candidate, manifest: scene.manifest, policyText: policy, base: await repository.head() };
  const orders = [
    { ...order, with: ['other'], ...over },
    { ...order, model: 'other', with: ['intents'], ...others },
  ];
  const plans = await Promise.all(orders.map((one) => repository.plan(one)));
  for (const { files } of plans) await repository.write(Object.fromEntries(files.map((file) => [file.path, file.bytes])));
  return repository.commitAll('both');
}

test('a whole unit moves, each record names the others, and the way back is whole, too', async () => {
  const sides = await scene.branch(() => together(better, { production: good }));
  const judgement = await scene.judge(sides);
  expect(against(judgement)).toEqual({});
  expect(judgement.moves).toMatchObject([{ model: 'intents' }, { model: 'other' }]);
  expect(pointIn(judgement, 'unit')).toEqual({ point: 'unit', holds: true, why: 'as one: intents, other in production' });
  const { repository } = scene;
  await repository.run('checkout', '-q', '-B', 'back', sides.after);
  await repository.run('revert', '--no-edit', 'HEAD');
  expect(await scene.judge({ before: sides.after, after: await repository.head() })).toMatchObject({ fast: true, holds: true, kind: 'rollback' });
  await repository.run('checkout', '-q', sides.after, '--', 'models/other', 'models/intents/evidence');
  const half = { before: sides.after, after: await repository.commitAll('half of it') };
  expect(against(await scene.judge(half)).unit).toContain('the unit "both" moves as one, and other in production stays');
});

test('half a unit is refused, when it is planned and when it is judged', async () => {
  await expect(scene.pull({ candidate: better })).rejects.toMatchObject({
    code: 'PROMOTION_REFUSED',
    message: expect.stringContaining('belongs to the unit "both"'),
  });
  const sides = await scene.pull({ candidate: better, with: ['other'] });
  expect(against(await scene.judge(sides)).unit).toBe(
    'the unit "both" moves as one, and other in production stays: promote intents other together; intents in production was promoted together with other, which does not move',
  );
});

test('models that were made of other commits, or read other rows, do not go together', async () => {
  const rows = await scene.branch(() => together(better, {}, { manifest: digestOf('other rows') }));
  expect(against(await scene.judge(rows)).unit).toBe(
    'intents and other were not made to go together: they read other versions of the data set "intents"',
  );
  const of = (code: string): Pick<Pointer, 'code' | 'data'> => ({ code, data: { rows: digestOf('rows') } });
  expect(misfit(of('a'), of('a'))).toBeNull();
  expect(misfit(of('a'), of('b'))).toBe('one comes from commit a, the other from b');
});

test('parts move with their model: each was made or read by a run behind it', async () => {
  const policyOfOne = policy.slice(0, policy.indexOf('units:'));
  const input = (parts: ExampleOrder['parts']): ReturnType<typeof promotionInput> =>
    promotionInput({
      candidate: better,
      stage: 'staging',
      manifest: scene.manifest,
      policyText: policyOfOne,
      ...(parts === undefined ? {} : { parts }),
    });
  const { train } = chainOfExample(better, scene.manifest);
  const split = Object.values(train.inputs)[0]?.digest ?? digestOf('');
  const parts = { rows: { digest: scene.manifest, bytes: 5 }, words: { digest: digestOf(testText), bytes: testText.length } };
  expect((await planPromotion(input(parts))).pointer.parts).toEqual(parts);
  expect((await planPromotion(input({}))).pointer).not.toHaveProperty('parts');
  const wrong: [NonNullable<ExampleOrder['parts']>, string][] = [
    [{ tokenizer: { digest: digestOf('of somebody'), bytes: 1 } }, 'its part "tokenizer" (sha256:'],
    [{ rows: { digest: split, bytes: 1 } }, 'its part "rows" has 1 bytes here and 10 where it was made'],
  ];
  for (const [some, words] of wrong)
    await expect(planPromotion(input(some)), words).rejects.toMatchObject({ code: 'EVIDENCE_INVALID', message: expect.stringContaining(words) });
});
