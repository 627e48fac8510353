// A pull request's runs on their way to main, with real clones, a real remote and real signatures: each job is a clone of its own with an empty cache.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

const { privateKey } = generateKeyPairSync('ed25519');
const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64');
const policy = (more = ''): string => `version: 1
models: {}
gates: {}
trust:
  repository: acme/intents
  workflows: [.github/workflows/pr.yml, .github/workflows/main.yml]
  keys: [{ name: ci, public: ${publicText(privateKey)} }]
${more}`;

/** The repository at the forge, and what its jobs say they are. */
class Forge {
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
    job.git('merge', '-q', '--no-ff', '-m', 'the merge of the forge', `origin/${branch}`);
    const [, , head = ''] = job.git('rev-list', '--parents', '-n', '1', 'HEAD').split(' ');
    const repository = (name: string): unknown => ({ sha: head, repo: { full_name: name } });
    const event = {
      repository: { default_branch: 'main' },
      pull_request: {
        number,
        head: repository(options.from ?? 'acme/intents'),
        base: { ...(repository('acme/intents') as object), sha: base, ref: 'main' },
      },
    };
    return new Job(
      job,
      event,
      { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REF: `refs/pull/${number}/merge`, GITHUB_BASE_REF: 'main' },
      'pr.yml',
      this.#jobs,
    );
  }

  /** A job on main, after a push that merged pull requests. */
  main(merged = ''): Job {
    const event = { repository: { default_branch: 'main' } };
    const env = { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main', PLUMB_MERGED_PULLS: merged };
    return new Job(this.#clone(), event, env, 'main.yml', this.#jobs);
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

class Job {
  readonly clone: TestProject;
  readonly env: Record<string, string>;

  constructor(clone: TestProject, event: unknown, env: Record<string, string>, workflow: string, run: number) {
    this.clone = clone;
    const eventFile = join(clone.top, 'event.json');
    writeFileSync(eventFile, JSON.stringify(event));
    this.env = {
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
    };
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

function statesOf({ json }: Answer): string {
  return (json as unknown as Stages).stages.map(({ stage, state }) => `${stage} ${state}`).join(', ');
}

function whyOf({ json }: Answer, stage: string): string {
  return (json as unknown as Stages).stages.find((one) => one.stage === stage)?.why.join('; ') ?? '';
}

const [allCached, allRan] = ['left cached, right cached, both cached', 'left ran, right ran, both ran'];

test('after a merge main runs nothing, and later jobs and laptops neither', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  expect(await pull.run()).toBe(allRan);
  // a second step of the same job needs no signature for what the first one made
  expect(await pull.run()).toBe(allCached);
  const { json } = await pull.publish();
  expect(json).toMatchObject({ domain: 'pull-7', signed: 'key ci' });
  // a push on top finds its own
  expect(await forge.pull(7, 'topic').run()).toBe(allCached);
  // before the merge nobody else does
  expect(await forge.pull(8, 'topic').run()).toBe(allRan);
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  expect(await main.run()).toBe(allCached);
  const taken = await main.publish();
  expect((taken.json as { published: { from: string }[] }).published.map(({ from }) => from)).toEqual(['pull-7', 'pull-7', 'pull-7']);
  // taken over: nobody has to know which pull request it was
  const next = forge.main();
  expect(await next.run()).toBe(allCached);
  expect((await next.publish()).json).toMatchObject({ published: [], objects: 0 });
  expect(statesOf(await forge.laptop().plumb(['run']))).toBe(allCached);
});

test('when the base had moved, only what differs runs', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  forge.commit({ 'right.txt': 'moved\n' }, 'main moved');
  forge.merge('topic');
  expect(await forge.main(`7@${head}`).run()).toBe('left cached, right ran, both ran');
});

test('T6: what was forged in the domain of a pull request is not reused on main, and is said', async () => {
  using forge = new Forge();
  const head = forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  const stranger = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect((await pull.publish(stranger)).stderr).toContain('does not name the public half');
  forge.merge('topic');
  const main = forge.main(`7@${head}`);
  const answer = await main.plumb(['run']);
  expect(statesOf(answer)).toBe(allRan);
  expect(whyOf(answer, 'left')).toContain('a run of this was there, but no key that policy.yaml names has signed it');
  // whoever writes to the remote can copy names, not what was signed
  await main.publish();
  const names = join(forge.project.remote, 'names');
  const [name = ''] = readdirSync(join(names, 'pull7'));
  writeFileSync(join(names, 'trusted', name), readFileSync(join(names, 'pull7', name)));
  expect(await forge.main().run()).toMatch(/ ran/);
  // and main takes its name back
  const again = forge.main();
  await again.run();
  await again.publish();
  expect(await forge.main().run()).toBe(allCached);
});

test('T12: a workflow that the pull request changed on the way signs nothing that main reuses', async () => {
  using forge = new Forge();
  forge.branch('topic', { 'left.txt': 'better\n', '.github/workflows/pr.yml': 'name: evil\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  // its own next job may reuse it
  expect(await forge.pull(7, 'topic').run()).toBe(allCached);
  forge.project.git('switch', '-q', 'topic');
  const head = forge.commit({ '.github/workflows/pr.yml': 'name: pr\n' }, 'as it was');
  forge.project.git('switch', '-q', 'main');
  forge.merge('topic');
  const answer = await forge.main(`7@${head}`).plumb(['run', 'left']);
  expect(whyOf(answer, 'left')).toContain('it was signed by a .github/workflows/pr.yml that the main branch never had');
});

test('a command that was another before the merge counts only where the policy allows it', async () => {
  using forge = new Forge('  commands: merged-head\n');
  forge.branch('topic', { 'left.txt': 'better\n' });
  const pull = forge.pull(7, 'topic');
  await pull.run();
  await pull.publish();
  forge.project.git('switch', '-q', 'topic');
  const head = forge.commit({ 'README.md': 'more\n' }, 'on top');
  forge.project.git('switch', '-q', 'main');
  forge.merge('topic');
  const answer = await forge.main(`7@${head}`).plumb(['run', 'left']);
  expect(whyOf(answer, 'left')).toContain('was merged');
});

test('T26: runs of a fork stay apart from the remote, whatever the job does', async () => {
  using forge = new Forge();
  const main = forge.main();
  await main.run();
  await main.publish();
  const head = forge.branch('theirs', { 'left.txt': 'evil\n' });
  const before = listing(forge.project.remote);
  const fork = forge.pull(9, 'theirs', { from: 'mallory/intents' });
  // what main has is read
  expect(await fork.run()).toBe('left ran, right cached, both ran');
  expect((await fork.publish()).json).toMatchObject({ domain: 'fork-9', signed: null });
  await fork.plumb(['push']);
  expect(listing(forge.project.remote)).toEqual(before);
  expect(readdirSync(join(`${forge.project.remote}-untrusted`, 'names'))).toEqual(['fork9']);
  expect(await forge.pull(9, 'theirs', { from: 'mallory/intents' }).run()).toBe(allCached);
  forge.merge('theirs');
  expect(await forge.main(`9@${head}`).run()).toBe('left ran, right cached, both ran');
});

test('a stage gets nothing that signs or speaks for its job', async () => {
  using forge = new Forge();
  const main = forge.main();
  await main.plumb(['run', 'left'], { PLUMB_SIGNING_KEY: key });
  const seen = main.clone.read('out/env.txt');
  expect(seen).toContain('HF_TOKEN=hf_kept');
  for (const secret of [key, 'ghs_token', 'oidc_token', 'input_secret', '/nowhere/env']) expect(seen).not.toContain(secret);
});

test('a job that is not understood reuses nothing and says what to set; a key pair from `plumb keys new` works', async () => {
  using forge = new Forge();
  const main = forge.main();
  const unclear = await main.clone.plumb(['run'], { env: { ...main.env, GITHUB_REF: 'refs/heads/topic' } });
  expect(unclear).toMatchObject({ exit: 2, code: 'RUN_DOMAIN' });
  const pair = (await main.plumb(['keys', 'new', '--name', 'fresh'])).json as { public: string; private: string };
  forge.commit({ 'policy.yaml': policy().replace(publicText(privateKey), pair.public).replace('name: ci', 'name: fresh') }, 'another key');
  const job = forge.main();
  await job.run();
  expect((await job.publish(pair.private)).json).toMatchObject({ signed: 'key fresh' });
  expect(await forge.main().run()).toBe(allCached);
});

/** Every file below a folder with its bytes. */
function listing(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'base64')]));
}
