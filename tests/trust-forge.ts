// A repository at a forge and the jobs that it starts, for tests of what a job may reuse: each job is a clone of its own with an empty cache.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicText } from '../src/pipeline/attestation.ts';
import { TestProject, type Answer } from './project.ts';

const pipeline = `
stages:
  left:
    cmd: cp left.txt out/left.txt && env > out/env.txt
    deps: [left.txt]
    outs: [out/left.txt, out/env.txt]
  right:
    cmd: cp right.txt out/right.txt
    deps: [right.txt]
    outs: [out/right.txt]
  both:
    cmd: cat out/left.txt out/right.txt > out/both.txt
    deps: [out/left.txt, out/right.txt]
    outs: [out/both.txt]
`;

/** of the team's CI; policy.yaml names its public half */
export const { privateKey } = generateKeyPairSync('ed25519');
export const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
export const policy = (more = ''): string => `version: 1
models: {}
gates: {}
trust:
  repository: acme/intents
  workflows: [.github/workflows/pr.yml, .github/workflows/main.yml]
  keys: [{ name: ci, public: ${publicText(privateKey)} }]
${more}`;

/** The repository at the forge, and what its jobs say they are. */
export class Forge {
  readonly project: TestProject;
  #jobs = 0;

  constructor(more = '') {
    this.project = TestProject.create({
      'pipeline.yaml': pipeline,
      'policy.yaml': policy(more),
      'left.txt': 'left\n',
      'right.txt': 'right\n',
      '.github/workflows/pr.yml': 'name: pr\n',
      '.github/workflows/main.yml': 'name: main\n',
    });
    // the remote of all clones
    this.commit({ 'plumbline.yaml': `version: 1\nremote: ${this.project.remote}\n` }, 'remote');
  }

  [Symbol.dispose](): void {
    this.project[Symbol.dispose]();
  }

  commit(files: Readonly<Record<string, string>>, message: string): string {
    for (const [path, text] of Object.entries(files)) this.project.write(path, text);
    this.project.git('add', '.');
    this.project.git('commit', '-qm', message);
    return this.project.git('rev-parse', 'HEAD');
  }

  /** A branch of main with one more commit. */
  branch(name: string, files: Readonly<Record<string, string>>): string {
    this.project.git('switch', '-qc', name, 'main');
    const head = this.commit(files, name);
    this.project.git('switch', '-q', 'main');
    return head;
  }

  merge(name: string): void {
    this.project.git('merge', '-q', '--no-ff', '-m', `merge ${name}`, name);
  }

  /** A job on a pull request: it has main merged with the branch. */
  pull(number: number, branch: string, options: { readonly from?: string } = {}): Job {
    const job = this.#clone();
    const base = job.git('rev-parse', 'HEAD');
    const head = job.git('rev-parse', `origin/${branch}`);
    job.git('merge', '-q', '--no-ff', '-m', 'the merge of the forge', `origin/${branch}`);
    const repository = (name: string): unknown => ({ sha: head, repo: { full_name: name } });
    const event = {
      repository: { default_branch: 'main' },
      pull_request: {
        number,
        head: repository(options.from ?? 'acme/intents'),
        base: { ...(repository('acme/intents') as object), sha: base, ref: 'main' },
      },
    };
    const env = { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REF: `refs/pull/${number}/merge`, GITHUB_BASE_REF: 'main' };
    return Job.start(job, { event, env, workflow: 'pr.yml', run: this.#jobs });
  }

  /** A job that somebody started for a pull request: made of main's workflow, with the head checked out. */
  dispatched(number: number, branch: string): Job {
    const event = {
      repository: { default_branch: 'main' },
      inputs: { pull: String(number), sha: this.project.git('rev-parse', branch), fork: 'false' },
    };
    const env = { GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main' };
    return Job.start(this.#clone(), { event, env, workflow: 'pr.yml', run: this.#jobs }).shallow(1, `origin/${branch}`);
  }

  /** A job on main, after a push that merged pull requests. */
  main(merged = ''): Job {
    const event = { repository: { default_branch: 'main' } };
    const env = { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main', PLUMB_MERGED_PULLS: merged };
    return Job.start(this.#clone(), { event, env, workflow: 'main.yml', run: this.#jobs });
  }

  laptop(): TestProject {
    return this.#clone();
  }

  #clone(): TestProject {
    this.#jobs += 1;
    const clone = new TestProject(join(this.project.top, `job-${this.#jobs}`));
    mkdirSync(clone.top);
    this.project.git('clone', '-q', this.project.root, clone.root);
    return clone;
  }
}

interface Stages {
  readonly stages: readonly { readonly stage: string; readonly state: string; readonly why: readonly string[]; readonly run: string }[];
}

interface About {
  readonly event: unknown;
  readonly workflow: string;
  readonly run: number;
  readonly env: Readonly<Record<string, string>>;
}

export class Job {
  readonly clone: TestProject;
  readonly env: Readonly<Record<string, string>>;

  constructor(clone: TestProject, env: Readonly<Record<string, string>>) {
    this.clone = clone;
    this.env = env;
  }

  static start(clone: TestProject, { event, workflow, run, env }: About): Job {
    const eventFile = join(clone.top, 'event.json');
    writeFileSync(eventFile, JSON.stringify(event));
    return new Job(clone, {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_PATH: eventFile,
      GITHUB_REPOSITORY: 'acme/intents',
      GITHUB_SHA: clone.git('rev-parse', 'HEAD'),
      GITHUB_RUN_ID: String(1000 + run),
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_WORKFLOW_REF: `acme/intents/.github/workflows/${workflow}@${env['GITHUB_REF']}`,
      GITHUB_TOKEN: 'ghs_token',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'oidc_token',
      INPUT_SECRET: 'input_secret',
      GITHUB_ENV: '/nowhere/env',
      HF_TOKEN: 'hf_kept',
      ...env,
    });
  }

  /** The same job in a clone as actions/checkout makes it. */
  shallow(depth: number, what = 'HEAD'): Job {
    const clone = new TestProject(join(this.clone.top, `depth-${depth}`));
    mkdirSync(clone.root, { recursive: true });
    this.clone.git('push', '-q', '-f', 'origin', `${what}:refs/pull/7/merge`);
    clone.git('init', '-q', '-b', 'main');
    clone.git('remote', 'add', 'origin', `file://${this.clone.git('remote', 'get-url', 'origin')}`);
    clone.git('fetch', '-q', `--depth=${depth}`, 'origin', 'refs/pull/7/merge');
    clone.git('checkout', '-q', 'FETCH_HEAD');
    return new Job(clone, this.env);
  }

  async plumb(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const answer = await this.clone.plumb(words, { env: { ...this.env, ...env } });
    if (answer.exit !== 0) throw new Error(`${words.join(' ')}: ${answer.stdout}${answer.stderr}`);
    return answer;
  }

  /** 'left ran, right cached' */
  async run(): Promise<string> {
    return statesOf(await this.plumb(['run']));
  }

  publish(signingKey = key): Promise<Answer> {
    return this.plumb(['ci', 'publish'], { PLUMB_SIGNING_KEY: signingKey });
  }
}

export function statesOf({ json }: Answer): string {
  return (json as unknown as Stages).stages.map(({ stage, state }) => `${stage} ${state}`).join(', ');
}

export function whyOf({ json }: Answer, stage: string): string {
  return (json as unknown as Stages).stages.find((one) => one.stage === stage)?.why.join('; ') ?? '';
}

export const [allCached, allRan] = ['left cached, right cached, both cached', 'left ran, right ran, both ran'];
