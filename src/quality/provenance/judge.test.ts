import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { createProject, jsonl, quiet, type TestProject } from '../../datasets/project.fixture.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { openCheckedData } from '../checked-data.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { noMemory, openMemory } from '../memory.ts';
import { judgeProvenance, type ProvenanceVerdict } from './judge.ts';
import { LineageIndex } from './lineage-index.ts';
import { requirements, reviewStates, type ProvenanceRow, type Reviewed } from './schema.ts';
import { provenanceLine } from './sidecar.ts';
import type { ProvenanceRules } from './verdict.ts';

let project: TestProject;
beforeAll(async () => {
  project = await createProject();
});
afterAll(() => rm(join(project.root, '..'), { recursive: true, force: true }));

type Value = Record<string, unknown>;

async function lock(rows: readonly Value[], sidecar: readonly ProvenanceRow[]): Promise<void> {
  await project.write('data/intents.jsonl', jsonl(rows));
  await project.write('data/intents.provenance.jsonl', sidecar.map(provenanceLine).join(''));
  await project.add('data/intents.jsonl', { key: 'id' });
  await project.add('data/intents.provenance.jsonl', { key: 'row' });
}

async function judge(rules: ProvenanceRules): Promise<ProvenanceVerdict> {
  const opened = await project.open();
  const asking = { cwd: project.root, ...quiet };
  const data = await openCheckedData(opened, 'intents', asking);
  const sidecar = await openCheckedData(opened, 'intents.provenance', asking);
  return judgeProvenance({ rows: data.rows, sidecar: sidecar.rows, rules }, data.world);
}

const known = (value: Value, more: Partial<ProvenanceRow> = {}): ProvenanceRow => ({
  row: rowDigest(value),
  sources: [{ source: 'crawl' }],
  ...more,
});
const rows = Array.from({ length: 6 }, (_, id) => ({ id, text: `text ${id}` }));
const at = (index: number): Value => rows[index] ?? {};

test('rows that lack what is required are flagged, each with its reasons', async () => {
  await lock(rows, [
    known(at(0), { sources: [{ source: 'crawl', licence: 'MIT', document: 'a.txt' }], reviewed: 'accepted', pii: { verdict: 'clean', kinds: [] } }),
    known(at(1), { sources: [{ source: 'crawl', licence: 'MIT' }, { source: 'jobs' }], reviewed: 'pending' }),
    known(at(2), { sources: [], pii: { verdict: 'found', kinds: ['EMAIL_ADDRESS'] } }),
    known(at(3), {
      sources: [{ source: 'crawl', licence: 'GPL-3.0-only', document: 'b.txt' }],
      reviewed: 'rejected',
      pii: { verdict: 'clean', kinds: [] },
    }),
    known(at(4), { sources: [{ source: 'crawl', licence: 'MIT', document: 'c' }], reviewed: 'accepted', pii: { verdict: 'found', kinds: ['IP'] } }),
  ]);
  const { report, flagged } = await judge({ require: ['source', 'document', 'reviewed', 'pii'], licences: ['MIT'] });
  expect(flagged.map(({ row, key, findings }) => [row, key, findings.map(({ kind }) => kind)])).toEqual([
    [2, '1', ['no-document', 'no-licence', 'not-reviewed', 'no-pii-verdict']],
    [3, '2', ['no-source', 'not-reviewed', 'personal-data']],
    [4, '3', ['licence', 'rejected']],
    [6, '5', ['no-provenance']],
  ]);
  expect(flagged[0]?.digest).toBe(rowDigest(at(1)));
  expect(report).toMatchObject({
    check: 'provenance',
    holds: false,
    rows: 6,
    flagged: 4,
    numbers: { with_provenance: 5, 'licence MIT': 2, 'licence unknown': 2 },
  });
  expect(report.kinds.find(({ kind }) => kind === 'licence')?.sample[0]?.message).toContain('GPL-3.0-only');
});

test('with nothing required only what people rejected is an error', async () => {
  await lock(rows, [known(at(0), { reviewed: 'rejected' })]);
  const { report, flagged } = await judge({ require: [], licences: null });
  expect(flagged.map(({ row }) => row)).toEqual([1]);
  expect(report.notes).toHaveLength(1);
});

test('a row that stands in the sidecar twice is refused, for nobody knows which of the two counts', async () => {
  await lock(rows, [known(at(0))]);
  await project.write('data/intents.provenance.jsonl', provenanceLine(known(at(0))) + provenanceLine(known(at(0), { reviewed: 'accepted' })));
  await expect(judge({ require: ['reviewed'], licences: null })).rejects.toMatchObject({ code: 'PROVENANCE_INVALID' });
});

test('a change of few rows reads few rows', async () => {
  const many = Array.from({ length: 3000 }, (_, id) => ({ id, text: `a longer text of the row ${id}, so that there are some chunks of them` }));
  await lock(
    many,
    many.map((value) => known(value)),
  );
  const first = await judge({ require: ['source'], licences: null });
  expect(first.read).toBe(6000);
  const changed = many.with(1500, { id: 1500, text: 'another' });
  await lock(
    changed,
    changed.map((value) => known(value)),
  );
  const { report, read } = await judge({ require: ['source'], licences: null });
  expect(report).toMatchObject({ holds: true, rows: 3000 });
  expect(read).toBeLessThan(1500);
});

test('rows of steps have the provenance of the rows that they were made of', async () => {
  await lock(rows, [known(at(0), { reviewed: 'accepted' }), known(at(1))]);
  const opened = await project.open();
  const asking = { cwd: project.root, ...quiet };
  await project.write(
    'redacted.jsonl',
    jsonl([
      { id: 0, text: 'redacted' },
      { id: 1, text: 'of two' },
      { id: 2, text: 'of nobody' },
    ]),
  );
  const index = new LineageIndex();
  index.add({ row: rowDigest({ id: 0, text: 'redacted' }), from: [rowDigest(at(0))], by: 'plumb/pii redact' });
  index.add({ row: rowDigest({ id: 1, text: 'of two' }), from: [rowDigest(at(0)), rowDigest(at(1))], by: 'plumb/dups' });
  index.add({ row: rowDigest({ id: 2, text: 'of nobody' }), from: [digestOf('nobody')], by: 'plumb/dups' });
  const { rows: checked, world } = await openCheckedData(opened, 'redacted.jsonl', asking);
  const { rows: sidecar } = await openCheckedData(opened, 'intents.provenance', asking);
  const { flagged } = await judgeProvenance(
    { rows: checked, sidecar, rules: { require: ['reviewed'], licences: null }, lineage: { index, contents: [] } },
    world,
  );
  expect(flagged.map(({ row, findings }) => [row, findings.map(({ kind }) => kind)])).toEqual([
    [2, ['not-reviewed']],
    [3, ['no-provenance']],
  ]);
});

const someRow = fc.record({ id: fc.integer({ min: 0, max: 5 }), text: fc.constantFrom('a', 'b') });
const someFacts = fc.record(
  {
    reviewed: fc.constantFrom(...reviewStates),
    licence: fc.constantFrom('MIT', 'GPL'),
    verdict: fc.constantFrom('clean' as const, 'found' as const),
  },
  { requiredKeys: [] },
);

/** Versions as plain files of a folder, remembered there: without trees all of both is compared. */
async function versionsIn(
  folder: string,
): Promise<{ world: CheckWorld; write: (name: string, text: string, key: string | null) => Promise<CheckedRows> }> {
  const pathOf = (content: Digest): string => join(folder, `${hexOf(content)}.jsonl`);
  const world: CheckWorld = {
    memory: openMemory(join(folder, 'memory')),
    readNode: () => Promise.reject(new Error('there are no trees')),
    pathOf: async (content) => pathOf(content),
    ...quiet,
  };
  const write = async (name: string, text: string, key: string | null): Promise<CheckedRows> => {
    const content = digestOf(text);
    await writeFile(pathOf(content), text);
    return { source: { path: pathOf(content), format: 'jsonl', name, ...(key === null ? {} : { key }) }, content };
  };
  return { world, write };
}

test('after any edits of data and sidecar, what is remembered gives what a full run gives, to the bit', async () => {
  const rules: ProvenanceRules = {
    require: requirements.filter((one) => one !== 'document' && one !== 'created' && one !== 'annotator'),
    licences: ['MIT'],
  };
  const factsOf = ([value, { reviewed, licence, verdict }]: [
    Value,
    { reviewed?: Reviewed; licence?: string; verdict?: 'clean' | 'found' },
  ]): string =>
    provenanceLine(
      known(value, {
        sources: [{ source: 'crawl', ...(licence === undefined ? {} : { licence }) }],
        ...(reviewed === undefined ? {} : { reviewed }),
        ...(verdict === undefined ? {} : { pii: { verdict, kinds: [] } }),
      }),
    );
  const edit = fc.record({ place: fc.nat(13), row: someRow, insert: fc.boolean(), facts: fc.tuple(someRow, someFacts), drop: fc.nat(40) });
  const start = fc.record({
    rows: fc.array(someRow, { minLength: 8, maxLength: 14 }),
    facts: fc.uniqueArray(fc.tuple(someRow, someFacts), { minLength: 6, maxLength: 12, selector: ([value]) => JSON.stringify(value) }),
  });
  const folder = await mkdtemp(join(tmpdir(), 'plumb-provenance-'));
  let incremental = 0;
  try {
    await fc.assert(
      fc.asyncProperty(start, fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(), async (first, edits, number) => {
        const { world, write } = await versionsIn(folder);
        const name = `data ${number}`;
        let [rowsNow, factsNow] = [first.rows, first.facts];
        for (const next of [null, ...edits]) {
          if (next !== null) {
            rowsNow = rowsNow.toSpliced(next.place, next.insert ? 0 : 1, next.row);
            factsNow = [...new Map([...factsNow, next.facts].map((one) => [JSON.stringify(one[0]), one])).values()].filter(
              (_, place) => place !== next.drop,
            );
          }
          const asking = {
            rows: await write(name, jsonl(rowsNow), null),
            sidecar: await write(`${name}.provenance`, factsNow.map(factsOf).join(''), 'row'),
            rules,
          };
          const remembered = await judgeProvenance(asking, world);
          const full = await judgeProvenance(asking, { ...world, memory: noMemory });
          expect({ report: remembered.report, flagged: remembered.flagged }).toEqual({ report: full.report, flagged: full.flagged });
          if (remembered.read !== full.read) incremental += 1;
        }
      }),
      { numRuns: 18 },
    );
    expect(incremental).toBeGreaterThan(6);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
