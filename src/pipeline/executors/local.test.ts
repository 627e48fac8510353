import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runProcess, type ProcessEnd, type ProcessOrder } from './local.ts';

async function run(command: ProcessOrder['command'], more: Partial<ProcessOrder> = {}): Promise<{ end: ProcessEnd; lines: string[]; log: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-local-'));
  const lines: string[] = [];
  const logFile = join(folder, 'log', 'stage.log');
  const end = await runProcess({
    command,
    cwd: folder,
    env: process.env,
    logFile,
    onLine: (line) => lines.push(line),
    signal: new AbortController().signal,
    limitMs: undefined,
    ...more,
  });
  return { end, lines, log: await readFile(logFile, 'utf8') };
}

/** A killed process is there until its parent has taken note: that one is no more than a line in a table. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('both streams are told and logged, and the exit code comes back', async () => {
  const { end, lines, log } = await run('echo one; echo two >&2; exit 3');
  expect(end).toMatchObject({ exit: 3, signal: null, timedOut: false });
  expect(lines.toSorted()).toEqual(['one', 'two']);
  expect(log.split('\n').toSorted()).toEqual(['', 'one', 'two']);
});

test('a list of words meets no shell', async () => {
  const { lines } = await run(['echo', '$HOME; rm -rf /', '*']);
  expect(lines).toEqual(['$HOME; rm -rf / *']);
});

test('an abort ends the whole group, grandchildren too', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const started = run('sleep 1000 & echo $!; wait', {
    signal: stop.signal,
    onLine: (line) => {
      lines.push(line);
      stop.abort();
    },
  });
  const { end } = await started;
  expect(end.signal ?? end.exit).not.toBe(0);
  for (let tries = 0; alive(Number(lines[0])) && tries < 100; tries += 1) await sleep(20);
  expect(alive(Number(lines[0]))).toBe(false);
});

test('a command past its limit is stopped and says so', async () => {
  const { end } = await run('sleep 1000', { limitMs: 50 });
  expect(end).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
});

test('a background process that keeps the pipes does not hold the stage up', async () => {
  const { end, lines } = await run('sleep 1000 & echo $!');
  expect(end.exit).toBe(0);
  for (let tries = 0; alive(Number(lines[0])) && tries < 100; tries += 1) await sleep(20);
  expect(alive(Number(lines[0]))).toBe(false);
});

test('events come over descriptor 3, the order goes in as one line', async () => {
  const events: string[] = [];
  const { lines } = await run('read order; echo "got $order"; echo event >&3', { firstLine: 'the order', onEvent: (line) => events.push(line) });
  expect(lines).toEqual(['got the order']);
  expect(events).toEqual(['event']);
});

test('a program that is not there ends with 127 and is named', async () => {
  const { end } = await run(['no-such-program-here']);
  expect(end.exit).toBe(127);
  expect(end.tail.join()).toContain('no-such-program-here');
});

test('kill -9 of whoever started it ends a command and all that it started', async () => {
  const local = new URL('./local.ts', import.meta.url).href;
  const folder = await mkdtemp(join(tmpdir(), 'plumb-orphan-'));
  const order = `{ command: 'sleep 1000 & echo $$ $!; wait', cwd: '.', env: process.env, logFile: 'log', signal: new AbortController().signal, onLine: console.log }`;
  const starter = spawn(
    process.execPath,
    ['--input-type=module', '-e', `import { runProcess } from ${JSON.stringify(local)}; await runProcess(${order});`],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const pids = await new Promise<number[]>((resolve) =>
    starter.stdout.once('data', (text: Buffer) => resolve(text.toString().trim().split(' ').map(Number))),
  );
  expect(pids.map(alive)).toEqual([true, true]);
  starter.kill('SIGKILL');
  for (let tries = 0; pids.some(alive) && tries < 100; tries += 1) await sleep(20);
  expect(pids.map(alive)).toEqual([false, false]);
});

test('a command has no child that it did not start: whoever waits for all of them does not wait for ever', async () => {
  const { end, lines } = await run(['perl', '-e', 'my $n = 0; $n++ while wait() > 0; print "$n\n"'], { limitMs: 5000 });
  expect({ end, lines }).toMatchObject({ end: { exit: 0, timedOut: false }, lines: ['0'] });
});

/** Starts a process that leaves its group, and says its number: what daemons do. */
const detached = "setsid sh -c 'echo $$; exec sleep 1000' & wait";

test('what left the group with setsid ends with the stage, at its limit and when it is stopped', async () => {
  const limited = await run(detached, { limitMs: 300 });
  expect(limited.end.timedOut).toBe(true);
  const stop = new AbortController();
  const stopped = await run(detached, { signal: stop.signal, onLine: () => stop.abort() });
  const pids = [limited.log, stopped.log].map((log) => Number(log.trim()));
  expect(pids.every((pid) => pid > 0)).toBe(true);
  expect(pids.filter(alive)).toEqual([]);
});

test('a daemon that a stage leaves behind ends with it, though the stage ended well', async () => {
  const { end, log } = await run("(setsid sh -c 'echo $$; exec sleep 1000' >out 2>&1 &); while ! test -s out; do sleep 0.01; done; cat out");
  expect(end.exit).toBe(0);
  expect(Number(log.trim())).toBeGreaterThan(0);
  expect(alive(Number(log.trim()))).toBe(false);
});

test('kill -9 of whoever started a command ends what left its group, too', async () => {
  const local = new URL('./local.ts', import.meta.url).href;
  const folder = await mkdtemp(join(tmpdir(), 'plumb-orphan-'));
  const order = `{ command: ${JSON.stringify(detached)}, cwd: '.', env: process.env, logFile: 'log', signal: new AbortController().signal, onLine: console.log }`;
  const script = `import { runProcess } from ${JSON.stringify(local)}; await runProcess(${order});`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>((resolve) => starter.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().trim()))));
  expect(alive(pid)).toBe(true);
  starter.kill('SIGKILL');
  for (let tries = 0; alive(pid) && tries < 100; tries += 1) await sleep(20);
  expect(alive(pid)).toBe(false);
});

test('a stage may print two hundred million bytes without a line end, and fast: memory stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-big-'));
  let [bytes, most] = [0, 0];
  const { exit, tail } = await runProcess({
    command: 'head -c 200000000 /dev/zero | tr "\\0" x',
    cwd: folder,
    env: process.env,
    logFile: join(folder, 'log'),
    onLine: (line) => {
      bytes += line.length;
      most = Math.max(most, line.length);
    },
    signal: new AbortController().signal,
    limitMs: undefined,
  });
  await rm(folder, { recursive: true });
  expect({ exit, bytes }).toEqual({ exit: 0, bytes: 200_000_000 });
  expect(most).toBeLessThan(100_000);
  expect(tail.every((line) => line.length < 1000)).toBe(true);
  expect(process.memoryUsage().rss).toBeLessThan(500_000_000);
});

test('an event that nobody understands is an error of the stage, not of the whole process', async () => {
  const onEvent = (line: string): void => void JSON.parse(line);
  await expect(run('read order; echo "{" >&3', { firstLine: 'x', onEvent })).rejects.toThrow(SyntaxError);
});
