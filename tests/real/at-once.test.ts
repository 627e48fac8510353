// Two and five plumbs at once on one repository: each does right, or one says REPOSITORY_BUSY and has changed nothing. Nothing is lost.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseLock } from '../../src/datasets/lock.ts';
import { filesBelow, jsonl, sha256, type Answer, type TestProject } from '../project.ts';
import { createTopics, createTrained, topicRows } from '../topics.ts';

const together = (project: TestProject, commands: readonly (readonly string[])[]): Promise<Answer[]> =>
  Promise.all(commands.map((words) => project.plumb(words)));

/** Every answer is a success, or says that another plumb was at work; one at least is a success. */
function checkAnswers(answers: readonly Answer[]): void {
  for (const answer of answers)
    expect(answer.exit === 0 ? 'done' : [answer.exit, answer.code, answer.stderr]).toBeOneOf(['done', [7, 'REPOSITORY_BUSY', '']]);
  expect(answers.some((answer) => answer.exit === 0)).toBe(true);
}

function checkStore(root: string): void {
  for (const path of filesBelow(join(root, 'objects'))) expect(sha256(readFileSync(join(root, 'objects', path)))).toBe(path.replace('/', ''));
}

test('five data sets are added at once: the lock and the ignored names hold all of them', async () => {
  using project = createTopics();
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) project.write(`rows/${name}.jsonl`, jsonl([{ id: name, text: name }]));
  const answers = await together(
    project,
    names.map((name) => ['add', `rows/${name}.jsonl`]),
  );
  for (const answer of answers) expect(answer).toMatchObject({ exit: 0, code: undefined });
  expect(Object.keys((await parseLock(project.read('datasets.lock'))).datasets).toSorted()).toEqual(names);
  expect(project.read('rows/.gitignore').trim().split('\n').toSorted()).toEqual(names.map((name) => `/${name}.jsonl`));
  expect(project.read('.gitattributes').trim().split('\n')).toEqual(['datasets.lock merge=union', '.gitignore merge=union']);
  expect((await project.plumb(['status', '--check'])).exit).toBe(0);
  checkStore(project.path('.plumb/cache'));
});

test('the same data set is added five times at once: it is locked once', async () => {
  using project = createTopics();
  const answers = await together(
    project,
    Array.from({ length: 5 }, () => ['add', 'data/topics.jsonl', '--key', 'id']),
  );
  for (const answer of answers) expect(answer).toMatchObject({ exit: 0, code: undefined });
  expect(answers.filter((answer) => (answer.json['datasets'] as { changed: boolean }[])[0]?.changed === true).length).toBe(1);
  expect(Object.keys((await parseLock(project.read('datasets.lock'))).datasets)).toEqual(['topics']);
});

test('status while others add never sees half a lock', async () => {
  using project = createTopics();
  for (let at = 0; at < 3; at += 1) project.write(`rows/${at}.jsonl`, jsonl([{ id: at }]));
  const answers = await together(project, [['add', 'rows/0.jsonl'], ['status'], ['add', 'rows/1.jsonl'], ['status'], ['add', 'rows/2.jsonl']]);
  for (const answer of answers) expect(answer).toMatchObject({ exit: 0, code: undefined });
  const { datasets } = await project.done('status');
  expect((datasets as { name: string; state: string }[]).map(({ name, state }) => [name, state])).toEqual(
    ['0', '1', '2'].map((name) => [name, 'same']),
  );
});

test('add and checkout of one data set at once: the working copy is one version or the other, whole, and status says which', async () => {
  using project = createTopics();
  await project.done('add', 'data/topics.jsonl');
  const versions = [project.read('data/topics.jsonl'), topicRows(4, 'other')];
  project.write('data/topics.jsonl', versions[1] ?? '');
  const answers = await together(project, [
    ['add', 'data/topics.jsonl'],
    ['checkout', 'topics', '--force'],
  ]);
  for (const answer of answers) expect(answer.exit === 0 || answer.code === 'FILE_CHANGED').toBe(true);
  expect(versions).toContain(project.read('data/topics.jsonl'));
  const { datasets } = await project.done('status');
  expect(['same', 'modified']).toContain((datasets as { state: string }[])[0]?.state);
  await project.done('checkout', 'topics', '--force');
  expect((await project.plumb(['status', '--check'])).exit).toBe(0);
});

test('two runs at once: one pipeline runs at a time, and each stage once', async () => {
  using project = createTopics();
  project.write('pipeline.yaml', 'stages:\n  count: { cmd: "echo run >> count.txt; sleep 0.3; echo out > out/count.txt", outs: [out/count.txt] }\n');
  const answers = await together(project, [['run'], ['run']]);
  checkAnswers(answers);
  expect(project.read('count.txt')).toBe('run\n');
  expect((await project.plumb(['run', '--dry'])).stdout).toContain('"cached"');
});

test('a run that has to wait too long for another says so, and changes nothing', async () => {
  using project = createTopics();
  project.write('pipeline.yaml', 'stages:\n  slow: { cmd: "touch started; sleep 6; echo out > out/slow.txt", outs: [out/slow.txt] }\n');
  const answers = await together(project, [['run'], ['run']]);
  expect(new Set(answers.map((answer) => answer.exit))).toEqual(new Set([0, 7]));
  const busy = answers.find((answer) => answer.exit === 7);
  expect(busy).toMatchObject({ code: 'REPOSITORY_BUSY', stderr: '' });
});

test('two promotions at once: one commit; the other says that the model is there, or that the repository is busy', async () => {
  using project = await createTrained();
  const commits = Number(project.git('rev-list', '--count', 'HEAD'));
  const answers = await together(
    project,
    Array.from({ length: 2 }, () => ['promote', 'topics', '--to', 'production']),
  );
  expect(answers.filter((answer) => answer.exit === 0).length).toBe(1);
  const other = answers.find((answer) => answer.exit !== 0);
  expect(['PROMOTION_REFUSED', 'REPOSITORY_BUSY']).toContain(other?.code);
  expect(Number(project.git('rev-list', '--count', 'HEAD'))).toBe(commits + 1);
  expect(project.git('status', '--porcelain', '-uall')).toBe('');
  expect((await project.plumb(['verify'])).exit).toBe(0);
});

test('to staging and to production at once: both arrive', async () => {
  using project = await createTrained();
  const answers = await together(project, [
    ['promote', 'topics', '--to', 'staging'],
    ['promote', 'topics', '--to', 'production'],
  ]);
  checkAnswers(answers);
  for (const [at, answer] of answers.entries())
    if (answer.exit !== 0) await project.done('promote', 'topics', '--to', at === 0 ? 'staging' : 'production');
  expect(project.git('ls-files', 'models/topics/*.json', ':!models/topics/evidence').split('\n')).toEqual([
    'models/topics/production.json',
    'models/topics/staging.json',
  ]);
  expect(project.git('status', '--porcelain', '-uall')).toBe('');
  expect((await project.plumb(['verify'])).exit).toBe(0);
});

test('five pushes at once: the remote has every object once, whole', async () => {
  using project = await createTrained({ remote: true });
  const answers = await together(
    project,
    Array.from({ length: 5 }, () => ['push']),
  );
  for (const answer of answers) expect(answer).toMatchObject({ exit: 0, code: undefined });
  checkStore(project.remote);
  expect(filesBelow(join(project.remote, 'tmp'))).toEqual([]);
  const before = filesBelow(project.remote);
  expect(await project.done('push')).toMatchObject({ objects: 0 });
  expect(filesBelow(project.remote)).toEqual(before);
});

test('one cache for two repositories that add and run at once', async () => {
  using one = createTopics();
  using two = createTopics();
  const env = { PLUMB_CACHE: join(one.top, 'shared') };
  const add = ['add', 'data/topics.jsonl', 'data/asked.jsonl', '--key', 'id'];
  for (const words of [add, ['run']]) {
    const answers = await Promise.all([one, two].map((project) => project.plumb(words, { env })));
    for (const answer of answers) expect(answer).toMatchObject({ exit: 0, code: undefined });
  }
  checkStore(env.PLUMB_CACHE);
  expect(one.read('out/evaluate/evaluation.json')).toBe(two.read('out/evaluate/evaluation.json'));
});
