// Gitea with its own Actions runner, whose jobs run on this host: a forge that nobody here wrote. Everything is made anew for each start and goes
// with it. What differs from GitHub, and what to wait for:
//
// - A branch that was just pushed is unknown to the interface for up to half a second; a merge after a review answers 405 "Please try again later"
//   for up to two. Ask again.
// - A dynamic matrix, fromJSON(needs.x.outputs.y), is not expanded: one job with empty values.
// - GITHUB_REF is refs/pull/N/head, GITHUB_SHA its head. There is no GITHUB_WORKFLOW_REF, no OIDC token; step summaries are not shown.
// - A workflow on pull_request_review runs the pull request's own file, with a token that writes statuses.
// - Reviews are APPROVED, REQUEST_CHANGES, COMMENT. GitHub's word APPROVE is taken without an error and makes a draft.
// - `using: node24` runs the `node` of the job's PATH. The runner keeps clones of actions by name: a moved tag may stay.
// - `uses: owner/repo@ref` means this server: github.com is never asked. Its pages have no styles, for its web part is not built.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { installGitea, installGoProgram } from '../install.ts';
import { start, type Server } from '../servers.ts';

export interface GiteaUser {
  readonly login: string;
  /** may do all that the user may */
  readonly token: string;
  /** for its pages */
  readonly password: string;
}

export interface GiteaServer extends Server {
  /** <url>/api/v1 */
  readonly apiUrl: string;
  readonly admin: GiteaUser;
  /** One request as `who`; throws what the server says when it does not take it. @param path below /api/v1 */
  ask<T = unknown>(who: GiteaUser, method: string, path: string, body?: unknown): Promise<T>;
  /** The same, with the status instead of an error. */
  answer(who: GiteaUser, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  newUser(login: string): Promise<GiteaUser>;
  /** Address for git, with the user's token in it. @param repository owner/name */
  cloneUrl(who: GiteaUser, repository: string): string;
  /** Starts the runner that takes jobs for these labels. @param options.path folders before the PATH of its jobs */
  startRunner(options?: RunnerOptions): Promise<Server>;
}

export interface RunnerOptions {
  /** jobs at once */
  readonly capacity?: number;
  readonly labels?: readonly string[];
  readonly path?: readonly string[];
}

const run = promisify(execFile);

export async function startGitea(): Promise<GiteaServer> {
  const { program, pages } = await installGitea();
  const server = await start({
    name: 'gitea',
    env: {},
    command: async ({ folder, port }) => {
      await mkdir(join(folder, 'data'), { recursive: true });
      await writeFile(join(folder, 'app.ini'), settings({ folder, port, pages }));
      const config = ['-c', join(folder, 'app.ini')];
      await run(program, [...config, 'migrate'], { env: { PATH: process.env['PATH'], HOME: folder } });
      return [program, ...config, 'web'];
    },
  });
  try {
    return await withUsers(server, program);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function withUsers(server: Server, program: string): Promise<GiteaServer> {
  const env = { PATH: process.env['PATH'], HOME: server.folder };
  const command = async (...words: string[]): Promise<string> =>
    (await run(program, ['-c', join(server.folder, 'app.ini'), ...words], { env })).stdout;
  /** What a command made: on a machine that is busy, warnings about slow queries stand around it. */
  const secretOf = async (...words: string[]): Promise<string> => {
    const said = await command(...words);
    const secret = /^[0-9A-Za-z]{40}$/m.exec(said)?.[0];
    if (secret === undefined) throw new Error(`gitea ${words.join(' ')} made no secret: ${said}`);
    return secret;
  };
  const apiUrl = `${server.url}/api/v1`;
  const newPassword = (): string => `Pw-${randomBytes(9).toString('hex')}`;
  const adminPassword = newPassword();
  const account = ['--username', 'the-admin', '--email', 'the-admin@gitea.test', '--password', adminPassword, '--must-change-password=false'];
  await command('admin', 'user', 'create', '--admin', ...account);
  const wish = ['--username', 'the-admin', '--token-name', 'tests', '--scopes', 'all', '--raw'];
  const token = await secretOf('admin', 'user', 'generate-access-token', ...wish);
  const admin: GiteaUser = { login: 'the-admin', token, password: adminPassword };

  async function answer(who: GiteaUser, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { authorization: `token ${who.token}`, 'content-type': 'application/json' };
    const response = await fetch(`${apiUrl}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: /^[[{]/.test(text) ? (JSON.parse(text) as unknown) : text };
  }

  async function ask<T>(who: GiteaUser, method: string, path: string, body?: unknown): Promise<T> {
    const given = await answer(who, method, path, body);
    if (given.status >= 300) throw new Error(`${method} ${path}: ${given.status} ${JSON.stringify(given.body)}`);
    return given.body as T;
  }

  async function newUser(login: string): Promise<GiteaUser> {
    const password = newPassword();
    await ask(admin, 'POST', '/admin/users', { username: login, email: `${login}@gitea.test`, password, must_change_password: false });
    const headers = { authorization: `Basic ${btoa(`${login}:${password}`)}`, 'content-type': 'application/json' };
    const response = await fetch(`${apiUrl}/users/${login}/tokens`, { method: 'POST', headers, body: '{"name":"tests","scopes":["all"]}' });
    return { login, token: ((await response.json()) as { sha1: string }).sha1, password };
  }

  async function startRunner(options: RunnerOptions = {}): Promise<Server> {
    const runner = await installGoProgram('gitea-runner');
    const secret = await secretOf('actions', 'generate-runner-token');
    return start({
      name: 'gitea-runner',
      env: {},
      ready: /declare successfully/,
      command: async ({ folder }) => {
        const config = join(folder, 'config.yaml');
        await writeFile(config, runnerSettings(folder, options));
        const words = ['register', '--no-interactive', '--instance', server.url, '--token', secret, '--name', 'tests'];
        await run(runner, ['-c', config, ...words], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } });
        return [runner, '-c', config, 'daemon'];
      },
    });
  }

  const cloneUrl = (who: GiteaUser, repository: string): string => `${server.url.replace('//', `//${who.login}:${who.token}@`)}/${repository}.git`;
  return { ...server, apiUrl, admin, ask, answer, newUser, cloneUrl, startRunner };
}

/**
 * Makes actions/checkout known on a server: a few lines of git in place of the real one, which only github.com has.
 * @param push pushes a folder's commit as branch main and tag to an address
 */
export async function addCheckout(
  server: GiteaServer,
  push: (files: Readonly<Record<string, string>>, address: string, tag: string) => Promise<void>,
): Promise<void> {
  await server.ask(server.admin, 'POST', '/orgs', { username: 'actions' });
  await server.ask(server.admin, 'POST', '/orgs/actions/repos', { name: 'checkout', default_branch: 'main' });
  const action = readFileSync(new URL('actions/checkout/action.yml', import.meta.url), 'utf8');
  await push({ 'action.yml': action }, server.cloneUrl(server.admin, 'actions/checkout'), 'v5');
}

function settings({ folder, port, pages }: { folder: string; port: number; pages: string }): string {
  const secret = randomBytes(32).toString('hex');
  return `
APP_NAME = tests
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${pages}
APP_DATA_PATH = ${folder}/data
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = true
[database]
DB_TYPE = sqlite3
PATH = ${folder}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL
[repository]
ROOT = ${folder}/data/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = ${secret}
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
DISABLE_REGISTRATION = true
[actions]
ENABLED = true
DEFAULT_ACTIONS_URL = self
[webhook]
ALLOWED_HOST_LIST = loopback
[migrations]
ALLOW_LOCALNETWORKS = true
[log]
MODE = console
LEVEL = Warn
`;
}

/** Its cache server would listen on every address, so there is none. */
function runnerSettings(
  folder: string,
  { capacity = 2, labels = ['ubuntu-latest', 'ubuntu-24.04', 'self-hosted', 'gpu'], path = [] }: RunnerOptions,
): string {
  const names = labels.map((label) => JSON.stringify(`${label}:host`));
  const jobPath = [...path, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  return `
log: { level: info }
runner:
  file: ${folder}/.runner
  capacity: ${capacity}
  fetch_interval: 200ms
  fetch_interval_max: 400ms
  log_report_interval: 400ms
  log_report_max_latency: 200ms
  state_report_interval: 400ms
  labels: [ ${names.join(', ')} ]
  envs: { PATH: ${JSON.stringify(jobPath)} }
cache: { enabled: false }
host: { workdir_parent: ${folder}/work }
`;
}
