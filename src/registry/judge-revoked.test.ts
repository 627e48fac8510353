// What was taken out for good, and who may take it out.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { artifactOf, better, good } from './example.fixture.ts';
import { against, approvedPolicy, JudgeScene, pointIn, type Sides } from './judge.fixture.ts';
import { revocationPath, serialiseRevocation } from './revocation.ts';

const policy = `${approvedPolicy}access:\n  revoke: { people: [ada] }\n`;
const bad = digestOf(artifactOf(better));

let scene: JudgeScene;
beforeAll(async () => {
  scene = await JudgeScene.make(policy);
  await scene.release({ candidate: good });
  await scene.release({ candidate: better, production: good });
});
afterAll(() => scene.remove());
beforeEach(() => scene.toMain());

function revocation(digest: Digest = bad, reason = 'it repeats what customers wrote'): Record<string, string> {
  const text = serialiseRevocation({
    plumbline: 'revocation/1',
    model: 'intents',
    digest,
    reason,
    at: '2026-11-21T08:00:00.000Z',
    by: 'Ada <ada@example.org>',
  });
  return { [revocationPath('intents', digest)]: text };
}

const brought = (files: Readonly<Record<string, string>>): Promise<Sides> =>
  scene.branch(async () => {
    await scene.repository.write(files);
    await scene.repository.commitAll('revoke');
  });

test('whoever may take a model out needs nobody beside', async () => {
  const sides = await brought(revocation());
  const judgement = await scene.judge(sides, { facts: await scene.factsOf(sides, { opinions: [] }) });
  expect(against(judgement)).toEqual({});
  expect(judgement).toMatchObject({ kind: 'revocation', moves: [], revoked: [bad], fast: false });
  expect(pointIn(judgement, 'revoked')?.why).toBe(`takes out ${bad.slice(7, 19)} for good`);
});

test('somebody else may not, alone or together with the way back', async () => {
  const eve = { login: 'eve', kind: 'person' } as const;
  const alone = await brought(revocation());
  const together = await scene.branch(async () => {
    await scene.repository.run('revert', '--no-edit', '--no-commit', 'HEAD');
    await scene.repository.write(revocation());
    await scene.repository.commitAll('revoke and roll back');
  });
  for (const sides of [alone, together]) {
    const pushes = [{ person: eve, before: null, after: sides.after, at: '2026-11-21T08:00:00.000Z' }];
    const facts = await scene.factsOf(sides, { author: eve, pushes, standing: { eve: { role: 'admin', teams: {} } } });
    expect(Object.keys(against(await scene.judge(sides, { facts })))).toEqual(['promoter']);
  }
  // once it is on main it counts anyway, and the way back is not held up
  expect(await scene.judge(together, { facts: null })).toMatchObject({ holds: true, fast: true, kind: 'revocation', moves: [{ kind: 'rollback' }] });
  expect(await scene.judge(together)).toMatchObject({ holds: true, fast: true, revoked: [bad] });
});

test('T17: a revocation is not taken away or changed, and one that was counts all the same', async () => {
  const { repository } = scene;
  const { after } = await brought(revocation());
  await repository.run('checkout', '-q', '-B', 'away', after);
  await repository.run('rm', '-q', ...Object.keys(revocation()));
  const gone = await repository.commitAll('away');
  expect(against(await scene.judge({ before: after, after: gone })).revoked).toContain('is removed: a revocation stays as it is');
  await repository.run('checkout', '-q', '-B', 'changed', after);
  await repository.write(revocation(bad, 'never mind'));
  expect(against(await scene.judge({ before: after, after: await repository.commitAll('changed') })).revoked).toContain('is changed');
  // a removal that reached the main branch all the same gives nothing back
  await repository.run('checkout', '-q', '-B', 'again', gone);
  await repository.run('revert', '--no-edit', 'main');
  const back = await repository.head();
  await repository.run('revert', '--no-edit', 'HEAD');
  const judgement = await scene.judge({ before: back, after: await repository.head() });
  expect(against(judgement).revoked).toContain(`intents in production: ${bad.slice(7, 19)} was taken out for good, and never comes again`);
});

test('a revocation that is of something else than its name says, or in another form', async () => {
  const [[path, text]] = Object.entries(revocation()) as [[string, string]];
  for (const spoiled of [text.replace(bad, digestOf('another')), `${text}\n`, '{}', ''])
    expect(against(await scene.judge(await brought({ [path]: spoiled }))).revoked, spoiled).toContain(path);
});

test('the model that is there goes out with its revocation, also when there is nothing to go back to', async () => {
  const { repository } = scene;
  const sides = await scene.branch(async () => {
    await repository.run('rm', '-q', 'models/intents/production.json');
    await repository.write(revocation());
    await repository.commitAll('out');
  });
  expect(await scene.judge(sides, { facts: await scene.factsOf(sides, { opinions: [] }) })).toMatchObject({
    holds: true,
    fast: true,
    kind: 'revocation',
  });
});
