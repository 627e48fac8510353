// The committed bundle, as a runner starts it, on a real repository whose main branch was run by a real plumb.
import { readFileSync, rmSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGitHub, type GitHubApi } from '../../tests/github-api/start.ts';
import { TestProject } from '../../tests/project.ts';
import { startStep, type StepEnding } from '../runner.fixture.ts';
import { readInputs } from './inputs.ts';

const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const defaults = { folder: '.', levels: '4', runner: 'ubuntu-24.04', base: '', force: '', token };
/** of the job that ran the main branch */
const trusted = { CI: 'true', PLUMB_RUN_DOMAIN: 'trusted', GITHUB_REPOSITORY: 'o/r', GITHUB_RUN_ID: '41', GITHUB_SHA: 'e'.repeat(40) };

const pipeline = `version: 1
stages:
  prepare: { cmd: "cp params.yaml prepared.txt", deps: [notes.txt], outs: [prepared.txt] }
  train: { cmd: "cp prepared.txt model.txt", deps: [prepared.txt], params: [rate], outs: [model.txt] }
  evaluate: { cmd: "cp model.txt scores.txt", deps: [model.txt], outs: [scores.txt] }
  other: { cmd: "echo x > other.txt", params: [size], outs: [other.txt], resources: { labels: [self-hosted, gpu], gpus: 1, minutes: 5 } }
`;

let github: GitHubApi;
let main: TestProject;
let base: string;
beforeAll(async () => {
  github = await startGitHub({ token });
  main = TestProject.create(
    { 'pipeline.yaml': pipeline, 'params.yaml': 'rate: 0.1\nsize: 1\n', 'notes.txt': 'a\n', 'README.md': 'x\n' },
    { remote: true },
  );
  for (const words of [['run'], ['ci', 'publish']]) {
    const { exit, stderr, stdout } = await main.plumb(words, { env: trusted });
    if (exit !== 0) throw new Error(`plumb ${words.join(' ')}: ${stdout}${stderr}`);
  }
  main.git('add', '.');
  main.git('commit', '-qm', 'ignored outputs');
  base = main.git('rev-parse', 'HEAD');
}, 60_000);
afterAll(async () => {
  await github.close();
  main[Symbol.dispose]();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

/** What a runner has: a clone with an empty cache, whose branch changes some files. */
function branch(files: Readonly<Record<string, string>>): TestProject {
  const clone = main.copy();
  rmSync(clone.path('.plumb'), { recursive: true });
  for (const [path, text] of Object.entries(files)) clone.write(path, text);
  clone.git('add', '.');
  clone.git('commit', '-qm', 'a change', '--allow-empty');
  return clone;
}

function step(
  clone: TestProject,
  more: {
    event?: string;
    payload?: unknown;
    inputs?: Record<string, string>;
    repository?: string | null;
    base?: string;
    env?: Record<string, string>;
  } = {},
): Promise<StepEnding> {
  const head = clone.git('rev-parse', 'HEAD');
  const repo = more.repository === null ? null : { full_name: more.repository ?? 'o/r' };
  const pull = { pull_request: { number: 7, head: { sha: head, repo }, base: { sha: more.base ?? base, ref: 'main', repo: { full_name: 'o/r' } } } };
  return startStep({
    action: 'plan',
    inputs: { ...defaults, ...more.inputs },
    event: more.event ?? 'pull_request',
    payload: { repository: { default_branch: 'main' }, ...(more.payload ?? pull) },
    workspace: clone.root,
    temp: clone.top,
    env: { GITHUB_SHA: head, GITHUB_API_URL: github.url, ...more.env },
  });
}

const include = (text: string | undefined): { name: string; stages: string[]; why: string }[] =>
  text === '[]' ? [] : (JSON.parse(text ?? '') as { include: { name: string; stages: string[]; why: string }[] }).include;

test('a change of a hyperparameter: one job for what it changes, one that waits for it, the rest from the cache', async () => {
  using clone = branch({ 'params.yaml': 'rate: 0.2\nsize: 1\n' });
  const { code, log, outputs, summary } = await step(clone);
  expect(log).not.toContain('::error');
  expect(code).toBe(0);
  expect(outputs).toMatchObject({
    relevant: 'true',
    any: 'true',
    domain: 'pull-7',
    head: clone.git('rev-parse', 'HEAD'),
    'level-3': '[]',
    'level-4': '[]',
  });
  expect(include(outputs['level-1'])).toEqual([
    {
      name: 'train',
      stages: ['train'],
      'runs-on': ['ubuntu-24.04'],
      minutes: 360,
      estimate: expect.any(Number) as number,
      gpus: 0,
      why: 'rate: 0.1 -> 0.2',
    },
  ]);
  expect(include(outputs['level-2'])).toMatchObject([{ name: 'evaluate', why: 'waits for train' }]);
  expect(Number(outputs['estimate'])).toBeGreaterThan(0);
  expect(summary).toContain('From the cache: `prepare`, `other`');
});

test('T1: started by hand, it plans the pull request that the forge knows, and no other commit, branch or fork', async () => {
  using clone = branch({ 'params.yaml': 'rate: 0.3\nsize: 1\n' });
  const head = clone.git('rev-parse', 'HEAD');
  const inputs = { pull: '8', sha: head, fork: 'false' };
  const by = (change: Record<string, string> = {}, env: Record<string, string> = {}): Promise<StepEnding> =>
    step(clone, {
      event: 'workflow_dispatch',
      payload: { inputs: { ...inputs, ...change } },
      env: { GITHUB_REF: 'refs/heads/main', GITHUB_SHA: base, PLUMB_RUN_DOMAIN: 'pull-8', ...env },
    });
  const pull = { number: 8, state: 'open' as const, head, base, baseRef: 'main', files: [] };
  github.pulls.push(pull);
  expect(await by()).toMatchObject({ code: 0, outputs: { any: 'true' } });
  for (const refused of [await by({ sha: 'f'.repeat(40) }), await by({ fork: 'true' }), await by({}, { GITHUB_REF: 'refs/heads/lax' })])
    expect(refused).toMatchObject({ code: 1, outputs: { any: 'false', 'level-1': '[]' }, log: expect.stringContaining('is not, or is no more') });
  Object.assign(pull, { headRepository: 'mallory/r' });
  expect(await by()).toMatchObject({ code: 1, outputs: { 'level-1': '[]' } });
  github.pulls.splice(github.pulls.indexOf(pull), 1);
});

test('a change of nothing that matters starts no job, and the remote is not asked', async () => {
  using clone = branch({ 'README.md': 'y\n' });
  clone.write('plumbline.yaml', 'version: 1\nremote: https://127.0.0.1:9/none\n');
  clone.git('commit', '-qam', 'another remote');
  const moved = clone.git('rev-parse', 'HEAD');
  clone.write('README.md', 'z\n');
  clone.git('commit', '-qam', 'a word');
  const { code, outputs } = await step(clone, { base: moved });
  expect(code).toBe(0);
  expect(outputs).toMatchObject({ relevant: 'false', any: 'false', 'level-1': '[]', 'level-4': '[]' });
});

test('a stage that is asked for runs, whatever the cache has', async () => {
  using clone = branch({});
  const { outputs } = await step(clone, { inputs: { force: 'prepare' } });
  expect(include(outputs['level-1'])).toMatchObject([{ name: 'prepare', why: 'asked for' }]);
  expect([include(outputs['level-2'])[0]?.name, include(outputs['level-3'])[0]?.name]).toEqual(['train', 'evaluate']);
});

test('labels, GPUs and time limits of pipeline.yaml are those of the job; levels can be fewer', async () => {
  using clone = branch({ 'params.yaml': 'rate: 0.3\nsize: 2\n', 'notes.txt': 'b\n' });
  const { outputs } = await step(clone, { inputs: { levels: '2', runner: 'big, linux' } });
  expect(include(outputs['level-1'])).toMatchObject([
    { name: 'prepare', 'runs-on': ['big', 'linux'] },
    { name: 'other', 'runs-on': ['self-hosted', 'gpu'], gpus: 1, minutes: 15 },
  ]);
  expect(include(outputs['level-2'])).toMatchObject([{ name: 'train+1', stages: ['train', 'evaluate'] }]);
});

test('T28: a pull request that would start more jobs or minutes than its base allows starts none; its own policy does not count', async () => {
  const policy = (budget: string): string => `version: 1\nmodels: {}\ngates: {}\nbudget: ${budget}\n`;
  using clone = branch({ 'policy.yaml': policy('{ jobs: 3 }') });
  const few = clone.git('rev-parse', 'HEAD');
  clone.write('policy.yaml', policy('{ jobs: 9, minutes: 20 }'));
  clone.git('commit', '-qam', 'few minutes');
  const short = clone.git('rev-parse', 'HEAD');
  clone.write('policy.yaml', policy('{ jobs: 999 }'));
  clone.write(
    'pipeline.yaml',
    `${pipeline}  many: { foreach: [1, 2, 3, 4], do: { cmd: "echo \${item} > many-\${item}.txt", outs: ["many-\${item}.txt"] } }\n`,
  );
  clone.git('commit', '-qam', 'many');
  const nothing = { any: 'false', 'level-1': '[]', 'level-2': '[]', 'level-3': '[]', 'level-4': '[]' };
  expect(await step(clone, { base: few })).toMatchObject({
    code: 1,
    outputs: nothing,
    log: expect.stringMatching(/title=CI_BUDGET::this pull request would start 4 jobs, and policy\.yaml of its base allows 3/),
  });
  expect(await step(clone, { base: short })).toMatchObject({
    code: 1,
    outputs: nothing,
    log: expect.stringMatching(/title=CI_BUDGET::.*base allows 20/),
  });
  expect(await step(clone, { base })).toMatchObject({ code: 0, outputs: { any: 'true' } });
});

test("T1: a fork's code starts nothing, nor that of a repository that is gone", async () => {
  using clone = branch({ 'params.yaml': 'rate: 0.2\nsize: 1\n' });
  const { code, outputs, log } = await step(clone, { repository: null });
  expect([code, outputs['any'], outputs['level-1']]).toEqual([0, 'false', '[]']);
  expect(log).toContain(`/plumb approve ${clone.git('rev-parse', 'HEAD')}`);
});

describe('on the main branch', () => {
  const push = (clone: TestProject): unknown => ({ before: base, commits: [{ id: clone.git('rev-parse', 'HEAD') }] });

  test('all is from the cache when nothing moved', async () => {
    using clone = branch({});
    const { code, outputs, summary } = await step(clone, { event: 'push', payload: push(clone) });
    expect(code).toBe(0);
    expect(outputs).toMatchObject({ relevant: 'true', any: 'false', domain: 'trusted', merged: '', 'level-1': '[]' });
    expect(summary).toContain('all from the cache');
  });

  test('it says which pull requests a push brought, and why a stage runs', async () => {
    using clone = branch({ 'params.yaml': 'rate: 0.2\nsize: 1\n' });
    const head = clone.git('rev-parse', 'HEAD');
    const before = github.pulls.length;
    github.pulls.push({ number: 8, state: 'closed', head: 'd'.repeat(40), base, files: [], mergeCommit: head, mergedAt: '2026-01-01T00:00:00Z' });
    const { outputs, log } = await step(clone, { event: 'push', payload: push(clone) });
    github.pulls.splice(before);
    expect(log).not.toContain('::warning title=');
    expect(outputs['merged']).toBe(`8@${'d'.repeat(40)}`);
    expect(include(outputs['level-1'])).toMatchObject([{ name: 'train', why: 'rate: 0.1 -> 0.2' }]);
  });

  test('a forge that does not answer costs machine time, no plan', async () => {
    using clone = branch({});
    const { code, outputs, log } = await step(clone, { event: 'push', payload: push(clone), inputs: { token: '' } });
    expect([code, outputs['merged'], outputs['any']]).toEqual([0, '', 'false']);
    expect(log).toContain('which pull requests were merged is not known');
  });
});

test('a clone without history asks the forge what changed; both names of a renamed file count', async () => {
  using clone = branch({ 'README.md': 'y\n' });
  clone.git('checkout', '-q', '--orphan', 'alone');
  clone.git('commit', '-qm', 'all that a shallow clone has');
  clone.git('branch', '-qD', 'main');
  clone.git('reflog', 'expire', '--expire=now', '--all');
  clone.git('gc', '-q', '--prune=now');
  const head = clone.git('rev-parse', 'HEAD');
  const pull = { number: 7, state: 'open' as const, head, base, files: [{ filename: 'README.md', status: 'modified' }] };
  github.pulls.push(pull);
  expect((await step(clone)).outputs['relevant']).toBe('false');
  github.pulls.splice(0, 1, { ...pull, files: [{ filename: 'docs/notes.txt', status: 'renamed', previous_filename: 'notes.txt' }] });
  expect((await step(clone)).outputs['relevant']).toBe('true');
  github.pulls.splice(0, 1, { ...pull, changedFiles: 4000 });
  const many = await step(clone);
  expect(many.outputs['relevant']).toBe('true');
  expect(many.log).toContain('what changed is not known, so that all counts as changed');
  github.pulls.splice(0, 1);
});

test('a pipeline that does not hold together fails the step at its line, and starts nothing', async () => {
  using clone = branch({ 'pipeline.yaml': `${pipeline}  last: { cdm: x }\n` });
  const { code, outputs, commands } = await step(clone);
  expect(code).toBe(1);
  expect(outputs).toMatchObject({ relevant: 'true', any: 'false', 'level-1': '[]', 'level-2': '[]', 'level-3': '[]', 'level-4': '[]' });
  expect(commands.filter((line) => line.startsWith('::error'))).toEqual([
    expect.stringMatching(/^::error file=pipeline\.yaml,line=7,col=\d+,title=CONFIG_INVALID::unknown key "cdm"/),
  ]);
});

test('T3: names, paths and labels of a branch are no commands, and come out as they are', async () => {
  const label = '::set-output name=any::true';
  const text = `${pipeline}  '訓練_1': { cmd: "x", outs: [y.txt], deps: ["a ::error::b%0A::warning::c.txt"], resources: { labels: ["${label}", "gpu\${{ secrets.X }}"] } }\n`;
  using clone = branch({ 'pipeline.yaml': text, 'a ::error::b%0A::warning::c.txt': '' });
  const { code, outputs, commands, summary } = await step(clone);
  expect(code).toBe(0);
  expect(commands).toEqual([expect.stringMatching(/^::warning::policy\.yaml/)]);
  const [job] = include(outputs['level-1']);
  expect(job).toMatchObject({
    name: expect.stringMatching(/^___1\+[0-9a-f]{12}$/) as string,
    stages: ['訓練_1'],
    'runs-on': [label, 'gpu${{ secrets.X }}'],
  });
  expect(outputs['any']).toBe('true');
  expect(summary).toContain('`訓練_1`');
});

test('T4: lines in a name, a value or a path set no output and no variable of the job', async () => {
  const evil = 'x\nlevel-1<<y\n[]\ny\nany=false\nghadelimiter_0\ndomain=trusted\n::set-env name=NODE_OPTIONS::--require=./evil.js';
  const text = `${pipeline}  many: { foreach: [${JSON.stringify(evil)}], do: { cmd: "cp notes.txt many.txt", params: [size], deps: [${JSON.stringify(`a ${evil}`)}], outs: [many.txt] } }\n`;
  using clone = branch({ 'params.yaml': `rate: ${JSON.stringify(evil)}\nsize: 2\n`, [`a ${evil.replaceAll('/', '_')}`]: '' });
  const honest = await step(clone);
  expect(honest).toMatchObject({ code: 0, left: '', outputs: { any: 'true', domain: 'pull-7' } });
  expect(include(honest.outputs['level-1']).map(({ name }) => name)).toEqual(['train', 'other']);
  expect(Object.keys(honest.outputs).toSorted()).toEqual(Object.keys((await step(clone, { repository: null })).outputs).toSorted());
  clone.write('pipeline.yaml', text);
  clone.git('commit', '-qam', 'a stage of many lines');
  const named = await step(clone);
  expect(named.left).toBe('');
  expect(named.outputs['domain']).not.toBe('trusted');
  expect(named.commands.filter((line) => /^\s*::set-/.test(line))).toEqual([]);
});

test('it reads the inputs that action.yml declares, sets its outputs, and has its defaults', async () => {
  const { inputs, outputs } = load(readFileSync(new URL('action.yml', import.meta.url), 'utf8')) as Metadata;
  const asked: string[] = [];
  const given = readInputs((name) => {
    asked.push(name);
    return name === 'token' ? token : (inputs[name]?.default ?? '');
  }, '/w');
  expect([...new Set(asked)].toSorted()).toEqual(Object.keys(inputs).toSorted());
  expect(readInputs((name) => (name === 'token' ? token : ''), '/w')).toEqual(given);
  using clone = branch({});
  expect(Object.keys((await step(clone, { repository: null })).outputs).toSorted()).toEqual(Object.keys(outputs).toSorted());
});

interface Metadata {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: object;
}

test('inputs are typed; wrong ones are named', () => {
  const read = (inputs: Record<string, string>) => () => readInputs((name) => ({ ...defaults, ...inputs })[name] ?? '', '/work space');
  expect(read({ runner: 'big, linux', force: '["a b","c"]', folder: 'teams/a' })()).toEqual({
    folder: '/work space/teams/a',
    levels: 4,
    runner: ['big', 'linux'],
    base: null,
    force: ['a b', 'c'],
    token,
  });
  expect(read({ levels: '5' })).toThrow(/expected a number from 1 to 4/);
  expect(read({ folder: '../..' })).toThrow(/expected a folder of the work space/);
  for (const runner of ['[1]', '[', ',']) expect(read({ runner })).toThrow(/the input runner/);
});

test('T2: it starts in well under a second, and refuses an event that runs code of strangers with our token', async () => {
  using clone = branch({});
  // of this machine's processors, not of the clock: others are at work on it
  const told = "process.on('exit',()=>{const{user,system}=process.cpuUsage();console.log('cpu '+(user+system))})";
  const { code, log } = await step(clone, {
    event: 'pull_request_target',
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(told)}` },
  });
  expect(code).toBe(1);
  expect(log).toContain('use pull_request: pull_request_target gives the code of a fork the token');
  expect(log).not.toContain(token);
  expect(Number(/^cpu (\d+)$/m.exec(log)?.[1]) / 1e6).toBeLessThan(1);
});
