// A team on GitHub: the repository of the template on a strict stand-in for GitHub (tests/github-api), whose workflow files run in act. What the stories
// of github-*.test.ts play on.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGitHub, type GitHubApi } from '../github-api/start.ts';
import { runWorkflow, type WorkflowOrder, type WorkflowRun } from './servers/act/act.ts';
import { makeRelease, type Release } from './servers/act/release.ts';
import { Team, type TeamOptions } from './team.ts';

const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';

export type StoryOptions = Pick<TeamOptions, 'prepare' | 'remote' | 'env'>;

export interface RunOptions {
  /** default: true; the event of a fork has none */
  readonly secrets?: boolean;
}

export class GithubStory implements AsyncDisposable {
  readonly top: string;
  readonly github: GitHubApi;
  readonly team: Team;
  private readonly release: Release;
  /** of the jobs to come */
  readonly jobEnv: Record<string, string>;
  private runs = 100;

  private constructor(parts: { top: string; github: GitHubApi; team: Team; release: Release; env: Readonly<Record<string, string>> }) {
    this.top = parts.top;
    this.github = parts.github;
    this.team = parts.team;
    this.release = parts.release;
    this.jobEnv = { ...parts.env };
  }

  /** The repository, its first commit pushed to main. */
  static async create(options: StoryOptions = {}): Promise<GithubStory> {
    const top = realpathSync(mkdtempSync(join(tmpdir(), 'plumb-github-')));
    for (const name of ['release', 'act']) mkdirSync(join(top, name));
    const github = await startGitHub({ token, git: true });
    try {
      return await GithubStory.build(top, github, options);
    } catch (error) {
      await github.close();
      rmSync(top, { recursive: true, force: true });
      throw error;
    }
  }

  private static async build(top: string, github: GitHubApi, options: StoryOptions): Promise<GithubStory> {
    const release = makeRelease(join(top, 'release'));
    const workflows = ['.github/workflows/pr.yml', '.github/workflows/main.yml'];
    const place = { top, release, forge: 'github', origin: github.git?.folder() ?? '', repository: 'o/r', workflows } as const;
    const story = new GithubStory({ top, github, release, team: await Team.start({ ...place, ...options }), env: options.env ?? {} });
    await story.push('main');
    return story;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.github.close();
    rmSync(this.top, { recursive: true, force: true });
  }

  async push(branch: string): Promise<void> {
    await this.team.push(branch);
    this.github.git?.refresh();
  }

  /** A branch of main with a change, pushed, and a pull request from it. @returns its number */
  async openPull(branch: string, change: () => void | Promise<void>): Promise<number> {
    await this.team.branch(branch, change);
    await this.push(branch);
    return this.github.openPull({ head: branch, base: 'main', title: branch, author: 'ann' }).number;
  }

  pull(number: number): GitHubApi['pulls'][number] {
    const found = this.github.pulls.find((one) => one.number === number);
    if (found === undefined) throw new Error(`there is no pull request ${number}`);
    return found;
  }

  /** What GitHub starts when a pull request is opened or pushed to. */
  async runPull(number: number, action: 'opened' | 'synchronize' = 'synchronize', options: RunOptions = {}): Promise<WorkflowRun> {
    const ref = `refs/pull/${number}/merge`;
    return this.run({ workflow: 'pr.yml', event: 'pull_request', payload: this.github.events.pullRequest(number, action), ref }, options);
  }

  async runMain(before: string): Promise<WorkflowRun> {
    const payload = this.github.events.push(main, before, await this.tip());
    return this.run({ workflow: 'main.yml', event: 'push', payload, ref: main });
  }

  /** A person writes a comment, and GitHub starts what listens. */
  async comment(number: number, login: string, body: string): Promise<WorkflowRun> {
    const id = 5000 + this.github.comments.length;
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    this.github.comments.push({ id, issue: number, body, login, edits: 0, createdAt: at, updatedAt: at });
    return this.run({ workflow: 'commands.yml', event: 'issue_comment', payload: this.github.events.issueComment(id), ref: main });
  }

  /** The last workflow that was dispatched. */
  async runDispatched(options: RunOptions = {}): Promise<WorkflowRun> {
    const asked = this.github.dispatches.at(-1);
    if (asked === undefined) throw new Error('nothing was dispatched');
    const payload = this.github.events.workflowDispatch(main, asked.inputs);
    return this.run({ workflow: asked.workflow, event: 'workflow_dispatch', payload, ref: main }, options);
  }

  /** Of main. */
  tip(): Promise<string> {
    return this.team.start('git', ['rev-parse', '--verify', main], this.github.git?.folder());
  }

  /** Merges as GitHub does. @returns what main was before */
  async merge(number: number): Promise<string> {
    const before = await this.tip();
    const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'content-type': 'application/json' };
    const answer = await fetch(`${this.github.url}/repos/o/r/pulls/${number}/merge`, {
      method: 'PUT',
      headers: { ...headers, 'user-agent': 'a person' },
      body: JSON.stringify({ sha: this.pull(number).head, merge_method: 'merge' }),
    });
    if (!answer.ok) throw new Error(`the merge was refused: ${answer.status} ${await answer.text()}`);
    return before;
  }

  private async run(what: Pick<WorkflowOrder, 'workflow' | 'event' | 'payload' | 'ref'>, { secrets = true }: RunOptions = {}): Promise<WorkflowRun> {
    const origin = this.github.git?.folder() ?? '';
    // the workflow's file and GITHUB_SHA are those of this commit
    const repository = join(this.top, 'event');
    rmSync(repository, { recursive: true, force: true });
    await this.team.start('git', ['clone', '--quiet', '--no-checkout', origin, repository], this.top);
    await this.team.start('git', ['fetch', '--quiet', 'origin', what.ref], repository);
    await this.team.start('git', ['checkout', '--quiet', '--detach', 'FETCH_HEAD'], repository);
    this.runs += 1;
    return runWorkflow({
      ...what,
      repository,
      origin,
      workflow: `.github/workflows/${what.workflow}`,
      name: 'o/r',
      api: { url: this.github.url, token },
      release: this.release,
      runId: String(this.runs),
      state: join(this.top, 'act'),
      env: this.jobEnv,
      secrets: secrets ? { PLUMB_SIGNING_KEY: this.team.key } : {},
    });
  }
}

const main = 'refs/heads/main';
