// A small project with two real models at a stand-in of GitHub with git over HTTP: what the stories of promotion by pull request play on. It is made once, with its
// runs; each test gets a copy, and a forge of its own.
import { execFileSync } from 'node:child_process';
import { silentProgress } from '../src/base/progress.ts';
import { checkPull, type ToldCheck } from '../src/cli/ci-check-promotion.ts';
import type { Cli } from '../src/cli/command.ts';
import { startGitHub, type GitHubApi } from './github-api/start.ts';
import { jsonl, TestProject, type Answer, type PlumbOptions } from './project.ts';

/** A person, by a fine-grained token. */
export const alice = 'github_pat_OfAlice0123456789';
/** An App. */
export const robot = 'ghs_OfTheAppOfPlumb0123456789';

const topics = { card: ['my card is lost', 'card payment'], cash: ['withdraw cash', 'no cash came out'], rate: ['exchange rate', 'a better rate'] };

const rows = (size: number, prefix: string): string =>
  jsonl(
    Object.entries(topics).flatMap(([label, texts]) =>
      Array.from({ length: size }, (_, at) => ({ id: `${prefix}-${label}-${at}`, text: `${texts[at % texts.length]} ${at}`, label })),
    ),
  );

/** @param approvals that production wants */
export const policyWith = (approvals: number, more = ''): string => `version: 1
models:
  topics: { staging: { gate: default }, production: { gate: default, approvals: { count: ${approvals} } } }
  small: { staging: { gate: default }, production: { gate: default, approvals: { count: ${approvals} } } }
gates:
  default:
    - { metric: accuracy, at_least: 0.5 }
${more}`;

const files = {
  'pipeline.yaml': `stages:
  train: { uses: plumb/train-text, with: { data: topics }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
  train-small: { uses: plumb/train-text, with: { data: topics }, params: [small] }
  evaluate-small: { uses: plumb/evaluate, with: { model: train-small.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
  small: { artifact: train-small.model, evaluation: evaluate-small }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\nsmall: { epochs: 3, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': policyWith(1),
};

/** With other parameters, for a second promotion. */
export const longer = 'train: { epochs: 5, validation: 0 }\nsmall: { epochs: 6, validation: 0 }\n';

/** Both versions have been run, and the store has them. */
export async function makeTemplate(): Promise<TestProject> {
  const project = TestProject.create(files, { remote: true });
  project.write('data/topics.jsonl', rows(8, 'train'));
  project.write('data/asked.jsonl', rows(8, 'test'));
  await project.done('add', 'data/topics.jsonl', '--key', 'id', '--label', 'label');
  await project.done('add', 'data/asked.jsonl', '--key', 'id');
  project.write('plumbline.yaml', 'version: 1\nremote: ../remote\nforge: { kind: github }\n');
  project.git('add', '--all');
  project.git('commit', '-qm', 'data');
  project.write('params.yaml', longer);
  await project.done('run');
  project.git('checkout', '-q', 'params.yaml');
  await project.done('run');
  await project.done('push');
  return project;
}

export class PullScene implements AsyncDisposable {
  readonly project: TestProject;
  readonly github: GitHubApi;
  /** of every plumb */
  env: Record<string, string>;

  private constructor(project: TestProject, github: GitHubApi) {
    this.project = project;
    this.github = github;
    this.env = { PLUMB_FORGE_TOKEN: alice };
  }

  static async begin(template: TestProject, policy = policyWith(1)): Promise<PullScene> {
    const github = await startGitHub({ token: alice, login: 'alice', git: true });
    github.actors[robot] = { login: 'plumb-of-us[bot]', can: 'write' };
    Object.assign(github.permissions, { alice: 'write', bob: 'write', carol: 'write' });
    const scene = new PullScene(template.copy(), github);
    scene.project.git('remote', 'add', 'origin', `${github.serverUrl}/o/r.git`);
    if (policy !== policyWith(1)) scene.commit('the policy of this team', { 'policy.yaml': policy });
    scene.push();
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.project[Symbol.dispose]();
    await this.github.close();
    if (this.github.violations.length > 0) throw new Error(`GitHub would not take: ${this.github.violations.join('; ')}`);
  }

  commit(message: string, changed: Readonly<Record<string, string>>): string {
    for (const [path, text] of Object.entries(changed)) this.project.write(path, text);
    this.project.git('add', '--', ...Object.keys(changed));
    this.project.git('commit', '-qm', message);
    return this.project.git('rev-parse', 'HEAD');
  }

  /** What is here becomes a branch of the forge, without a way by HTTP: its server is in this process. */
  push(branch = 'main'): void {
    const folder = this.github.git?.folder() ?? '';
    execFileSync('git', ['push', '-q', '--force', folder, `HEAD:refs/heads/${branch}`], {
      cwd: this.project.root,
      env: this.project.env,
      stdio: 'pipe',
    });
    this.github.git?.refresh();
  }

  async plumb(words: readonly string[], options: PlumbOptions = {}): Promise<Answer> {
    const answer = await this.project.plumb(words, { ...options, env: { ...this.env, ...options.env } });
    // whatever happens, no token is in anything that is shown
    for (const secret of [alice, robot])
      if ((answer.stdout + answer.stderr).includes(secret)) throw new Error(`a token is shown: ${answer.stdout}${answer.stderr}`);
    return answer;
  }

  /** What --json says; of whatever it comes to. */
  async json<T>(...words: string[]): Promise<T> {
    return (await this.plumb(words)).json as T;
  }

  /** As `plumb ci check-promotion --status` does, in this process. */
  async check(pull: number, env: Readonly<Record<string, string>> = {}): Promise<ToldCheck> {
    const silent = (): void => undefined;
    const plain = (text: string): string => text;
    const cli: Cli = {
      cwd: this.project.root,
      env: { ...this.project.env, ...this.env, ...env },
      json: true,
      signal: new AbortController().signal,
      progress: silentProgress,
      now: () => new Date(),
      print: silent,
      emit: silent,
      note: silent,
      paint: { bold: plain, dim: plain, red: plain, green: plain, yellow: plain },
      exitCode: 0,
    };
    return checkPull({ pull, status: true, author: 'alice' }, cli);
  }

  approve(pull: number, login: string, state: 'APPROVED' | 'DISMISSED' | 'COMMENTED' = 'APPROVED'): void {
    const { reviews, pulls } = this.github;
    reviews.push({ id: reviews.length + 1, pull, login, state, commit: pulls.find(({ number }) => number === pull)?.head ?? null });
  }

  /** The latest status of the head of a pull request. */
  status(pull: number): string | undefined {
    const head = this.github.pulls.find(({ number }) => number === pull)?.head;
    const found = this.github.statuses.findLast(({ sha, context }) => sha === head && context === 'plumb/promotion');
    return found === undefined ? undefined : `${found.state}: ${found.description}`;
  }

  /** A pull request of what is here; the work tree goes back to main. */
  pull(branch: string, changed: Readonly<Record<string, string>>, { base = 'main', author = 'alice' } = {}): number {
    const { project } = this;
    project.git('switch', '-qc', branch);
    for (const [path, text] of Object.entries(changed)) project.write(path, text);
    project.git('add', '--all');
    project.git('commit', '-qm', branch);
    this.push(branch);
    project.git('switch', '-q', 'main');
    return this.github.openPull({ head: branch, base, title: branch, author }).number;
  }

  /** What a person sees of the work tree. */
  here(): string {
    return `${this.project.git('rev-parse', 'HEAD')} ${this.project.git('status', '--porcelain')} ${this.project.git('branch')}`;
  }
}
