// A repository of data alone, as many begin: datasets, rules and checks, no training. Its report, here and in a pull request.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reportSchema, type Report } from '../src/report/schema.ts';
import { newProject, type Repository } from './plumb.ts';

const files = {
  'pipeline.yaml': `
stages:
  rules: { uses: plumb/validate, with: { data: tickets, rules: rules/tickets.yaml } }
  people: { uses: plumb/pii, with: { data: tickets } }
  twice: { uses: plumb/dups, with: { data: tickets } }
  leaks: { uses: plumb/leakage, with: { train: [tickets], eval: cases } }
`,
  'rules/tickets.yaml': 'version: 1\nkey: id\nrules:\n  - { column: amount, min: 0 }\n',
  '.gitignore': '.plumb/\nout/\ndata/\npage.html\n',
};

interface Ticket {
  readonly id: string;
  readonly text: string;
  readonly label: string;
  readonly amount: number;
}

const subjects = ['where is my parcel', 'how long does a refund of the whole order take', 'the courier rang at the wrong door'];

function tickets(many: number): Ticket[] {
  return Array.from({ length: many }, (_, at) => ({
    id: `t${at}`,
    text: `${subjects[at % 3]} number ${at * 7} in street ${at * 13}`,
    label: at % 3 === 1 ? 'refund' : 'delivery',
    amount: at,
  }));
}

const lines = (all: readonly unknown[]): string => all.map((row) => `${JSON.stringify(row)}\n`).join('');

async function must(repository: Repository, ...words: string[]): Promise<string> {
  const ended = await repository.plumb(...words);
  if (ended.exit !== 0) throw new Error(`plumb ${words.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended.stdout;
}

async function lock(repository: Repository, name: string, all: readonly unknown[]): Promise<void> {
  await repository.write(`data/${name}.jsonl`, lines(all));
  await must(repository, 'add', `data/${name}.jsonl`, '--key', 'id', '--label', 'label');
}

async function commit(repository: Repository, message: string): Promise<void> {
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', message);
}

/** main with data and a run, and a branch that is checked out. There is no policy.yaml. */
async function branched(more: Readonly<Record<string, string>> = {}): Promise<Repository> {
  const repository = await newProject({ ...files, ...more });
  await lock(repository, 'tickets', tickets(30));
  await lock(repository, 'cases', [{ id: 'c1', text: 'who pays for sending it back to where it came from', label: 'refund' }]);
  await commit(repository, 'data');
  await repository.git('checkout', '--quiet', '-b', 'change');
  return repository;
}

async function report(repository: Repository, ...words: string[]): Promise<Report> {
  return reportSchema.parse(JSON.parse(await must(repository, ...words, '--json')));
}

test('rows that do not hold: the report of a pull request names checks and rows, though a check that fails leaves no run', async () => {
  const repository = await branched();
  await must(repository, 'run');
  const [first, ...rest] = tickets(30);
  await lock(repository, 'tickets', [
    { ...first, amount: -4 },
    ...rest,
    { id: 'copy', text: tickets(30)[4]?.text, label: 'delivery', amount: 1 },
    { id: 'person', text: 'write to jane.doe@example.com about it', label: 'refund', amount: 2 },
    { id: 'given', text: 'who pays for sending it back to where it came from', label: 'refund', amount: 3 },
  ]);
  await commit(repository, 'more tickets');
  expect((await repository.plumb('run')).exit).toBe(5);
  const found = await report(repository, 'ci', 'report', '--base', 'main', '--html', 'page.html');
  expect(found).toMatchObject({ model: null, candidate: null, gate: null, problem: { code: 'RULES_BROKEN' }, change: { relevant: true } });
  expect(found.data).toMatchObject([
    { name: 'cases', added: 0 },
    { name: 'tickets', added: 3, edited: 1, balance: expect.arrayContaining([{ label: 'refund', before: 10, after: 12 }]) as unknown },
  ]);
  expect(found.validation).toMatchObject([{ state: 'broken', checks: [{ failing: 1, rows: [{ key: 't0', value: '-4' }] }] }]);
  const rows = Object.fromEntries(
    (found.findings ?? []).map(({ check, kinds }) => [check, kinds.flatMap(({ sample }) => sample.map(({ key }) => key))]),
  );
  expect(rows).toMatchObject({
    duplicates: expect.arrayContaining(['copy']) as unknown,
    pii: ['person'],
    leakage: expect.arrayContaining(['c1']) as unknown,
  });
  expect(found.stages.map(({ stage, state }) => [stage, state])).toEqual([
    ['rules', 'failed'],
    ['people', 'failed'],
    ['twice', 'failed'],
    ['leaks', 'failed'],
  ]);
  const comment = await must(repository, 'ci', 'report', '--stdout', '--base', 'main');
  expect(comment).toMatch(/^## ⛔ Data: the checks do not hold\n/);
  const page = await readFile(join(repository.folder, 'page.html'), 'utf8');
  for (const view of [comment, page]) {
    for (const row of ['t0', 'copy', 'person', 'c1']) expect(view).toContain(row);
    expect(view).not.toContain('jane.doe');
  }
}, 180_000);

test('rows that hold: plumb report says so before anything ran, in each form, and what the next version changes', async () => {
  const repository = await branched();
  await repository.git('checkout', '--quiet', 'main');
  const first = await report(repository, 'report');
  expect(first).toMatchObject({
    model: null,
    data: [
      { name: 'cases', before: null },
      { name: 'tickets', before: null, rowsAfter: 30 },
    ],
  });
  expect(first.problem).toBeUndefined();
  expect(first.data[1]?.balance).toEqual([
    { label: 'delivery', before: 0, after: 20 },
    { label: 'refund', before: 0, after: 10 },
  ]);
  await lock(repository, 'tickets', tickets(31));
  await commit(repository, 'one more');
  const next = await repository.plumb('report');
  expect([next.exit, next.stdout]).toEqual([0, expect.stringContaining('✓ The checks hold')]);
  expect(next.stdout).toContain('tickets: 31 rows (+1), 1 added');
  expect(next.stdout).toContain('holds   rules (tickets)');
  expect(await must(repository, 'report', '--md', '--html', 'page.html')).toContain('## ✅ Data: the checks hold');
  expect(await readFile(join(repository.folder, 'page.html'), 'utf8')).toContain('Plumbline data report');
  const named = await repository.plumb('report', 'topics');
  expect([named.exit, named.stderr]).toEqual([3, expect.stringContaining('MODEL_UNKNOWN')]);
}, 180_000);

test('a check that a branch takes away is told; a branch that changes no data is nothing to judge', async () => {
  const repository = await branched();
  await repository.write('README.md', 'hello\n');
  await commit(repository, 'docs');
  expect(await must(repository, 'ci', 'report', '--stdout', '--base', 'main')).toMatch(/^## ✅ Data: nothing to judge\n/);
  await repository.write('pipeline.yaml', files['pipeline.yaml'].replace(/ {2}people: .*\n/, ''));
  await commit(repository, 'no people');
  const found = await report(repository, 'ci', 'report', '--base', 'main');
  expect(found.warnings).toEqual(['no stage looks for personal data in tickets any more: one of the base did']);
  expect(found.problem).toBeUndefined();
}, 180_000);

test('without pipeline.yaml it says what changed, and that nobody judged it', async () => {
  const { 'pipeline.yaml': _, ...rest } = files;
  const repository = await newProject(rest);
  await lock(repository, 'tickets', tickets(30));
  await commit(repository, 'data');
  await repository.git('checkout', '--quiet', '-b', 'change');
  await lock(repository, 'tickets', tickets(29));
  await commit(repository, 'one less');
  expect(await must(repository, 'report')).toContain('tickets: 29 rows (−1), 1 removed');
  const comment = await must(repository, 'ci', 'report', '--stdout', '--base', 'main');
  expect(comment).toMatch(/^## 🟡 Data: no check judged these data\n/);
  expect(comment).toContain('| removed | `t29` |');
}, 180_000);

test('a branch whose base has a model does not become one of data by naming none', async () => {
  const model = `
stages:
  people: { uses: plumb/pii, with: { data: tickets } }
  train: { uses: plumb/train-text, with: { data: tickets } }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/tickets.yaml } }
models:
  tickets: { artifact: train.model, evaluation: evaluate }
`;
  const repository = await branched({ 'pipeline.yaml': model, 'evals/tickets.yaml': 'version: 1\ndata: cases\nid: id\n' });
  await repository.write('pipeline.yaml', model.replace(/models:[^]*/, ''));
  await commit(repository, 'no model');
  const found = await report(repository, 'ci', 'report', '--base', 'main');
  expect(found).toMatchObject({ model: 'tickets', candidate: null, problem: { code: 'MODEL_UNKNOWN' } });
}, 180_000);

test('a branch that moves the data says which columns, beside the base; one that brings a row says nothing of it', async () => {
  const repository = await branched();
  const other = tickets(30).map((ticket) => ({ ...ticket, amount: ticket.amount + 500, label: 'refund' }));
  await lock(repository, 'tickets', other);
  await commit(repository, 'other tickets');
  const moved = await report(repository, 'ci', 'report', '--base', 'main');
  expect(moved.drift).toMatchObject([
    { dataset: 'tickets', against: ['the base'], state: 'drifted', severity: 'warning', rows: { before: 30, after: 30 } },
  ]);
  expect(moved.drift?.[0]?.columns.map(({ column }) => column)).toEqual(expect.arrayContaining(['amount', 'label']));
  await lock(repository, 'tickets', tickets(31));
  await commit(repository, 'as before, and one more');
  expect((await report(repository, 'ci', 'report', '--base', 'main')).drift).toBeUndefined();
}, 120_000);
