import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createProject, jsonl, quiet, type TestProject } from '../../datasets/project.fixture.ts';
import { openCheckedData } from '../checked-data.ts';
import { noMemory } from '../memory.ts';
import { judgePii, type PiiAnswer, type PiiAsked } from './check.ts';
import { piiSchema, usualConfig } from './config.ts';
import { keyCheck } from './key.ts';
import { cellsOf } from './cells.ts';
import { createLocalScanner } from './scan.ts';
import { openPool } from './scan-pool.ts';
import { usualEntities } from './recognise.ts';
import type { Waiver } from '../waivers.ts';

const secret = 'a key of tests, long enough';
const env = { PLUMB_PII_KEY: secret };
const usual: PiiAsked = { config: usualConfig, file: 'pii.yaml', columns: null, waivers: [], day: '2026-11-22' };
const own = { env, threads: 1, pathOf: (path: string) => path };

async function judge(project: TestProject, asked: Partial<PiiAsked> = {}, options: { memory?: boolean } = {}): Promise<PiiAnswer> {
  const { rows, world } = await openCheckedData(await project.open(), 'a', { cwd: project.root, ...quiet });
  return judgePii(rows, { ...usual, ...asked }, options.memory === false ? { ...world, memory: noMemory } : world, own);
}

async function projectOf(rows: readonly object[], name = 'a.jsonl'): Promise<TestProject> {
  const project = await createProject();
  await project.write(name, jsonl(rows));
  await project.add(name, { key: 'id' });
  return project;
}

/** Numbers that are the same in every run. */
function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

test('what is remembered and what changed say the same as all rows', async () => {
  const next = random(7);
  const texts = [
    'nothing',
    'write to ada@example.com',
    'card 4111 1111 1111 1111',
    'call 415-555-0132, ask for bob@example.org',
    'born 1/2/1990',
    'www.example.org',
  ];
  const make = (id: number): { id: string; text: string; more: unknown } => ({
    id: `r${id}`,
    text: texts[next(texts.length)] as string,
    more: next(3) === 0 ? { list: [texts[next(texts.length)], 4_111_111_111_111_111] } : null,
  });
  let rows = Array.from({ length: 600 }, (_, at) => make(at));
  const project = await projectOf(rows);
  const config = piiSchema.parse({ version: 1, key: { check: keyCheck(secret) } });
  await judge(project, { config });
  let fresh = 10_000;
  const edits: (() => void)[] = [
    () => (rows = rows.with(next(rows.length), make(fresh++))),
    () => rows.splice(next(rows.length), 0, make(fresh++), make(fresh++)),
    () => rows.splice(next(rows.length), 1 + next(4)),
    () => void rows.splice(next(rows.length), 0, ...rows.splice(next(rows.length), 5)),
  ];
  for (let version = 0; version < 8; version += 1) {
    for (let edit = 0; edit <= next(6); edit += 1) edits[next(edits.length)]?.();
    await project.write('a.jsonl', jsonl(rows));
    await project.add('a.jsonl', { key: 'id' });
    const [some, all] = [await judge(project, { config }), await judge(project, { config }, { memory: false })];
    expect(some.report).toEqual(all.report);
    expect(some.flagged).toEqual(all.flagged);
    expect(some.finds).toEqual(all.finds);
    expect(all.scanned).toBe(rows.length);
    expect(some.scanned).toBeLessThan(60);
    // a second look at the same version reads no row
    expect(await judge(project, { config })).toMatchObject({ scanned: 0, report: all.report });
  }
});

test('other settings are another check: nothing that is remembered counts for them', async () => {
  const project = await projectOf([{ id: 'a', text: 'ada@example.com' }]);
  expect((await judge(project)).report.holds).toBe(false);
  const config = piiSchema.parse({ version: 1, allow: { EMAIL_ADDRESS: ['*@example.com'] } });
  expect(await judge(project, { config })).toMatchObject({ scanned: 1, report: { holds: true } });
  // severities and waivers are looked up anew
  const warned = await judge(project, { config: piiSchema.parse({ version: 1, entities: { EMAIL_ADDRESS: { severity: 'warning' } } }) });
  expect(warned).toMatchObject({ scanned: 0, report: { holds: true, flagged: 1 } });
});

test('no value leaves: neither in findings, nor as the name of a row, nor in what is remembered', async () => {
  const project = await createProject();
  const values = ['grace.hopper@example.com', '4111111111111111', '460-89-9847'];
  await project.write('a.jsonl', jsonl(values.map((value) => ({ id: value, text: `it is ${value}`, messages: [{ content: value }] }))));
  await project.add('a.jsonl', { key: 'id' });
  const config = piiSchema.parse({ version: 1, key: { check: keyCheck(secret) } });
  const { report, flagged, finds } = await judge(project, { config });
  const said = JSON.stringify({ report, flagged, finds });
  for (const value of [...values, secret]) expect(said).not.toContain(value);
  expect(flagged.map(({ key }) => key)).toEqual(['row 1', 'row 2', 'row 3']);
  expect(flagged[0]?.findings.map(({ message }) => message.replace(/hash .*/, 'hash'))).toEqual([
    'EMAIL_ADDRESS in id, 0 to 24, hash',
    'EMAIL_ADDRESS in text, 6 to 30, hash',
    'EMAIL_ADDRESS in messages[0].content, 0 to 24, hash',
  ]);
  // the same value has the same hash wherever it stands
  expect(new Set(finds[0]?.finds.map(({ hash }) => hash)).size).toBe(1);
});

test('a cell that is only a number is looked at for cards, and for what its column is named after', async () => {
  const project = await projectOf([
    { id: 'a', seen_at: 1_764_000_000, order: '123456789', card: 4_111_111_111_111_111 },
    { id: 'b', ssn: '460899847', account: 12_345_678 },
  ]);
  const { flagged } = await judge(project);
  expect(flagged.flatMap(({ findings }) => findings.map(({ kind, column }) => `${kind} ${column}`))).toEqual([
    'CREDIT_CARD card',
    'US_SSN ssn',
    'US_BANK_NUMBER account',
  ]);
});

test('a waiver covers what it names until its day; without owner, reason or day it covers nothing', async () => {
  const project = await projectOf([
    { id: 'a', text: 'ada@example.com' },
    { id: 'b', text: 'bob@example.com' },
  ]);
  const config = piiSchema.parse({ version: 1, key: { check: keyCheck(secret) } });
  const first = (await judge(project, { config })).finds[0]?.finds[0]?.hash ?? '';
  const waiver: Waiver = { kind: 'EMAIL_ADDRESS', hash: first, owner: 'Ada', reason: 'she asked to be named', expires: '2026-12-31' };
  const waived = await judge(project, { config, waivers: [waiver] });
  expect(waived.flagged.map(({ findings }) => findings[0]?.severity)).toEqual(['info', 'error']);
  expect(waived.report).toMatchObject({ holds: false, flagged: 1, numbers: { waived: 1 } });
  expect(waived.flagged[0]?.findings[0]?.message).toContain('waived by Ada until 2026-12-31: she asked to be named');
  const all: Waiver = { kind: 'EMAIL_ADDRESS', owner: 'Ada', reason: 'test data', expires: '2026-11-22' };
  expect((await judge(project, { config, waivers: [all] })).report.holds).toBe(true);
  const { expires: _, ...endless } = all;
  for (const [broken, day, why] of [
    [{ ...all, owner: ' ' }, '2026-11-22', 'nobody signed it'],
    [{ ...all, reason: '' }, '2026-11-22', 'no reason'],
    [endless, '2026-11-22', 'no last day'],
    [all, '2026-11-23', 'expired on 2026-11-22'],
    [{ ...all, data: 'b' }, '2026-11-22', null],
    [{ ...all, column: 'id' }, '2026-11-22', null],
  ] as const) {
    const { report } = await judge(project, { config, waivers: [broken], day });
    expect(report.holds).toBe(false);
    if (why !== null) expect(report.notes.join()).toContain(why);
  }
});

test('wrong settings are said where they stand', async () => {
  const project = await projectOf([{ id: 'a', text: 'x' }]);
  const asking = (settings: object): Promise<PiiAnswer> => judge(project, { config: piiSchema.parse({ version: 1, ...settings }) });
  await expect(asking({ entities: { EMAIL_ADRESS: 'redact' } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('EMAIL_ADDRESS') as unknown,
    where: { path: 'entities.EMAIL_ADRESS' },
  });
  await expect(asking({ entities: { PERSON: 'redact' } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    mend: expect.stringContaining('recognisers') as unknown,
  });
  await expect(asking({ entities: { IBAN_CODE: 'hash' } })).rejects.toMatchObject({ code: 'PII_KEY' });
  await expect(asking({ key: { check: '0'.repeat(12) } })).rejects.toMatchObject({ code: 'PII_KEY', where: { path: 'key.check' } });
  await expect(asking({ key: { check: '0'.repeat(12), env: 'NOT_THERE' } })).rejects.toMatchObject({ code: 'PII_KEY' });
  await expect(asking({ columns: ['txt'] })).rejects.toMatchObject({ code: 'DATASET_COLUMN', message: expect.stringContaining('"text"') as unknown });
  expect((await asking({})).report.notes).toEqual([
    'not looked for: PERSON, LOCATION, ORGANIZATION, NRP; they need a recogniser with a model (docs/pii.md)',
  ]);
});

test('threads say what one thread says', async () => {
  const golden = JSON.parse(await readFile(new URL('golden/synth.json', import.meta.url), 'utf8')) as [string, unknown][];
  const texts = golden.map(([text]): [string, string] => [text, 'text']);
  const settings = { entities: usualEntities, regions: null };
  await using pool = Object.assign(openPool(settings, 2), { [Symbol.asyncDispose]: () => pool.close() });
  const [many, one] = [await Promise.all([pool.scan(texts), pool.scan(texts.slice(5))]), await createLocalScanner(settings).scan(texts)];
  expect(many).toEqual([one, one.slice(5)]);
  expect(one.filter((found) => found !== null).length).toBeGreaterThan(300);
});

test('texts of a row: cells, lists, objects, numbers that may be somebody’s', () => {
  const cells = cellsOf({ a: 'x', b: ['y', { c: 'z', d: 1 }], e: 12_345_678.5, f: 123_456_789, g: null, h: '', __proto__x: true }, null);
  expect(cells).toEqual([
    { path: ['a'], text: 'x' },
    { path: ['b', 0], text: 'y' },
    { path: ['b', 1, 'c'], text: 'z' },
    { path: ['f'], text: '123456789' },
  ]);
  expect(cellsOf({ a: 'x', b: 'y' }, new Set(['b']))).toEqual([{ path: ['b'], text: 'y' }]);
});
