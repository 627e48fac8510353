// Ctrl-C and SIGTERM while stages run: exit code 130, all children gone, and the next run goes on from what was complete.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isAlive, TestProject, type Answer } from '../project.ts';
import { createTopics, topicRows } from '../topics.ts';

async function until(what: string, seen: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !seen(); await sleep(10)) if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
}

async function interrupted(
  project: TestProject,
  words: readonly string[],
  signal: NodeJS.Signals,
  when: () => boolean,
  text = false,
): Promise<Answer & { ms: number }> {
  let pid = 0;
  const ending = project.plumb(words, { text, started: (child) => (pid = child.pid ?? 0) });
  await until('it has begun', when);
  const sent = performance.now();
  process.kill(pid, signal);
  const answer = await ending;
  return { ...answer, ms: performance.now() - sent };
}

/** Training that takes longer than any of these tests. */
async function trainsLong(project: TestProject): Promise<void> {
  project.write('params.yaml', 'train: { epochs: 1000, validation: 0 }\n');
  project.write('data/topics.jsonl', topicRows(500, 'many'));
  await project.done('add', 'data/topics.jsonl', 'data/asked.jsonl', '--key', 'id');
}

const pipeline = `
stages:
  first: { cmd: "echo one > out/first.txt", outs: [out/first.txt] }
  # a child, a grandchild, and one that does not care for signals
  slow:
    cmd: "cat out/first.txt > out/slow.txt; sleep 1000 & echo $$ $! > pids; trap '' TERM; echo ready >> pids; wait; sleep 1000"
    deps: [out/first.txt]
    outs: [out/slow.txt]
  after: { cmd: "cp out/slow.txt out/after.txt", deps: [out/slow.txt], outs: [out/after.txt] }
`;

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  test('ends a command with all that it started, even what ignores SIGTERM, and keeps what was complete', async () => {
    using project = TestProject.create({ 'pipeline.yaml': pipeline });
    const begun = (): boolean => existsSync(project.path('pids')) && project.read('pids').includes('ready');
    const answer = await interrupted(project, ['run'], signal, begun);
    expect(answer).toMatchObject({ exit: 130, code: 'INTERRUPTED', signal: null });
    expect(answer.ms).toBeLessThan(9000);
    const pids = project
      .read('pids')
      .split(/\s+/)
      .map(Number)
      .filter((pid) => pid > 0);
    expect(pids.length).toBe(2);
    await until('children are gone', () => !pids.some(isAlive), 2000);
    const { stages } = (await project.done('run', '--dry')) as { stages: { stage: string; state: string }[] };
    expect(stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual(['first cached', 'slow runs', 'after waits']);
    project.write('pipeline.yaml', pipeline.replace(/sleep 1000 .*; sleep 1000/, 'true'));
    const ended = (await project.done('run')) as { stages: { stage: string; state: string }[] };
    expect(ended.stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual(['first cached', 'slow ran', 'after ran']);
    expect(project.read('out/after.txt')).toBe('one\n');
  });

  test('ends a built-in step before it has to be killed, says so in one line, and the next run trains', async () => {
    using project = createTopics();
    await trainsLong(project);
    const log = project.path('.plumb/logs/train.log');
    const answer = await interrupted(project, ['run'], signal, () => existsSync(log), true);
    expect(answer).toMatchObject({ exit: 130, signal: null });
    expect(answer.stderr.split('\n').filter((line) => line.includes('INTERRUPTED')).length).toBe(1);
    expect(answer.stderr).not.toMatch(/\n {4}at /);
    expect(answer.ms).toBeLessThan(4500);
    await project.done('run', '--set', 'train.epochs=2');
    expect(existsSync(project.path('out/evaluate/evaluation.json'))).toBe(true);
  });
});

test('kill -9 ends a built-in step in the middle of its training', async () => {
  using project = createTopics();
  await trainsLong(project);
  let pid = 0;
  const ending = project.plumb(['run', 'train'], { started: (child) => (pid = child.pid ?? 0) });
  await until('it has begun', () => existsSync(project.path('.plumb/logs/train.log')));
  await sleep(500);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(children.length).toBe(1);
  process.kill(pid, 'SIGKILL');
  expect((await ending).signal).toBe('SIGKILL');
  await until('the step is gone', () => !children.some(isAlive), 2000);
});

test('a second signal does not wait for children that take their time', async () => {
  using project = TestProject.create({
    'pipeline.yaml': `stages:\n  deaf: { cmd: "trap '' TERM INT; echo $$ > pid; while true; do sleep 0.1; done", outs: [out/x] }\n`,
  });
  let pid = 0;
  const ending = project.plumb(['run'], { started: (child) => (pid = child.pid ?? 0) });
  await until('it has begun', () => existsSync(project.path('pid')) && readFileSync(project.path('pid'), 'utf8') !== '');
  const child = Number(project.read('pid'));
  process.kill(pid, 'SIGINT');
  await sleep(200);
  process.kill(pid, 'SIGINT');
  const sent = performance.now();
  expect((await ending).exit).toBe(130);
  expect(performance.now() - sent).toBeLessThan(2000);
  await until('the child is gone', () => !isAlive(child), 2000);
});

test.each([
  ['validate', ['validate', 'rows.csv', '--rules', 'rules.yaml', '--out', 'broken.jsonl']],
  ['profile', ['profile', 'rows.csv', '--html', 'page.html']],
])('ctrl-C ends %s while DuckDB reads: nothing is written, nothing lies about, and no stack is told', async (_, words) => {
  using project = TestProject.create({
    'rules.yaml': 'version: 1\nrules:\n  - column: text\n    min_length: 40\n',
  });
  // some seconds for whatever machine
  const block = Array.from({ length: 100_000 }, (__, at) => `${at},row ${at} of a hundred thousand that are all alike\n`).join('');
  project.write('rows.csv', `id,text\n${block.repeat(20)}`);
  const folder = project.path('tmp');
  mkdirSync(folder);
  project.env['TMPDIR'] = folder;
  const sessions = (): string[] => readdirSync(folder).filter((name) => name.startsWith('plumb-'));
  const answer = await interrupted(project, words, 'SIGINT', () => sessions().length > 0, true);
  expect(answer).toMatchObject({ exit: 130, signal: null, stdout: '' });
  expect(answer.stderr).toContain('INTERRUPTED');
  expect(answer.stderr).not.toMatch(/\n {4}at /);
  expect(sessions()).toEqual([]);
  expect(existsSync(project.path('broken.jsonl')) || existsSync(project.path('page.html'))).toBe(false);
});
