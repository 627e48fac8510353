// What `plumb ci report` says of branches, on a real repository with a small real model.
import { expect, test } from 'vitest';
import { reportSchema, type Report } from '../src/report/schema.ts';
import { newProject, type Repository } from './plumb.ts';

const topics = {
  card: ['my card is lost', 'the card did not arrive', 'card payment'],
  cash: ['withdraw cash', 'the cash machine', 'no cash came out'],
  rate: ['exchange rate', 'which rate applies', 'a better rate'],
};

function rows(size: number, prefix: string): { id: string; text: string; label: string }[] {
  return Object.entries(topics).flatMap(([label, texts]) =>
    Array.from({ length: size }, (_, at) => ({ id: `${prefix}-${label}-${at}`, text: `${texts[at % texts.length]} ${at}`, label })),
  );
}

const lines = (all: readonly unknown[]): string => all.map((row) => `${JSON.stringify(row)}\n`).join('');

const files = {
  'pipeline.yaml': `
stages:
  check: { uses: plumb/validate, with: { data: topics, rules: rules/topics.yaml } }
  train: { uses: plumb/train-text, with: { data: topics }, params: [train], needs: [check] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\n',
  'rules/topics.yaml': 'version: 1\nkey: id\nrules:\n  - { column: label, allowed: [card, cash, rate] }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml':
    'version: 1\nmodels:\n  topics: { staging: { gate: g }, production: { gate: g } }\ngates:\n  g:\n    - { metric: accuracy, at_least: 0.8 }\n',
  '.gitignore': '.plumb/\nout/\ndata/\n',
};

/** main with a run, and a branch that is checked out. */
async function branched(): Promise<Repository> {
  const repository = await newProject(files);
  await write(repository, 'topics', rows(12, 'a'));
  await write(repository, 'asked', rows(4, 'b'));
  await commit(repository, 'data');
  await must(repository, 'run');
  await repository.git('checkout', '--quiet', '-b', 'change');
  return repository;
}

async function write(repository: Repository, name: string, all: readonly unknown[]): Promise<void> {
  await repository.write(`data/${name}.jsonl`, lines(all));
  await must(repository, 'add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
}

async function commit(repository: Repository, message: string): Promise<void> {
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', message);
}

async function must(repository: Repository, ...words: string[]): Promise<string> {
  const ended = await repository.plumb(...words);
  if (ended.exit !== 0) throw new Error(`plumb ${words.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

async function report(repository: Repository, ...words: string[]): Promise<Report> {
  return reportSchema.parse(JSON.parse(await must(repository, 'ci', 'report', '--json', ...words)));
}

const stageOf = (one: Report, name: string): Report['stages'][number] | undefined => one.stages.find(({ stage }) => stage === name);

test('rows and a hyperparameter: what changed since the merge base, why each stage ran, and the two models side by side', async () => {
  const repository = await branched();
  const all = rows(12, 'a').map((row, at) =>
    at === 0 ? { ...row, label: 'cash' } : at === 1 ? { ...row, text: 'write to jane@example.com 1' } : row,
  );
  await write(repository, 'topics', [...all.slice(0, -1), { id: 'new', text: 'AKIAIOSFODNN7EXAMPLE is my card', label: 'card' }]);
  await repository.write('params.yaml', 'train: { epochs: 6, validation: 0 }\n');
  await commit(repository, 'more');
  await must(repository, 'run');
  const found = await report(repository);
  expect(found.change).toMatchObject({ relevant: true, why: expect.arrayContaining(['data sets changed', 'hyperparameters changed']) as string[] });
  expect(found.data).toMatchObject([
    { name: 'asked', added: 0, edited: 0 },
    { name: 'topics', added: 1, removed: 1, edited: 2, relabelled: 1 },
  ]);
  expect(found.params.filter((one) => one.before !== one.after)).toEqual([{ key: 'train.epochs', before: '4', after: '6' }]);
  expect(stageOf(found, 'check')).toMatchObject({ state: 'ran', why: [expect.stringMatching(/^topics changed: \w+ -> \w+$/)] });
  expect(stageOf(found, 'train')?.why).toContain('epochs: 4 -> 6');
  expect(found.validation).toMatchObject([{ dataset: 'topics', state: 'holds', rows: 36 }]);
  expect(found.mergeBase?.comparison).toMatchObject({ cases: 12 });
  expect(found.baseline?.what).toBe('the merge base');
  expect(found.cost.seconds).toBeGreaterThan(0);
  const text = await must(repository, 'ci', 'report', '--stdout', '--link', 'https://ci.example/runs/7');
  expect(text).toMatch(/^## \S+ `topics`: the gate /);
  expect(text).toContain('[CI run](<https://ci.example/runs/7>)');
  for (const place of [JSON.stringify(found), text]) {
    expect(place).not.toMatch(/jane@|AKIAIOSFODNN7/);
    expect(place).toContain('[e-mail]');
    expect(place).toContain('[secret: AWS key]');
  }
  // in a CI run that ran nothing, all of it came from the cache, and is still said to be another than before
  const cached = await report(repository, '--run', '42');
  expect(stageOf(cached, 'train')).toMatchObject({
    state: 'cached',
    origin: expect.stringMatching(/^a (laptop|job of CI)$/) as string,
    why: expect.arrayContaining(['epochs: 4 -> 6']) as string[],
  });
  expect(cached.cost).toMatchObject({ seconds: 0 });
  expect(cached.cost.savedSeconds).toBeGreaterThan(0);
}, 120_000);

test('a change of the README is nothing to judge', async () => {
  const repository = await branched();
  await repository.write('README.md', 'hello\n');
  await commit(repository, 'docs');
  const found = await report(repository);
  expect(found).toMatchObject({ change: { relevant: false, why: [] }, candidate: null, data: [], stages: [] });
  expect(await must(repository, 'ci', 'report', '--stdout')).toMatch(/^## ✅ `topics`: nothing to judge\n/);
}, 120_000);

test('a broken rule: there is no model, and the report says which rows, and what else changed', async () => {
  const repository = await branched();
  await write(repository, 'topics', [...rows(12, 'a'), { id: 'x1', text: 'jane@example.com wants cash', label: 'jane@example.com' }]);
  await commit(repository, 'broken');
  expect((await repository.plumb('run')).exit).not.toBe(0);
  const found = await report(repository);
  expect(found).toMatchObject({
    verdict: 'no model',
    candidate: null,
    problem: { code: 'RULES_BROKEN', what: '1 row of 37 in topics against rule 1 of rules/topics.yaml: label is one of "card", "cash", "rate"' },
    validation: [{ state: 'broken', rows: 37, errors: 1, checks: [{ rule: 1, failing: 1, rows: [{ key: 'x1', value: '"[e-mail]"' }] }] }],
    data: [{ name: 'asked' }, { name: 'topics', added: 1 }],
  });
  expect(stageOf(found, 'check')).toMatchObject({ state: 'failed' });
  expect(stageOf(found, 'train')).toMatchObject({ state: 'not run', why: ['waits for check'] });
  const text = await must(repository, 'ci', 'report', '--stdout');
  expect(text).toMatch(/^## ⛔ `topics`: there is no model to judge\n\n\*\*1 row of 37 in topics against rule 1 of `rules\/topics.yaml`:/);
  expect(text).not.toContain('jane@');
}, 120_000);

test('before the stages have run, it says so; a file that does not parse is named with its line, on stdout, too', async () => {
  const repository = await branched();
  await repository.write('params.yaml', 'train: { epochs: 6, validation: 0 }\n');
  await commit(repository, 'epochs');
  expect(await report(repository)).toMatchObject({ verdict: 'no model', problem: { code: 'RUN_MISSING' }, params: expect.anything() as unknown });
  await repository.write('params.yaml', 'train: { epochs: 6\n\n@x');
  await commit(repository, 'wrong');
  const ended = await repository.plumb('ci', 'report', '--stdout');
  expect(ended.exit).toBe(3);
  expect(ended.stdout).toMatch(/^## ⛔ There is no report for this commit\n\n`params.yaml:\d+`: \*\*/);
}, 120_000);

test('on the main branch itself it is the report against what is served', async () => {
  const repository = await branched();
  await repository.git('checkout', '--quiet', 'main');
  const found = await report(repository);
  expect(found.change).toBeUndefined();
  expect(found.verdict).toBe('first model');
}, 120_000);
