// The data's part of a report and a data set's card, on a real repository: checks that do not hold, drift, and what stands in the card.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { load } from 'js-yaml';
import { driftSchema } from '../src/quality/drift/schema.ts';
import { reportSchema, type Report } from '../src/report/schema.ts';
import { newProject, type Repository } from './plumb.ts';

const files = {
  'pipeline.yaml': `
stages:
  look: { uses: plumb/drift, with: { data: topics, against: asked, severity: warning, thresholds: { words: 0.9, length: 9 } } }
  dups: { uses: plumb/dups, with: { data: topics, severities: { exact: error } } }
  secrets: { uses: plumb/secrets, with: { data: topics } }
  train: { uses: plumb/train-text, with: { data: topics }, params: [train], needs: [dups, secrets] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml':
    'version: 1\nmodels:\n  topics: { staging: { gate: g }, production: { gate: g } }\ngates:\n  g:\n    - { metric: accuracy, at_least: 0.1 }\n',
  '.gitignore': '.plumb/\nout/\ndata/\n',
};

const subjects = ['my card is lost', 'withdraw cash abroad', 'which exchange rate applies'];
const labels = ['card', 'cash', 'rate'];

function rows(many: number, prefix: string, age: number): { id: string; text: string; label: string; age: number }[] {
  return Array.from({ length: many }, (_, at) => ({
    id: `${prefix}${at}`,
    text: `${subjects[at % 3]} question of person ${prefix} ${at * 7 + 1} about thing ${at * 13}`,
    label: labels[at % 3] ?? '',
    age: age + (at % 40),
  }));
}

async function must(repository: Repository, ...words: string[]): Promise<string> {
  const ended = await repository.plumb(...words);
  if (ended.exit !== 0) throw new Error(`plumb ${words.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

async function lock(repository: Repository, name: string, all: readonly unknown[]): Promise<void> {
  await repository.write(`data/${name}.jsonl`, all.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await must(repository, 'add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', `lock ${name}`);
}

async function started(): Promise<Repository> {
  const repository = await newProject(files);
  await lock(repository, 'asked', rows(60, 'b', 20));
  await lock(repository, 'topics', rows(90, 'a', 20));
  return repository;
}

test('a check that does not hold leaves no run, and the report says what it found on which rows; drift has its plot', async () => {
  const repository = await started();
  await must(repository, 'run');
  await repository.git('checkout', '--quiet', '-b', 'change');
  const copied = { ...rows(1, 'a', 20)[0], id: 'copy' };
  const secret = { id: 'leak', text: ['our key is AK', 'IAQWERTYUIOP234567 and jane@example.com'].join(''), label: 'card', age: 30 };
  await lock(repository, 'topics', [...rows(90, 'a', 70), copied, secret]);
  await must(repository, 'provenance', 'record', 'topics', '--source', 'tickets');
  expect((await repository.plumb('run')).exit).not.toBe(0);
  const found: Report = reportSchema.parse(JSON.parse(await must(repository, 'ci', 'report', '--json', '--base', 'main')));
  expect(found.verdict).toBe('no model');
  const duplicates = found.findings?.find(({ check }) => check === 'duplicates');
  expect(duplicates).toMatchObject({ state: 'broken', dataset: 'topics' });
  expect(duplicates?.kinds[0]).toMatchObject({ kind: 'exact-duplicate', severity: 'error' });
  expect(duplicates?.kinds[0]?.sample.map(({ key }) => key)).toContain('copy');
  // all rows have another age: all of them are the branch's
  expect(duplicates?.kinds[0]).toMatchObject({ rows: 1, brought: 1 });
  expect(found.findings?.find(({ check }) => check === 'secrets')?.kinds[0]?.sample[0]?.key).toBe('leak');
  expect(found.problem?.what).toContain('duplicates: exact-duplicate');
  expect(found.drift).toMatchObject([
    { dataset: 'topics', against: ['asked'], state: 'drifted', severity: 'warning' },
    { dataset: 'topics', against: ['the base'], state: 'drifted', severity: 'warning' },
  ]);
  expect(found.drift?.[0]?.columns.find(({ column }) => column === 'age')).toMatchObject({ state: 'drifted', plot: { kind: 'histogram' } });
  expect(found.stages.find(({ stage }) => stage === 'dups')?.state).toBe('failed');
  const comment = await must(repository, 'ci', 'report', '--stdout', '--base', 'main', '--html', 'page.html');
  expect(comment).toContain('### Checks of the data');
  // a sidecar is a line: its digests tell a reader nothing
  expect(found.data.find(({ name }) => name === 'topics.provenance')).toMatchObject({ rowsAfter: 92, samples: [] });
  expect(comment).not.toContain('sha256:');
  expect(comment).toContain('### Drift of `topics` against `asked`');
  const page = await readFile(join(repository.folder, 'page.html'), 'utf8');
  expect(page).toContain('<svg class="plot" viewBox="0 0 300 150"');
  for (const place of [JSON.stringify(found), comment, page]) expect(place).not.toMatch(/AKIAQWERTY|jane@/);
}, 120_000);

test('plumb drift: against the last locked version, as JSON, as a page; without an earlier version it says so', async () => {
  const repository = await started();
  const none = await repository.plumb('drift', 'topics');
  expect([none.exit, none.stderr]).toEqual([expect.any(Number), expect.stringContaining('no earlier version of topics')]);
  await lock(repository, 'topics', rows(120, 'a', 70));
  const told = await repository.plumb('drift', 'topics', '--json', '--html', 'drift.html', '--out', 'drift.json');
  expect(told.exit).toBe(1);
  const report = driftSchema.parse(JSON.parse(told.stdout));
  expect(report.columns[0]).toMatchObject({ column: 'age', state: 'drifted' });
  expect(driftSchema.parse(JSON.parse(await readFile(join(repository.folder, 'drift.json'), 'utf8')))).toEqual(report);
  const page = await readFile(join(repository.folder, 'drift.html'), 'utf8');
  expect(page.length).toBeLessThan(1_000_000);
  expect(page).toContain('aria-label="age: shares of rows before and now');
  expect((await repository.plumb('drift', 'topics', '--against', 'data/topics.jsonl')).exit).toBe(0);
  expect((await repository.plumb('drift', 'topics', '--against', 'HEAD')).stdout).toContain('nothing drifted');
  expect((await repository.plumb('drift', 'topics', '--alpha', '7')).exit).toBe(2);
}, 120_000);

test('a data-set card says what is locked and which checks held, keeps what people wrote, and --check says when it is old', async () => {
  const repository = await started();
  await must(repository, 'run');
  expect((await repository.plumb('card', 'data', 'topics', '--check')).exit).toBe(1);
  await must(repository, 'card', 'data', 'topics');
  const path = join(repository.folder, 'cards/topics.md');
  const first = await readFile(path, 'utf8');
  const head = load(first.split('---\n')[1] ?? '') as Record<string, unknown>;
  expect(head).toMatchObject({
    pretty_name: 'topics',
    task_categories: ['text-classification'],
    size_categories: ['n<1K'],
    configs: [{ config_name: 'default', data_files: [{ split: 'train', path: '../data/topics.jsonl' }] }],
    dataset_info: {
      features: expect.arrayContaining([{ name: 'age', dtype: 'int64' }]) as unknown,
      splits: [{ name: 'train', num_examples: 90 }],
    },
  });
  expect(first).toContain('| `dups` | duplicates | holds |');
  expect(first).toContain('| `card` | 30 | 33.33 % |');
  expect(first).toContain('Not looked for: leaks into evaluation.');
  await writeFile(
    path,
    first
      .replace('pretty_name: topics', 'pretty_name: Topics of people\nlicense: cc-by-4.0 # asked legal\nlanguage: [en]')
      .replace(/What the rows are.*yet\./, 'Questions to a bank.'),
  );
  await must(repository, 'card', 'data', 'topics');
  const kept = await readFile(path, 'utf8');
  expect(kept).toContain('license: cc-by-4.0 # asked legal');
  expect(kept).toContain('pretty_name: Topics of people');
  expect(kept).toContain('Questions to a bank.');
  await must(repository, 'card', 'data', 'topics', '--check');
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', 'card');
  await must(repository, 'card', 'data', 'topics', '--check');
  await lock(repository, 'topics', rows(99, 'a', 20));
  expect((await repository.plumb('card', 'data', 'topics', '--check')).exit).toBe(1);
  await must(repository, 'card', 'data', 'topics');
  const last = await readFile(path, 'utf8');
  expect(last).toContain('Questions to a bank.');
  expect(last).toMatch(/\| `[0-9a-f]+` \| 90 \| `[0-9a-f]{12}` \| \d{4}-\d\d-\d\d \|/);
  expect(last).toContain('No check of the pipeline was run on this version.');
  await writeFile(path, '---\nlicense: [\n---\n');
  const broken = await repository.plumb('card', 'data', 'topics');
  expect([broken.exit, broken.stderr]).toEqual([3, expect.stringContaining('cards/topics.md')]);
}, 120_000);
