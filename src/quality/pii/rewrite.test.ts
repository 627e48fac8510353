import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOfFile } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { formatOfName, readRows } from '../../datasets/rows.ts';
import { noMemory } from '../memory.ts';
import { readLineage } from '../provenance/lineage.ts';
import { judgePii } from './check.ts';
import { luhn } from './check-digits.ts';
import { piiSchema } from './config.ts';
import { placeInJson } from './json-place.ts';
import { keyCheck, keyOf } from './key.ts';
import { createRecogniser, patternEntities } from './recognise.ts';
import { rewriteRows } from './rewrite-rows.ts';
import { createSurrogates } from './surrogate.ts';

const secret = 'a key of tests, long enough';
const key = { check: keyCheck(secret) };
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'plumb-pii-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function rewrite(
  name: string,
  bytes: string | null,
  settings: object,
): Promise<{ text: string; path: string; lineage: string; source: string }> {
  const source = join(folder, `${(files += 1)}-${name}`);
  if (bytes !== null) await writeFile(source, bytes);
  else parquetWriteFile({ filename: source, columnData: parquetColumns });
  const format = formatOfName(name) ?? 'jsonl';
  const rows = { source: { path: source, format, name }, content: (await digestOfFile(source)).digest };
  const world = {
    memory: noMemory,
    readNode: () => Promise.reject(new Error('no tree')),
    pathOf: async () => null,
    progress: silentProgress,
    signal: new AbortController().signal,
  };
  const config = piiSchema.parse({ version: 1, ...settings });
  const asked = { config, file: 'pii.yaml', columns: null, waivers: [], day: null };
  const {
    finds,
    treatments,
    key: opened,
  } = await judgePii(rows, asked, world, { env: { PLUMB_PII_KEY: secret }, threads: 1, pathOf: (path) => path });
  const [path, lineage] = [join(folder, `${files}-out-${name}`), join(folder, `${files}-lineage.jsonl`)];
  await rewriteRows({ source: rows.source, finds, treatments, key: opened, data: path, lineage, signal: world.signal });
  return { text: name.endsWith('parquet') ? '' : await readFile(path, 'utf8'), path, lineage, source };
}

const parquetColumns = [
  { name: 'id', data: [1, 2, 3], type: 'INT32' as const },
  { name: 'text', data: ['hello', 'ada@example.com', 'bye'], type: 'STRING' as const },
];

test('JSONL: rows without a find, blank lines, spacing, byte order mark and line ends stay; numbers keep their digits', async () => {
  const before =
    '\ufeff{ "id" : 12345678901234567890, "text":"caf\\u00e9 ada@example.com!" , "n":1.50}\r\n\n  {"text":"hello",  "id":2}\n{"m":[{"c":"a"},{"c":"bob@example.org, ada@example.com"}],"text":"x","card":4111111111111111}';
  const { text, lineage, source, path } = await rewrite('a.jsonl', before, { entities: { EMAIL_ADDRESS: 'redact', CREDIT_CARD: 'mask' } });
  expect(text).toBe(
    '\ufeff{ "id" : 12345678901234567890, "text":"café <EMAIL_ADDRESS>!" , "n":1.50}\r\n\n  {"text":"hello",  "id":2}\n{"m":[{"c":"a"},{"c":"<EMAIL_ADDRESS>, <EMAIL_ADDRESS>"}],"text":"x","card":"****************"}',
  );
  const [rows, made] = [await Array.fromAsync(readRows(source, 'jsonl')), await Array.fromAsync(readRows(path, 'jsonl'))];
  expect(await Array.fromAsync(readLineage(lineage, 'a.lineage'))).toEqual(
    [0, 2].map((at) => ({
      row: rowDigest(made[at]?.value ?? {}),
      from: [rowDigest(rows[at]?.value ?? {})],
      by: at === 0 ? 'plumb/pii redact' : 'plumb/pii mask, redact',
    })),
  );
});

test('CSV: other rows byte for byte, quotes where they are needed, the line end of the row', async () => {
  const before = 'id,text,note\r\n1,"a, ""b""",x\r\n2,mail ada@example.com,"c\nd"\r\n3,plain,y\n4,bob@example.org,z';
  const { text } = await rewrite('a.csv', before, { entities: { EMAIL_ADDRESS: 'redact' } });
  expect(text).toBe('id,text,note\r\n1,"a, ""b""",x\r\n2,mail <EMAIL_ADDRESS>,"c\nd"\r\n3,plain,y\n4,<EMAIL_ADDRESS>,z');
});

test('Parquet: types and order of rows stay', async () => {
  const { path } = await rewrite('a.parquet', null, { entities: { EMAIL_ADDRESS: 'redact' } });
  const rows = await Array.fromAsync(readRows(path, 'parquet'));
  expect(rows.map(({ value }) => value)).toEqual([
    { id: 1, text: 'hello' },
    { id: 2, text: '<EMAIL_ADDRESS>' },
    { id: 3, text: 'bye' },
  ]);
});

test('each entity its own way; nothing of what is rewritten is found again', async () => {
  const row = { text: 'ada@example.com, 4111 1111 1111 1111, 460-89-9847, 8.8.8.8, www.example.org' };
  const { text } = await rewrite('a.jsonl', `${JSON.stringify(row)}\n`, {
    key,
    entities: { EMAIL_ADDRESS: 'hash', CREDIT_CARD: { action: 'mask', keep_last: 4 }, US_SSN: 'redact', IP_ADDRESS: 'surrogate', URL: 'keep' },
  });
  const made = (JSON.parse(text) as typeof row).text;
  expect(made).toMatch(/^<EMAIL_ADDRESS:[0-9a-f]{16}>, \*{4} \*{4} \*{4} 1111, <US_SSN>, 2[45]\d(?:\.\d+){3}, www\.example\.org$/);
  expect(text).not.toContain(secret);
});

test('a stand-in is of the same form, valid, from ranges that nobody has, and the same in every version', () => {
  const surrogate = createSurrogates(keyOf(secret)).of;
  const card = surrogate('CREDIT_CARD', '4111-1111-1111-1111');
  expect(card).toMatch(/^4000-00\d\d-\d{4}-\d{4}$/);
  expect(luhn(card.replaceAll('-', ''))).toBe(true);
  expect(surrogate('CREDIT_CARD', '378282246310005')).toMatch(/^378282\d{9}$/);
  expect(surrogate('EMAIL_ADDRESS', 'Ada@Example.com')).toMatch(/^[a-z]+\.[a-z]+@example\.org$/);
  expect(surrogate('EMAIL_ADDRESS', 'Ada@Example.com')).toBe(surrogate('EMAIL_ADDRESS', 'ada@example.com'));
  expect(surrogate('EMAIL_ADDRESS', 'ada@example.com')).toBe('krizifal.trodrubor@example.org');
  expect(surrogate('PHONE_NUMBER', '(415) 555-2671')).toMatch(/^\(\d{3}\) 555-01\d\d x\d{6}$/);
  for (const number of ['+1 415 555 2671', '+44 20 7123 4567', '+49 30 1234567'])
    expect(parsePhoneNumberFromString(surrogate('PHONE_NUMBER', number))?.isValid(), number).toBe(true);
  expect(surrogate('IBAN_CODE', 'GB82 WEST 1234 5698 7654 32')).toMatch(/^GB\d\d TEST [\d ]+$/);
  expect(surrogate('US_SSN', '460-89-9847')).toMatch(/^9\d\d-[1-4]\d-\d{4}$/);
  expect(surrogate('MAC_ADDRESS', '00:1A:2B:3C:4D:5E')).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(createSurrogates(keyOf(`${secret}!`)).of('US_SSN', '460-89-9847')).not.toBe(surrogate('US_SSN', '460-89-9847'));
});

test('one person keeps one stand-in, first name alone too, however it is written', () => {
  const surrogate = createSurrogates(keyOf(secret)).of;
  const [first, last] = surrogate('PERSON', 'Ada Lovelace').split(' ');
  expect(surrogate('PERSON', 'ADA LOVELACE')).toBe(`${first} ${last}`.toUpperCase());
  expect(surrogate('PERSON', 'Ada')).toBe(first);
  expect(surrogate('PERSON', 'Mrs. Lovelace')).toMatch(new RegExp(`^\\p{Lu}\\p{Ll}+\\. ${last}$`, 'u'));
  expect(surrogate('PERSON', 'Ana Lovelace')).not.toContain(`${first} `);
});

test.each([
  'IBAN_CODE DE89370400440532013000',
  'UK_NHS 943-476-5919',
  'ES_NIF 55555555K',
  'PL_PESEL 44051401458',
  'IT_FISCAL_CODE AAAAAA00B11C333Y',
  'US_NPI 1245319599',
  'DE_TAX_ID 86095742719',
  'DATE_TIME 12/31/1990',
])('the stand-in of %s is one, too', (case_) => {
  const [entity = '', value = ''] = case_.split(' ');
  const made = createSurrogates(keyOf(secret)).of(entity, value);
  expect(made).not.toBe(value);
  const [found] = createRecogniser(patternEntities)(made).filter((one) => one.entity === entity);
  expect(found).toMatchObject({ start: 0, end: made.length });
});

test('a place in JSON is where its value stands, whatever stands around', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('any'), { maxLength: 4 }),
    object: fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
  })).object;
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, 3), (object, indent) => {
      const json = JSON.stringify(object, null, indent);
      const visit = (inner: unknown, path: (string | number)[]): void => {
        if (path.length > 0) {
          const place = placeInJson(json, path as [string]);
          expect(JSON.parse(json.slice(...(place ?? [0, 0])))).toEqual(JSON.parse(JSON.stringify(inner)));
        }
        if (Array.isArray(inner)) for (const [at, item] of inner.entries()) visit(item, [...path, at]);
        else if (inner !== null && typeof inner === 'object') for (const [name, item] of Object.entries(inner)) visit(item, [...path, name]);
      };
      visit(JSON.parse(json), []);
    }),
    { numRuns: 200 },
  );
  expect(placeInJson('{"a":1,"a":"2"}', ['a'])).toEqual([11, 14]);
  expect(placeInJson('{"a":1}', ['b'])).toBeNull();
});

test('a key that stands twice hides nothing: such a row is refused', async () => {
  for (const line of ['{"id":"a","text":"ada@example.com","text":"bob"}', '{"id":"b","text":{"x":"ada@example.com","x":"hi"}}\r'])
    await expect(rewrite('twice.jsonl', `{"id":"0","text":"fine"}\n${line}\n`, { action: 'redact' })).rejects.toMatchObject({
      code: 'ROW_SYNTAX',
      where: { row: 2 },
      message: expect.stringMatching(/the key "(?:text|x)" twice/) as string,
    });
});

test('people stay apart: telephone numbers and addresses have room for as many as a data set has, and a stand-in that two share is told', () => {
  const made = createSurrogates(keyOf(secret));
  const find = createRecogniser(['PHONE_NUMBER', 'IP_ADDRESS']);
  const each = (entity: string, value: (at: number) => string): string[] => Array.from({ length: 3000 }, (_, at) => made.of(entity, value(at)));
  const all = [
    ...each('PHONE_NUMBER', (at) => `+1 415 ${200 + (at % 700)} ${1000 + at}`),
    ...each('PHONE_NUMBER', (at) => `020 7123 ${1000 + at}`),
    ...each('IP_ADDRESS', (at) => `10.0.${at % 250}.${Math.floor(at / 250)}`),
    ...each('IP_ADDRESS', (at) => `fe80::${at.toString(16)}:1`),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(made.shared).toEqual(new Map());
  for (const text of all.filter((_, at) => at % 97 === 0)) expect(find(text), text).toMatchObject([{ start: 0, end: text.length }]);
  expect(all.at(6_500)).toMatch(/^2(?:4\d|5[0-4])\.\d+\.\d+\.\d+$/);
  // numbers of the health service that are for tests are 900,000
  const numbers = Array.from({ length: 3000 }, (_, at) => `943 476 ${1000 + at}`);
  const standIns = numbers.map((one) => made.of('UK_NHS', one));
  for (const one of numbers) made.of('UK_NHS', one);
  expect(made.shared.get('UK_NHS')?.size).toBe(numbers.length - new Set(standIns).size);
  expect(new Set(standIns).size).toBeLessThan(numbers.length);
});

test('lineage is not written through a link', async () => {
  const [source, victim, data] = [join(folder, 'linked.jsonl'), join(folder, 'victim'), join(folder, 'linked-out.jsonl')];
  await writeFile(source, '{"text":"ada@example.com"}\n');
  await writeFile(victim, 'precious');
  await symlink(victim, `${data}.lineage.jsonl`);
  const rows = { source: { path: source, format: 'jsonl' as const, name: 'linked' }, content: (await digestOfFile(source)).digest };
  const signal = new AbortController().signal;
  const world = {
    memory: noMemory,
    readNode: () => Promise.reject(new Error('no tree')),
    pathOf: async () => null,
    progress: silentProgress,
    signal,
  };
  const asked = { config: piiSchema.parse({ version: 1, action: 'redact' }), file: 'pii.yaml', columns: null, waivers: [], day: null };
  const { finds, treatments } = await judgePii(rows, asked, world, { env: {}, threads: 1, pathOf: (path) => path });
  await rewriteRows({ source: rows.source, finds, treatments, key: null, data, lineage: `${data}.lineage.jsonl`, signal });
  expect(await readFile(victim, 'utf8')).toBe('precious');
  expect(await readFile(`${data}.lineage.jsonl`, 'utf8')).toContain('plumb/pii redact');
});
