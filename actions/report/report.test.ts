// The bundle in a process of its own, as a runner starts it, against a stand-in of GitHub that holds every request against GitHub's description.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import { headOfReport } from '../../src/ci/report-comment.ts';
import { buildReport } from '../../src/report/build.ts';
import { branchParts, exampleParts } from '../../src/report/example.fixture.ts';
import { giantParts, hostileParts } from '../../src/report/hostile.fixture.ts';

const bundle = fileURLToPath(new URL('dist/index.js', import.meta.url));
const realPlumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);

let github: GitHubApi;
let folder: string;
let workspace: string;
beforeEach(async () => {
  github = await startGitHub({ token });
  github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
  folder = mkdtempSync(join(tmpdir(), 'report action '));
  workspace = join(folder, 'work space');
  mkdirSync(workspace);
  if (spawnSync('git', ['init', '-qb', 'main', workspace]).status !== 0) throw new Error('no git');
});
afterEach(async () => {
  await github.close();
  rmSync(folder, { recursive: true });
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

interface Ending {
  readonly code: number;
  readonly log: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** Starts the action; nothing of the environment of the test but PATH comes through. */
async function start(
  inputs: Record<string, string> = {},
  event: { name?: string; payload?: unknown; env?: Record<string, string> } = {},
): Promise<Ending> {
  const files = Object.fromEntries(['event', 'summary', 'output', 'path', 'env'].map((name) => [name, join(folder, name)])) as Record<string, string>;
  for (const path of Object.values(files)) writeFileSync(path, '');
  writeFileSync(files['event'] ?? '', JSON.stringify(event.payload ?? pullRequest()));
  const all = { folder: '.', comment: 'true', status: 'true', check: 'true', token, ...inputs };
  const child = spawn(process.execPath, [bundle], {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      GITHUB_ACTIONS: 'true',
      ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      GITHUB_API_URL: github.url,
      GITHUB_SERVER_URL: 'https://github.test',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_REF: 'refs/pull/7/merge',
      GITHUB_EVENT_NAME: event.name ?? 'pull_request',
      GITHUB_EVENT_PATH: files['event'],
      GITHUB_SHA: 'c'.repeat(40),
      GITHUB_RUN_ID: '42',
      GITHUB_WORKSPACE: workspace,
      GITHUB_STEP_SUMMARY: files['summary'],
      GITHUB_OUTPUT: files['output'],
      GITHUB_PATH: files['path'],
      GITHUB_ENV: files['env'],
      RUNNER_TEMP: folder,
      ...event.env,
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  const read = (name: string): string => readFileSync(files[name] ?? '', 'utf8');
  const ending = { code, log: stdout + stderr, summary: read('summary'), outputs: outputsIn(read('output')) };
  // whatever happens, the token goes to GitHub and nowhere else
  for (const place of [
    ending.log,
    ending.summary,
    read('output'),
    read('env'),
    read('path'),
    JSON.stringify([github.comments, github.statuses, github.checkRuns]),
  ])
    expect(place.includes(token)).toBe(false);
  return ending;
}

/** name<<delimiter, value, delimiter */
function outputsIn(file: string): Record<string, string> {
  return Object.fromEntries([...file.matchAll(/^(\w+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2$/gm)].map((match) => [match[1] ?? '', match[3] ?? '']));
}

function pullRequest(repository: string | null = 'o/r'): unknown {
  return {
    pull_request: { number: 7, head: { sha: head, repo: repository === null ? null : { full_name: repository } }, base: { sha: base, ref: 'main' } },
  };
}

/** A plumb on PATH that says what it is told to, and writes down how it was called. */
function installPlumb(answer: { stdout?: string; stderr?: string; exit?: number }): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'answer.json'), JSON.stringify({ stdout: '', stderr: '', exit: 0, ...answer }));
  writeFileSync(
    join(bin, 'plumb'),
    `const fs = require('node:fs'), path = require('node:path');
    const { stdout, stderr, exit } = JSON.parse(fs.readFileSync(path.join(__dirname, 'answer.json'), 'utf8'));
    fs.writeFileSync(path.join(__dirname, 'called.json'), JSON.stringify({ words: process.argv.slice(2), env: process.env, cwd: process.cwd() }));
    process.exitCode = exit;
    process.stderr.write(stderr);
    process.stdout.write(stdout);`,
  );
}

function called(): { words: string[]; env: Record<string, string>; cwd: string } {
  return JSON.parse(readFileSync(join(folder, 'bin/called.json'), 'utf8')) as ReturnType<typeof called>;
}

const good = buildReport(exampleParts('good', 770));
const bad = buildReport(exampleParts('bad', 770));
/** Of a branch that changes nothing relevant, as plumb makes it. */
const nothing = buildReport({
  model: 'intents',
  title: { revision: 'c0ffee1', branch: 'docs', base: 'main' },
  gate: null,
  candidate: null,
  baseline: null,
  data: [],
  params: [],
  stages: [],
  evaluation: null,
  baselineEvaluation: null,
  comparison: null,
  curves: [],
  cost: { seconds: 0 },
  warnings: [],
  change: { since: '0123456789ab', relevant: false, why: [] },
});
const says = (report: unknown): void => installPlumb({ stdout: JSON.stringify(report) });

test('a report: one comment, the status of the head commit, the summary and the outputs', async () => {
  says(good);
  const { code, summary, outputs, log } = await start();
  expect(log).toContain('Comment made: https://github.test/o/r/pull/7#issuecomment-1000');
  expect(code).toBe(0);
  expect(github.comments).toHaveLength(1);
  expect(github.comments[0]?.body).toMatch(
    /^<!-- plumbline report [0-9a-f]{16} -->\n<!-- plumbline head a{40} -->\n## ✅ `intents`: the gate holds, no evidence of a difference from production\n/,
  );
  expect(headOfReport(github.comments[0]?.body ?? '')).toBe(head);
  expect(github.statuses).toEqual([
    {
      sha: head,
      context: 'plumb/gate',
      state: 'success',
      description: 'The gate holds: no evidence of a difference from production',
      target_url: 'https://github.test/o/r/actions/runs/42',
      creator: 'github-actions[bot]',
    },
  ]);
  expect(github.checkRuns).toMatchObject([{ sha: head, name: 'plumbline', conclusion: 'success', link: 'https://github.test/o/r/actions/runs/42' }]);
  expect(summary).toMatch(/^## ✅ `intents`/);
  expect(outputs).toMatchObject({ holds: 'true', verdict: 'no evidence', relevant: 'true' });
  expect(JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8'))).toEqual(good);
  expect(readFileSync(outputs['html'] ?? '', 'utf8')).toMatch(/^<!doctype html>/);
});

test('it asks GitHub a handful of times, and less when there is nothing new to say', async () => {
  says(good);
  await start();
  const first = github.requests.splice(0);
  await start();
  expect(first.length).toBeLessThanOrEqual(8);
  expect(github.requests.length).toBeLessThan(first.length);
});

test('a pull request that changes nothing relevant gets no comment; one that is there already is brought up to date', async () => {
  says(nothing);
  const { code, outputs, log } = await start();
  expect(code).toBe(0);
  expect(log).toContain('no comment');
  expect(outputs).toMatchObject({ relevant: 'false', holds: 'true' });
  expect(github.comments).toEqual([]);
  expect(github.statuses).toMatchObject([{ state: 'success', description: expect.stringMatching(/^Nothing to judge/) as string }]);
  says(bad);
  await start();
  says(nothing);
  await start();
  expect(github.comments).toMatchObject([{ edits: 1, body: expect.stringContaining('nothing to judge') as string }]);
});

test('changed lines of the lock and of params.yaml carry what happened to them, broken rules first', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const lock = `version: 1\n\ndatasets:\n  intents:  # intents\n    digest: ${digest}  # intents\n  intents-test:\n    digest: ${digest}\n`;
  writeFileSync(join(workspace, 'datasets.lock'), lock);
  writeFileSync(join(workspace, 'params.yaml'), '# what people tune\ntrain:\n  epochs: 20\n  model: softmax\n');
  says(buildReport(branchParts('bad', 770)));
  await start();
  const [check] = github.checkRuns;
  expect(check?.conclusion).toBe('failure');
  expect(check?.annotations).toMatchObject([
    { path: 'datasets.lock', start_line: 5, annotation_level: 'failure', title: 'intents breaks rule 3 of rules/intents.yaml' },
    { path: 'datasets.lock', start_line: 5, annotation_level: 'failure', title: 'duplicates in intents: near-duplicate' },
    { path: 'datasets.lock', start_line: 5, annotation_level: 'warning' },
    { path: 'datasets.lock', start_line: 5, annotation_level: 'warning', message: '1 row; r9002: e-mail address' },
    {
      path: 'datasets.lock',
      start_line: 5,
      annotation_level: 'notice',
      message: '9,800 → 10,003 rows, 215 added, 12 removed, 24 edited, 34 relabelled',
    },
    { path: 'params.yaml', start_line: 3, annotation_level: 'notice', title: 'train.epochs', message: '15 → 20' },
  ]);
  expect(JSON.stringify(check)).not.toContain('jane@');
});

test('the second run brings the comment up to date; a third that says the same leaves it alone', async () => {
  says(good);
  await start();
  says(bad);
  const { code, outputs } = await start();
  // the gate is another step: this one said what it had to say
  expect(code).toBe(0);
  expect(outputs).toMatchObject({ holds: 'false', verdict: 'worse' });
  await start();
  expect(github.comments).toMatchObject([{ edits: 1, body: expect.stringContaining('the gate does not hold') as string }]);
  expect(github.statuses.map((one) => one.state)).toEqual(['success', 'failure', 'failure']);
});

test('T12: the policy of the base judges, and no value is taken for an option', async () => {
  says(good);
  mkdirSync(join(workspace, 'teams', 'a b'), { recursive: true });
  await start({ folder: 'teams/a b', model: '--html=/tmp/x', against: '-C/', stage: 'staging' });
  const run = 'https://github.test/o/r/actions/runs/42';
  expect(called().words.slice(0, 3)).toEqual(['ci', 'report', '--json']);
  expect(called().words.slice(3, 7)).toEqual(['--stage=staging', '--run=42', `--link=${run}`, `--page=${run}#artifacts`]);
  expect(called().words.slice(7)).toEqual(['--against=-C/', `--base=${base}`, '--', '--html=/tmp/x']);
  expect(called().cwd).toBe(join(workspace, 'teams', 'a b'));
  expect(github.statuses).toMatchObject([{ context: 'plumb/gate teams/a b --html=/tmp/x staging' }]);
  await start({ base: 'release' });
  expect(called().words).toContain('--base=release');
  expect(github.comments).toHaveLength(2);
});

test('T4: plumb gets neither the token nor the files by which a step speaks to the runner', async () => {
  says(good);
  await start(
    {},
    {
      env: {
        GITHUB_TOKEN: token,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x',
        ACTIONS_RUNTIME_TOKEN: 'x',
        NODE_AUTH_TOKEN: 'x',
        PLUMB_SIGNING_KEY: 'x',
        AWS_SESSION_TOKEN: 'of the remote',
      },
    },
  );
  const { env } = called();
  expect(Object.keys(env).filter((name) => /^INPUT_|TOKEN|KEY|GITHUB_(ENV|OUTPUT|PATH|STEP_SUMMARY)/.test(name))).toEqual(['AWS_SESSION_TOKEN']);
});

test('T22: hostile rows, labels and names stay text: no mention, no image, no line that the runner obeys', async () => {
  const stderr = '::set-output name=holds::true\n::error::fake\n##[add-path]/tmp\n';
  let log = '';
  for (const attack of [
    '@octocat @org/team',
    '![](https://evil.example/x.png)<script>',
    '` | <!-- --> @octocat `',
    '\n\n## ✅ The gate holds\n<!-- plumbline report -->',
  ]) {
    installPlumb({ stdout: JSON.stringify(buildReport(hostileParts(attack))), stderr });
    const ending = await start();
    expect(ending.code).toBe(0);
    log = ending.log;
    const [comment] = github.comments;
    for (const markdown of [comment?.body.split('\n').slice(2).join('\n') ?? '', ending.summary]) {
      const outside = markdown
        .replaceAll(/`[^`\n]*`/g, '')
        .replaceAll(/<code>[^<]*<\/code>/g, '')
        .replaceAll(/\[(?:The whole report|CI run)\]\(<[^>]*>\)/g, '');
      expect(outside).not.toMatch(/@\w|!\[|<script|<img|<!--|https?:|javascript:/i);
      expect(outside.match(/^## .*/gm)).toHaveLength(1);
    }
  }
  const [, word] = /^::stop-commands::(\S+)$/m.exec(log) ?? [];
  expect(log.indexOf(`::stop-commands::${word}`)).toBeLessThan(log.indexOf('::set-output'));
  expect(log.lastIndexOf(`::${word}::`)).toBeGreaterThan(log.indexOf('##[add-path]'));
});

test('a giant report fits a comment and a summary', async () => {
  says(buildReport(giantParts()));
  const { code, summary } = await start();
  expect(code).toBe(0);
  expect(github.comments[0]?.body.length).toBeLessThan(65_536);
  expect(Buffer.byteLength(summary)).toBeLessThan(1 << 20);
});

test('GitHub fails twice and then works: nobody notices', async () => {
  says(good);
  github.faults.push({ method: 'POST', path: /statuses/, status: 502, times: 2 });
  expect((await start()).code).toBe(0);
  expect(github.statuses).toHaveLength(1);
  expect(github.comments).toHaveLength(1);
  expect(github.requests.filter((one) => one.startsWith('POST /repos/o/r/statuses'))).toHaveLength(3);
});

test('GitHub refuses: summary and outputs are there all the same, and the step fails with what is missing', async () => {
  says(good);
  github.permission = 'read';
  const { code, log, summary, outputs } = await start();
  expect(code).toBe(1);
  expect(log).toContain('Resource not accessible by integration');
  expect(log).toContain('pull-requests: write');
  expect(summary).toContain('the gate holds');
  expect(outputs['holds']).toBe('true');
});

test('T26: a pull request from a fork: the summary only, and no request', async () => {
  says(good);
  for (const repository of ['mallory/r', null]) {
    const { code, summary, log } = await start({}, { payload: pullRequest(repository) });
    expect(code).toBe(0);
    expect(summary).toContain('the gate holds');
    expect(log).toContain('comes from a fork');
  }
  expect(github.requests).toEqual([]);
});

test('a workflow that a maintainer started for a commit of a fork says what it found', async () => {
  says(good);
  const payload = { inputs: { pull: '7', sha: head, fork: 'true' } };
  const { code } = await start({}, { name: 'workflow_dispatch', payload, env: { GITHUB_REF: 'refs/heads/main' } });
  expect(code).toBe(0);
  expect(github.comments).toHaveLength(1);
  expect(github.statuses).toMatchObject([{ sha: head, state: 'success' }]);
});

test('T15: what the policy of another branch says of a commit does not count for the main one, into which that commit goes, too', async () => {
  says(good);
  const repository = { default_branch: 'main' };
  const { pull_request: pull } = pullRequest() as { pull_request: { base: object } };
  await start({}, { payload: { repository, pull_request: { ...pull, base: { ...pull.base, ref: 'lax' } } } });
  expect(github.statuses).toMatchObject([{ sha: head, context: 'plumb/gate into lax' }]);
  expect(github.checkRuns).toMatchObject([{ name: 'plumbline into lax' }]);
  await start({}, { payload: { repository, pull_request: pull } });
  expect(github.statuses[1]).toMatchObject({ sha: head, context: 'plumb/gate' });
});

test('T21: an error that quotes a row is masked wherever it is told', async () => {
  const error = {
    code: 'ROW_INVALID',
    what: 'row 3: "ada@example.org" is no number',
    mend: 'ask ada@example.org',
    where: { file: 'datasets.lock', line: 1 },
  };
  installPlumb({ stdout: JSON.stringify({ error }), exit: 1 });
  const { code, log, summary } = await start();
  expect(code).toBe(1);
  const told = [log, summary, JSON.stringify([github.comments, github.statuses, github.checkRuns])];
  for (const place of told) expect(place).toContain('[e-mail]');
  for (const place of told) expect(place).not.toContain('ada@example.org');
});

test('what the work space brings along is never asked, not even by PATH', async () => {
  const own = join(workspace, 'node_modules');
  mkdirSync(join(own, '.bin'), { recursive: true });
  mkdirSync(join(own, 'plumbline', 'bin'), { recursive: true });
  for (const path of [join(own, '.bin', 'plumb'), join(own, 'plumbline', 'bin', 'plumb.js')])
    writeFileSync(path, `process.stdout.write(${JSON.stringify(JSON.stringify(good))})`);
  symlinkSync(join(own, '.bin'), join(folder, 'link'));
  const path = [join(own, '.bin'), join(folder, 'link'), 'node_modules/.bin', ''].join(':');
  const { code, log } = await start({}, { env: { PATH: `${path}:/usr/bin:/bin` } });
  expect(code).toBe(1);
  expect(log).toContain('there is no plumb on PATH outside of the work space');
  expect(github.requests).toEqual([]);
  says(good);
  const named = await start({ plumb: join(folder, 'bin', 'plumb') }, { env: { PATH: `${path}:/usr/bin:/bin` } });
  expect(named.code).toBe(0);
});

test('a run that ends after a later push does not write over its comment', async () => {
  says(good);
  await start();
  for (const pull of github.pulls) pull.head = 'd'.repeat(40);
  says(bad);
  const { code, log } = await start();
  expect(code).toBe(0);
  expect(log).toContain('has a later commit');
  expect(github.comments).toMatchObject([{ edits: 0 }]);
});

test('a push finds the pull request that ends with its commit; without one there is only the status', async () => {
  says(good);
  const pushed = { name: 'push', payload: {} };
  await start({}, pushed);
  expect(github.comments).toEqual([]);
  expect(github.statuses).toMatchObject([{ sha: 'c'.repeat(40) }]);
  for (const pull of github.pulls) pull.head = 'c'.repeat(40);
  await start({}, pushed);
  expect(github.comments).toHaveLength(1);
  expect(called().words.filter((word) => word.startsWith('--base'))).toEqual([]);
});

describe('without a report', () => {
  test("plumb's error stands in the place of the old report, and the status is no success", async () => {
    says(good);
    await start();
    installPlumb({
      stdout: JSON.stringify({
        error: {
          code: 'RUN_MISSING',
          what: 'stage train of @octocat/x has not run',
          mend: 'run `plumb run`',
          where: { file: 'pipeline.yaml', line: 4 },
        },
      }),
      exit: 3,
    });
    const { code, outputs, summary } = await start();
    expect(code).toBe(1);
    expect(outputs).toEqual({ holds: 'false', verdict: 'none', relevant: 'true', report: '', html: '' });
    expect(summary).toContain('There is no report for this commit');
    expect(github.comments).toMatchObject([
      {
        edits: 1,
        body: expect.stringMatching(/no report for this commit\n\n`pipeline.yaml:4`: \*\*stage train of `@octocat\/x` has not run/) as string,
      },
    ]);
    expect(github.statuses.at(-1)).toMatchObject({ state: 'error' });
    expect(github.checkRuns.at(-1)?.annotations).toMatchObject([{ path: 'pipeline.yaml', start_line: 4, annotation_level: 'failure' }]);
  });

  test('broken rules are a no, not an error: status, outputs and comment say what breaks', async () => {
    const problem = { code: 'RULES_BROKEN', what: '12 rows of 10,003 break a rule', mend: 'correct the rows' };
    const parts = branchParts('bad', 770);
    says(buildReport({ ...parts, problem, candidate: null, gate: null, evaluation: null, baselineEvaluation: null, comparison: null }));
    const { code, outputs } = await start();
    expect(code).toBe(1);
    expect(outputs).toMatchObject({ holds: 'false', verdict: 'no model' });
    expect(github.statuses).toMatchObject([{ state: 'failure', description: 'There is no model to judge: 12 rows of 10,003 break a rule' }]);
    expect(github.comments[0]?.body).toContain('`"please write to [e-mail]"`');
  });

  test('what is no report/1 is refused, whatever it says of the gate', async () => {
    for (const stdout of ['', '{"gate":{"holds":true}}', JSON.stringify({ ...good, extra: 1 })]) {
      installPlumb({ stdout });
      const { code, log } = await start();
      expect(code).toBe(1);
      expect(log).toContain('ACTION_PLUMB');
    }
    expect(github.requests).toEqual([]);
  });

  test('wrong inputs and events are named', async () => {
    const log = async (...given: Parameters<typeof start>): Promise<string> => (await start(...given)).log;
    expect(await log()).toContain('there is no plumb on PATH');
    says(good);
    expect(await log({ comment: 'yes' })).toContain('the input comment is "yes", expected true or false');
    expect(await log({ folder: '../..' })).toContain('expected a folder of the work space');
    expect(await log({ stage: 'prod' })).toContain('expected production or staging');
    expect(await log({}, { name: 'pull_request_target' })).toContain('use pull_request');
    expect(await log({}, { name: 'workflow_run', payload: {} })).toContain('the workflow was started by workflow_run');
    expect(github.requests).toEqual([]);
  });
});

test('with the real plumb: a pull request that has not run, that has, and one that changes nothing that counts', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(realPlumb, join(bin, 'plumb'));
  const people = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@test', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@test' };
  const env = { PATH: process.env['PATH'], HOME: folder, ...people };
  const need = (program: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: workspace, encoding: 'utf8', env });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const plumb = (...args: string[]): string => need(process.execPath, realPlumb, ...args);
  const commit = (message: string): string => {
    need('git', 'add', '.');
    need('git', 'commit', '-qm', message);
    return need('git', 'rev-parse', 'HEAD');
  };
  plumb('init', '--template', 'classifier');
  // two intents are enough for a model, and fast
  const template = fileURLToPath(new URL('../../templates/classifier/data/', import.meta.url));
  for (const name of ['intents', 'intents-test']) {
    const rows = readFileSync(join(template, `${name}.jsonl`), 'utf8').split('\n');
    writeFileSync(join(workspace, `data/${name}.jsonl`), `${rows.filter((row) => /"label":"(card_arrival|age_limit)"/.test(row)).join('\n')}\n`);
    plumb('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
  }
  writeFileSync(join(workspace, 'rules/intents.yaml'), readFileSync(join(workspace, 'rules/intents.yaml'), 'utf8').replace('min: 5000', 'min: 50'));
  const main = commit('first');
  plumb('run');
  need('git', 'switch', '-qc', 'topic');
  const params = join(workspace, 'params.yaml');
  writeFileSync(params, readFileSync(params, 'utf8').replace(/learning_rate: \S+/, 'learning_rate: 0.25'));
  const topic = commit('slower');
  const pull = (at: string): Parameters<typeof start>[1] => {
    github.pulls.splice(0, 1, { number: 7, state: 'open', head: at, base: main, files: [] });
    const payload = { pull_request: { number: 7, head: { sha: at, repo: { full_name: 'o/r' } }, base: { sha: main, ref: 'main' } } };
    return { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, PLUMB_RUN_DOMAIN: 'laptop' }, payload };
  };
  const before = await start({}, pull(topic));
  expect(before.code).toBe(1);
  expect(github.statuses.at(-1)).toMatchObject({ sha: topic, state: 'error', description: expect.stringContaining('has not been run') as string });
  plumb('run');
  const { code, log, outputs } = await start({}, pull(topic));
  expect(log).toContain('Comment updated');
  expect(code).toBe(0);
  expect(existsSync(outputs['report'] ?? '')).toBe(true);
  expect(github.comments).toMatchObject([{ edits: 1, body: expect.stringContaining('learning_rate') as string }]);
  expect(github.statuses.at(-1)).toMatchObject({ sha: topic, context: 'plumb/gate', state: outputs['holds'] === 'true' ? 'success' : 'failure' });
  const annotated = github.checkRuns.at(-1)?.annotations.map((one) => [one.path, one.title]);
  expect(annotated).toEqual([['params.yaml', 'train.learning_rate']]);
  need('git', 'switch', '-qc', 'docs', main);
  writeFileSync(join(workspace, 'README.md'), 'read me\n');
  const docs = await start({}, pull(commit('docs')));
  expect(docs.outputs).toMatchObject({ relevant: 'false', holds: 'true' });
  expect(github.comments).toMatchObject([{ edits: 2, body: expect.stringContaining('nothing to judge') as string }]);
}, 60_000);
