import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import type { Engine } from './run.ts';
import { fileOf, judge, judgeBy, versionOf } from './rules.fixture.ts';

const engines: readonly Engine[] = ['rows', 'duckdb'];
const rule = (text: string): string => `version: 1\nrules: [${text}]\n`;
const lines = (count: number): string => Array.from({ length: count }, (_, at) => `{"a":"x${at}","n":${at}}\n`).join('');

// DuckDB reads JSONL of locked data alone, whose rows were parsed when they were added
test('JSONL that is broken is told by row', async () => {
  const cases: [Buffer, object][] = [
    [Buffer.from(`${lines(3)}{"a":NaN,"n":1}\n`), { code: 'ROW_SYNTAX', where: { row: 4 } }],
    [Buffer.from(`${lines(2)}{"a":"x","n":Infinity}\n`), { code: 'ROW_SYNTAX', where: { row: 3 } }],
    [Buffer.from(`${lines(2)}{"a":${'['.repeat(10_000)}${']'.repeat(10_000)},"n":1}\n`), { code: 'ROW_SYNTAX', where: { row: 3 } }],
    [Buffer.from(`${lines(1)}{"a":"\\ud83d","n":1}\n`), { code: 'ROW_ENCODING', where: { row: 2 } }],
    [
      Buffer.concat([Buffer.from(`${lines(2)}{"a":"`), Buffer.from([0xc3, 0x28]), Buffer.from('","n":1}\n')]),
      { code: 'ROW_ENCODING', where: { row: 3 }, details: { offset: 40 } },
    ],
    [Buffer.from(`${lines(2)}[1]\n`), { code: 'ROW_SYNTAX', where: { row: 3 } }],
    [Buffer.from(`${lines(2)}{"a":"x","n":-1,"n":1}\n`), { code: 'ROW_SYNTAX', where: { row: 3 } }],
  ];
  for (const [bytes, error] of cases) await expect(judge(await fileOf(bytes, 'jsonl'), rule('{ column: n, min: 0 }'))).rejects.toMatchObject(error);
});

test.each(engines)('CSV that is broken is told by row or line (%s)', async (engine) => {
  const cases: [Buffer, object][] = [
    [Buffer.from('a,n\nx,1\ny\n'), { code: 'ROW_RAGGED', where: { row: 2 } }],
    [Buffer.from('a,n\nx,1\ny,2,3\n'), { code: 'ROW_RAGGED', where: { row: 2 } }],
    [Buffer.from('a,n\nx,1\n"y,2\n'), { code: 'ROW_SYNTAX' }],
    [
      Buffer.concat([Buffer.from('a,n\nx,1\n'), Buffer.from([0xff]), Buffer.from(',2\n')]),
      { code: 'ROW_ENCODING', where: { line: 3 }, details: { offset: 8 } },
    ],
    [Buffer.from('a,a\nx,1\n'), { code: 'ROW_SYNTAX', where: { line: 1 } }],
  ];
  for (const [bytes, error] of cases)
    await expect(judgeBy(engine, await fileOf(bytes, 'csv'), rule('{ column: a, min_length: 1 }'))).rejects.toMatchObject(error);
});

test.each(engines)('a byte order mark, CRLF and blank lines change nothing (%s)', async (engine) => {
  const texts = ['a,n\nx,1\ny,7\n', '\ufeffa,n\nx,1\ny,7\n', 'a,n\r\nx,1\r\ny,7\r\n', 'a,n\nx,1\n\ny,7\n\n', '"a","n"\n"x","1"\n"y","7"'];
  for (const text of texts) {
    const { run } = await judgeBy(engine, await fileOf(text, 'csv'), rule('{ column: n, max: 5 }'));
    expect(run.validation).toMatchObject({ rows: 2, results: [{ failing: 1, keys: ['row 2'], checked: 2 }] });
  }
  for (const text of ['{"n":1}\n{"n":7}\n', '\ufeff{"n":1}\n{"n":7}', '{"n":1}\r\n\r\n{"n":7}\r\n']) {
    const version = await versionOf(text, 'jsonl');
    const { run } = await judgeBy(engine, version, rule('{ column: n, max: 5 }'));
    expect(run.validation).toMatchObject({ rows: 2, results: [{ failing: 1, keys: ['row 2'], checked: 2 }] });
  }
});

test.each(engines)('cells of 10 MB and columns of mixed types are judged (%s)', async (engine) => {
  const wide = 'w'.repeat(10 << 20);
  const csv = await judgeBy(engine, await fileOf(`a,n\n${wide},1\nb,2\n`, 'csv'), rule("{ column: a, max_length: 5, regex: '^w+$' }"));
  expect(csv.run.validation.results.map(({ keys }) => keys)).toEqual([['row 1'], ['row 2']]);
  const mixed = await versionOf(['1', '"1"', 'null', 'true', '[1]', '{"b":2}', '1.5'].map((value) => `{"id":1,"n":${value}}\n`).join(''), 'jsonl');
  const { run } = await judgeBy(engine, mixed, rule('{ column: n, type: integer, max: 1 }'));
  expect(run.validation.results.map(({ keys }) => keys)).toEqual([
    ['row 2', 'row 4', 'row 5', 'row 6', 'row 7'],
    ['row 2', 'row 4', 'row 5', 'row 6', 'row 7'],
  ]);
});

test.each(engines)('NaN in Parquet is missing, infinity is no number (%s)', async (engine) => {
  const data = [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null];
  const file = await fileOf(Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'n', type: 'DOUBLE', nullable: true, data }] })), 'parquet');
  const { run } = await judgeBy(engine, file, rule('{ column: n, not_missing: true, type: number, max: 5, unique: true, mean: { max: 1 } }'));
  expect(run.validation.results.map(({ keys, observed }) => observed ?? keys)).toEqual([
    ['row 2', 'row 5'],
    ['row 3', 'row 4'],
    ['row 3', 'row 4'],
    [],
    '"-Infinity" is no number',
  ]);
});

test('a Parquet file with a hostile footer is refused at once', async () => {
  const good = Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'n', type: 'DOUBLE', data: [1, 2, 3] }], rowGroupSize: 2 }));
  const claims = Buffer.from(good);
  claims.writeUInt32LE(0xffff_fff0, good.length - 8);
  const flipped = Buffer.from(good);
  for (let at = good.length - 60; at < good.length - 12; at += 1) flipped[at] = 0xff;
  for (const bytes of [claims, flipped, good.subarray(0, -1), good.subarray(0, 10), Buffer.from('PAR1PAR1'), Buffer.alloc(0)])
    await expect(judge(await fileOf(bytes, 'parquet', 'x.parquet'), rule('{ column: n, min: 0 }'))).rejects.toMatchObject({
      code: 'ROW_SYNTAX',
      where: { file: 'x.parquet' },
    });
});

test.each(engines)('names and values of columns stay what they are (%s)', async (engine) => {
  const name = `n"; DROP TABLE scan; --'[*?]\\`;
  const values = [`'); SELECT 1; --`, `"`, `\\`, '%_', '$1', '*', "''"];
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const csv = `${quoted(name)},b\n${values.map((value) => `${quoted(value)},1\n`).join('')}`;
  const file = await fileOf(csv, 'csv');
  const asked = JSON.stringify({
    version: 1,
    key: name,
    rules: [
      { column: name, allowed: values.slice(1), forbidden: [values[1]], unique: true, not_regex: ['^\\*$'] },
      { row: `\`${name}\` != '${(values[0] as string).replaceAll("'", "''")}'` },
    ],
  });
  const { run } = await judgeBy(engine, file, asked);
  expect(run.engine).toBe(engine);
  expect(run.validation.results.map(({ keys }) => keys)).toEqual([[values[0]], [values[1]], ['*'], [], [values[0]]]);
});

test.each(engines)('a rule about a column that is not there names the nearest, before anything else (%s)', async (engine) => {
  const file = await fileOf('text,n\nx,1\n', 'csv');
  for (const asked of [
    '{ column: txt, min: 1 }',
    '{ columns: [text, txt], unique: true }',
    '{ row: "txt = \'a\'" }',
    '{ column: n, min: 0, when: "txt = \'a\'" }',
  ])
    await expect(judgeBy(engine, file, rule(asked))).rejects.toMatchObject({
      code: 'DATASET_COLUMN',
      message: 'no row has the column "txt". Did you mean "text"?',
      where: { file: 'rules/x.yaml' },
    });
  await expect(
    judgeBy(engine, file, 'version: 1\nreference: other\nrules: [{ column: n, psi: 0.1 }]\n', {
      openReference: () => fileOf('m\n1\n', 'csv', 'other'),
    }),
  ).rejects.toMatchObject({ code: 'DATASET_COLUMN', message: expect.stringContaining('"other", which rules refer to, has no column "n"') });
});

test('mistakes in a rules file are told with their place', async () => {
  const file = await fileOf('n\n1\n', 'csv');
  const cases: [string, string][] = [
    ["{ column: n, regex: '(?<=a)b' }", 'not a regular expression of RE2'],
    ["{ column: n, regex: '(a)\\1' }", 'not a regular expression of RE2'],
    ['{ row: "n >" }', 'found the end (character 4'],
    ['{ row: "n > \'a\' + 1" }', 'expected a number, found a text (character 5'],
    ['{ row: "n" , when: "m ==" }', 'character 4'],
    [`{ row: "${'('.repeat(200)}n${')'.repeat(200)}" }`, 'nested deeper than 100'],
    ["{ column: n, date_format: '%Q' }", '%Q is no part of a date format'],
    ['{ column: n, json_schema: { patern: a } }', '"patern" is not known here'],
    ['{ column: n, psi: 0.1 }', 'nothing says what is compared with'],
    ['{ column: n, newest: { within_days: 3 } }', 'may not depend on the day'],
    ['{ columns: [n, n], in: { data: other, column: id } }', 'holds 2 columns against 1'],
  ];
  for (const [asked, message] of cases)
    await expect(judge(file, rule(asked))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      where: { file: 'rules/x.yaml' },
    });
});

test.each(engines)('a word is no end of numbers, though each cell of a CSV is a text (%s)', async (engine) => {
  const file = await fileOf('n,day,code\n,2026-11-01,A1\n3,2026-11-02,007\n-4.5e1,,8\n', 'csv');
  const refused = async (asked: string): Promise<unknown> => judgeBy(engine, file, rule(asked)).catch((error: unknown) => error);
  expect(await refused('{ column: n, min: zero }')).toMatchObject({
    code: 'CONFIG_INVALID',
    message: '"n" holds numbers, and min is "zero"',
    where: { file: 'rules/x.yaml', path: 'rules.0.min' },
  });
  expect(await refused("{ column: n, below: '' }")).toMatchObject({ code: 'CONFIG_INVALID' });
  for (const fine of ['{ column: n, min: 0 }', "{ column: n, max: '9' }", '{ column: day, min: 2026-01-01 }', '{ column: code, max: Z }'])
    expect(await refused(fine)).toMatchObject({ run: { engine } });
});

test.each(engines)('a row has the name that its data set gives it, unless the rules give another (%s)', async (engine) => {
  const { source, content } = await fileOf('id,n,other\nx7,5,a\n,6,b\n', 'csv');
  const data = { source: { ...source, key: 'id' }, content };
  const keys = async (text: string): Promise<unknown> => (await judgeBy(engine, data, text)).run.validation.results.map((result) => result.keys);
  expect(await keys(rule('{ column: n, max: 1 }'))).toEqual([['x7', 'row 2']]);
  expect(await keys(rule('{ column: n, max: 1 }').replace('rules:', 'key: other\nrules:'))).toEqual([['a', 'b']]);
});
