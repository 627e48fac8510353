// nektos/act: GitHub's workflow language on this host, without containers and without a server. It starts the real workflow files of a repository with
// the payload of any event. Traps that were met, and what is done about each:
// - whatever `using:` says, actions run under the `node` that is first on PATH: node_modules/.bin has Node 24
// - GITHUB_SHA is HEAD of the work tree that it is started in, and the repository that of its `origin`: the one is checked out, the other is said
// - it copies the work tree in place of actions/checkout, history and all: told not to, so that a shallow clone is one
// - its artifact server takes one fixed port of the outer address, and today's clients do not understand it: it is on 127.0.0.1, and nobody uses it
// - not there: permissions of the token, concurrency, RUNNER_ENVIRONMENT, GITHUB_WORKFLOW_REF (said here), OIDC, what a fork's event may not
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installGoProgram } from '../install.ts';
import { freePort } from '../servers.ts';
import type { Release } from './release.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bin = fileURLToPath(new URL('../../../../node_modules/.bin', import.meta.url));

/** Actions of others: where the stand-in for each lies. */
const standIns: Readonly<Record<string, string>> = {
  'actions/checkout': here('actions/checkout'),
  'actions/setup-node': here('actions/nothing'),
  'actions/cache': here('actions/nothing'),
  'actions/upload-artifact': here('actions/upload-artifact'),
};

export interface WorkflowOrder {
  /** work tree whose HEAD is what the event calls GITHUB_SHA */
  readonly repository: string;
  /** path in it */
  readonly workflow: string;
  readonly event: 'pull_request' | 'push' | 'issue_comment' | 'workflow_dispatch';
  readonly payload: unknown;
  /** GITHUB_REF */
  readonly ref: string;
  /** owner/name */
  readonly name: string;
  /** a folder, or an address: what is checked out comes from there */
  readonly origin: string;
  readonly api: { readonly url: string; readonly token: string };
  readonly release: Release;
  /** of this run alone */
  readonly runId: string;
  /** a folder: logs, caches and the home of the jobs; kept from run to run by the caller */
  readonly state: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  /** as people see it: 'train' */
  readonly name: string;
  /** as the workflow calls it: 'level-1' */
  readonly id: string;
  readonly result: 'success' | 'failure' | 'unknown';
  readonly log: string;
  /** seconds */
  readonly seconds: number;
}

export interface WorkflowRun {
  readonly ok: boolean;
  /** those that started, in the order in which they did */
  readonly jobs: readonly Job[];
  readonly log: string;
  /** from the event to the end of the last job, in seconds */
  readonly seconds: number;
  /** what the steps wrote for the page of the run */
  readonly summary: string;
  /** path of an artifact's file */
  artifact(name: string, file: string): string;
}

export async function runWorkflow(order: WorkflowOrder): Promise<WorkflowRun> {
  const program = await installGoProgram('act');
  const run = join(order.state, `run-${order.runId}`);
  for (const folder of ['home', 'artifacts']) mkdirSync(join(run, folder), { recursive: true });
  mkdirSync(join(order.state, 'cache', 'act'), { recursive: true });
  // RUNNER_TOOL_CACHE is a folder of act's own
  if (!existsSync(join(order.state, 'cache/act/tool_cache'))) symlinkSync(order.release.tools, join(order.state, 'cache/act/tool_cache'));
  const eventFile = join(run, 'event.json');
  writeFileSync(eventFile, JSON.stringify(order.payload));
  const env = {
    GITHUB_REPOSITORY: order.name,
    GITHUB_API_URL: order.api.url,
    GITHUB_SERVER_URL: new URL(order.api.url).origin,
    GITHUB_RUN_ID: order.runId,
    GITHUB_REF: order.ref,
    GITHUB_WORKFLOW_REF: `${order.name}/${order.workflow}@${order.ref}`,
    RIG_ORIGIN: order.origin,
    RIG_ARTIFACTS: join(run, 'artifacts'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...order.env,
  };
  const words = [
    order.event,
    '--json',
    '--no-skip-checkout',
    '--no-cache-server',
    `--workflows=${order.workflow}`,
    `--eventpath=${eventFile}`,
    '--artifact-server-addr=127.0.0.1',
    `--artifact-server-port=${await freePort()}`,
    ...['ubuntu-24.04', 'ubuntu-latest', 'self-hosted', 'gpu'].map((label) => `--platform=${label}=-self-hosted`),
    ...localRepositories(order),
    ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...Object.entries({ GITHUB_TOKEN: order.api.token, ...order.secrets }).flatMap(([name, value]) => ['--secret', `${name}=${value}`]),
  ];
  const began = performance.now();
  const { code, records, rest } = await start(program, words, {
    cwd: order.repository,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: join(run, 'home'), XDG_CACHE_HOME: join(order.state, 'cache'), TZ: 'UTC' },
  });
  const seconds = (performance.now() - began) / 1000;
  const jobs = jobsIn(records);
  const log = `${jobs.map((job) => `== ${job.name}\n${job.log}`).join('')}${rest}`;
  writeFileSync(join(run, 'log.txt'), log);
  const summary = records
    .filter((one) => one.command === 'summary')
    .map((one) => one.content ?? one.msg ?? '')
    .join('\n');
  return { ok: code === 0, jobs, log, seconds, summary, artifact: (name, file) => join(run, 'artifacts', name, file) };
}

/** Every `uses:` of somebody else's in the workflow and in our actions, by what stands for it here. */
function localRepositories({ repository, workflow, release, api }: WorkflowOrder): string[] {
  const texts = [
    join(repository, workflow),
    ...['setup', 'run'].map((name) => join(release.folder, 'actions', name, 'action.yml')),
    join(release.folder, 'action.yml'),
  ];
  const all = texts
    .filter((path) => existsSync(path))
    .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/uses: ([\w-]+\/[\w-]+)(?:\/[\w./-]+)?@([0-9a-f]{40})/g)]);
  const wanted = new Map(all.map(([, name = '', commit = '']) => [`${name}@${commit}`, name]));
  return [...wanted].flatMap(([reference, name]) => {
    const folder = name === 'plumbline/plumbline' ? release.folder : standIns[name];
    if (folder === undefined) throw new Error(`nothing here stands for ${name}`);
    return ['--local-repository', `${new URL(api.url).origin}/${reference}=${folder}`];
  });
}

interface Line {
  readonly job?: string;
  readonly jobID?: string;
  readonly msg?: string;
  readonly raw_output?: boolean;
  readonly jobResult?: string;
  readonly command?: string;
  readonly content?: string;
  readonly time?: string;
}

function jobsIn(records: readonly Line[]): Job[] {
  const found = Map.groupBy(
    records.filter((one) => one.job !== undefined),
    (one) => `${one.jobID} ${one.job}`,
  );
  return [...found.values()].map((lines) => {
    const times = lines.flatMap(({ time }) => (time === undefined ? [] : [Date.parse(time)]));
    return {
      name: (lines[0]?.job ?? '').replace(/^[^/]*\//, '').trim(),
      id: lines[0]?.jobID ?? '',
      result: (lines.findLast((one) => one.jobResult !== undefined)?.jobResult ?? 'unknown') as Job['result'],
      log: lines.map(({ msg = '' }) => (msg.endsWith('\n') ? msg : `${msg}\n`)).join(''),
      seconds: times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000,
    };
  });
}

function start(
  program: string,
  words: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<{ code: number; records: Line[]; rest: string }> {
  const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const records: Line[] = [];
      let rest = '';
      for (const line of text.split('\n')) {
        try {
          records.push(JSON.parse(line) as Line);
        } catch {
          rest += `${line}\n`;
        }
      }
      resolve({ code: code ?? 1, records, rest });
    });
  });
}
