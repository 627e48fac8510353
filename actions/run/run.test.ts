// The steps of the action with the real plumb, in clones of a repository at a forge, with a real remote and real signatures.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Forge, key, type Job } from '../../tests/trust-forge.ts';
import { childEnvironment, jobMark } from '../plumb-process.ts';
import { findMarked } from '../../src/pipeline/executors/leftovers.ts';
import { cancel, obeyed, startStep, type StepEnding } from './job.fixture.ts';

const hostile = [
  '::set-env name=PATH::/evil',
  '::add-mask::all',
  '::stop-commands::mine',
  '##[error]fake',
  '  ::error::fake',
  '::mine::',
  '::endgroup::',
].join('\\n');

// counts to 20; a daemon of it leaves the group, closes what it inherited, and does not listen to SIGTERM
const train = `
setsid sh -c 'trap "" TERM INT; echo $$ >> pids; exec sleep 1000' </dev/null >/dev/null 2>&1 &
(setsid sh -c 'setsid sh -c "echo \\$\\$ >> pids; exec sleep 1000" &' </dev/null >/dev/null 2>&1 &)
echo $$ >> pids
n=$(cat "$PLUMB_CHECKPOINT/n" 2>/dev/null || echo 0)
echo "from $n" >> log
trap "" TERM
while test "$n" -lt 20; do n=$((n + 1)); echo $n > "$PLUMB_CHECKPOINT/.n"; mv "$PLUMB_CHECKPOINT/.n" "$PLUMB_CHECKPOINT/n"; sleep 0.1; done
echo done > out/model
`;

const pipeline = `
stages:
  split:
    cmd: cp left.txt out/split.txt && echo unread > out/unread.txt
    deps: [left.txt]
    outs: [out/split.txt, out/unread.txt]
  hostile:
    cmd: printf '${hostile}\\n'; printf 'no line end'; cat out/split.txt > out/hostile.txt
    deps: [out/split.txt]
    outs: [out/hostile.txt]
  big:
    cmd: yes 'a line of output like any other' | head -c 8000000; touch out/big
    outs: [out/big]
  spy:
    cmd: cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' > out/seen; true
    outs: [out/seen]
  broken:
    cmd: 'echo "cannot <b>@team</b> | ::error::x"; exit 3'
    outs: [out/broken]
  train:
    cmd: sh train.sh
    deps: [train.sh]
    outs: [out/model]
    checkpoint: work
`;

let forge: Forge;
beforeEach(() => {
  forge = new Forge();
  forge.commit({ 'pipeline.yaml': pipeline, 'train.sh': train }, 'stages');
  forge.branch('topic', { 'left.txt': 'better\n' });
});
afterEach(() => forge[Symbol.dispose]());

const pull = (): Job => forge.pull(7, 'topic');
const alive = (pid: number): boolean => existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const pidsOf = (job: Job): number[] => job.clone.read('pids').trim().split('\n').map(Number);
const starts = (job: Job): string[] => job.clone.read('log').trim().split('\n');
const publish = (job: Job): Promise<StepEnding> => startStep(job, 'publish', { 'signing-key': key });

async function atWork(job: Job): Promise<void> {
  while (!existsSync(job.clone.path('pids')) || pidsOf(job).length < 3 || !existsSync(job.clone.path('work/n'))) await sleep(20);
  await sleep(300);
}

test('a stage runs, what it needs runs first; outputs, summary, and a log that gives no command of a stage', async () => {
  const job = pull();
  const { code, log, outputs, summary } = await startStep(job, 'run', { stages: '["hostile"]' });
  expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' });
  expect(obeyed(log)).toEqual(['::group::plumb ci run', '::endgroup::']);
  expect(log).toContain('no line end');
  expect(outputs).toMatchObject({ ran: '["split","hostile"]', cached: '[]' });
  expect(JSON.parse(outputs['runs'] ?? '')).toEqual({ split: expect.stringMatching(/^sha256:/), hostile: expect.stringMatching(/^sha256:/) });
  expect(summary).toMatch(/^\| Stage \| \| Time \| Why \|\n\| --- \| --- \| --- \| --- \|\n\| `split` \| ✅ ran \| [\d.]+ s \| never run here \|\n/);
  const sent = await publish(job);
  expect(sent.outputs).toEqual({ published: '2' });
  expect(obeyed(sent.log)).toEqual(['::group::plumb ci publish', '::endgroup::']);
});

test('another job takes it from the store, and only what a command reads comes into its work tree', async () => {
  const first = pull();
  await startStep(first, 'run', { stages: 'split' });
  await publish(first);
  const second = pull();
  const { outputs, summary } = await startStep(second, 'run', { stages: 'split hostile' });
  expect(outputs).toMatchObject({ ran: '["hostile"]', cached: '["split"]' });
  expect(summary).toContain('1 stage from the store.');
  expect(readdirSync(second.clone.path('out')).toSorted()).toEqual(['hostile.txt', 'split.txt']);
  // forced by another job: here it is only needed
  const third = await startStep(pull(), 'run', { stages: 'hostile', force: 'split' });
  expect(third.outputs).toMatchObject({ ran: '["hostile"]', cached: '["split"]' });
});

test('what a stage prints may be much', async () => {
  const { code, log, seconds } = await startStep(pull(), 'run', { stages: 'big' });
  expect(code).toBe(0);
  expect(log.length).toBeGreaterThan(8_000_000);
  expect(seconds).toBeLessThan(20);
});

test('T21: no process that runs beside a stage has the key, or what asks for the identity of the job', async () => {
  const job = pull();
  // the stage sees every process of the machine: other tests have jobs, too
  const [oidc, runtime] = [randomUUID(), randomUUID()];
  const env = { ACTIONS_ID_TOKEN_REQUEST_TOKEN: oidc, ACTIONS_RUNTIME_TOKEN: runtime, INPUT_TOKEN: 'input_token' };
  expect((await startStep(job, 'run', { stages: 'spy', 'signing-key': key }, { env })).code).toBe(0);
  const seen = job.clone.read('out/seen');
  expect(seen).toContain('PLUMB_STAGE=spy');
  for (const secret of [key, oidc, runtime]) expect(seen).not.toContain(secret);
});

test('a stage that fails: the step fails, the summary says which and why, what ended well is published', async () => {
  const job = pull();
  const { code, log, outputs, summary } = await startStep(job, 'run', { stages: 'split broken' });
  expect(code).toBe(1);
  expect(outputs).toMatchObject({ ran: '["split"]' });
  expect(summary).toContain('| `broken` | ❌ failed |');
  expect(summary).not.toMatch(/@team|<b>/);
  const [error, ...others] = obeyed(log).filter((line) => line.startsWith('::error'));
  expect(error).toContain('STAGE_FAILED');
  expect(others).toEqual([]);
  expect((await publish(job)).outputs).toEqual({ published: '1' });
});

test('T3: names that are none, options and shell words are told as such', async () => {
  for (const stages of ['["--help"]', 'split;$(touch evil)', '[1]']) {
    const { code, log } = await startStep(pull(), 'run', { stages });
    expect(code).toBe(1);
    expect(log).toMatch(/STAGE_UNKNOWN|ACTION_INPUT/);
  }
  const outside = await startStep(pull(), 'run', { folder: '../..' });
  expect(outside.log).toContain('ACTION_INPUT');
  expect(existsSync(pull().clone.path('evil'))).toBe(false);
});

test('a cancel: nothing is left behind, and the next job, elsewhere, goes on from the signed checkpoint', async () => {
  const job = pull();
  let stopped: Promise<void> | undefined;
  const { code, seconds, log } = await startStep(
    job,
    'run',
    { stages: 'train' },
    { started: (child) => void (stopped = atWork(job).then(() => cancel(child))) },
  );
  await stopped;
  expect(code).not.toBe(0);
  expect(seconds).toBeLessThan(12);
  expect(pidsOf(job)).toHaveLength(3);
  expect(pidsOf(job).filter(alive)).toEqual([]);
  expect(log).not.toContain('is in the store');
  await startStep(job, 'sweep');
  const sent = await publish(job);
  expect(sent.code).toBe(0);
  const next = pull();
  const resumed = await startStep(next, 'run', { stages: 'train' });
  expect({ code: resumed.code, log: resumed.code === 0 ? '' : resumed.log + sent.log }).toEqual({ code: 0, log: '' });
  expect(Number(starts(next)[0]?.split(' ')[1])).toBeGreaterThan(1);
  expect(pidsOf(next).filter(alive)).toEqual([]);
  await publish(next);
  // it ended well: what another takes is its run
  expect((await startStep(pull(), 'run', { stages: 'train' })).outputs).toMatchObject({ cached: '["train"]' });
});

test('T6: a checkpoint that nobody signed, or that was signed for another domain, is not gone on from', async () => {
  const job = pull();
  await startStep(job, 'run', { stages: 'train' }, { started: (child) => void atWork(job).then(() => cancel(child)) });
  await publish(job);
  const [from, to] = ['names/pull7', 'names/pull8'].map((folder) => join(forge.project.remote, folder)) as [string, string];
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    renameSync(join(from, name), join(to, name));
    writeFileSync(join(from, name), `${readFileSync(join(to, name), 'utf8').split('\n')[0]}\n`);
  }
  for (const [next, why] of [
    [pull(), 'it is not signed'],
    [forge.pull(8, 'topic'), 'it was signed for pull-7, and stands under pull-8'],
  ] as const) {
    const { log } = await startStep(next, 'run', { stages: 'train' });
    expect(log).toContain(`its checkpoint in the store is not used: ${why}`);
    expect(starts(next)).toEqual(['from 0']);
  }
});

test('T8: kill -9 of the step, of plumb, or of all, at any time: the sweep ends what is left, and the stage goes on', async () => {
  const job = pull();
  const mark = jobMark({ ...job.env, GITHUB_JOB: 'level-1', RUNNER_NAME: 'runner-1', GITHUB_WORKSPACE: job.clone.root });
  for (const whom of ['step', 'plumb', 'all'] as const) {
    const before = existsSync(job.clone.path('log')) ? starts(job).length : 0;
    await startStep(
      job,
      'run',
      { stages: 'train' },
      {
        started: (child) =>
          void (async () => {
            while (!existsSync(job.clone.path('log')) || starts(job).length === before) await sleep(20);
            await sleep(300);
            // the runner holds the other end of the pipes: what lives on would keep the step open in this test
            if (whom !== 'plumb') child.kill('SIGKILL');
            if (whom === 'plumb') killNow(findMarked(mark).find(isPlumb));
            if (whom === 'all') for (const pid of findMarked(mark)) killNow(pid);
          })(),
      },
    );
    await startStep(job, 'sweep');
    expect(findMarked(mark).filter(alive)).toEqual([]);
    expect(pidsOf(job).filter(alive)).toEqual([]);
  }
  expect((await startStep(job, 'run', { stages: 'train' })).code).toBe(0);
  const numbers = starts(job).map((line) => Number(line.split(' ')[1]));
  expect(numbers.every((start, at) => at === 0 || start > (numbers[at - 1] ?? 0))).toBe(true);
});

/** Ends a process, unless it ended by itself since it was found. */
function killNow(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function isPlumb(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('plumb.js');
}

test('T8: a runner that is used again is told, once a job, and only where it is nobody else’s', async () => {
  const first = pull();
  const second = pull();
  const self = { RUNNER_ENVIRONMENT: 'self-hosted', RUNNER_TEMP: join(first.clone.top, '_work/_temp') };
  const run = async (job: Job, env: Record<string, string>): Promise<boolean> =>
    obeyed((await startStep(job, 'run', { stages: 'split' }, { env })).log).some((line) => line.includes('used again'));
  const hosted = { ...self, RUNNER_ENVIRONMENT: 'github-hosted' };
  expect([await run(first, self), await run(second, hosted), await run(second, self), await run(second, self)]).toEqual([false, false, true, false]);
});

test('plumb gets no input and no token of the step, and keeps what the remote asks for', () => {
  const env = {
    INPUT_TOKEN: 'a',
    ACTIONS_RUNTIME_TOKEN: 'b',
    GITHUB_TOKEN: 'c',
    GH_TOKEN: 'd',
    GITHUB_ENV: 'e',
    PLUMB_SIGNING_KEY: 'f',
    AWS_SESSION_TOKEN: 'kept',
    PLUMB_REGISTRY_PASSWORD: 'kept',
    GITHUB_SHA: 'kept',
  };
  expect(childEnvironment(env)).toEqual({ AWS_SESSION_TOKEN: 'kept', PLUMB_REGISTRY_PASSWORD: 'kept', GITHUB_SHA: 'kept' });
});
