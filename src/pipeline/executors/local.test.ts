import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
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

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
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
