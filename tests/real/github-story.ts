// A repository made by `plumb init --template classifier`, on a stand-in for GitHub, whose workflows run in act: what the stories of github-*.test.ts
// play on. The rows are those of a few intents, so that a training takes a second.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startGitHub, type GitHubApi } from '../github-api/start.ts';
import { node } from '../project.ts';
import { runWorkflow, type WorkflowRun } from './servers/act/act.ts';
import { makeRelease, type Release } from './servers/act/release.ts';

const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const few = /"label":"(?:card_arrival|age_limit|lost_or_stolen_card|pin_blocked)"/;

export interface StoryOptions {
  /** what becomes of the template's files before the first commit; default: the rows of four intents, few epochs */
  readonly prepare?: (story: GithubStory) => void;
  /** default: a folder */
  readonly remote?: string;
  /** what the remote asks for: of people's machines and of runners */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** default: true; the event of a fork has none */
  readonly secrets?: boolean;
}

export class GithubStory implements AsyncDisposable {
  readonly top: string;
  readonly github: GitHubApi;
  readonly release: Release;
  /** private half of the key that signs */
  readonly key: string;
  private readonly env: Readonly<Record<string, string>>;
  private runs = 100;

  private constructor({
    top,
    github,
    release,
    key,
    env,
  }: {
    top: string;
    github: GitHubApi;
    release: Release;
    key: string;
    env: Readonly<Record<string, string>>;
  }) {
    this.top = top;
    this.github = github;
    this.release = release;
    this.key = key;
    this.env = env;
  }

  /** The repository, its first commit pushed to main. */
  static async create(options: StoryOptions = {}): Promise<GithubStory> {
    const { env = {} } = options;
    const top = realpathSync(mkdtempSync(join(tmpdir(), 'plumb-github-')));
    for (const name of ['release', 'work', 'act', 'store']) mkdirSync(join(top, name));
    const github = await startGitHub({ token, git: true });
    const release = makeRelease(join(top, 'release'));
    const draft = new GithubStory({ top, github, release, key: '', env });
    const made = JSON.parse(await draft.plumb('keys', 'new', '--name', 'ci', '--json')) as { public: string; private: string };
    const story = new GithubStory({ top, github, release, key: made.private, env });
    await story.git('init', '--quiet', '--initial-branch', 'main');
    await story.git('remote', 'add', 'origin', github.git?.folder() ?? '');
    await story.plumb('init', '--template', 'classifier', '--remote', options.remote ?? join(top, 'store'));
    (options.prepare ?? keepFew)(story);
    story.edit('policy.yaml', (text) => `${text}${trustOf(made.public)}`);
    for (const name of ['intents', 'intents-test']) await story.plumb('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
    await story.commit('The first version');
    await story.push('main');
    return story;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.github.close();
    rmSync(this.top, { recursive: true, force: true });
  }

  get work(): string {
    return join(this.top, 'work');
  }

  read(path: string): string {
    return readFileSync(join(this.work, path), 'utf8');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.work, path)), { recursive: true });
    writeFileSync(join(this.work, path), text);
  }

  edit(path: string, change: (text: string) => string): void {
    const before = this.read(path);
    const after = change(before);
    if (after === before) throw new Error(`the change of ${path} changes nothing`);
    this.write(path, after);
  }

  git(...words: string[]): Promise<string> {
    return this.start('git', words, this.work);
  }

  plumb(...words: string[]): Promise<string> {
    return this.start(node, [this.release.plumb, ...words], this.work);
  }

  async commit(message: string): Promise<string> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--message', message);
    return (await this.git('rev-parse', 'HEAD')).trim();
  }

  /** The branch and its data, as people push them. */
  async push(branch: string, origin = 'origin'): Promise<void> {
    await this.plumb('push');
    await this.git('push', '--quiet', origin, `HEAD:refs/heads/${branch}`);
    this.github.git?.refresh();
  }

  /** A branch of main with a change, pushed, and a pull request from it. @returns its number */
  async openPull(branch: string, change: () => void | Promise<void>): Promise<number> {
    await this.branch(branch, change);
    await this.push(branch);
    return this.github.openPull({ head: branch, base: 'main', title: branch, author: 'ann' }).number;
  }

  async branch(name: string, change: () => void | Promise<void>): Promise<void> {
    await this.git('fetch', '--quiet', 'origin');
    await this.git('switch', '--quiet', '--force-create', name, 'origin/main');
    await this.plumb('checkout', '--force').catch(() => undefined);
    await change();
    await this.commit(name);
  }

  pull(number: number): GitHubApi['pulls'][number] {
    const found = this.github.pulls.find((one) => one.number === number);
    if (found === undefined) throw new Error(`there is no pull request ${number}`);
    return found;
  }

  /** What GitHub starts when a pull request is opened or pushed to. */
  async runPull(number: number, action: 'opened' | 'synchronize' = 'synchronize', options: RunOptions = {}): Promise<WorkflowRun> {
    const payload = this.github.events.pullRequest(number, action);
    return this.run({
      workflow: 'pr.yml',
      event: 'pull_request',
      payload,
      ref: `refs/pull/${number}/merge`,
      from: `refs/pull/${number}/merge`,
      ...options,
    });
  }

  async runMain(before: string): Promise<WorkflowRun> {
    const after = await this.tip('refs/heads/main');
    return this.run({
      workflow: 'main.yml',
      event: 'push',
      payload: this.github.events.push('refs/heads/main', before, after),
      ref: 'refs/heads/main',
    });
  }

  /** A person writes a comment, and GitHub starts what listens. */
  async comment(number: number, login: string, body: string): Promise<WorkflowRun> {
    const id = 5000 + this.github.comments.length;
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.github.comments.push({ id, issue: number, body, login, edits: 0, createdAt: at, updatedAt: at });
    return this.run({ workflow: 'commands.yml', event: 'issue_comment', payload: this.github.events.issueComment(id), ref: 'refs/heads/main' });
  }

  /** The last workflow that was dispatched. */
  async runDispatched(options: RunOptions = {}): Promise<WorkflowRun> {
    const asked = this.github.dispatches.at(-1);
    if (asked === undefined) throw new Error('nothing was dispatched');
    const payload = this.github.events.workflowDispatch('refs/heads/main', asked.inputs);
    return this.run({ workflow: asked.workflow, event: 'workflow_dispatch', payload, ref: 'refs/heads/main', ...options });
  }

  tip(ref: string): Promise<string> {
    return this.start('git', ['rev-parse', '--verify', ref], this.github.git?.folder() ?? '').then((text) => text.trim());
  }

  /** Merges as GitHub does. @returns what main was before */
  async merge(number: number): Promise<string> {
    const before = await this.tip('refs/heads/main');
    const { url } = this.github;
    const answer = await fetch(`${url}/repos/o/r/pulls/${number}/merge`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'content-type': 'application/json', 'user-agent': 'story' },
      body: JSON.stringify({ sha: this.pull(number).head, merge_method: 'merge' }),
    });
    if (!answer.ok) throw new Error(`the merge was refused: ${answer.status} ${await answer.text()}`);
    return before;
  }

  private async run(what: {
    workflow: string;
    event: 'pull_request' | 'push' | 'issue_comment' | 'workflow_dispatch';
    payload: unknown;
    ref: string;
    from?: string;
    secrets?: boolean;
  }): Promise<WorkflowRun> {
    // the workflow's file and GITHUB_SHA are those of this commit
    const repository = join(this.top, 'event');
    rmSync(repository, { recursive: true, force: true });
    await this.start('git', ['clone', '--quiet', '--no-checkout', this.github.git?.folder() ?? '', repository], this.top);
    await this.start('git', ['fetch', '--quiet', 'origin', what.from ?? what.ref], repository);
    await this.start('git', ['checkout', '--quiet', '--detach', 'FETCH_HEAD'], repository);
    this.runs += 1;
    const { secrets, from: _, ...order } = what;
    return runWorkflow({
      ...order,
      repository,
      workflow: `.github/workflows/${what.workflow}`,
      name: 'o/r',
      origin: this.github.git?.folder() ?? '',
      api: { url: this.github.url, token },
      release: this.release,
      runId: String(this.runs),
      state: join(this.top, 'act'),
      env: this.env,
      secrets: secrets === false ? {} : { PLUMB_SIGNING_KEY: this.key },
    });
  }

  private start(program: string, words: readonly string[], cwd: string): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: this.top,
      TZ: 'UTC',
      GIT_CONFIG_NOSYSTEM: '1',
      ...this.env,
      ...{ GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.org', GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@example.org' },
    };
    const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [printed, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (printed += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) =>
        code === 0 ? resolve(printed) : reject(new Error(`${program} ${words.join(' ')} ended with ${String(code)}: ${printed}${said}`)),
      );
    });
  }
}

/** Rows that are learned in a second. */
function keepFew(story: GithubStory): void {
  for (const name of ['data/intents.jsonl', 'data/intents-test.jsonl', 'data/held-back.jsonl']) {
    story.edit(
      name,
      (text) =>
        `${text
          .split('\n')
          .filter((line) => few.test(line))
          .join('\n')}\n`,
    );
  }
  story.edit('rules/intents.yaml', (text) => text.replace('min: 5000', 'min: 50'));
  story.edit('params.yaml', (text) => text.replace('epochs: 15', 'epochs: 5'));
}

function trustOf(key: string): string {
  return [
    '',
    '# Whose runs the main branch takes over from a pull request that was merged.',
    'trust:',
    '  repository: o/r',
    '  workflows: [.github/workflows/pr.yml, .github/workflows/main.yml]',
    '  keys:',
    `    - { name: ci, public: ${key} }`,
    '',
  ].join('\n');
}
