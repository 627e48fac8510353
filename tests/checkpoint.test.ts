// A stage that counts to a number, a step at a time, and notes in its checkpoint how far it is: run, stopped in every way, and run again by the real plumb.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestProject } from './project.ts';

// each step is kept by a rename, as a checkpoint must be; `log` gets the first number of each attempt
const count = `
n=$(cat "$PLUMB_CHECKPOINT/n" 2>/dev/null || echo 0)
echo "from $n" >> log
while test "$n" -lt "$(cat goal)"; do
  n=$((n + 1)); echo $n > "$PLUMB_CHECKPOINT/.n"; mv "$PLUMB_CHECKPOINT/.n" "$PLUMB_CHECKPOINT/n"; sleep 0.05
done
echo "$n" > out/n.txt
`;

const pipeline = (more = ''): string => `
stages:
  count:
    cmd: sh count.sh
    deps: [count.sh, goal]
    outs: [out/n.txt]
    checkpoint: work/count/
${more}`;

let project: TestProject;
beforeEach(() => {
  project = TestProject.create({ 'pipeline.yaml': pipeline(), 'count.sh': count, goal: '8\n', 'docs/a.md': 'text' }, { remote: true });
  bringRemote(project.remote);
});
afterEach(() => project[Symbol.dispose]());

/** To the main branch: a job on a pull request asks the remote that its base names, also in a copy of the repository. */
function bringRemote(remote: string): void {
  project.write('plumbline.yaml', `version: 1\nremote: ${remote}\n`);
  project.git('commit', '-qam', 'the remote');
}

const inPull = { env: { PLUMB_RUN_DOMAIN: 'pull-7' } };
const starts = (of = project): number[] => [...of.read('log').matchAll(/from (\d+)/g)].map((match) => Number(match[1]));
const limited = (): void => project.write('pipeline.yaml', pipeline('    resources: { minutes: 0.004 }\n'));

/** Starts plumb, waits until the stage is at work, and stops it. */
async function interrupted(signal: NodeJS.Signals, words: readonly string[] = ['run'], of = project): Promise<void> {
  const before = existsSync(of.path('log')) ? starts(of).length : 0;
  const answer = await of.plumb(words, {
    ...(words[0] === 'ci' ? inPull : {}),
    started: (child) => void stopAtWork(of, before, () => child.kill(signal)),
  });
  expect(answer.exit).toBe(signal === 'SIGKILL' ? null : 130);
}

async function stopAtWork(of: TestProject, before: number, stop: () => void): Promise<void> {
  while (!existsSync(of.path('log')) || starts(of).length === before) await sleep(10);
  await sleep(150);
  stop();
}

/** The same repository on another machine: no cache, no checkpoint, the same remote. */
function elsewhere(): TestProject {
  const other = new TestProject(realpathSync(mkdtempSync(join(tmpdir(), 'plumb-test-'))));
  cpSync(project.root, other.root, { recursive: true, filter: (path) => !/\/(?:\.plumb|work|out|log)$/.test(path) });
  return other;
}

test('a stage goes on after its time limit, and its record says how often it was started', async () => {
  limited();
  const first = await project.plumb(['run']);
  expect(first.code).toBe('STAGE_FAILED');
  // how many attempts it takes is a matter of the machine's speed
  let next = await project.plumb(['run']);
  expect(next.stderr).toMatch(/goes on from its checkpoint: attempt 2, after /);
  for (let tries = 0; tries < 20 && next.exit !== 0; tries += 1) next = await project.plumb(['run']);
  expect(project.read('out/n.txt')).toBe('8\n');
  const attempts = starts();
  expect(attempts[0]).toBe(0);
  expect(attempts.slice(1).every((start, at) => start > (attempts[at] ?? 0))).toBe(true);
  const shown = (await project.done('runs', 'show', 'count')) as { record: { measured: Record<string, number>; fingerprint: string } };
  expect(shown.record.measured['attempts']).toBe(attempts.length);
  expect(shown.record.measured['earlierSeconds']).toBeGreaterThan(0.2);
});

test('kill -9 and ctrl-C, again and again: every attempt begins where the last one was', async () => {
  project.write('goal', '20\n');
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGKILL', 'SIGTERM'] as const) await interrupted(signal);
  await project.done('run');
  const attempts = starts();
  expect(attempts).toHaveLength(5);
  expect(attempts.slice(1).every((start, at) => start > (attempts[at] ?? 0))).toBe(true);
});

test('a checkpoint of what ended well is gone: who forces the stage begins anew', async () => {
  await interrupted('SIGKILL');
  await project.done('run');
  expect(existsSync(project.path('work/count'))).toBe(false);
  expect(readdirSync(project.path('.plumb/checkpoints'))).toEqual([]);
  await project.done('run', '--force');
  expect(starts().at(-1)).toBe(0);
});

test('who forces a stage that was stopped begins anew', async () => {
  await interrupted('SIGKILL');
  await project.done('run', '--force');
  expect(starts()).toEqual([0, 0]);
});

test('each fingerprint has its own: an edit that is taken back finds it again', async () => {
  await interrupted('SIGINT');
  const at = Number(project.read('work/count/n'));
  project.write('goal', '9\n');
  await interrupted('SIGKILL');
  project.write('goal', '8\n');
  await project.done('run');
  expect(starts()).toEqual([0, 0, at]);
});

test('a checkpoint is no part of the fingerprint, and no output', async () => {
  await project.done('run');
  project.write('pipeline.yaml', pipeline().replace(/ *checkpoint: .*\n/, ''));
  const { stages } = (await project.done('run')) as { stages: { state: string; outputs: object }[] };
  expect(stages[0]).toMatchObject({ state: 'cached', outputs: { 'out/n.txt': {} } });
});

test('inputs that are edited while the stage runs: what was kept belongs to no version, and goes', async () => {
  const running = project.plumb(['run'], {
    started: (child) =>
      void stopAtWork(project, 0, () => {
        project.write('goal', '7\n');
        child.kill('SIGTERM');
      }),
  });
  expect((await running).exit).toBe(130);
  await project.done('run');
  expect(starts()).toEqual([0, 0]);
});

test('another machine goes on from what a stopped job left in the remote', async () => {
  limited();
  expect((await project.plumb(['ci', 'run'], inPull)).code).toBe('STAGE_FAILED');
  using other = elsewhere();
  await interrupted('SIGTERM', ['ci', 'run'], other);
  using third = elsewhere();
  third.write('pipeline.yaml', pipeline());
  expect((await third.plumb(['ci', 'run'], inPull)).exit).toBe(0);
  const attempts = [...starts(), ...starts(other), ...starts(third)];
  expect(attempts).toHaveLength(3);
  expect(attempts.slice(1).every((start, at) => start > (attempts[at] ?? 0))).toBe(true);
  // it ended well, and its run was not published: whoever runs it again begins anew
  using fourth = elsewhere();
  fourth.write('pipeline.yaml', pipeline());
  expect((await fourth.plumb(['ci', 'run'], inPull)).exit).toBe(0);
  expect(starts(fourth)).toEqual([0]);
});

test('a checkpoint of one pull request is not that of another, nor of the main branch', async () => {
  limited();
  await project.plumb(['ci', 'run'], inPull);
  for (const domain of ['pull-8', 'trusted']) {
    using other = elsewhere();
    other.write('pipeline.yaml', pipeline());
    expect((await other.plumb(['ci', 'run'], { env: { PLUMB_RUN_DOMAIN: domain } })).exit).toBe(0);
    expect(starts(other)).toEqual([0]);
  }
});

test('a job that is killed whole leaves what it had sent while it ran', async () => {
  project.write('count.sh', count.replace('sleep 0.05', 'test "$n" != 5 || sleep 5; sleep 0.05'));
  const child = project.plumb(['ci', 'run', '--checkpoint-minutes', '0.005'], {
    ...inPull,
    started: (job) => void killWhenSent(() => process.kill(-(job.pid ?? 0), 'SIGKILL')),
  });
  expect((await child).signal).toBe('SIGKILL');
  using other = elsewhere();
  expect((await other.plumb(['ci', 'run'], inPull)).exit).toBe(0);
  expect(starts(other)).toEqual([5]);
});

async function killWhenSent(kill: () => void): Promise<void> {
  while (!existsSync(join(project.remote, 'names/pull7'))) await sleep(20);
  kill();
}

test('a remote that is gone: the checkpoint stays here, and the stage says why', async () => {
  limited();
  rmSync(project.remote, { recursive: true, force: true });
  bringRemote('/dev/null/remote');
  const { code, stderr } = await project.plumb(['ci', 'run'], inPull);
  expect(code).toBe('STAGE_FAILED');
  expect(stderr).toContain('its checkpoint is not in the store: ');
  expect(Number(readFileSync(project.path('work/count/n'), 'utf8'))).toBeGreaterThan(0);
});

test('a checkpoint where data, an output or another checkpoint is, or that a stage reads, is refused', async () => {
  const refuse = async (yaml: string): Promise<string | undefined> => {
    project.write('pipeline.yaml', yaml);
    return (await project.plumb(['run'])).code;
  };
  const second = (body: string): string => `${pipeline()}  other:\n    cmd: 'true'\n${body}`;
  expect(await refuse(pipeline().replace('work/count/', '../work'))).toBe('PATH_OUTSIDE');
  expect(await refuse(pipeline().replace('work/count/', 'models'))).toBe('PATH_OUTSIDE');
  expect(await refuse(pipeline().replace('work/count/', 'out'))).toBe('PIPELINE_OUT_TWICE');
  expect(await refuse(second('    checkpoint: work/count/inner\n'))).toBe('PIPELINE_OUT_TWICE');
  expect(await refuse(second('    deps: [work/count/n]\n'))).toBe('PIPELINE_DEP_MISSING');
  expect(await refuse('stages: { a: { uses: plumb/validate, with: {}, checkpoint: work } }')).toBe('CONFIG_INVALID');
  expect(await refuse(pipeline().replace('work/count/', 'docs'))).toBe('OUT_TRACKED');
});

test('a link in the place of the checkpoint, or above it, is not followed', async () => {
  const { symlinkSync, mkdirSync, writeFileSync } = await import('node:fs');
  const outside = join(project.top, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'n'), '5\n');
  mkdirSync(project.path('work'));
  symlinkSync(outside, project.path('work/count'));
  await project.done('run');
  expect(starts()).toEqual([0]);
  expect(readdirSync(outside)).toEqual(['n']);
  rmSync(project.path('work'), { recursive: true });
  symlinkSync(outside, project.path('work'));
  expect((await project.plumb(['run', '--force'])).code).toBe('PATH_OUTSIDE');
  expect(readdirSync(outside)).toEqual(['n']);
});
