// A step of a job as GitHub's runner starts it: the committed bundle in a process of its own, with the files and variables that a step has.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { node } from '../tests/project.ts';

export interface StepOrder {
  readonly action: string;
  /** as `with:` and the defaults of action.yml give them */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly event: string;
  readonly payload: unknown;
  readonly workspace: string;
  /** a folder for the step's own files */
  readonly temp: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface StepEnding {
  readonly code: number | null;
  readonly log: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** lines of the log that the runner obeys */
  readonly commands: readonly string[];
  /** what the step put into GITHUB_ENV and GITHUB_PATH, for the steps behind it */
  readonly left: string;
}

/** Nothing of the environment of the test but PATH comes through. */
export async function startStep(order: StepOrder): Promise<StepEnding> {
  const folder = mkdtempSync(join(order.temp, 'step '));
  const files = Object.fromEntries(['event', 'summary', 'output', 'path', 'env'].map((name) => [name, join(folder, name)])) as Record<string, string>;
  for (const path of Object.values(files)) writeFileSync(path, '');
  writeFileSync(files['event'] ?? '', JSON.stringify(order.payload));
  const bundle = fileURLToPath(new URL(`${order.action}/dist/index.js`, import.meta.url));
  const child = spawn(node, [bundle], {
    cwd: order.workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: order.temp,
      CI: 'true',
      ...Object.fromEntries(Object.entries(order.inputs ?? {}).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: 'http://127.0.0.1:9/api/v3',
      GITHUB_SERVER_URL: 'https://github.test',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_EVENT_NAME: order.event,
      GITHUB_EVENT_PATH: files['event'],
      GITHUB_REF: order.event === 'pull_request' ? 'refs/pull/7/merge' : 'refs/heads/main',
      GITHUB_RUN_ID: '42',
      GITHUB_WORKSPACE: order.workspace,
      GITHUB_STEP_SUMMARY: files['summary'],
      GITHUB_OUTPUT: files['output'],
      GITHUB_PATH: files['path'],
      GITHUB_ENV: files['env'],
      RUNNER_TEMP: folder,
      ...order.env,
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  const read = (name: string): string => readFileSync(files[name] ?? '', 'utf8');
  const log = stdout + stderr;
  return { code, log, summary: read('summary'), outputs: outputsIn(read('output')), commands: commandsIn(log), left: read('env') + read('path') };
}

/** name<<delimiter, value, delimiter; of a name that is set twice the last one counts */
function outputsIn(file: string): Record<string, string> {
  return Object.fromEntries(
    [...file.matchAll(/^([\w-]+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2$/gm)].map((match) => [match[1] ?? '', match[3] ?? '']),
  );
}

/** Source: actions/runner, src/Runner.Common/ActionCommand.cs */
function commandsIn(log: string): string[] {
  return log.split(/\r\n|\r|\n/).filter((line) => /^\s*::\w/.test(line) || /##\[\w/.test(line));
}
