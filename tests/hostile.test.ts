// What hostile files of a branch, a poisoned cache or a foreign remote can make plumb do: nothing outside of what the pipeline says.
import { expect, test } from 'vitest';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { canonicalJson, type Json } from '../src/base/canonical.ts';
import { sha256, TestProject } from './project.ts';

interface Stage {
  readonly state: string;
  readonly run: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly outputs: Readonly<Record<string, { readonly digest: string }>>;
}

const pipeline = 'stages:\n  same:\n    cmd: cat in.txt > out/same.txt\n    deps: [in.txt]\n    outs: [out/same.txt]\n';

const create = (): TestProject => TestProject.create({ 'pipeline.yaml': pipeline, 'in.txt': 'input\n' });

async function run(project: TestProject, name: string): Promise<Stage> {
  const { stages } = (await project.done('run', name)) as unknown as { stages: Stage[] };
  const stage = stages.find((one) => one.stage === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

/** Puts an object into the cache by hand. */
function put(project: TestProject, text: string): string {
  const digest = `sha256:${sha256(text)}`;
  const path = project.objectPath(digest);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return digest;
}

/** Writes a record over a cached one: what somebody can do who may write to the remote, from which a cache fills itself. */
function poison(project: TestProject, stage: Stage, change: (record: Record<string, unknown>) => void): void {
  const record = JSON.parse(readFileSync(project.objectPath(stage.run), 'utf8')) as Record<string, unknown>;
  change(record);
  const digest = put(project, canonicalJson(record as Json));
  const name = project.path(`.plumb/cache/names/runs/${stage.fingerprint.slice(7)}`);
  chmodSync(name, 0o644);
  writeFileSync(name, `${digest}\n`);
}

test.each([
  ['.git/hooks', 'folder'],
  ['../escaped', 'file'],
  ['policy.yaml', 'file'],
])('T10: a record that says its output belongs at %s: outputs go where the pipeline says', async (path, kind) => {
  using project = create();
  const first = await run(project, 'same');
  const script = put(project, '#!/bin/sh\n');
  const part = { path: 'post-commit', digest: script, bytes: 10, mode: '100755' };
  const folder = put(project, canonicalJson({ plumbline: 'manifest/1', kind: 'files', parts: [part] }));
  const evil = { path, kind, digest: kind === 'folder' ? folder : script, bytes: 10 };
  poison(project, first, (record) => (record['outputs'] = { ...(record['outputs'] as object), evil }));
  // a foreign record is no record: the stage runs, and its record takes the name back
  expect(await run(project, 'same')).toMatchObject({ state: 'ran', outputs: first.outputs });
  expect(await run(project, 'same')).toMatchObject({ state: 'cached' });
  poison(project, first, (record) => (record['outputs'] = { 'out/same.txt': evil }));
  await project.plumb(['run']);
  expect(existsSync(project.path('.git/hooks/post-commit'))).toBe(false);
  expect(existsSync(project.path('../escaped'))).toBe(false);
  expect(existsSync(project.path('policy.yaml'))).toBe(false);
});

test('T18: a record under the right fingerprint that claims other inputs is not believed', async () => {
  using project = create();
  const first = await run(project, 'same');
  poison(project, first, (record) => {
    for (const input of Object.values(record['inputs'] as Record<string, { digest: string }>)) input.digest = `sha256:${'0'.repeat(64)}`;
  });
  expect(await run(project, 'same')).toMatchObject({ state: 'ran', outputs: first.outputs });
});

test('a renamed stage is a hit, and its outputs stand under its new name', async () => {
  const rules = 'version: 1\nrules:\n  - { rows: { min: 1 } }\n';
  const stages = (name: string): string => `stages:\n  ${name}:\n    uses: plumb/validate\n    with: { data: rows, rules: rules.yaml }\n`;
  using project = TestProject.create({ 'pipeline.yaml': stages('old'), 'rules.yaml': rules, 'rows.jsonl': '{"a":1}\n' });
  await project.done('add', 'rows.jsonl');
  await run(project, 'old');
  project.write('pipeline.yaml', stages('new'));
  expect(await run(project, 'new')).toMatchObject({ state: 'cached' });
  expect(existsSync(project.path('out/new'))).toBe(true);
});

test.each(['.git', '.GIT/hooks', 'models', 'policy.yaml', 'data', 'data/rows.jsonl', 'data/rows.jsonl/x'])(
  'an output at %s is refused before anything is removed',
  async (out) => {
    using project = TestProject.create({
      'pipeline.yaml': `stages:\n  a:\n    cmd: "true"\n    outs: [${out}]\n`,
      'policy.yaml': 'x\n',
      'models/m/staging.json': '{}\n',
      'data/rows.jsonl': '{"a":1}\n',
    });
    await project.done('add', 'data/rows.jsonl');
    const before = project.snapshot();
    expect(await project.plumb(['run'])).toMatchObject({ code: 'PATH_OUTSIDE' });
    expect(project.snapshot()).toEqual(before);
  },
);

test('T10: an output behind a symlink that leads out of the project is not removed', async () => {
  using project = TestProject.create({ 'pipeline.yaml': 'stages:\n  a:\n    cmd: "true"\n    outs: [link/theirs.txt]\n' });
  mkdirSync(project.path('../other'));
  writeFileSync(project.path('../other/theirs.txt'), 'theirs');
  symlinkSync('../other', project.path('link'));
  expect((await project.plumb(['run'])).exit).not.toBe(0);
  expect(readFileSync(project.path('../other/theirs.txt'), 'utf8')).toBe('theirs');
});

test('T6: a branch that brings a cache along is refused: its results were not run', async () => {
  using project = create();
  await run(project, 'same');
  project.git('add', '-f', '.plumb/cache');
  project.git('commit', '-qm', 'results');
  expect(await project.plumb(['run'])).toMatchObject({ code: 'CONFIG_INVALID' });
  project.git('rm', '-rq', '--cached', '.plumb');
  expect(await run(project, 'same')).toMatchObject({ state: 'cached' });
});

test('T21: a remote that is an address is refused, and its password is in no message', async () => {
  using project = TestProject.create({ 'plumbline.yaml': 'version: 1\nremote: https://me:s3cret@example.org/x\n' });
  const answer = await project.plumb(['push']);
  expect(answer).toMatchObject({ code: 'CONFIG_INVALID' });
  expect(answer.stdout + answer.stderr).not.toContain('s3cret');
});

test('T5: what a failed command printed gives a CI no command', async () => {
  const cmd = 'printf "::set-output name=a::b\\n  ::error::x\\n##[error]y\\n\\033[2J"; exit 1';
  using project = TestProject.create({ 'pipeline.yaml': `stages:\n  a:\n    cmd: ${JSON.stringify(cmd)}\n` });
  const { stderr, exit } = await project.plumb(['run'], { text: true, env: { CI: 'true', PLUMB_RUN_DOMAIN: 'trusted' } });
  expect(exit).toBe(5);
  expect(stderr).toContain('set-output');
  expect(stderr).not.toMatch(/^\s*::|##\[/m);
  expect(stderr).not.toContain('\u001b');
});

test.each(['../victim.txt', '.git/config', 'models/../../victim.txt'])(
  'T10: an undo list that a branch brings along puts nothing at %s',
  async (path) => {
    using project = create();
    project.write(path, 'theirs');
    const after = `sha256:${sha256('theirs')}`;
    project.write('.plumb/undo.json', JSON.stringify({ head: null, files: [{ path, before: Buffer.from('ours').toString('base64'), after }] }));
    await project.plumb(['promote', 'm', '--to', 'staging']);
    expect(project.read(path)).toBe('theirs');
  },
);

const texts = ['red apple', 'green apple', 'apple pie', 'ripe apple', 'my car', 'fast car', 'car keys', 'old car'];
const questions = texts.map((text, at) => `${JSON.stringify({ id: at, text, label: text.includes('car') ? 'car' : 'fruit' })}\n`);

test('T12: a branch that changes the model and its questions is told on, by the report and the gate', async () => {
  using project = TestProject.create({
    'pipeline.yaml':
      'stages:\n  train:\n    uses: plumb/train-text\n    with: { data: rows }\n    params: [train]\n' +
      '  evaluate:\n    uses: plumb/evaluate\n    with: { model: train.model, suite: suite.yaml }\n' +
      'models:\n  m: { artifact: train.model, evaluation: evaluate }\n',
    'params.yaml': 'train: { epochs: 3, min_df: 1, validation: 0 }\n',
    'suite.yaml': 'version: 1\ntask: classification\ndata: questions\ninput: text\nexpected: label\nid: id\n',
    'policy.yaml': 'version: 1\nmodels:\n  m:\n    production: { gate: g }\ngates:\n  g:\n    - { metric: accuracy, at_least: 0.01 }\n',
    'rows.jsonl': questions.join(''),
    'questions.jsonl': questions.join(''),
  });
  for (const name of ['rows', 'questions']) await project.done('add', `${name}.jsonl`, '--key', 'id', '--label', 'label');
  project.git('add', '-A');
  project.git('commit', '-qm', 'data');
  await project.done('run');
  const warnings = async (): Promise<string> => JSON.stringify((await project.done('report'))['warnings']);
  expect(await warnings()).not.toContain('the test data');
  await project.done('promote', 'm', '--to', 'production');
  project.write('questions.jsonl', questions.slice(1).join(''));
  await project.done('add', 'questions.jsonl');
  project.write('params.yaml', 'train: { epochs: 2, min_df: 1, validation: 0 }\n');
  await project.done('run');
  expect(await warnings()).toContain('the test data (questions) is another than when the model of production was evaluated');
  expect((await project.plumb(['gate'], { text: true })).stdout).toContain('the test data (questions) is another');
});
