// The committed bundle, as a runner starts it, on real repositories.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StaticChecks } from '../../src/ci/static-checks.ts';
import { TestProject } from '../../tests/project.ts';
import { startStep, type StepEnding } from '../runner.fixture.ts';
import { readInputs } from './inputs.ts';

const pipeline = 'version: 1\nstages:\n  check:\n    uses: plumb/validate\n    with: { data: intents, rules: rules.yaml }\n';
const rules = 'version: 1\nkey: id\nrules:\n  - column: text\n    max_length: 200\n  - rows: { max: 45000 }\n';
/** More than the bytes from which on the store works in threads, where it has their files. */
const rows = (count: number, more: readonly object[] = []): string =>
  [...Array.from({ length: count }, (_, at) => ({ id: `row-${at}`, text: `what people write, for the ${at}th time: ${noise(at)}` })), ...more]
    .map((row) => `${JSON.stringify(row)}\n`)
    .join('');
const noise = (seed: number): string => Array.from({ length: 12 }, (_, at) => ((seed + 1) * (at + 7) * 2_654_435_761).toString(36)).join(' ');

let main: TestProject;
let base: string;
beforeAll(async () => {
  main = TestProject.create({ 'pipeline.yaml': pipeline, 'rules.yaml': rules }, { remote: true });
  main.write('data/intents.jsonl', rows(45_000));
  await main.done('add', 'data/intents.jsonl', '--key', 'id');
  await main.done('push');
  main.git('add', '.');
  main.git('commit', '-qm', 'rows');
  base = main.git('rev-parse', 'HEAD');
}, 60_000);
afterAll(() => main[Symbol.dispose]());

/** What a runner has: a clone without data and with an empty cache. */
function asRunner(clone: TestProject): TestProject {
  for (const path of ['.plumb', 'data']) rmSync(clone.path(path), { recursive: true, force: true });
  return clone;
}

function step(clone: TestProject, more: { inputs?: Record<string, string>; repository?: string; base?: string } = {}): Promise<StepEnding> {
  const head = clone.git('rev-parse', 'HEAD');
  const pull = { number: 7, head: { sha: head, repo: { full_name: more.repository ?? 'o/r' } }, base: { sha: more.base ?? base, ref: 'main' } };
  return startStep({
    action: 'validate',
    inputs: { folder: '.', base: '', ...more.inputs },
    event: 'pull_request',
    payload: { pull_request: pull },
    workspace: clone.root,
    temp: clone.top,
    env: { GITHUB_SHA: head },
  });
}

const findingsOf = ({ outputs }: StepEnding): StaticChecks => JSON.parse(readFileSync(outputs['findings'] ?? '', 'utf8')) as StaticChecks;

test('rows that break a rule: an error at the line of the lock, and one that is masked', async () => {
  using clone = main.copy();
  clone.write('data/intents.jsonl', rows(45_000, [{ id: 'ada@example.org', text: 'x'.repeat(201) }]));
  await clone.done('add', 'data/intents.jsonl');
  await clone.done('push');
  clone.git('commit', '-qam', 'a row more');
  const ending = await step(asRunner(clone));
  expect(ending.code).toBe(1);
  expect(ending.outputs).toMatchObject({ holds: 'false', errors: '2', warnings: '0' });
  expect(ending.commands).toEqual([
    expect.stringMatching(
      /^::error file=datasets\.lock,line=6,col=\d+,title=RULES_BROKEN::data set "intents", rules\.yaml, rule 1%3A|^::error file=datasets\.lock,line=6/,
    ),
    expect.stringContaining('there are 45001 rows, expected at most 45000 rows'),
  ]);
  expect(findingsOf(ending).findings[0]).toMatchObject({ code: 'RULES_BROKEN', dataset: 'intents', row: 45_001, key: '[e-mail]' });
  expect(ending.summary).toContain('## ⛔ Data and configuration: 2 errors, 0 warnings');
  for (const place of [ending.log, ending.summary, readFileSync(ending.outputs['findings'] ?? '', 'utf8')])
    expect(place).not.toContain('ada@example');
  // a bundle has no file for a thread to start from: the store worked without
  for (const worker of ['bulk-worker.js', 'pack-worker.js', 'row-facts-worker.js'])
    expect(existsSync(fileURLToPath(new URL(`dist/${worker}`, import.meta.url)))).toBe(false);
}, 30_000);

test('it reads the inputs that action.yml declares', () => {
  const { inputs } = load(readFileSync(new URL('action.yml', import.meta.url), 'utf8')) as { inputs: Record<string, { default?: string }> };
  const asked: string[] = [];
  const given = readInputs((name) => {
    asked.push(name);
    return inputs[name]?.default ?? '';
  }, '/w');
  expect(asked.toSorted()).toEqual(Object.keys(inputs).toSorted());
  expect(given).toEqual({ folder: '/w', base: null });
});

test('a change without data: nothing is fetched, and all is in order', async () => {
  using clone = asRunner(main.copy());
  rmSync(clone.remote, { recursive: true });
  clone.write('README.md', 'x');
  clone.git('add', '.');
  clone.git('commit', '-qm', 'a word');
  const ending = await step(clone);
  expect([ending.code, ending.commands]).toEqual([0, []]);
  expect(ending.outputs).toMatchObject({ holds: 'true', errors: '0', warnings: '0' });
  expect(findingsOf(ending).datasets).toEqual({ looked: [], notLooked: [] });
});

test('of a fork, bytes that its job cannot have are a warning; faults of its files are told', async () => {
  using clone = asRunner(main.copy());
  rmSync(clone.remote, { recursive: true });
  clone.write('datasets.lock', clone.read('datasets.lock').replaceAll(/sha256:[0-9a-f]{4}/g, 'sha256:0000'));
  clone.git('commit', '-qam', 'bytes that nobody has');
  const fork = await step(clone, { repository: 'mallory/r' });
  expect([fork.code, fork.outputs['warnings'], fork.outputs['errors']]).toEqual([0, '1', '0']);
  clone.write('pipeline.yaml', `${pipeline}  x: { cmd: a, depz: [b] }\n  'y\\u202e': { cmd: b }\n`);
  clone.git('commit', '-qam', 'faults');
  const ending = await step(clone, { repository: 'mallory/r' });
  expect([ending.code, ending.outputs['warnings']]).toEqual([1, '1']);
  expect(ending.commands.filter((line) => line.startsWith('::error'))).toHaveLength(2);
  expect(ending.log).not.toContain('\u202e');
});

test('a clone that does not have the base looks at all data sets, and says so', async () => {
  using clone = asRunner(main.copy());
  const ending = await step(clone, { base: 'f'.repeat(40) });
  expect(ending.log).toContain('This clone does not have the base');
  expect([ending.code, findingsOf(ending).datasets.looked]).toEqual([0, ['intents']]);
}, 20_000);

test('settings that are no YAML are a finding, and the rest is checked; a folder without a project is an error', async () => {
  using clone = asRunner(main.copy());
  clone.write('plumbline.yaml', 'version: [\n');
  clone.write('params.yaml', '- x\n');
  clone.git('add', '.');
  clone.git('commit', '-qm', 'broken');
  const ending = await step(clone);
  expect(ending.code).toBe(1);
  expect(ending.commands.map((line) => /file=([\w.]+)/.exec(line)?.[1])).toEqual(['params.yaml', 'plumbline.yaml']);
  clone.git('rm', '-q', 'plumbline.yaml');
  const none = await step(clone);
  expect([none.code, none.commands]).toEqual([1, [expect.stringContaining('title=NOT_A_PROJECT')]]);
});
