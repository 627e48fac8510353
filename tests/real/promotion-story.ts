// A team on a real Gitea, as its tutorial has it: an organisation with people, teams and a robot, a main branch that asks for `plumb/promotion`, secrets, the
// workflows of `plumb init --forge gitea` and a runner for them. Two models are trained: the first is in production, the second waits to be promoted.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openGit } from '../../src/git/open.ts';
import { publicText } from '../../src/pipeline/attestation.ts';
import { readLog, soundLog, type DecisionLog } from '../../src/registry/decision-log.ts';
import { newClone } from '../forge-clone.ts';
import { makeRelease } from './servers/act/release.ts';
import { addCheckout, startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';
import type { Server } from './servers/servers.ts';
import { Follower } from './follower.ts';
import { Team } from './team.ts';

export const repository = 'acme/intents';
export const pointer = 'models/intents/production.json';
const trains = 'plumbline.yml';

/** ada administers; ann, bea and carl are the team whose approvals count; mallory may write, and is of another team; the rest are machines. */
const people = ['ada', 'ann', 'bea', 'carl', 'mallory', 'plumb', 'server'] as const;
export type Person = (typeof people)[number];

export interface Pull {
  readonly number: number;
  readonly head: { readonly sha: string; readonly ref: string };
  readonly user: { readonly login: string };
  readonly merged: boolean;
  readonly merge_commit_sha: string | null;
}

interface Run {
  readonly id: number;
  readonly path: string;
  readonly status: string;
  readonly conclusion: string | null;
}

export class PromotionStory implements AsyncDisposable {
  readonly gitea: GiteaServer;
  readonly team: Team;
  readonly top: string;
  /** vouches for the log */
  readonly auditKey: string;
  /** its private half, as the secret of deploy.yml has it */
  readonly auditSigningKey: string;
  readonly #users: Readonly<Record<Person, GiteaUser>>;
  readonly #runner: Server;
  readonly #followers: Follower[] = [];

  private constructor(parts: {
    gitea: GiteaServer;
    team: Team;
    top: string;
    auditKey: string;
    auditSigningKey: string;
    users: Readonly<Record<Person, GiteaUser>>;
    runner: Server;
  }) {
    this.gitea = parts.gitea;
    this.team = parts.team;
    this.top = parts.top;
    this.auditKey = parts.auditKey;
    this.auditSigningKey = parts.auditSigningKey;
    this.#users = parts.users;
    this.#runner = parts.runner;
  }

  static async start(): Promise<PromotionStory> {
    const top = realpathSync(mkdtempSync(join(tmpdir(), 'plumb-promotion-')));
    const gitea = await startGitea();
    const users = await addPeople(gitea);
    await addCheckout(gitea, pushFiles);
    // this release of Plumbline is on the server; others' actions are there under a name of their own
    mkdirSync(join(top, 'release'));
    const release = makeRelease(join(top, 'release'), (text) => text.replaceAll(/actions\/(setup-node|cache)@[0-9a-f]{40}/g, 'actions/$1@v5'));
    await addOwned(gitea, 'plumbline', 'plumbline');
    const nothing = 'name: nothing\ndescription: node is there\nruns: { using: composite, steps: [{ shell: bash, run: node --version }] }\n';
    for (const name of ['setup-node', 'cache']) {
      await addOwned(gitea, 'actions', name);
      await pushFiles({ 'action.yml': nothing }, gitea.cloneUrl(gitea.admin, `actions/${name}`), 'v5');
    }
    const { privateKey } = generateKeyPairSync('ed25519');
    const auditKey = publicText(privateKey);
    const team = await Team.start({
      top,
      release,
      forge: 'gitea',
      origin: gitea.cloneUrl(users.ann, repository),
      repository,
      workflows: [`.gitea/workflows/${trains}`],
      prepare: (one) => prepare(one, auditKey),
      env: { PLUMB_FORGE_TOKEN: users.ann.token },
    });
    await team.start('git', ['push', '--quiet', gitea.cloneUrl(gitea.admin, 'plumbline/plumbline'), 'main'], release.folder);
    const auditSigningKey = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
    const secrets = {
      PLUMB_SIGNING_KEY: team.key,
      PLUMB_AUDIT_SIGNING_KEY: auditSigningKey,
      PLUMB_AUDIT_KEY: auditKey,
      PLUMB_FORGE_TOKEN: users.plumb.token,
    };
    for (const [name, data] of Object.entries(secrets)) await gitea.ask(users.ada, 'PUT', `/repos/${repository}/actions/secrets/${name}`, { data });
    const runner = await gitea.startRunner({ path: [fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))] });
    // RUNNER_TOOL_CACHE is a folder of the runner's own
    mkdirSync(join(runner.folder, 'work'), { recursive: true });
    symlinkSync(release.tools, join(runner.folder, 'work', 'tool_cache'));
    return new PromotionStory({ gitea, team, top, auditKey, auditSigningKey, users, runner });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#followers.map((one) => one.stop()));
    await this.#runner.stop();
    await this.gitea.stop();
    rmSync(this.top, { recursive: true, force: true });
  }

  /** A server of models that may only read. With a secret, the forge tells it of each push. */
  async follow(
    name: string,
    words: readonly string[],
    { secret, env = {} }: { secret?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<Follower> {
    const follower = await Follower.start({
      folder: join(this.top, name),
      cloneUrl: this.gitea.cloneUrl(this.user('server'), repository),
      origin: `${this.gitea.url}/${repository}.git`,
      env: {
        PLUMB_FORGE_TOKEN: this.user('server').token,
        PLUMB_AUDIT_KEY: this.auditKey,
        ...(secret === undefined ? {} : { PLUMB_WEBHOOK_SECRET: secret }),
        ...env,
      },
      words,
    });
    this.#followers.push(follower);
    if (secret !== undefined) {
      const config = { url: `${follower.url}/hooks/forge`, content_type: 'json', secret };
      await this.ask('ada', 'POST', '/hooks', { type: 'gitea', active: true, events: ['push'], config });
    }
    return follower;
  }

  /** What main has is pushed, and a job of it has run and signed the pipeline. */
  async train(): Promise<void> {
    const before = (await this.ended(trains)).length;
    await this.team.plumb('push');
    await this.push('ada', 'main');
    const run = await this.endOf(trains, before);
    if (run.conclusion !== 'success') throw new Error(await this.logOf(run.id));
  }

  /** @param names of workflow files; all unless told */
  async pauseJobs(...names: string[]): Promise<void> {
    const files = names.length > 0 ? names : readdirSync(join(this.team.work, '.gitea/workflows'));
    for (const name of files) await this.ask('ada', 'PUT', `/actions/workflows/${name}/disable`);
  }

  user(login: Person): GiteaUser {
    return this.#users[login];
  }

  ask<T = unknown>(who: Person, method: string, path: string, body?: unknown): Promise<T> {
    return this.gitea.ask<T>(this.user(who), method, `/repos/${repository}${path}`, body);
  }

  answer(who: Person, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    return this.gitea.answer(this.user(who), method, `/repos/${repository}${path}`, body);
  }

  /** plumb in the team's clone, by somebody's token; what --json says. */
  async plumb<T = unknown>(who: Person, ...words: string[]): Promise<T> {
    return JSON.parse(await this.team.plumbAs({ PLUMB_FORGE_TOKEN: this.user(who).token }, '--json', ...words)) as T;
  }

  /** The team's clone knows all that the forge has, and its work tree is main. @returns the commit */
  async pullMain(): Promise<string> {
    await this.team.git('fetch', '--quiet', '--prune', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    await this.team.git('checkout', '--quiet', '--force', '-B', 'main', 'origin/main');
    return this.team.git('rev-parse', 'HEAD');
  }

  /** The pointer's bytes on main. */
  async pointerOnMain(): Promise<string> {
    await this.pullMain();
    return this.team.read(pointer);
  }

  async push(who: Person, ...refs: string[]): Promise<void> {
    await this.team.git('push', '--quiet', this.gitea.cloneUrl(this.user(who), repository), ...refs);
  }

  /** A branch of main that somebody made, pushed, and its pull request. */
  async offer(who: Person, branch: string, work: () => Promise<unknown>): Promise<Pull> {
    await this.pullMain();
    await this.team.git('checkout', '--quiet', '-B', branch);
    await work();
    await this.push(who, `HEAD:refs/heads/${branch}`);
    await this.team.git('checkout', '--quiet', 'main');
    return this.openPull(who, branch);
  }

  /** A branch that was just pushed is unknown to the interface for a moment. */
  async openPull(who: Person, branch: string): Promise<Pull> {
    const { body } = await this.until(`a pull request of ${branch}`, async () => {
      const given = await this.answer(who, 'POST', '/pulls', { title: branch, head: branch, base: 'main' });
      return given.status === 201 ? given : null;
    });
    return body as Pull;
  }

  pull(number: number): Promise<Pull> {
    return this.ask<Pull>('ada', 'GET', `/pulls/${number}`);
  }

  /** The newest one that comes from a branch of this name. */
  async pullOf(branch: RegExp): Promise<Pull> {
    return this.until(`an open pull request of ${branch}`, async () => {
      const open = await this.ask<Pull[]>('ada', 'GET', '/pulls?state=open&sort=recentupdate');
      return open.find(({ head }) => branch.test(head.ref)) ?? null;
    });
  }

  /** As people do it, later than the push: Gitea lists a push some moments after it, in whole seconds, and an approval from before counts for nothing. */
  async review(number: number, who: Person, event: 'APPROVED' | 'REQUEST_CHANGES'): Promise<{ status: number; body: unknown }> {
    const { head } = await this.pull(number);
    await this.until(`the push of ${head.sha} in the activities`, async () => {
      const feed = await this.ask<{ content: string; created: string }[]>('ada', 'GET', '/activities/feeds?limit=50');
      const listed = feed.find(({ content }) => content.includes(`"HeadCommit":{"Sha1":"${head.sha}"`));
      return listed !== undefined && Date.now() - Date.parse(listed.created) > 1000 ? listed : null;
    });
    return this.answer(who, 'POST', `/pulls/${number}/reviews`, { event, body: 'I looked.' });
  }

  /** What the required check says of a pull request, and its comment. */
  async said(number: number): Promise<{ state: string; description: string; comment: string }> {
    const { head } = await this.pull(number);
    const all = await this.ask<{ context: string; status: string; description: string }[]>('ada', 'GET', `/commits/${head.sha}/statuses?limit=50`);
    const [last] = all.filter(({ context }) => context === 'plumb/promotion');
    const comments = await this.ask<{ body: string }[]>('ada', 'GET', `/issues/${number}/comments`);
    const comment = comments.findLast(({ body }) => body.startsWith('<!-- plumbline check '))?.body ?? '';
    return { state: last?.status ?? 'none', description: last?.description ?? '', comment: comment.includes(head.sha) ? comment : '' };
  }

  /** Waits for an answer of the check. @param words all of which its comment has */
  checked(
    number: number,
    state: 'success' | 'failure' | 'pending',
    ...words: (string | RegExp)[]
  ): Promise<{ description: string; comment: string }> {
    return this.until(`${state} of pull request ${number} with ${words.join(', ')}`, async () => {
      const said = await this.said(number);
      const hasAll = words.every((word) => (typeof word === 'string' ? said.comment.includes(word) : word.test(said.comment)));
      return said.state === state && hasAll ? said : JSON.stringify(said);
    });
  }

  /** One try that counts. @returns what the forge answers, and what it says */
  async merge(number: number, who: Person): Promise<{ status: number; said: string }> {
    return this.until(`an answer to the merge of ${number}`, async () => {
      const { status, body } = await this.answer(who, 'POST', `/pulls/${number}/merge`, { Do: 'merge', delete_branch_after_merge: true });
      const said = typeof body === 'string' ? body : JSON.stringify(body);
      return /try again later/i.test(said) ? said : { status, said };
    });
  }

  async dispatch(who: Person, workflow: string, inputs: Readonly<Record<string, string>>): Promise<void> {
    await this.ask(who, 'POST', `/actions/workflows/${workflow}/dispatches`, { ref: 'main', inputs });
  }

  /** The runs of a workflow that have ended, the newest first. */
  async ended(workflow: string): Promise<Run[]> {
    const { workflow_runs: runs } = await this.ask<{ workflow_runs: Run[] }>('ada', 'GET', '/actions/runs?limit=50');
    return runs.filter(({ path, status }) => path.startsWith(`${workflow}@`) && status === 'completed');
  }

  /** Until a workflow has ended once more than it had. */
  async endOf(workflow: string, before: number): Promise<Run> {
    return this.until(`the end of ${workflow}`, async () => {
      const all = await this.ended(workflow);
      return all.length > before ? (all[0] ?? null) : null;
    });
  }

  async logOf(run: number): Promise<string> {
    const { jobs } = await this.ask<{ jobs: { id: number }[] }>('ada', 'GET', `/actions/runs/${run}/jobs`);
    const texts = await Promise.all(jobs.map(async ({ id }) => String((await this.answer('ada', 'GET', `/actions/jobs/${id}/logs`)).body)));
    return texts.join('\n');
  }

  /** The log of decisions as the forge has it, read by somebody who trusts nothing. */
  async log(): Promise<DecisionLog> {
    const main = await this.pullMain();
    const git = await openGit(this.team.work, { ...process.env });
    return soundLog(await readLog({ git, prefix: '', ref: 'refs/remotes/origin/plumb/audit', main, pin: this.auditKey }));
  }

  /** The newest record about a commit. */
  async recordOf(commit: string): Promise<DecisionLog['records'][number]> {
    return this.until(
      `a record about ${commit}`,
      async () => (await this.log()).records.findLast(({ decision }) => decision.commit === commit) ?? null,
    );
  }

  /** Titles of the issues that are open. */
  async issues(): Promise<string[]> {
    const all = await this.ask<{ title: string }[]>('ada', 'GET', '/issues?state=open&type=issues');
    return all.map(({ title }) => title);
  }

  /** What the button "Revert" of a commit's page does, by a browser that is signed in: a commit on a branch of its own. */
  async pressRevert(who: Person, commit: string, branch: string): Promise<void> {
    const { url } = this.gitea;
    const { login, password } = this.user(who);
    const form = (fields: Record<string, string>, cookie: string): RequestInit => ({
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { cookie },
      redirect: 'manual',
    });
    const signedIn = await fetch(`${url}/user/login`, form({ user_name: login, password }, ''));
    // of two with one name the last one counts
    const cookies = new Map(signedIn.headers.getSetCookie().map((one) => [one.split('=')[0], one.split(';')[0]]));
    const fields = { commit_choice: 'commit-to-new-branch', new_branch_name: branch, revert: 'true', commit_summary: `revert ${commit}` };
    const answer = await fetch(`${url}/${repository}/_cherrypick/${commit}/main`, form(fields, [...cookies.values()].join('; ')));
    const where = answer.headers.get('location') ?? '';
    if (answer.status >= 400 || where.startsWith('/user/login')) throw new Error(`revert: ${answer.status} ${where}`);
  }

  /**
   * Asks again and again, for two minutes at most.
   * @param look null, or a text that says what is there instead: not yet
   * @throws Error with what the runner said
   */
  async until<T extends object>(what: string, look: () => Promise<T | string | null>): Promise<T> {
    const begun = performance.now();
    for (let found: T | string | null = null; ; await pause(150)) {
      try {
        found = await look();
      } catch (error) {
        found = String(error);
      }
      if (found !== null && typeof found !== 'string') return found;
      if (performance.now() - begun > 120_000) throw new Error(`there is no ${what}: ${found}\n${await this.lastLogs()}`);
    }
  }

  /** What the jobs of the newest runs printed, for whoever looks for a reason. */
  async lastLogs(): Promise<string> {
    const { workflow_runs: runs } = await this.ask<{ workflow_runs: Run[] }>('ada', 'GET', '/actions/runs?limit=3');
    const logs = runs.map(async (run) => `${run.path} ${run.status} ${run.conclusion}\n${(await this.logOf(run.id)).slice(-2500)}`);
    return (await Promise.all(logs)).join('\n');
  }
}

async function addPeople(gitea: GiteaServer): Promise<Record<Person, GiteaUser>> {
  const found = await Promise.all(people.map(async (login) => [login, await gitea.newUser(login)] as const));
  const users = Object.fromEntries(found) as Record<Person, GiteaUser>;
  await gitea.ask(users.ada, 'POST', '/orgs', { username: 'acme' });
  await gitea.ask(users.ada, 'POST', '/orgs/acme/repos', { name: 'intents', private: true, default_branch: 'main' });
  const units = ['repo.code', 'repo.pulls', 'repo.issues', 'repo.actions'];
  const teams: readonly (readonly [name: string, permission: string, members: readonly Person[]])[] = [
    // only members are told who else is one
    ['ml', 'write', ['ann', 'bea', 'carl', 'plumb']],
    ['apps', 'write', ['mallory']],
    ['machines', 'admin', ['plumb']],
    ['readers', 'read', ['server']],
  ];
  for (const [name, permission, members] of teams) {
    const wanted = { name, permission, ...(permission === 'admin' ? {} : { units }), includes_all_repositories: true };
    const { id } = await gitea.ask<{ id: number }>(users.ada, 'POST', '/orgs/acme/teams', wanted);
    for (const login of members) await gitea.ask(users.ada, 'PUT', `/teams/${id}/members/${login}`);
  }
  return users;
}

/** Rows that are learned in a second; others' actions by a name that this server has; who may do what. */
function prepare(team: Team, auditKey: string): void {
  for (const name of readdirSync(join(team.work, '.gitea/workflows')))
    if (team.read(`.gitea/workflows/${name}`).includes('actions/checkout@'))
      team.edit(`.gitea/workflows/${name}`, (text) => text.replaceAll(/actions\/checkout@[0-9a-f]{40}/g, 'actions/checkout@v5'));
  for (const name of ['data/intents.jsonl', 'data/intents-test.jsonl', 'data/held-back.jsonl'])
    team.edit(name, (text) => {
      const kept = text.split('\n').filter((line) => /"label":"(?:card_arrival|age_limit)"/.test(line));
      return `${kept.join('\n')}\n`;
    });
  team.edit('rules/intents.yaml', (text) => text.replace('min: 5000', 'min: 50'));
  team.edit('params.yaml', (text) => text.replace('epochs: 15', 'epochs: 4'));
  team.edit('plumbline.yaml', (text) => `${text}\nforge: { kind: gitea }\n`);
  // of 80 cases nobody can rule out a loss of one point
  team.edit('policy.yaml', (text) => text.replace('not_worse_by: 0.01', 'not_worse_by: 0.2').replace('at_least: 0.88', 'at_least: 0.8'));
  const rules = `
access:
  approve: { teams: [ml] }
  machines: [plumb]
audit: { keys: [{ name: deploy, public: "${auditKey}" }] }
`;
  team.edit('policy.yaml', (text) => text.replace('approvals: { count: 1 }', 'approvals: { count: 1, teams: [ml] }') + rules);
}

async function addOwned(gitea: GiteaServer, organisation: string, name: string): Promise<void> {
  await gitea.answer(gitea.admin, 'POST', '/orgs', { username: organisation });
  await gitea.ask(gitea.admin, 'POST', `/orgs/${organisation}/repos`, { name, default_branch: 'main' });
}

async function pushFiles(files: Readonly<Record<string, string>>, address: string, tag: string): Promise<void> {
  await using clone = await newClone();
  await clone.commit(tag, files);
  await clone.git('tag', tag);
  await clone.git('push', '--quiet', address, 'main', tag);
}
