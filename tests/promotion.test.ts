// From rows to a pointer and back, on a real repository with a small real model.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunRecord } from '../src/pipeline/run-record.ts';
import { newFolder, newProject, Repository } from './plumb.ts';

interface Failure {
  readonly error?: { code: string; what: string };
}

interface Gate extends Failure {
  readonly holds: boolean;
  readonly verdict: string;
  readonly checks: { check: string; holds: boolean; applies: boolean; labels: string[] }[];
}

const topics = {
  card: ['my card is lost', 'the card did not arrive', 'card payment'],
  cash: ['withdraw cash', 'the cash machine', 'no cash came out'],
  rate: ['exchange rate', 'which rate applies', 'a better rate'],
};

/** `size` rows a label, each told apart from the others by a number. */
function rows(size: number, prefix: string, relabel: (label: string, at: number) => string = (label) => label): string {
  return Object.entries(topics)
    .flatMap(([label, texts]) =>
      Array.from({ length: size }, (_, at) =>
        JSON.stringify({ id: `${prefix}-${label}-${at}`, text: `${texts[at % texts.length]} ${at}`, label: relabel(label, at) }),
      ),
    )
    .join('\n')
    .concat('\n');
}

const files = {
  'pipeline.yaml': `
stages:
  train: { uses: plumb/train-text, with: { data: topics }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': `
version: 1
models:
  topics: { staging: { gate: default }, production: { gate: default } }
gates:
  default:
    - { metric: accuracy, at_least: 0.8 }
    - { against: production, not_worse_by: 0.02 }
    - { against: production, slices: [label], not_worse_by: 0.05 }
`,
  '.gitignore': '.plumb/\nout/\ndata/\n',
};

async function lockedProject(more: Readonly<Record<string, string>> = {}): Promise<Repository> {
  const project = await newProject({ ...files, ...more });
  await project.write('data/topics.jsonl', rows(20, 'train'));
  await project.write('data/asked.jsonl', rows(30, 'test'));
  await project.plumb('add', 'data/topics.jsonl', '--key', 'id', '--label', 'label');
  await project.plumb('add', 'data/asked.jsonl', '--key', 'id');
  await commit(project, 'data');
  return project;
}

async function commit(project: Repository, message: string): Promise<void> {
  await project.git('add', '--all');
  await project.git('commit', '--quiet', '--message', message);
}

async function promoted(more: Readonly<Record<string, string>> = {}): Promise<Repository> {
  const project = await lockedProject(more);
  await project.plumb('run');
  const ended = await project.plumb('promote', 'topics', '--to', 'production');
  expect(ended.stderr + ended.stdout).toContain('promoted topics');
  return project;
}

/** Labels of two topics swapped in most rows. */
async function spoil(project: Repository): Promise<void> {
  const swap: Record<string, string> = { card: 'cash', cash: 'card' };
  await project.write(
    'data/topics.jsonl',
    rows(20, 'train', (label, at) => (at % 5 === 0 ? label : (swap[label] ?? label))),
  );
  await project.plumb('add', 'data/topics.jsonl');
  await commit(project, 'labels swapped');
  await project.plumb('run');
}

async function artifactOf(project: Repository): Promise<string> {
  return (JSON.parse(await project.git('show', 'main:models/topics/production.json')) as { artifact: { digest: string } }).artifact.digest;
}

test('a first model: the gate holds, what compares does not apply, the pointer verifies, offline and in a bare clone', async () => {
  const project = await lockedProject();
  expect((await project.json<Failure>('gate')).error?.code).toBe('RUN_MISSING');
  await project.plumb('run');
  const gate = await project.json<Gate>('gate');
  expect(gate).toMatchObject({ holds: true, verdict: 'first model' });
  expect(gate.checks.map((check) => check.applies)).toEqual([true, false, false]);
  expect((await project.plumb('promote', 'topics', '--to', 'production')).exit).toBe(0);
  expect(await project.git('status', '--porcelain')).toBe('');
  expect((await project.plumb('verify')).exit).toBe(0);
  expect((await project.plumb('verify', '--bytes')).exit).toBe(0);
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production')).error).toMatchObject({
    code: 'PROMOTION_REFUSED',
    what: expect.stringContaining('already'),
  });
});

test('a pointer names the commit whose files were read, when they were committed after the run too', async () => {
  const project = await lockedProject();
  await project.plumb('run', '--set', 'train.epochs=5');
  await project.write('unread.txt', 'no stage reads this');
  await project.git('commit', '--quiet', '--all', '--message', 'five epochs');
  await project.plumb('promote', 'topics', '--to', 'production');
  const pointer = JSON.parse(await project.read('models/topics/production.json')) as { code: string };
  expect(pointer.code).toBe(await project.git('rev-parse', 'HEAD~1'));
});

test('a main branch that is nowhere judges nobody', async () => {
  const project = await promoted();
  await project.git('switch', '--quiet', '--create', 'own');
  await project.write('plumbline.yaml', 'version: 1\nmain: mian\n');
  await commit(project, 'a misspelled judge');
  expect((await project.json<Failure>('gate')).error?.code).toBe('GIT_REVISION_UNKNOWN');
});

test('a bad change: the gate names the broken classes, promotion is refused, force is on record, a revert brings the model back', async () => {
  const project = await promoted();
  const good = await artifactOf(project);
  await spoil(project);
  const gate = await project.json<Gate>('gate');
  expect(gate).toMatchObject({ holds: false, verdict: 'worse' });
  expect(gate.checks.flatMap((check) => check.labels).toSorted()).toEqual(['card', 'cash']);
  expect((await project.plumb('gate')).exit).toBe(1);
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production')).error?.code).toBe('GATE_FAILED');
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production', '--force')).error?.code).toBe('USAGE');
  expect((await project.plumb('promote', 'topics', '--to', 'production', '--force', '--reason', 'a drill')).exit).toBe(0);
  const bad = await artifactOf(project);
  expect(bad).not.toBe(good);
  expect((await project.plumb('verify', '--history')).exit).toBe(0);
  await project.git('revert', '--no-edit', 'HEAD');
  expect(await artifactOf(project)).toBe(good);
  expect((await project.plumb('verify', '--history')).exit).toBe(0);
  const history = (await project.plumb('history', 'topics')).stdout;
  expect(history).toContain('FORCED: a drill');
  expect(history).toContain('rolled back');
  // what was reverted does not come back by itself, however hard it is forced
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production', '--force', '--reason', 'again')).error?.code).toBe(
    'PROMOTION_REFUSED',
  );
  expect((await project.plumb('promote', 'topics', '--to', 'production', '--force', '--again', '--reason', 'it is wanted')).exit).toBe(0);
  expect(await artifactOf(project)).toBe(bad);
});

test('the base branch judges: a branch that lowers its own gate is judged by the gate of main', async () => {
  const project = await promoted();
  await project.git('switch', '--quiet', '--create', 'lenient');
  await project.write('policy.yaml', files['policy.yaml'].replace('0.8', '0.01').replaceAll('not_worse_by: 0.0', 'not_worse_by: 0.9'));
  await spoil(project);
  expect(await project.json<Gate>('gate')).toMatchObject({ holds: false, verdict: 'worse' });
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production')).error?.code).toBe('GATE_FAILED');
});

test('production is asked the cases of the candidate when the suite grew', async () => {
  const project = await promoted();
  await project.write('data/asked.jsonl', rows(40, 'test'));
  await project.plumb('add', 'data/asked.jsonl');
  await commit(project, 'more cases');
  await project.plumb('run', '--set', 'train.epochs=5');
  const report = await project.json<{
    comparison: { cases: number };
    data: { name: string; added: number }[];
    params: { key: string; before: string | null; after: string | null }[];
  }>('report');
  expect(report.comparison.cases).toBe(120);
  expect(report.data.find((part) => part.name === 'asked')?.added).toBe(30);
  expect(report.params.filter((param) => param.before !== param.after)).toEqual([{ key: 'train.epochs', before: '4', after: '5' }]);
  // the pipeline's own outputs are the candidate's, not those of the evaluation beside it
  expect((await project.plumb('run')).stdout).toContain('2 from the cache');
});

test('production from staging: the policy asks for the way', async () => {
  const project = await lockedProject({
    'policy.yaml': files['policy.yaml'].replace('production: { gate: default }', 'production: { gate: default, from: staging }'),
  });
  await project.plumb('run');
  expect((await project.json<Failure>('promote', 'topics', '--to', 'production')).error).toMatchObject({
    code: 'PROMOTION_REFUSED',
    what: expect.stringContaining('staging'),
  });
  expect((await project.plumb('promote', 'topics', '--to', 'staging')).exit).toBe(0);
  expect((await project.plumb('promote', 'topics', '--to', 'production')).exit).toBe(0);
});

test('the model of production, promoted to staging: nothing to compare, and it verifies', async () => {
  const project = await promoted();
  const gate = await project.json<Gate>('gate', '--stage', 'staging');
  expect(gate.checks.map((check) => [check.applies, check.holds])).toEqual([
    [true, true],
    [false, true],
    [false, true],
  ]);
  expect((await project.plumb('promote', 'topics', '--to', 'staging')).exit).toBe(0);
  expect((await project.plumb('verify', '--history')).exit).toBe(0);
});

test('branches with promotions of different models merge without conflict', async () => {
  const two = files['pipeline.yaml'] + '  second: { artifact: train.model, evaluation: evaluate }\n';
  const policy = files['policy.yaml'].replace('models:\n', 'models:\n  second: { production: { gate: default } }\n');
  const project = await lockedProject({ 'pipeline.yaml': two, 'policy.yaml': policy });
  await project.plumb('run');
  await project.git('switch', '--quiet', '--create', 'one');
  expect((await project.plumb('promote', 'topics', '--to', 'production')).exit).toBe(0);
  await project.git('switch', '--quiet', '--create', 'two', 'main');
  expect((await project.plumb('promote', 'second', '--to', 'production')).exit).toBe(0);
  await project.git('merge', '--quiet', '--no-edit', 'one');
  expect((await project.plumb('verify')).exit).toBe(0);
});

test('a clone has what a promotion named: it was sent before the pointer was written', async () => {
  const remote = join(await newFolder(), 'remote');
  const project = await promoted({ 'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(remote)}\n` });
  const clone = new Repository(join(await newFolder(), 'clone'));
  await project.git('clone', '--quiet', project.folder, clone.folder);
  const answer = await clone.json<{ predictions?: { label: string }[]; label?: string }>('predict', 'topics', 'no cash came out of it');
  expect(JSON.stringify(answer)).toContain('"cash"');
  expect((await clone.plumb('pull')).exit).toBe(0);
  await rm(remote, { recursive: true });
  expect(await clone.plumb('gate')).toMatchObject({ exit: 0, stderr: '' });
  expect((await clone.plumb('verify', '--bytes')).exit).toBe(0);
});

test('push --history sends what earlier pointers named to a remote that came later', async () => {
  const project = await promoted();
  const first = await artifactOf(project);
  await project.plumb('run', '--set', 'train.epochs=6');
  // 90 cases cannot rule out a loss of two points: this one is taken on
  await project.plumb('promote', 'topics', '--to', 'production', '--force', '--reason', 'few cases');
  expect(await artifactOf(project)).not.toBe(first);
  const remote = join(await newFolder(), 'remote');
  await project.write('plumbline.yaml', `version: 1\nremote: ${JSON.stringify(remote)}\n`);
  await commit(project, 'a remote');
  const made = (JSON.parse(await project.git('show', 'HEAD~2:models/topics/production.json')) as { run: string }).run.slice(7);
  const receipt = join(remote, 'receipts', made.slice(0, 2), made);
  await project.plumb('push');
  expect(existsSync(receipt)).toBe(false);
  expect((await project.plumb('push', '--history')).stdout).toContain('sent');
  expect(existsSync(receipt)).toBe(true);
  expect((await project.plumb('push', '--history')).stdout).toContain('nothing to send');
});

test('a project in a sub-folder of a repository, with spaces and other letters in its name', async () => {
  const top = await newProject({ 'README.md': 'a monorepo\n' });
  const folder = 'équipe 数据/mon modèle';
  for (const [path, text] of Object.entries({ ...files, 'plumbline.yaml': 'version: 1\n' })) await top.write(`${folder}/${path}`, text);
  await rm(join(top.folder, 'plumbline.yaml'));
  const project = new Repository(join(top.folder, folder));
  await project.write('data/topics.jsonl', rows(20, 'train'));
  await project.write('data/asked.jsonl', rows(30, 'test'));
  await project.plumb('add', 'data/topics.jsonl', '--key', 'id', '--label', 'label');
  await project.plumb('add', 'data/asked.jsonl', '--key', 'id');
  await commit(top, 'all');
  expect((await project.plumb('run')).exit).toBe(0);
  expect((await project.plumb('promote', 'topics', '--to', 'production')).exit).toBe(0);
  expect((await project.plumb('verify', '--history')).exit).toBe(0);
  expect(await top.git('status', '--porcelain')).toBe('');
  expect((await project.plumb('history', 'topics')).stdout).toContain('promoted');
});

test('the check of the rows is in the evidence: the one before the training, also when the rules were edited since', async () => {
  const rules = (least: number): string => `version: 1\nrules:\n  - rows: { min: ${least} }\n`;
  const project = await lockedProject({
    'rules.yaml': rules(2),
    'pipeline.yaml': files['pipeline.yaml']
      .replace('stages:', 'stages:\n  check: { uses: plumb/validate, with: { data: topics, rules: rules.yaml } }')
      .replace('params: [train] }', 'params: [train], needs: [check] }'),
  });
  await project.plumb('run');
  await project.write('rules.yaml', rules(3));
  await commit(project, 'rules');
  await project.plumb('run');
  expect((await project.plumb('promote', 'topics', '--to', 'production')).stdout).toContain('promoted topics');
  const read = async (digest: string): Promise<RunRecord> =>
    JSON.parse(await project.git('show', `HEAD:models/topics/evidence/production/${digest.slice(7)}.json`)) as RunRecord;
  const { run } = JSON.parse(await project.git('show', 'HEAD:models/topics/production.json')) as { run: string };
  const check = await read((await read(run)).after['check'] ?? '');
  expect(check).toMatchObject({ stage: 'check', command: { uses: 'plumb/validate' }, exit: 0 });
  expect((await project.plumb('verify', '--history')).exit).toBe(0);
});

test('a branch that names itself the main one is judged, and the report says so', async () => {
  const project = await promoted();
  await project.git('switch', '--quiet', '--create', 'mine');
  await project.write('plumbline.yaml', `${await project.read('plumbline.yaml')}main: mine\n`);
  await commit(project, 'my own judge');
  const { warnings } = await project.json<{ warnings: string[] }>('report');
  expect(warnings).toContainEqual(expect.stringContaining('says that the main branch is "mine", and "main" was it and still says so'));
  const asked = await project.json<{ warnings: string[] }>('report', '--base', 'main');
  expect(asked.warnings.join()).not.toContain('was it and still says so');
  await project.git('branch', '--quiet', '-D', 'main');
  expect((await project.json<{ warnings: string[] }>('report')).warnings.join()).not.toContain('was it and still says so');
});
