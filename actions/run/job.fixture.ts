// The steps of this action as GitHub's runner starts them: the lines of action.yml in a shell, one process a step, with the signals of a cancel.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { node, plumbFile } from '../../tests/project.ts';
import type { Job } from '../../tests/trust-forge.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

interface Step {
  readonly id?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Metadata {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

const { inputs: declared, runs } = load(readFileSync(join(here, 'action.yml'), 'utf8')) as Metadata;
const steps = { run: stepOf('run'), sweep: runs.steps.find(({ run }) => run?.endsWith(' sweep')) as Step, publish: stepOf('publish') };

function stepOf(id: string): Step {
  return runs.steps.find((step) => step.id === id) as Step;
}

export interface StepEnding {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly seconds: number;
}

export type Inputs = Readonly<Record<string, string>>;

/** @param started told of the process that the runner would signal */
export async function startStep(
  job: Job,
  name: keyof typeof steps,
  inputs: Inputs = {},
  more: { readonly started?: (child: ChildProcess) => void; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<StepEnding> {
  const folder = mkdtempSync(join(job.clone.top, 'step '));
  const files = Object.fromEntries(['summary', 'output', 'env', 'path'].map((file) => [file, join(folder, file)]));
  for (const file of Object.values(files)) writeFileSync(file, '');
  const script = join(folder, 'script.sh');
  writeFileSync(script, steps[name].run ?? '');
  const temporary = join(job.clone.top, '_work/_temp');
  mkdirSync(temporary, { recursive: true });
  const started = performance.now();
  const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
    cwd: job.clone.root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...job.clone.env,
      PATH: `${dirname(node)}:${process.env['PATH']}`,
      ...job.env,
      GITHUB_ACTION_PATH: here,
      GITHUB_WORKSPACE: job.clone.root,
      GITHUB_JOB: 'level-1',
      GITHUB_STEP_SUMMARY: files['summary'],
      GITHUB_OUTPUT: files['output'],
      GITHUB_ENV: files['env'],
      GITHUB_PATH: files['path'],
      RUNNER_TEMP: temporary,
      RUNNER_NAME: 'runner-1',
      ...Object.fromEntries(Object.entries(steps[name].env ?? {}).map(([key, text]) => [key, filledIn(text, inputs)])),
      ...more.env,
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  more.started?.(child);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.once('close', (...end) => resolve(end)));
  const read = (file: string): string => readFileSync(files[file] ?? '', 'utf8');
  // nothing of a stage reaches the files by which a step changes those behind it
  if (read('env') + read('path') !== '') throw new Error(`the step wrote ${read('env')}${read('path')}`);
  return { code, signal, log, summary: read('summary'), outputs: outputsIn(read('output')), seconds: (performance.now() - started) / 1000 };
}

function filledIn(text: string, inputs: Inputs): string {
  return text.replaceAll(/\$\{\{\s*([\w.-]+)\s*\}\}/g, (_, expression: string) => {
    if (expression === 'steps.install.outputs.plumb') return plumbFile;
    const name = expression.replace(/^inputs\./, '');
    if (declared[name] === undefined) throw new Error(`no input ${name}`);
    return inputs[name] ?? declared[name].default ?? '';
  });
}

function outputsIn(file: string): Record<string, string> {
  const found = [...file.matchAll(/^([\w-]+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2$/gm)];
  return Object.fromEntries(found.map((match) => [match[1] ?? '', match[3] ?? '']));
}

/**
 * SIGINT, 7.5 seconds later SIGTERM, 2.5 seconds later SIGKILL, each to the one process, as long as it is there.
 * Source: docs.github.com, "Workflow cancellation reference"
 */
export async function cancel(child: ChildProcess): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', 7500],
    ['SIGTERM', 2500],
    ['SIGKILL', 0],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await Promise.race([sleep(waitMs, undefined, { ref: false }), new Promise((resolve) => child.once('exit', resolve))]);
  }
}

/** Lines that the runner obeys, until it is told to stop and after it is told to go on. Source: actions/runner, src/Runner.Worker/ActionCommandManager.cs */
export function obeyed(log: string): string[] {
  let stopped: string | null = null;
  const commands: string[] = [];
  for (const line of log.split(/\r\n|\r|\n/)) {
    const [, command, text = ''] = /^\s*::([\w-]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
    if (stopped !== null) {
      if (command === stopped) stopped = null;
    } else if (command === 'stop-commands') stopped = text;
    else if (command !== undefined) commands.push(line.trim());
    else if (/##\[\w/.test(line)) commands.push(line);
  }
  if (stopped !== null) commands.push('commands are stopped for good');
  return commands;
}
