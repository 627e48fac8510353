import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { openGit } from '../git/open.ts';
import { undoable, undoUnfinished } from '../project/together.ts';
import { artifactOf, bad, better, ExampleRepository, good } from './example.fixture.ts';
import { rollBack, type RollbackWish } from './rollback.ts';
import { verifyPointers, type Verification } from './verify.ts';

let repository: ExampleRepository;
beforeEach(async () => {
  repository = await ExampleRepository.make('project/');
});
afterEach(() => repository.remove());

const [goodDigest, betterDigest, badDigest] = [good, better, bad].map((model) => digestOf(artifactOf(model)));
const place = { model: 'intents', stage: 'production' } as const;
const force = { reason: 'no time to wait' };

function back(wish: Partial<RollbackWish> = {}): ReturnType<typeof rollBack> {
  return rollBack(repository, { place, commit: true, ...wish });
}

async function verified(history = true): Promise<Verification['findings']> {
  const { git, prefix, root } = repository;
  return (await verifyPointers({ git, prefix, root, revision: null, history, store: null })).findings;
}

async function served(): Promise<string | undefined> {
  return (await repository.pointer())?.artifact.digest;
}

test('plumb rollback and git revert make the same tree', async () => {
  await repository.release({ candidate: good });
  const promoted = await repository.release({ candidate: better, production: good });
  const { plan, commit } = await back({ reason: 'wrong queue\n\nPlumb-Stage: staging' });
  expect(plan).toMatchObject({ from: { after: betterDigest }, to: { after: goodDigest }, revert: promoted });
  const byUs = await repository.run('rev-parse', `${commit}^{tree}`);
  expect(await repository.run('log', '-1', '--format=%B')).toBe(
    [
      `roll intents in production back to ${goodDigest?.slice(7, 19)}`,
      '',
      `This reverts commit ${promoted}.`,
      '',
      'Plumb-Model: intents',
      'Plumb-Stage: production',
      `Plumb-Artifact: ${goodDigest}`,
      `Plumb-Previous: ${betterDigest}`,
      'Plumb-Reason: wrong queue Plumb-Stage: staging',
    ].join('\n'),
  );
  expect(await verified()).toEqual([]);
  expect((await repository.history())[0]).toMatchObject({ kind: 'rollback', reason: 'wrong queue Plumb-Stage: staging' });

  await repository.run('reset', '-q', '--hard', promoted);
  await repository.run('revert', '--no-edit', 'HEAD');
  expect(await repository.run('rev-parse', 'HEAD^{tree}')).toBe(byUs);
});

test('without the git command the same tree comes out, and the same verdict', async () => {
  await repository.release({ candidate: good });
  const promoted = await repository.release({ candidate: better, production: good });
  const git = await openGit(repository.top, repository.env, { how: 'isomorphic' });
  const { prefix, root } = repository;
  const { commit } = await rollBack({ git, prefix, root, localDir: repository.localDir }, { place, commit: true });
  expect(await verifyPointers({ git, prefix, root, revision: 'HEAD', history: true, store: null })).toMatchObject({ findings: [], commits: 5 });
  const tree = await repository.run('rev-parse', `${commit}^{tree}`);
  await repository.run('reset', '-q', '--hard', promoted);
  await back();
  expect(await repository.run('rev-parse', 'HEAD^{tree}')).toBe(tree);
});

test('it goes to the model before the current one, again and again, then says that there is none', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: bad, production: good, force });
  await repository.release({ candidate: better, production: bad });
  await back();
  expect(await served()).toBe(badDigest);
  await back();
  expect(await served()).toBe(goodDigest);
  expect(await verified()).toEqual([]);
  const head = await repository.head();
  await expect(back()).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK', mend: expect.stringContaining('git revert') });
  expect(await repository.head()).toBe(head);
});

test('other work after the promotion stays', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.write({ 'notes.md': 'committed' });
  await repository.commitAll('notes');
  await repository.write({ 'notes.md': 'not committed', 'policy.yaml': 'staged: true' });
  await repository.run('add', 'project/policy.yaml');
  await back();
  expect(await served()).toBe(goodDigest);
  expect(await readFile(join(repository.root, 'notes.md'), 'utf8')).toBe('not committed');
  expect(await repository.run('diff', '--name-only')).toBe('project/notes.md');
  expect(await repository.run('diff', '--cached', '--name-only')).toBe('project/policy.yaml');
});

test('--to goes further back: the pointer of then, with its evidence', async () => {
  const first = await repository.release({ candidate: good });
  await repository.release({ candidate: bad, production: good, force });
  await repository.release({ candidate: better, production: bad });
  for (const to of [goodDigest?.slice(7, 19), goodDigest, first, 'HEAD~4']) {
    const head = await repository.head();
    const { plan, commit } = await back({ to });
    expect(plan.revert).toBeNull();
    expect(await served()).toBe(goodDigest);
    expect(await verified()).toEqual([]);
    expect((await repository.history())[0]).toMatchObject({ kind: 'rollback', commit });
    await repository.run('reset', '-q', '--hard', head);
  }
});

test('a model that was taken back is no place to go back to', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await back();
  await expect(back({ to: betterDigest })).rejects.toMatchObject({ code: 'PROMOTION_REFUSED', mend: expect.stringContaining('--again') });
  await expect(back({ to: goodDigest })).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK', message: expect.stringContaining('already') });
});

test('what names nothing is told apart from what was never there', async () => {
  await repository.release({ candidate: good });
  await expect(back({ to: 'no-such-thing' })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  await expect(back({ to: 'HEAD~2' })).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK', message: expect.stringContaining('had no pointer') });
  await expect(back({ to: badDigest })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  await expect(back({ place: { model: 'other', stage: 'production' } })).rejects.toMatchObject({ code: 'NOTHING_TO_ROLL_BACK' });
  await expect(back({ place: { model: '../x', stage: 'production' } })).rejects.toMatchObject({ code: 'NAME_INVALID' });
});

test('uncommitted changes of the pointer or its evidence are in the way, and stay', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  await repository.write({ 'models/intents/production.json': 'mine' });
  await expect(back()).rejects.toMatchObject({ code: 'GIT_DIRTY' });
  expect(await readFile(join(repository.root, 'models/intents/production.json'), 'utf8')).toBe('mine');
  await repository.run('checkout', '-q', '--', '.');
  await repository.write({ 'models/intents/evidence/production/mine.json': '{}' });
  await expect(back()).rejects.toMatchObject({ code: 'GIT_DIRTY' });
});

test('a promotion that was squashed with other work: the pointer goes back, the work stays', async () => {
  await repository.release({ candidate: good });
  await repository.promote({ candidate: better, stage: 'staging' });
  const plan = await repository.plan({ candidate: better, production: good });
  await repository.write({ ...Object.fromEntries(plan.files.map((file) => [file.path, file.bytes])), 'params.yaml': 'train: {}\n' });
  await repository.commitAll('rows, params and promotion');
  await back();
  expect(await served()).toBe(goodDigest);
  expect(await readFile(join(repository.root, 'params.yaml'), 'utf8')).toBe('train: {}\n');
  expect(await verified()).toEqual([]);
});

test('a promotion that came by a merge goes back by the revert of the merge', async () => {
  await repository.release({ candidate: good });
  await repository.promote({ candidate: better, stage: 'staging' });
  await repository.run('switch', '-q', '-c', 'promote');
  await repository.promote({ candidate: better, production: good });
  await repository.run('switch', '-q', 'main');
  await repository.run('merge', '-q', '--no-ff', '-m', 'merge promote', 'promote');
  const merge = await repository.head();
  const { plan, commit } = await back();
  expect(plan.revert).toBe(merge);
  expect(await repository.run('log', '-1', '--format=%B', commit ?? '')).toContain(`This reverts commit ${merge}.`);
  expect(await served()).toBe(goodDigest);
  expect(await verified()).toEqual([]);
});

test('a pointer that somebody broke goes back to the model that it broke', async () => {
  await repository.release({ candidate: good });
  await repository.write({ 'models/intents/production.json': '{}\n' });
  await repository.commitAll('by hand');
  await back();
  expect(await served()).toBe(goodDigest);
  expect(await verified(false)).toEqual([]);
});

test('a revert of the promotion to staging leaves production whole', async () => {
  const staged = await repository.promote({ candidate: good, stage: 'staging' });
  await repository.promote({ candidate: good });
  await repository.run('revert', '--no-edit', staged);
  expect(await repository.pointer('staging')).toBeNull();
  expect(await served()).toBe(goodDigest);
  expect(await verified()).toEqual([]);
});

test('--no-commit leaves the files for a commit by hand', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  const head = await repository.head();
  expect((await back({ commit: false })).commit).toBeNull();
  expect(await repository.head()).toBe(head);
  expect(await verified(false)).toEqual([]);
  await repository.commitAll('by hand');
  expect(await served()).toBe(goodDigest);
  expect((await repository.history())[0]?.kind).toBe('rollback');
});

test('a hook that refuses the commit leaves everything as it was, and the next rollback goes through', async () => {
  const first = await repository.release({ candidate: good });
  await repository.release({ candidate: bad, production: good, force });
  await repository.release({ candidate: better, production: bad });
  const hook = join(repository.top, '.git', 'hooks', 'pre-commit');
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, '#!/bin/sh\necho not today >&2\nexit 1\n', { mode: 0o755 });
  await expect(back({ to: first })).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('not today') });
  expect(await repository.run('status', '--porcelain')).toBe('');
  expect(existsSync(join(repository.localDir, 'undo.json'))).toBe(false);
  await rm(hook);
  await back({ to: first });
  expect(await served()).toBe(goodDigest);
});

test('a plain revert that was killed half way is taken back by the next writer', async () => {
  await repository.release({ candidate: good });
  await repository.release({ candidate: better, production: good });
  const paths = (await repository.run('diff', '--name-only', '--relative=project', 'HEAD~1', 'HEAD')).split('\n');
  const project = { git: repository.git, prefix: repository.prefix, root: repository.root, localDir: repository.localDir };
  const files = paths.map((path) => ({ path, bytes: null }));
  const undoList = join(repository.localDir, 'undo.json');
  const killed = undoable(project, files, async () => {
    for (const { path } of files.slice(1)) await rm(join(repository.root, path));
    await copyFile(undoList, join(repository.top, 'kept.json'));
    throw new Error('as if killed');
  });
  await expect(killed).rejects.toThrow('as if killed');
  // what the error path put back is taken again, as a kill leaves it
  for (const { path } of files.slice(1)) await rm(join(repository.root, path));
  await rename(join(repository.top, 'kept.json'), undoList);
  await undoUnfinished(project);
  expect(await repository.run('status', '--porcelain')).toBe('');
  expect((await back()).plan.to.after).toBe(goodDigest);
});
