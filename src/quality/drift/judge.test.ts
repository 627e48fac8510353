import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentProgress } from '../../base/progress.ts';
import { createProject, jsonl, quiet } from '../../datasets/project.fixture.ts';
import { openCheckedData } from '../checked-data.ts';
import { ColumnCounter } from './column-counts.ts';
import { compareColumns } from './compare-columns.ts';
import { judgeDrift } from './judge.ts';
import { openReferences } from './references.ts';
import { defaultSettings, driftSchema, type DriftColumn, type DriftSettings } from './schema.ts';
import { drift, driftArguments } from './step.ts';

type Row = Record<string, unknown>;

function compare(
  before: readonly Row[],
  after: readonly Row[],
  label: string | null = null,
  settings: DriftSettings = defaultSettings,
): Map<string, DriftColumn> {
  const counts = [before, after].map((some) => {
    const counter = new ColumnCounter({ columns: null, untyped: false });
    for (const row of some) counter.add(row, 1);
    return counter.counts() ?? { rows: 0, columns: new Map() };
  });
  const [old = { rows: 0, columns: new Map() }, now = { rows: 0, columns: new Map() }] = counts;
  return new Map(compareColumns({ before: old, after: now }, label, settings).columns.map((column) => [column.column, column]));
}

/** So many rows, each from its number and one that looks like chance. */
function rows(many: number, make: (at: number, chance: number) => Row): Row[] {
  let state = 7;
  return Array.from({ length: many }, (_, at) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return make(at, ((state >>> 8) % 65536) / 65536);
  });
}

const drifted = (column: DriftColumn | undefined): string[] => (column?.aspects ?? []).filter((one) => one.drifted).map(({ aspect }) => aspect);

test('each kind of drift is told by its aspect, and what stayed is not', () => {
  const words = ['card', 'cash', 'transfer', 'fee', 'top up', 'limit', 'pin', 'lost'];
  const make =
    (late: boolean) =>
    (at: number, chance: number): Row => ({
      stays: Math.floor(chance * 1000),
      age: 20 + Math.floor(chance * 50) + (late ? 9 : 0),
      city: chance < (late ? 0.5 : 0.2) ? 'Rome' : chance < 0.6 ? 'Oslo' : 'Bonn',
      maybe: chance < (late ? 0.1 : 0.02) ? null : Math.floor(chance * 99),
      typed: late && chance < 0.05 ? `${at}` : at % 50,
      text: `${words[at % 8]} ${words[Math.floor(chance * 8)]} question ${at} ${late ? 'about crypto wallets and their long long keys' : 'please'}`,
      id: `id-${late && at % 20 === 0 ? 0 : at}`,
    });
  const found = compare(rows(3000, make(false)), rows(2500, make(true)));
  expect(drifted(found.get('age'))).toEqual(['values']);
  expect(drifted(found.get('city'))).toEqual(['values']);
  expect(drifted(found.get('maybe'))).toContain('missing');
  expect(drifted(found.get('typed'))).toContain('types');
  expect(drifted(found.get('text'))).toEqual(expect.arrayContaining(['length', 'words']));
  expect(found.get('text')?.come.map(({ value }) => value)).toContain('crypto');
  expect(drifted(found.get('id'))).toContain('uniqueness');
  expect(found.get('stays')).toMatchObject({ kind: 'number', state: 'same' });
});

test('of many classes, the plot has those whose shares moved, the one that is new among them', () => {
  const label = (at: number): string => `class-${String(at % 40).padStart(2, '0')}`;
  const before = rows(4000, (at) => ({ label: label(at) }));
  const after = [
    ...rows(4000, (at) => ({ label: label(at) })).filter((_, at) => at % 40 !== 3 || at % 80 === 3),
    ...rows(50, () => ({ label: 'new' })),
  ];
  const plot = compare(before, after, 'label').get('label')?.plot;
  expect(plot).toMatchObject({ kind: 'bars', labels: expect.arrayContaining(['new', 'class-03']) as unknown });
  if (plot?.kind !== 'bars') throw new Error('classes have bars');
  expect(plot.labels).toHaveLength(12);
  expect(plot.after[plot.labels.indexOf('new')]).toBe(50);
  expect(plot.before.reduce((sum, many) => sum + many, plot.others.before)).toBe(4000);
});

test('a large effect in a few rows is no drift, nor is a sure one that is next to nothing', () => {
  const few = compare(
    rows(4, (_, chance) => ({ n: chance * 10 })),
    rows(3, (_, chance) => ({ n: 3 + chance * 10 })),
  );
  expect(few.get('n')?.aspects[0]?.effect.value).toBeGreaterThan(0.1);
  expect(few.get('n')?.state).toBe('same');
  const much = compare(
    rows(60_000, (_, chance) => ({ n: Math.floor(chance * 5000) })),
    rows(60_000, (_, chance) => ({ n: Math.floor(chance * 5000) + 120 })),
  );
  expect(much.get('n')?.aspects[0]?.test.adjusted).toBeLessThan(1e-6);
  expect(much.get('n')?.state).toBe('same');
});

test('columns that come and go are told; the column of labels is a category, numbers or not', () => {
  const found = compare(
    rows(900, (at) => ({ label: at % 9, old: at })),
    rows(900, (at) => ({ label: at % 3, new: at })),
    'label',
  );
  expect(found.get('old')?.state).toBe('gone');
  expect(found.get('new')?.state).toBe('new');
  expect(found.get('label')).toMatchObject({ kind: 'category', state: 'drifted', label: true });
  expect(found.get('label')?.gone).toHaveLength(6);
});

test('with as many columns as one likes, equal populations hardly ever drift', () => {
  let seed = 11;
  const next = (): number => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    return seed / 2 ** 32;
  };
  const make = (): Row => Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`c${at}`, Math.floor(next() * 12)]));
  const settings = { ...defaultSettings, numbers: { ...defaultSettings.numbers, threshold: 1e-6 } };
  const found = compare(Array.from({ length: 150 }, make), Array.from({ length: 150 }, make), null, settings);
  expect([...found.values()].filter(({ state }) => state === 'drifted')).toHaveLength(0);
});

test('values of the data are masked where they are shown', () => {
  const found = compare(
    rows(300, (at) => ({ who: at % 2 === 0 ? 'a' : 'b' })),
    rows(300, (at) => ({ who: at % 2 === 0 ? 'jane@example.com' : 'AKIAIOSFODNN7EXAMPLE' })),
  );
  const text = JSON.stringify([...found]);
  expect(text).toContain('[e-mail]');
  expect(text).not.toMatch(/jane@|AKIAIOSFODNN7/);
});

test('no rows at all, and huge numbers, are answers', () => {
  expect(compare([], [{ a: 1 }]).get('a')?.state).toBe('same');
  const found = compare(
    rows(50, (at) => ({ n: at % 2 === 0 ? 1.7e308 : -1.7e308 })),
    rows(50, (at) => ({ n: at * 1e300 })),
  );
  expect(driftSchema.shape.columns.safeParse([...found.values()]).error).toBeUndefined();
});

test('against earlier versions, revisions, data sets and files', async () => {
  const project = await createProject();
  const version = async (age: number): Promise<void> => {
    await project.write('data/people.jsonl', jsonl(rows(500, (_, chance) => ({ age: Math.floor(chance * 40) + age }))));
    await project.add('data/people.jsonl');
    await project.git('add', '-A');
    await project.git('commit', '-qm', `age ${age}`);
  };
  for (const age of [10, 11, 40]) await version(age);
  const asking = { cwd: project.root, ...quiet };
  const open = await project.open();
  const data = await openCheckedData(open, 'people', asking);
  const judge = async (against: string | null): Promise<{ what: readonly string[]; rows: number; state: string | undefined }> => {
    const references = await openReferences(open, data, against, asking);
    const { report } = await judgeDrift(data.rows, references, { columns: null, settings: defaultSettings, severity: 'error' }, data.world);
    expect(driftSchema.parse(report)).toEqual(report);
    expect(report.holds).toBe(report.drifted === 0);
    return { what: report.against, rows: report.rows.before, state: report.columns[0]?.state };
  };
  expect(await judge(null)).toMatchObject({ what: [expect.stringMatching(/^people at [0-9a-f]{12}$/)], rows: 500, state: 'drifted' });
  expect(await judge('last:5')).toMatchObject({ what: [expect.anything(), expect.anything()], rows: 1000 });
  expect(await judge('HEAD')).toMatchObject({ what: ['people at HEAD'], state: 'same' });
  expect(await judge('HEAD~2')).toMatchObject({ state: 'drifted' });
  await project.write('old.csv', `age\n${Array.from({ length: 500 }, (_, at) => 40 + (at % 40)).join('\n')}\n`);
  expect(await judge('old.csv')).toMatchObject({ what: ['old.csv'], state: 'same' });
  const file = await openCheckedData(open, 'old.csv', asking);
  await expect(openReferences(open, file, null, asking)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(openReferences(open, data, 'no-such-branch', asking)).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  await expect(
    judgeDrift(data.rows, [{ ...file, what: 'old.csv' }], { columns: ['agee'], settings: defaultSettings, severity: 'error' }, data.world),
  ).rejects.toMatchObject({ code: 'DATASET_COLUMN', message: expect.stringContaining('age') as string });
});

test('the step writes its report, then says that the data drifted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-drift-'));
  const place = (name: string): string => join(folder, name);
  await writeFile(place('now.jsonl'), jsonl(rows(400, (_, chance) => ({ n: chance * 9 + 5 }))));
  await writeFile(place('then.jsonl'), jsonl(rows(400, (_, chance) => ({ n: chance * 9 }))));
  const digest = `sha256:${'0'.repeat(64)}` as const;
  const order = (severity: string): Parameters<typeof drift.run>[0] => ({
    with: driftArguments.parse({ data: 'now', against: 'split.then', severity }),
    params: null,
    seed: 0,
    inputs: { data: place('now.jsonl'), against: place('then.jsonl') },
    origins: { data: { kind: 'output', ref: 'clean.data', digest }, against: { kind: 'output', ref: 'split.then', digest } },
    cacheDir: place('cache'),
    memoryDir: null,
    outputs: { report: place('drift.json') },
    progress: silentProgress,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  expect((await drift.run(order('warning'))).metrics).toEqual({ rows: 400, columns: 1, drifted: 1 });
  await writeFile(place('drift.json'), '');
  await expect(drift.run(order('error'))).rejects.toMatchObject({ code: 'DATA_DRIFTED', message: expect.stringContaining('n: values') as string });
  expect(driftSchema.parse(JSON.parse(await readFile(place('drift.json'), 'utf8')))).toMatchObject({
    holds: false,
    drifted: 1,
    against: ['split.then'],
  });
});
