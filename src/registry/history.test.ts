import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { openGit } from '../git/open.ts';
import { artifactOf, bad, better, ExampleRepository, good } from './example.fixture.ts';
import { describeChange, pointerHistory, stateOf, trailer, type PointerHistory } from './history.ts';

let repository: ExampleRepository;
beforeEach(async () => {
  repository = await ExampleRepository.make();
});
afterEach(() => repository.remove());

const [goodDigest, betterDigest, badDigest] = [good, better, bad].map((model) => digestOf(artifactOf(model)));
const reason = 'no time to wait';
const kinds = (history: PointerHistory): string[] => history.map((change) => change.kind);

test('a stage that never had a pointer has no history', async () => {
  expect(await repository.history()).toEqual([]);
});

test('each promotion is a change, newest first, with who and when', async () => {
  const first = await repository.release({ candidate: good });
  const second = await repository.release({ candidate: better, production: good });
  const history = await repository.history();
  expect(history).toMatchObject([
    { commit: second, kind: 'promotion', before: goodDigest, after: betterDigest, reason: null, author: { name: 'Ada Lovelace' } },
    { commit: first, kind: 'promotion', before: null, after: goodDigest },
  ]);
  expect(history[0]?.date.getTime()).toBeGreaterThan(history[1]?.date.getTime() ?? Infinity);
  expect((await repository.history('staging')).length).toBe(2);
  expect(stateOf(history).reverted.size).toBe(0);
});

test('a forced promotion is shown as forced with its reason, also when it is rolled back to', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: bad, production: good, force: { reason } });
  await repository.release({ candidate: better, production: bad });
  await repository.run('revert', '--no-edit', 'HEAD');
  const history = await repository.history();
  expect(kinds(history)).toEqual(['rollback', 'promotion', 'forced', 'promotion']);
  expect(history[2]?.reason).toBe(reason);
  expect(describeChange(history[2] ?? fail())).toBe(`FORCED: ${reason}`);
  expect(describeChange(history[0] ?? fail())).toBe(`rolled back (forced in once: ${reason})`);
});

function fail(): never {
  throw new Error('no such change');
}

test('a plain git revert is a rollback, and what it took back is on the deny list', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.run('revert', '--no-edit', 'HEAD');
  const history = await repository.history();
  expect(history[0]).toMatchObject({ kind: 'rollback', before: betterDigest, after: goodDigest });
  expect([...stateOf(history).reverted]).toEqual([[betterDigest, history[0]]]);
  expect(stateOf(history).line.map((change) => change.after)).toEqual([goodDigest]);
});

test('a revert of the first promotion removes the model, and it is on the deny list', async () => {
  await repository.promote({ candidate: good, stage: 'staging' });
  await repository.run('revert', '--no-edit', 'HEAD');
  const history = await repository.history('staging');
  expect(kinds(history)).toEqual(['removed', 'promotion']);
  expect([...stateOf(history).reverted.keys()]).toEqual([goodDigest]);
});

test('what comes again with a reason is off the deny list, and says why', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.run('revert', '--no-edit', 'HEAD');
  await expect(repository.promote({ candidate: better, production: good })).rejects.toMatchObject({ code: 'PROMOTION_REFUSED' });
  await repository.promote({ candidate: better, production: good, again: { reason } });
  const history = await repository.history();
  expect(history[0]).toMatchObject({ kind: 'again', reason, after: betterDigest });
  expect(stateOf(history).reverted.size).toBe(0);
});

test('a revert of a revert brings the model again, with no reason recorded', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.run('revert', '--no-edit', 'HEAD');
  await repository.run('revert', '--no-edit', 'HEAD');
  const history = await repository.history();
  expect(kinds(history)).toEqual(['again', 'rollback', 'promotion', 'promotion']);
  expect(describeChange(history[0] ?? fail())).toBe('promoted AGAIN, with no reason recorded');
  expect(stateOf(history).line.map((change) => change.after)).toEqual([goodDigest, betterDigest]);
});

test('a broken pointer is a change of its own; mending it is a rollback that takes nothing back', async () => {
  await repository.release({ candidate: good });
  await repository.write({ 'models/intents/production.json': '{}' });
  await repository.commitAll('by hand');
  await repository.run('revert', '--no-edit', 'HEAD');
  const history = await repository.history();
  expect(kinds(history)).toEqual(['rollback', 'broken', 'promotion']);
  expect(history[1]).toMatchObject({ after: null, before: goodDigest, pointer: null });
  expect(stateOf(history).reverted.size).toBe(0);
});

test('a merged branch counts as one change, from the merge on', async () => {
  await repository.release({ candidate: good });
  await repository.run('switch', '-q', '-c', 'side');
  await repository.release({ candidate: bad, production: good, force: { reason } });
  await repository.release({ candidate: better, production: bad });
  await repository.run('switch', '-q', 'main');
  await repository.run('merge', '-q', '--no-ff', '-m', 'merge side', 'side');
  const history = await repository.history();
  expect(history).toMatchObject([
    { kind: 'promotion', before: goodDigest, after: betterDigest, commit: await repository.head() },
    { kind: 'promotion', before: null, after: goodDigest },
  ]);
  // what the side branch had and replaced was never served
  expect(history.some((change) => change.after === badDigest)).toBe(false);
});

test('a side branch that took its model back leaves it off the deny list of main', async () => {
  await repository.release({ candidate: good });
  await repository.run('switch', '-q', '-c', 'side');
  await repository.release({ candidate: better, production: good });
  await repository.run('revert', '--no-edit', 'HEAD');
  await repository.run('switch', '-q', 'main');
  await repository.run('merge', '-q', '--no-ff', '-m', 'merge side', 'side');
  const history = await repository.history();
  expect(kinds(history)).toEqual(['promotion']);
  expect(stateOf(history).reverted.size).toBe(0);
});

test('evidence that was taken away leaves the change, and says so', async () => {
  const plan = await repository.plan({ candidate: good, stage: 'staging' });
  await repository.write(
    Object.fromEntries(plan.files.filter((file) => !file.path.includes(plan.pointer.promotion.slice(7))).map((file) => [file.path, file.bytes])),
  );
  await repository.commitAll('promote, and hide why');
  const [change] = await repository.history('staging');
  expect(change).toMatchObject({ kind: 'promotion', after: goodDigest, promotion: null });
  expect(describeChange(change ?? fail())).toContain('evidence is missing or broken');
});

test('a shallow clone says what it lacks instead of half a history', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  const clone = join(repository.top, 'shallow clone');
  await promisify(execFile)('git', ['clone', '-q', '--depth', '2', `file://${repository.top}`, clone], { env: repository.env });
  await expect(pointerHistory(await openGit(clone, repository.env), '', 'HEAD', 'intents', 'production')).rejects.toMatchObject({
    code: 'GIT_TOO_SHALLOW',
  });
});

test('a project in a sub-folder has its own history, by either git', async () => {
  const sub = await ExampleRepository.make('süb folder/');
  try {
    await sub.release({ candidate: good });
    await sub.release({ candidate: better, production: good });
    const isomorphic = await openGit(sub.top, sub.env, { how: 'isomorphic' });
    const history = await sub.history();
    expect(kinds(history)).toEqual(['promotion', 'promotion']);
    expect(await pointerHistory(isomorphic, sub.prefix, 'HEAD', 'intents', 'production')).toEqual(history);
  } finally {
    await sub.remove();
  }
});

test('only the last paragraph of a message holds trailers', () => {
  expect(trailer('x\n\nPlumb-Reason: no\n\nPlumb-Reason: yes\nOther: 1\n', 'Plumb-Reason')).toBe('yes');
  expect(trailer('x\n\nPlumb-Reason: no\n\nSigned-off-by: a\n', 'Plumb-Reason')).toBeNull();
});
