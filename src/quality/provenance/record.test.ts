// Recording in real projects: what is written, what is kept, and what is as it was when something goes wrong.
import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { createProject, jsonl, quiet, type TestProject } from '../../datasets/project.fixture.ts';
import { loadLock } from '../../datasets/lock.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { carryOutRecord, type RecordResult, type RecordWish } from './carry-out.ts';
import { isLicence, readFactsMap, sourceReader, type FactsWish } from './facts.ts';
import { LineageIndex } from './lineage-index.ts';
import { parseProvenance, provenanceLine, sidecarPath } from './sidecar.ts';
import type { ProvenanceRow } from './schema.ts';

let project: TestProject;
beforeEach(async () => {
  project = await createProject();
});
afterEach(() => rm(join(project.root, '..'), { recursive: true, force: true }));

const rows = [
  { id: 'a', text: 'one', ticket: 'T-1', at: '2026-01-02' },
  { id: 'b', text: 'two', ticket: 'T-2', at: null },
  { id: 'c', text: 'three', ticket: 'T-1', at: '' },
];

async function lock(name: string, values: readonly object[]): Promise<void> {
  await project.write(`data/${name}.jsonl`, jsonl(values));
  await project.add(`data/${name}.jsonl`, { key: 'id' });
}

async function record(dataset: string, facts: FactsWish, over: Partial<RecordWish> = {}): Promise<RecordResult> {
  const wish = { from: [], sourceOf: sourceReader(facts), also: false, decisions: new Map(), pii: null, lineage: null, prune: false, ...over };
  return carryOutRecord(await project.open(), { dataset, ...wish }, { cwd: project.root, ...quiet });
}

async function sidecar(name: string): Promise<ProvenanceRow[]> {
  const text = await readFile(join(project.root, `data/${name}.provenance.jsonl`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line, at) => parseProvenance(JSON.parse(line) as Record<string, unknown>, name, at + 1));
}

const of = (all: readonly ProvenanceRow[], value: Record<string, unknown>): ProvenanceRow | undefined =>
  all.find(({ row }) => row === rowDigest(value));

test('each content is one row of a data set of its own, sorted, with what its columns say', async () => {
  await lock('intents', [...rows, { ...rows[0], id: 'a2' }]);
  const result = await record('intents', { source: 'helpdesk', licence: 'MIT', document: 'ticket', created: 'at' });
  expect(result).toMatchObject({ rows: 4, recorded: 4, changed: 0, without: 0, locked: true, path: 'data/intents.provenance.jsonl' });
  const all = await sidecar('intents');
  expect(all.map(({ row }) => row)).toEqual(all.map(({ row }) => row).toSorted());
  expect(of(all, rows[0] ?? {})?.sources).toEqual([{ source: 'helpdesk', document: 'T-1', created: '2026-01-02', licence: 'MIT' }]);
  expect(of(all, rows[1] ?? {})?.sources).toEqual([{ source: 'helpdesk', document: 'T-2', licence: 'MIT' }]);
  const { datasets } = await loadLock(await project.open());
  expect(datasets['intents.provenance']).toMatchObject({ path: 'data/intents.provenance.jsonl', key: 'row', rows: 4 });
});

test('what is recorded stays when new rows come, only these are looked at, and nothing new changes no byte', async () => {
  await lock('intents', rows);
  await record('intents', { source: 'helpdesk' });
  const before = await readFile(join(project.root, 'data/intents.provenance.jsonl'));
  expect(await record('intents', { source: 'another' })).toMatchObject({ rows: 0, recorded: 0, changed: 0, locked: false });
  expect(await readFile(join(project.root, 'data/intents.provenance.jsonl'))).toEqual(before);
  const more = { id: 'd', text: 'four' };
  await lock('intents', [more, ...rows]);
  expect(await record('intents', { source: 'crawl' })).toMatchObject({ rows: 1, recorded: 1 });
  const all = await sidecar('intents');
  expect(of(all, rows[2] ?? {})?.sources).toEqual([{ source: 'helpdesk' }]);
  expect(of(all, more)?.sources).toEqual([{ source: 'crawl' }]);
});

test('equal rows of several sources keep them all, whichever came first', async () => {
  await lock('web', rows.slice(0, 2));
  await lock('crowd', rows.slice(1));
  await record('web', { source: 'web', licence: 'CC-BY-4.0' });
  await record('crowd', { source: 'crowd' });
  await lock('all', rows);
  const result = await record('all', {}, { from: ['web', 'crowd'] });
  expect(result).toMatchObject({ recorded: 3, without: 0 });
  const both = of(await sidecar('all'), rows[1] ?? {});
  expect(both?.sources).toEqual([{ licence: 'CC-BY-4.0', source: 'web' }, { source: 'crowd' }]);
  const text = await readFile(join(project.root, 'data/all.provenance.jsonl'), 'utf8');
  await project.git('rm', '-q', '--cached', '--ignore-unmatch', 'datasets.lock');
  await rm(join(project.root, 'datasets.lock'));
  for (const [name, values] of [
    ['web', rows.slice(0, 2)],
    ['crowd', rows.slice(1)],
    ['all', rows],
  ] as const)
    await lock(name, values);
  await rm(join(project.root, 'data/all.provenance.jsonl'));
  for (const name of ['web', 'crowd']) await project.add(`data/${name}.provenance.jsonl`, { key: 'row' });
  await record('all', {}, { from: ['crowd', 'web'] });
  expect(await readFile(join(project.root, 'data/all.provenance.jsonl'), 'utf8')).toBe(text);
});

test('--also gives a second source to rows that have one', async () => {
  await lock('intents', rows);
  await record('intents', { source: 'web' });
  expect(await record('intents', { source: 'crowd' }, { also: true })).toMatchObject({ recorded: 0, changed: 3 });
  expect(of(await sidecar('intents'), rows[0] ?? {})?.sources).toEqual([{ source: 'crowd' }, { source: 'web' }]);
});

test('reviews and verdicts stand there as they are decided now; what nobody decides any more goes', async () => {
  await lock('intents', rows);
  const [a, b] = rows.map((value) => rowDigest(value)) as [Digest, Digest];
  const decisions = new Map([[a, { reviewed: 'accepted' as const, from: null }]]);
  await record('intents', { source: 'web' }, { decisions, pii: { found: new Map([[b, ['URL', 'EMAIL_ADDRESS', 'URL']]]), all: true } });
  const first = await sidecar('intents');
  expect(of(first, rows[0] ?? {})).toMatchObject({ reviewed: 'accepted', pii: { verdict: 'clean', kinds: [] } });
  expect(of(first, rows[1] ?? {})).toMatchObject({ pii: { verdict: 'found', kinds: ['EMAIL_ADDRESS', 'URL'] } });
  await record('intents', { source: 'web' });
  const second = await sidecar('intents');
  expect(of(second, rows[0] ?? {})?.reviewed).toBeUndefined();
  expect(of(second, rows[1] ?? {})?.pii?.verdict).toBe('found');
});

test('rows that a step or a reviewer made have the sources of the rows that they were made of', async () => {
  await lock('raw', rows);
  await record('raw', { source: 'helpdesk', document: 'ticket' });
  const [redacted, edited] = [
    { id: 'a', text: '<NAME>' },
    { id: 'b', text: 'two, corrected' },
  ];
  await lock('clean', [redacted, edited]);
  const lineage = new LineageIndex();
  lineage.add({ row: rowDigest(redacted), from: [rowDigest(rows[0] ?? {})], by: 'plumb/pii redact' });
  const decisions = new Map([[rowDigest(edited), { reviewed: 'accepted' as const, from: rowDigest(rows[1] ?? {}) }]]);
  expect(await record('clean', {}, { from: ['raw'], lineage, decisions })).toMatchObject({ recorded: 2, without: 0 });
  const all = await sidecar('clean');
  expect(of(all, redacted)).toMatchObject({ sources: [{ document: 'T-1' }], made: [{ from: [rowDigest(rows[0] ?? {})], by: 'plumb/pii redact' }] });
  expect(of(all, edited)).toMatchObject({ sources: [{ document: 'T-2' }], made: [{ by: 'plumb review' }], reviewed: 'accepted' });
});

test('--prune leaves out what the data no longer have', async () => {
  await lock('intents', rows);
  await record('intents', { source: 'web' });
  await lock('intents', rows.slice(0, 1));
  expect(await record('intents', { source: 'web' }, { prune: true })).toMatchObject({ dropped: 2, recorded: 0 });
  expect(await sidecar('intents')).toHaveLength(1);
});

test('a map says what it knows by key; rows that nobody knows of are counted and not written', async () => {
  await lock('intents', rows);
  await project.write('origins.csv', 'key,source,licence\na,web,MIT OR Apache-2.0\nb,crowd,\n');
  const map = await readFactsMap({ path: join(project.root, 'origins.csv'), name: 'origins.csv' }, { key: 'id' });
  expect(await record('intents', { map })).toMatchObject({ recorded: 2, without: 1 });
  expect(of(await sidecar('intents'), rows[0] ?? {})?.sources).toEqual([{ licence: 'MIT OR Apache-2.0', source: 'web' }]);
  await project.write('twice.csv', 'key,source\na,web\na,crowd\n');
  await expect(readFactsMap({ path: join(project.root, 'twice.csv'), name: 'twice.csv' }, { key: 'id' })).rejects.toMatchObject({
    code: 'PROVENANCE_INVALID',
  });
});

test('with nothing known of any row nothing is written or locked', async () => {
  await lock('intents', rows);
  expect(await record('intents', {})).toMatchObject({ content: null, without: 3 });
  await expect(sidecar('intents')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('two at once are both there afterwards', async () => {
  await lock('web', rows.slice(0, 2));
  await lock('all', rows);
  await record('web', { source: 'web' });
  await Promise.all([record('all', { source: 'crowd' }), record('all', {}, { from: ['web'] }), record('all', { source: 'third' }, { also: true })]);
  const sources = new Set((await sidecar('all')).flatMap((row) => row.sources.map(({ source }) => source)));
  expect(sources).toContain('third');
  expect(sources).toContain('web');
  expect((await loadLock(await project.open())).datasets['all.provenance']).toMatchObject({ rows: 3 });
});

test('a damaged sidecar is told with its row, and stays as it is; nothing is written through a link', async () => {
  await lock('intents', rows);
  await record('intents', { source: 'web' });
  const path = join(project.root, 'data/intents.provenance.jsonl');
  const text = `${await readFile(path, 'utf8')}{"row": "sha256:1"}\n`;
  await project.write('data/intents.provenance.jsonl', text);
  await expect(record('intents', { source: 'web' })).rejects.toMatchObject({ code: 'PROVENANCE_INVALID', where: { row: 4 } });
  expect(await readFile(path, 'utf8')).toBe(text);
  await lock('other', rows);
  await symlink(join(project.root, '..', 'elsewhere.jsonl'), join(project.root, 'data/other.provenance.jsonl'));
  await record('other', { source: 'web' }).catch(() => undefined);
  await expect(readFile(join(project.root, '..', 'elsewhere.jsonl'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a sidecar out of order, as a merge leaves it, is written sorted', async () => {
  await lock('intents', rows);
  await record('intents', { source: 'web' });
  const sorted = await readFile(join(project.root, 'data/intents.provenance.jsonl'), 'utf8');
  await project.write('data/intents.provenance.jsonl', `${sorted.trimEnd().split('\n').toReversed().join('\n')}\n`);
  await record('intents', { source: 'web' });
  expect(await readFile(join(project.root, 'data/intents.provenance.jsonl'), 'utf8')).toBe(sorted);
});

test('names of files and forms of licences', () => {
  expect([sidecarPath('data/a.parquet'), sidecarPath('b.CSV'), sidecarPath('data/c')]).toEqual([
    'data/a.provenance.jsonl',
    'b.provenance.jsonl',
    'data/c.provenance.jsonl',
  ]);
  for (const good of [
    'MIT',
    'GPL-2.0-or-later',
    'GPL-2.0+',
    '(MIT OR Apache-2.0) AND CC-BY-4.0',
    'GPL-2.0-only WITH Classpath-exception-2.0',
    'LicenseRef-own',
  ])
    expect(isLicence(good)).toBe(true);
  for (const bad of ['', 'MIT OR', 'MIT Apache', '(MIT', 'MIT)', 'OR MIT', 'ask Bob, please', 'MIT\n', '()', 'a'.repeat(500)])
    expect(isLicence(bad)).toBe(false);
  const row: ProvenanceRow = { row: digestOf('x'), sources: [], pii: { verdict: 'clean', kinds: [] } };
  expect(parseProvenance(JSON.parse(provenanceLine(row)) as Record<string, unknown>, 'x', 1)).toEqual(row);
});
