// The committed bundle in a process of its own, as a runner starts it, against a stand-in of the few calls of GitHub that it makes.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGitHub, type FakeGitHub } from '../../src/forge/github.fixture.ts';
import { buildReport } from '../../src/report/build.ts';
import { exampleParts } from '../../src/report/example.fixture.ts';
import { giantParts, hostileParts } from '../../src/report/hostile.fixture.ts';

const bundle = fileURLToPath(new URL('dist/index.js', import.meta.url));
const realPlumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);

let github: FakeGitHub;
let folder: string;
let workspace: string;
beforeEach(async () => {
  github = await startGitHub({ token });
  github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
  folder = mkdtempSync(join(tmpdir(), 'report action '));
  workspace = join(folder, 'work space');
  mkdirSync(workspace);
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
  const all = { folder: '.', comment: 'true', status: 'true', author: 'github-actions[bot]', token, ...inputs };
  const child = spawn(process.execPath, [bundle], {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      GITHUB_API_URL: github.url,
      GITHUB_SERVER_URL: 'https://github.test',
      GITHUB_REPOSITORY: 'o/r',
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
  for (const place of [ending.log, ending.summary, read('output'), read('env'), read('path'), JSON.stringify([github.comments, github.statuses])])
    expect(place.includes(token)).toBe(false);
  return ending;
}

/** name<<delimiter, value, delimiter */
function outputsIn(file: string): Record<string, string> {
  return Object.fromEntries([...file.matchAll(/^(\w+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2$/gm)].map((match) => [match[1] ?? '', match[3] ?? '']));
}

function pullRequest(repository: string | null = 'o/r'): unknown {
  return { pull_request: { number: 7, head: { sha: head, repo: repository === null ? null : { full_name: repository } }, base: { sha: base } } };
}

/** A plumb that says what it is told to, and writes down how it was called. */
function installPlumb(answer: { stdout?: string; stderr?: string; exit?: number }): void {
  const bin = join(workspace, 'node_modules', 'plumbline', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'answer.json'), JSON.stringify({ stdout: '', stderr: '', exit: 0, ...answer }));
  writeFileSync(
    join(bin, 'plumb.js'),
    `const fs = require('node:fs'), path = require('node:path');
    const { stdout, stderr, exit } = JSON.parse(fs.readFileSync(path.join(__dirname, 'answer.json'), 'utf8'));
    fs.writeFileSync(path.join(__dirname, 'called.json'), JSON.stringify({ words: process.argv.slice(2), env: process.env, cwd: process.cwd() }));
    process.exitCode = exit;
    process.stderr.write(stderr);
    process.stdout.write(stdout);`,
  );
}

function called(): { words: string[]; env: Record<string, string>; cwd: string } {
  return JSON.parse(readFileSync(join(workspace, 'node_modules/plumbline/bin/called.json'), 'utf8')) as ReturnType<typeof called>;
}

const good = buildReport(exampleParts('good', 770));
const bad = buildReport(exampleParts('bad', 770));
const says = (report: unknown): void => installPlumb({ stdout: JSON.stringify(report) });

test('a report: one comment, the status of the head commit, the summary and the outputs', async () => {
  says(good);
  const { code, summary, outputs, log } = await start();
  expect(log).toContain('Comment made: https://github.test/o/r/pull/7#issuecomment-1000');
  expect(code).toBe(0);
  expect(github.comments).toHaveLength(1);
  expect(github.comments[0]?.body).toMatch(
    /^<!-- plumbline report [0-9a-f]{16} -->\n## ✅ `intents`: the gate holds, no evidence of a difference from production\n/,
  );
  expect(github.comments[0]?.body).toContain('[The whole report](<https://github.test/o/r/actions/runs/42>)');
  expect(github.statuses).toEqual([
    {
      sha: head,
      context: 'plumb/gate',
      state: 'success',
      description: 'The gate holds: no evidence of a difference from production',
      target_url: 'https://github.test/o/r/actions/runs/42',
    },
  ]);
  expect(summary).toMatch(/^## ✅ `intents`/);
  expect(outputs).toMatchObject({ holds: 'true', verdict: 'no evidence' });
  expect(JSON.parse(readFileSync(outputs['report'] ?? '', 'utf8'))).toEqual(good);
});

test('it asks GitHub four times when there is something to say, three when there is not', async () => {
  says(good);
  await start();
  const first = github.requests.splice(0);
  await start();
  expect([first.length, github.requests.length]).toEqual([4, 3]);
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

test('the policy of the base judges, and no value is taken for an option', async () => {
  says(good);
  mkdirSync(join(workspace, 'teams', 'a b'), { recursive: true });
  await start({ folder: 'teams/a b', model: '--html=/tmp/x', against: '-C/', stage: 'staging' });
  expect(called().words).toEqual(['report', '--json', '--stage=staging', '--against=-C/', `--base=${base}`, '--', '--html=/tmp/x']);
  expect(called().cwd).toBe(join(workspace, 'teams', 'a b'));
  expect(github.statuses).toMatchObject([{ context: 'plumb/gate teams/a b --html=/tmp/x staging' }]);
  await start({ base: 'release' });
  expect(called().words).toContain('--base=release');
  expect(github.comments).toHaveLength(2);
});

test('plumb gets neither the token nor the files by which a step speaks to the runner', async () => {
  says(good);
  await start(
    {},
    { env: { GITHUB_TOKEN: token, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x', ACTIONS_RUNTIME_TOKEN: 'x', NODE_AUTH_TOKEN: 'x', KEPT: 'yes' } },
  );
  const { env } = called();
  expect(env['KEPT']).toBe('yes');
  expect(Object.keys(env).filter((name) => /^INPUT_|TOKEN|GITHUB_(ENV|OUTPUT|PATH|STEP_SUMMARY)/.test(name))).toEqual([]);
});

test('hostile rows, labels and names stay text: no mention, no image, no line that the runner obeys', async () => {
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
    for (const markdown of [comment?.body.split('\n').slice(1).join('\n') ?? '', ending.summary]) {
      const outside = markdown
        .replaceAll(/`[^`\n]*`/g, '')
        .replaceAll(/<code>[^<]*<\/code>/g, '')
        .replace(/\[The whole report\]\(<[^>]*>\)/, '');
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

test('a pull request from a fork: the summary only, and no request', async () => {
  says(good);
  for (const repository of ['mallory/r', null]) {
    const { code, summary, log } = await start({}, { payload: pullRequest(repository) });
    expect(code).toBe(0);
    expect(summary).toContain('the gate holds');
    expect(log).toContain('comes from a fork');
  }
  expect(github.requests).toEqual([]);
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
  expect(called().words).toEqual(['report', '--json', '--stage=production']);
});

describe('without a report', () => {
  test("plumb's error stands in the place of the old report, and the status is no success", async () => {
    says(good);
    await start();
    installPlumb({
      stdout: JSON.stringify({ error: { code: 'RUN_MISSING', what: 'stage train of @octocat/x has not run', mend: 'run `plumb run`' } }),
      exit: 3,
    });
    const { code, outputs, summary } = await start();
    expect(code).toBe(1);
    expect(outputs).toEqual({ holds: 'false', verdict: 'none', report: '' });
    expect(summary).toContain('There is no report for this commit');
    expect(github.comments).toMatchObject([
      { edits: 1, body: expect.stringMatching(/no report for this commit\n\n\*\*stage train of `@octocat\/x` has not run/) as string },
    ]);
    expect(github.statuses.at(-1)).toMatchObject({ state: 'error' });
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
    expect(await log()).toContain('there is no plumb in node_modules');
    says(good);
    expect(await log({ comment: 'yes' })).toContain('the input comment is "yes", expected true or false');
    expect(await log({ folder: '../..' })).toContain('expected a folder of the work space');
    expect(await log({ stage: 'prod' })).toContain('expected production or staging');
    expect(await log({}, { name: 'pull_request_target' })).toContain('use pull_request');
    expect(await log({}, { name: 'workflow_run', payload: {} })).toContain('the workflow was started by workflow_run');
    expect(github.requests).toEqual([]);
  });
});

test('with the real plumb, on a repository made by hand', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(realPlumb, join(bin, 'plumb'));
  const env = {
    ...process.env,
    HOME: folder,
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@test',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@test',
  };
  const need = (program: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: workspace, encoding: 'utf8', env });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const plumb = (...args: string[]): string => need(process.execPath, realPlumb, ...args);
  need('git', 'init', '-q', '-b', 'main');
  plumb('init', '--template', 'classifier');
  // two intents are enough for a model, and fast
  const template = fileURLToPath(new URL('../../templates/classifier/data/', import.meta.url));
  for (const name of ['intents', 'intents-test']) {
    const rows = readFileSync(join(template, `${name}.jsonl`), 'utf8').split('\n');
    writeFileSync(join(workspace, `data/${name}.jsonl`), `${rows.filter((row) => /"label":"(card_arrival|age_limit)"/.test(row)).join('\n')}\n`);
    plumb('add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
  }
  writeFileSync(join(workspace, 'rules/intents.yaml'), readFileSync(join(workspace, 'rules/intents.yaml'), 'utf8').replace('min: 5000', 'min: 50'));
  need('git', 'add', '.');
  need('git', 'commit', '-qm', 'first');
  const commit = need('git', 'rev-parse', 'HEAD');
  github.pulls.splice(0, 1, { number: 7, state: 'open', head: commit, base: commit, files: [] });
  const payload = { pull_request: { number: 7, head: { sha: commit, repo: { full_name: 'o/r' } }, base: { sha: commit } } };
  const path = { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder }, payload };
  const before = await start({}, path);
  expect(before.code).toBe(1);
  expect(github.statuses.at(-1)).toMatchObject({ sha: commit, state: 'error' });
  plumb('run');
  const { code, log, outputs } = await start({}, path);
  expect(log).toContain('Comment updated');
  expect(code).toBe(0);
  expect(outputs).toMatchObject({ verdict: 'first model' });
  expect(existsSync(outputs['report'] ?? '')).toBe(true);
  expect(github.comments).toMatchObject([{ edits: 1, body: expect.stringContaining('first model') as string }]);
  expect(github.statuses.at(-1)).toMatchObject({ sha: commit, context: 'plumb/gate', state: outputs['holds'] === 'true' ? 'success' : 'failure' });
}, 60_000);
