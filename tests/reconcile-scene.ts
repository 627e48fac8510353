// A team at a forge, for tests of reconcile: its repository with models, a log of decisions and the key that signs it, GitHub's stand-in with git over HTTP, and
// runners that have a clone each. Everything is real but the forge, which is strict.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { silentProgress } from '../src/base/progress.ts';
import { openForge, type Forge } from '../src/forge/index.ts';
import { openGit } from '../src/git/open.ts';
import { publicText } from '../src/pipeline/attestation.ts';
import { readLog, soundLog, type DecisionLog } from '../src/registry/decision-log.ts';
import { better, ExampleRepository, good, type ExampleOrder } from '../src/registry/example.fixture.ts';
import { approvedPolicy, JudgeScene } from '../src/registry/judge.fixture.ts';
import type { Cli } from '../src/cli/command.ts';
import { reconcileNow } from '../src/cli/reconcile-run.ts';
import type { ReconcileOptions } from '../src/cli/reconcile.ts';
import { startGitHub, type GitHubApi } from './github-api/start.ts';
import type { Pull } from './github-api/state.ts';
import { node, plumbFile } from './project.ts';

const execute = promisify(execFile);

export const { privateKey } = generateKeyPairSync('ed25519');
/** as a secret has it */
export const signingKey = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
export const teamPolicy = `${approvedPolicy}audit:\n  keys: [{ name: reconcile, public: "${publicText(privateKey)}" }]\n`;

/** What a run said. */
export interface Said {
  readonly exit: number;
  /** the document of --json */
  readonly json: {
    readonly written: readonly Written[];
    readonly refused: readonly {
      readonly seq: number;
      readonly commit: string;
      readonly points: readonly { point: string; holds: unknown; why: string }[];
    }[];
    readonly served: readonly { readonly model: string; readonly stage: string; readonly artifact: string; readonly commit: string }[];
    readonly troubles: readonly { readonly code: string; readonly what: string }[];
  };
  readonly notes: string;
  /** code of the error that it ended with */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Written {
  readonly seq: number;
  readonly kind: string;
  readonly commit: string;
  readonly holds: boolean;
  readonly moves: readonly { readonly model: string; readonly stage: string; readonly served: boolean; readonly to: string | null }[];
  readonly points: readonly { readonly point: string; readonly holds: unknown; readonly why: string }[];
  readonly pull: { readonly number: number; readonly author: string | null; readonly mergedBy: string | null } | null;
  readonly approvals: readonly { readonly login: string }[];
  readonly reason: string | null;
}

/** By policy: a repository is made once, and each test gets a copy of it. */
const templates = new Map<string, Promise<{ top: string; team: JudgeScene }>>();

function templateOf(policy: string): Promise<{ top: string; team: JudgeScene }> {
  const made = templates.get(policy) ?? makeTemplate(policy);
  templates.set(policy, made);
  return made;
}

async function makeTemplate(policy: string): Promise<{ top: string; team: JudgeScene }> {
  const team = await JudgeScene.make(policy);
  const { repository } = team;
  await repository.write({ 'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(team.store.remoteUrl)}\n` });
  await repository.commitAll('the remote');
  await team.release({ candidate: good });
  await team.promote({ candidate: better, stage: 'staging' });
  const said = await runReconcile(
    { folder: repository.top, env: { ...definedOf(repository.env), PLUMB_AUDIT_SIGNING_KEY: signingKey } },
    { start: true, offline: true },
  );
  if (said.exit !== 0 || said.error !== null) throw new Error(`the log did not begin: ${JSON.stringify(said)}`);
  return { top: repository.top, team };
}

export async function removeTemplates(): Promise<void> {
  for (const made of templates.values()) await (await made).team.remove();
  templates.clear();
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

export class ReconcileScene {
  readonly team: JudgeScene;
  readonly github: GitHubApi;
  readonly folder: string;
  #runners = 0;

  constructor(parts: { team: JudgeScene; github: GitHubApi; folder: string }) {
    this.team = parts.team;
    this.github = parts.github;
    this.folder = parts.folder;
  }

  /** `good` is in both stages, `better` in staging since; the log has begun. */
  static async make(policy = teamPolicy): Promise<ReconcileScene> {
    const folder = await mkdtemp(join(tmpdir(), 'plumb reconcile-'));
    const { top, team: old } = await templateOf(policy);
    const [own, env] = [join(folder, 'team'), { ...old.repository.env, HOME: folder }];
    await cp(top, own, { recursive: true });
    const repository = new ExampleRepository({ top: own, prefix: old.repository.prefix, env, git: await openGit(own, env) });
    const team = new JudgeScene({ repository, store: old.store, manifest: old.manifest, folder });
    const github = await startGitHub({ token: 'token-of-job', git: true });
    const scene = new ReconcileScene({ team, github, folder });
    for (const [login, role] of Object.entries({ ada: 'write', bob: 'write', carol: 'admin', mallory: 'write' })) {
      github.actors[`token-of-${login}`] = { login, can: 'write' };
      github.permissions[login] = role;
    }
    github.workflows['promote.yml'] = [];
    github.workflows['rollback.yml'] = [];
    await scene.push('carol', 'main', 'plumb/audit');
    return scene;
  }

  async remove(): Promise<void> {
    await this.github.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get git(): JudgeScene['repository'] {
    return this.team.repository;
  }

  urlFor(login: string): string {
    return `${this.github.serverUrl.replace('//', `//x-access-token:token-of-${login}@`)}/o/r.git`;
  }

  /** Somebody pushes what a branch of the team's repository has. */
  async push(login: string, ...refs: readonly string[]): Promise<void> {
    await this.git.run('push', '-q', this.urlFor(login), ...refs);
  }

  /** The team's work tree gets what main is at the forge. */
  async pull(): Promise<string> {
    await this.git.run('checkout', '-q', 'main');
    await this.git.run('fetch', '-q', this.urlFor('carol'), 'main');
    await this.git.run('reset', '-q', '--hard', 'FETCH_HEAD');
    return this.git.head();
  }

  /** A branch with a promotion, pushed, and a pull request for it. */
  async propose(order: ExampleOrder, { author = 'ada', branch = 'promote' }: { author?: string; branch?: string } = {}): Promise<Pull> {
    return this.offer(() => this.team.promote(order), { author, branch });
  }

  async offer(work: () => Promise<unknown>, { author = 'ada', branch = 'work' }: { author?: string; branch?: string } = {}): Promise<Pull> {
    await this.pull();
    await this.git.run('checkout', '-q', '-B', branch);
    await work();
    await this.push(author, `+${branch}`);
    await this.git.run('checkout', '-q', 'main');
    return this.github.openPull({ head: branch, base: 'main', title: `${branch} by ${author}`, author });
  }

  approve(pull: Pull, login = 'bob', state: 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED' = 'APPROVED', commit = pull.head): void {
    const id = 500 + this.github.reviews.length;
    // reviews carry whole seconds, and so do pushes: one of the same second may have come before
    const submittedAt = new Date(Date.now() + 2000).toISOString().replace(/\.\d+Z$/, 'Z');
    this.github.reviews.push({ id, pull: pull.number, login, state, commit, submittedAt });
  }

  forge(login: string): Forge {
    return openForge('github', {
      apiUrl: this.github.url,
      owner: 'o',
      repo: 'r',
      token: `token-of-${login}`,
      author: login,
      fetch: globalThis.fetch,
      pause: () => Promise.resolve(),
      nowMs: () => Date.now(),
      random: () => 0,
    });
  }

  async merge(pull: Pull, { login = 'carol', method = 'squash' }: { login?: string; method?: 'merge' | 'squash' | 'rebase' } = {}): Promise<string> {
    const commit = await this.forge(login).merge(pull.number, { head: pull.head, method });
    await this.pull();
    return commit;
  }

  /** What was made of main is put onto it by hand, whatever the rules of the repository. */
  async pushDirectly(login: string, work: () => Promise<unknown>): Promise<string> {
    await this.pull();
    await work();
    await this.push(login, 'main');
    return this.git.head();
  }

  async runner({ bare = false } = {}): Promise<Runner> {
    this.#runners += 1;
    const folder = join(this.folder, `runner-${this.#runners}`);
    await execute('git', ['clone', '-q', ...(bare ? ['--bare'] : []), this.urlFor('job'), folder], { env: this.gitEnv() });
    // as actions/checkout with persist-credentials: false
    await execute('git', ['remote', 'set-url', 'origin', `${this.github.serverUrl}/o/r.git`], { cwd: folder, env: this.gitEnv() });
    return new Runner(folder, { ...this.gitEnv(), ...this.jobEnv() }, this);
  }

  gitEnv(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  }

  jobEnv(): Record<string, string> {
    return {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_API_URL: this.github.url,
      GITHUB_SERVER_URL: this.github.serverUrl,
      GITHUB_RUN_ID: '9001',
      GITHUB_TOKEN: 'token-of-job',
      PLUMB_AUDIT_SIGNING_KEY: signingKey,
    };
  }

  /** Tells of each request of the forge's interface and of git, before it is answered. @returns ends it */
  onRequest(tell: () => void): () => void {
    const { requests, git } = this.github;
    const [push, serve] = [requests.push, git?.serve];
    requests.push = (...entries) => {
      tell();
      return push.apply(requests, entries);
    };
    if (git !== null)
      git.serve = (...words) => {
        tell();
        serve?.apply(git, words);
      };
    return () => {
      requests.push = push;
      if (git !== null && serve !== undefined) git.serve = serve;
    };
  }

  /** The run of CI that the runners are. */
  async startedBy(login: string, event = 'workflow_dispatch'): Promise<void> {
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.github.runs.length = 0;
    const file = '.github/workflows/deploy.yml';
    const sha = await this.pull();
    this.github.runs.push({ id: 9001, file, event, branch: 'main', sha, attempts: [{ by: login, startedAt: at, endedAt: null }] });
  }

  /** Commits of the deployments of an environment that the forge shows as active. */
  activeIn(environment: string): string[] {
    const own = this.github.deployments.filter((one) => one.environment === environment);
    return own.filter(({ states }) => states.at(-1)?.state === 'success').map(({ sha }) => sha);
  }

  /** The log as the forge has it, read by somebody who trusts nothing. */
  async log(): Promise<DecisionLog> {
    await this.pull();
    await this.git.run('fetch', '-q', this.urlFor('carol'), '+plumb/audit:refs/heads/plumb/audit');
    const main = await this.git.head();
    return soundLog(await readLog({ git: this.git.git, prefix: this.git.prefix, ref: 'refs/heads/plumb/audit', main }));
  }
}

export class Runner {
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly scene: ReconcileScene;

  constructor(folder: string, env: Record<string, string>, scene: ReconcileScene) {
    this.folder = folder;
    this.env = env;
    this.scene = scene;
  }

  reconcile(options: ReconcileOptions = {}, env: Readonly<Record<string, string>> = {}): Promise<Said> {
    return runReconcile({ folder: this.folder, env: { ...this.env, ...env } }, options);
  }

  /** The real command, as a process of its own. */
  command(
    words: readonly string[] = [],
    started: (child: ChildProcess) => void = () => undefined,
  ): Promise<{ exit: number | null; stdout: string; stderr: string }> {
    const child = spawn(node, [plumbFile, 'reconcile', ...words], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    started(child);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exit, signal) => {
        const done = (): void => resolve({ exit, stdout, stderr });
        if (signal === null) child.once('close', done);
        else done();
      });
    });
  }

  /** As if the last run had been so long ago. */
  async age(ms: number): Promise<void> {
    const path = join(this.folder, '.git/plumb/reconciled.json');
    const stamp = JSON.parse(await readFile(path, 'utf8')) as { at: string };
    await writeFile(path, JSON.stringify({ ...stamp, at: new Date(Date.parse(stamp.at) - ms).toISOString() }));
  }
}

/** In this process, for the forge answers from it. */
async function runReconcile({ folder, env }: { folder: string; env: Record<string, string> }, options: ReconcileOptions): Promise<Said> {
  let document: unknown;
  const notes: string[] = [];
  const plain = (text: string): string => text;
  const cli: Cli = {
    cwd: folder,
    env,
    json: true,
    signal: new AbortController().signal,
    progress: silentProgress,
    now: () => new Date(),
    print: (text) => notes.push(text),
    emit: (value) => (document = JSON.parse(JSON.stringify(value))),
    note: (text) => notes.push(text),
    paint: { bold: plain, dim: plain, red: plain, green: plain, yellow: plain },
    exitCode: 0,
  };
  let error: Said['error'] = null;
  await reconcileNow(options, cli).catch((thrown: unknown) => {
    error = {
      code: (thrown as { code?: string }).code ?? 'BUG',
      message: thrown instanceof Error ? `${thrown.message}\n${thrown.stack}` : String(thrown),
    };
  });
  return {
    exit: cli.exitCode,
    json: (document ?? { written: [], refused: [], served: [], troubles: [] }) as Said['json'],
    notes: notes.join('\n'),
    error,
  };
}

const scenes: ReconcileScene[] = [];

/** A scene with a runner, until `removeScenes`. */
export async function openScene(policy?: string): Promise<{ scene: ReconcileScene; runner: Runner }> {
  const scene = await ReconcileScene.make(policy);
  scenes.push(scene);
  return { scene, runner: await scene.runner() };
}

/** @throws AssertionError where something was asked of the forge that GitHub would not take */
export async function removeScenes(): Promise<void> {
  const violations: string[] = [];
  for (const scene of scenes.splice(0)) {
    violations.push(...scene.github.violations);
    await scene.remove();
  }
  expect(violations).toEqual([]);
}

/** What a run served at a place: its digest. */
export function servedBy({ json }: Said, stage = 'production', model = 'intents'): string | undefined {
  return json.served.find((one) => one.model === model && one.stage === stage)?.artifact;
}

/** Points of a record that do not hold. */
export function against(
  points: readonly { readonly point: string; readonly holds: unknown; readonly why: string }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((points ?? []).flatMap(({ point, holds, why }) => (holds === true ? [] : [[point, why]])));
}
