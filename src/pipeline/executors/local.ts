// A child process on this machine, in a process group of its own, so that stopping it stops all that it started; what left the group is found by a mark.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemError } from '../../base/errors.ts';
import { endMarked } from './leftovers.ts';
import { readLines } from './lines.ts';

export interface ProcessOrder {
  /** a text goes to /bin/sh -c, as the author of the pipeline wrote it; a list of words meets no shell */
  readonly command: string | readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** one line for its stdin, which then stays open: the child knows by its end that we died. Without it, a guard ends the child's group then. */
  readonly firstLine?: string;
  /** all that it prints, both streams in the order of arrival */
  readonly logFile: string;
  readonly onLine: (line: string) => void;
  /** lines that it writes to its file descriptor 3 */
  readonly onEvent?: (line: string) => void;
  readonly signal: AbortSignal;
  readonly limitMs: number | undefined;
}

export interface ProcessEnd {
  readonly exit: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** the last lines that it printed */
  readonly tail: readonly string[];
}

const graceMs = 5000;
const tailLines = 20;
/** Characters of a line; what is longer is told in pieces. An event is one document, and ours. */
const mostLine = 64 * 1024;
const mostEvent = 64 * 1024 * 1024;
/** The tail goes into messages. */
const mostTailLine = 400;

/** What is in the environment of a command and of all that it starts: a word that nobody else has. */
const mark = 'PLUMB_PROCESS';

/**
 * A command knows nothing of us, and would go on writing into the work tree when we were killed. A guard in its process group waits for the end of
 * our pipe, file descriptor 4, ends what left the group, and takes the group along. It is forked twice, so that the command has no child that it did
 * not start, and before the mark ($1) is set, so that it does not end itself first.
 */
const guarded = `( (trap "" TERM; read -r _
for round in 1 2 3; do
  for file in $(grep -lsz "^${mark}=$1$" /proc/[0-9]*/environ); do file=\${file%/environ}; kill -KILL "\${file#/proc/}"; done
done
kill -KILL 0) <&4 >/dev/null 2>&1 3>&- & ) 4<&4
${mark}=$1; export ${mark}; shift; exec "$@" 4<&-`;

/**
 * Runs a process to its end. An abort, or the time limit, sends SIGTERM to its whole group and SIGKILL five seconds later.
 * A program that is not there ends with exit code 127, as in a shell, and its name in the tail.
 * @throws PlumbError when it cannot be started or the log cannot be written
 */
export async function runProcess(order: ProcessOrder): Promise<ProcessEnd> {
  await mkdir(dirname(order.logFile), { recursive: true });
  const log = await openLog(order.logFile);
  const command = typeof order.command === 'string' ? ['/bin/sh', '-c', order.command] : order.command;
  const word = randomUUID();
  const [program, ...words] = order.firstLine === undefined ? ['/bin/sh', '-c', guarded, 'sh', word, ...command] : command;
  if (program === undefined) throw new Error('an empty command');
  const child = spawn(program, words, {
    cwd: order.cwd,
    env: order.env,
    detached: true,
    stdio: order.firstLine === undefined ? ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const tail: string[] = [];
  const onLine = (line: string): void => {
    log.write(`${line}\n`);
    tail.push(line.length > mostTailLine ? `${line.slice(0, mostTailLine)}...` : line);
    if (tail.length > tailLines) tail.shift();
    order.onLine(line);
  };
  const pipes = [child.stdout, child.stderr, child.stdio[3] as Readable | null];
  const streams = [
    readLines(child.stdout, onLine, log, mostLine),
    readLines(child.stderr, onLine, log, mostLine),
    readLines(child.stdio[3] as Readable | null, order.onEvent ?? (() => undefined), log, mostEvent),
  ];
  // a line may be wrong before the process has ended
  for (const stream of streams) stream.catch(() => undefined);
  child.stdin?.on('error', () => undefined);
  if (order.firstLine !== undefined) child.stdin?.write(`${order.firstLine}\n`);
  const stop = stopper(() => child.pid, order);
  try {
    const end = await new Promise<{ exit: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', (error) => reject(systemError(error, 'start', program)));
      child.once('exit', (exit, signal) => resolve({ exit, signal }));
    });
    // a background process of the command may hold the pipes open for ever; what it started goes with it
    killGroup(child.pid, 'SIGTERM');
    await Promise.race([Promise.all(streams), sleep(1000, undefined, { ref: false })]);
    return { ...end, timedOut: stop.timedOut(), tail };
  } finally {
    stop.forget();
    killGroup(child.pid, 'SIGKILL');
    if (order.firstLine === undefined) await endMarked({ name: mark, value: word });
    // somebody may have hidden from us with the other end in hand
    for (const pipe of pipes) pipe?.destroy();
    child.stdin?.destroy();
    log.end();
    await finished(log).catch(() => undefined);
  }
}

/** A log that cannot be opened is an error of the stage; one that fills the disk later costs lines of the log, not the run. */
async function openLog(file: string): Promise<WriteStream> {
  const log = createWriteStream(file);
  await once(log, 'open').catch((error: unknown) => Promise.reject(systemError(error, 'write', file)));
  log.on('error', () => undefined);
  return log;
}

function stopper(pid: () => number | undefined, order: ProcessOrder): { timedOut(): boolean; forget(): void } {
  let timedOut = false;
  let hard: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(pid(), 'SIGTERM');
    clearTimeout(hard);
    hard = setTimeout(() => killGroup(pid(), 'SIGKILL'), graceMs);
  };
  const limit =
    order.limitMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, order.limitMs);
  if (order.signal.aborted) stop();
  order.signal.addEventListener('abort', stop);
  return {
    timedOut: () => timedOut,
    forget: () => {
      order.signal.removeEventListener('abort', stop);
      clearTimeout(limit);
      clearTimeout(hard);
    },
  };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // the group is gone already: what we wanted
  }
}
