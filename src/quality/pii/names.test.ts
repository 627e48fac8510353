// Personal data in what names the data: columns, keys of objects, the key of a row. It counts, and it is shown nowhere.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createProject, jsonl, quiet } from '../../datasets/project.fixture.ts';
import { openCheckedData } from '../checked-data.ts';
import { judgePii, type PiiAnswer, type PiiAsked } from './check.ts';
import { usualConfig, piiSchema } from './config.ts';
import { keyCheck } from './key.ts';
import { rewriteRows } from './rewrite-rows.ts';

const secret = 'a key of tests, long enough';

async function judge(rows: readonly object[], asked: Partial<PiiAsked> = {}, env: Readonly<Record<string, string>> = {}): Promise<PiiAnswer> {
  const project = await createProject();
  await project.write('a.jsonl', jsonl(rows));
  await project.add('a.jsonl', { key: 'id' });
  const { rows: checked, world } = await openCheckedData(await project.open(), 'a', { cwd: project.root, ...quiet });
  const own = { env, threads: 1, pathOf: (path: string) => path };
  return judgePii(checked, { config: usualConfig, file: 'pii.yaml', columns: null, waivers: [], day: null, ...asked }, world, own);
}

test('an address as the name of a column or a key of an object is found, and no report names it', async () => {
  const answer = await judge([
    { id: 'a', text: 'x', 'ada@example.com': 'call 415-555-0132' },
    { id: 'b', text: { people: [{ 'bob@example.com': { note: 'call 415-555-0132' } }], '4111111111111111': 1, '12345678': 1 } },
    { id: 'c', text: { 'www.example.org': 1, '2024-01-01': 2, score_2024: 1 } },
  ]);
  const told = answer.flagged.map(({ key, findings }) => [key, ...findings.map(({ column, message }) => `${column}: ${message}`).toSorted()]);
  expect(told).toEqual([
    ['a', '<EMAIL_ADDRESS>: EMAIL_ADDRESS in the name of a column', '<EMAIL_ADDRESS>: PHONE_NUMBER in <EMAIL_ADDRESS>, 5 to 17'],
    [
      'b',
      'text: CREDIT_CARD in a key of text',
      'text: EMAIL_ADDRESS in a key of text.people[0]',
      'text: PHONE_NUMBER in text.people[0].<EMAIL_ADDRESS>.note, 5 to 17',
    ],
  ]);
  expect(JSON.stringify([answer.report, answer.flagged])).not.toMatch(/ada@|bob@|4111/);
  expect(answer.report).toMatchObject({ holds: false, numbers: { findings: 5, rows_with_findings: 2 } });
});

test('a key that is an address names no row, also where its column is not looked at', async () => {
  const answer = await judge([{ id: 'ada@example.com', text: 'call 415-555-0132' }], { columns: ['text'] });
  expect(answer.flagged).toMatchObject([{ key: 'row 1', findings: [{ kind: 'PHONE_NUMBER' }] }]);
  expect(answer.report.numbers['findings']).toBe(1);
  expect(JSON.stringify([answer.report, answer.flagged])).not.toContain('ada@');
});

test('a name cannot be rewritten: it is flagged whatever is done with its kind, and what stands under it is rewritten', async () => {
  const rows = [{ id: 'a', text: { 'ada@example.com': 'or bob@example.com' } }];
  const config = piiSchema.parse({ version: 1, action: 'redact' });
  const project = await createProject();
  await project.write('a.jsonl', jsonl(rows));
  await project.add('a.jsonl', { key: 'id' });
  const { rows: checked, world } = await openCheckedData(await project.open(), 'a', { cwd: project.root, ...quiet });
  const asked = { config, file: 'pii.yaml', columns: null, waivers: [], day: null };
  const answer = await judgePii(checked, asked, world, { env: {}, threads: 1, pathOf: (path) => path });
  expect(answer.report.holds).toBe(false);
  expect(answer.report.kinds).toMatchObject([
    { severity: 'error', findings: 1 },
    { severity: 'info', findings: 1 },
  ]);
  const [data, lineage] = [`${project.root}/out.jsonl`, `${project.root}/out.lineage.jsonl`];
  const { finds, treatments, key } = answer;
  await rewriteRows({ source: checked.source, finds, treatments, key, data, lineage, signal: new AbortController().signal });
  expect(await readFile(data, 'utf8')).toBe('{"id":"a","text":{"ada@example.com":"or <EMAIL_ADDRESS>"}}\n');
  const kept = await judge(rows, { config: piiSchema.parse({ version: 1, action: 'keep' }) });
  expect(kept.report.holds).toBe(true);
});

test('one value has one hash, however it is written', async () => {
  const config = piiSchema.parse({ version: 1, key: { check: keyCheck(secret) } });
  const rows = ['ada@example.com', 'ADA＠example.com', 'a\u200bda&#64;example.com'].map((text, at) => ({ id: `r${at}`, text }));
  const { finds } = await judge(rows, { config }, { PLUMB_PII_KEY: secret });
  const hashes = finds.flatMap((row) => row.finds).flatMap(({ entity, hash }) => (entity === 'EMAIL_ADDRESS' ? [hash] : []));
  expect(hashes).toHaveLength(3);
  expect(new Set(hashes).size).toBe(1);
});
