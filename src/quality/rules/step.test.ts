import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import type { StepResult } from '../../base/step.ts';
import { type Validation, validationSchema } from './report.ts';
import { validate as validateStep, validateArguments } from './step.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'validate-'));
});
afterEach(() => rm(folder, { recursive: true }));

const rows = [
  { id: 'a', text: 'hello', label: 'greet', score: 0.5 },
  { id: 'b', text: '', label: 'greet', score: 1.5 },
  { id: 'c', text: 'hello', label: 'Leave', score: 0 },
];
const data = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const rules = `version: 1
key: id
rules:
  - { column: text, not_missing: true, type: string, min_length: 1, max_length: 100 }
  - { column: text, unique: true, severity: warning }
  - { column: label, allowed: [greet, leave], regex: '^[a-z]+$' }
  - { column: score, desc: a probability, min: 0, max: 1 }
  - rows: { min: 3 }
`;

async function validate(input: string, rulesText: string, log: string[] = [], name = 'rows.jsonl'): Promise<StepResult> {
  const paths = { data: join(folder, name), rules: join(folder, 'rules.yaml') };
  await writeFile(paths.data, input);
  await writeFile(paths.rules, rulesText);
  return validateStep.run({
    with: validateArguments.parse({ data: 'intents', rules: 'rules/intents.yaml' }),
    params: null,
    seed: 0,
    origins: { data: { kind: 'output', ref: 'intents', digest: digestOf(input) } },
    cacheDir: folder,
    memoryDir: null,
    inputs: paths,
    outputs: { report: join(folder, 'validation.json'), flagged: join(folder, 'flagged.jsonl') },
    progress: silentProgress,
    signal: new AbortController().signal,
    log: (line) => log.push(line),
  });
}

const report = async (): Promise<Validation> => validationSchema.parse(JSON.parse(await readFile(join(folder, 'validation.json'), 'utf8')));

test('the output of this version is what it was (raise the version when it must change)', async () => {
  const golden: Record<number, string> = { 3: 'sha256:d24f47197acc27fe32c5d812de00a7f44dd4c8ec863de744957a9ed50fbe0cfb' };
  await validate(data, rules).catch(() => undefined);
  expect(digestOf(await readFile(join(folder, 'validation.json')))).toBe(golden[validateStep.version]);
});

test('broken rules end the step after the report is written; the log and the error name rule, rows and values', async () => {
  const log: string[] = [];
  const error: unknown = await validate(data, rules, log).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'RULES_BROKEN', exitCode: 1, where: { file: 'rules/intents.yaml', path: 'rules.0' } });
  expect((error as Error).message).toBe(
    'rule 1: 1 of 3 rows break "text has a value": b: missing; rule 3: 1 of 3 rows break "label is one of "greet", "leave"": c: "Leave"; rule 3: 1 of 3 rows break "label matches ^[a-z]+$": c: "Leave"; and 1 more',
  );
  expect(log).toContain('warning: rule 2: 2 of 3 rows break "text stands in one row only": a: "hello", as in row 3; c: "hello", as in row 1');
  expect(await report()).toMatchObject({ rows: 3, holds: false, errors: 4, warnings: 1 });
});

test('rows that satisfy the rules', async () => {
  const result = await validate(`${JSON.stringify(rows[0])}\n`, rules.replace('min: 3', 'min: 1'));
  expect(result.metrics).toEqual({ rows: 1, checks: 10, warnings: 0, flagged: 0 });
  expect(await report()).toMatchObject({ holds: true, errors: 0 });
});

test('CSV by the same rules', async () => {
  await validate('id,text,label,score\na,hello,greet,0.5\nb,bye,leave,1\nc,"a ""b""",leave,0\n', rules, [], 'rows.csv');
  expect(await report()).toMatchObject({ rows: 3, holds: true, warnings: 0 });
});

test('rows or rules that do not parse are the error, and no report stands there', async () => {
  await expect(validate(`${data}{\n`, rules)).rejects.toMatchObject({ code: 'ROW_SYNTAX', where: { file: 'intents', row: 4 } });
  await expect(validate(data, 'version: 1\nrules: [{ column: a, uniqe: true }]\n')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    where: { file: 'rules/intents.yaml', line: 2 },
    mend: 'did you mean "unique"?',
  });
  expect(existsSync(join(folder, 'validation.json'))).toBe(false);
});

test('what only the rows show to be wrong in the rules is told with its line', async () => {
  const wrong = (text: string): Promise<unknown> => validate(data, `version: 1\nrules:\n${text}`).catch((error: unknown) => error);
  expect(await wrong('  - column: text\n    min_length: 1\n  - column: scores\n    min: 0\n')).toMatchObject({
    code: 'DATASET_COLUMN',
    where: { file: 'rules/intents.yaml', path: 'rules.1.column', line: 5, column: 13 },
  });
  expect(await wrong('  - column: score\n    psi: 0.1\n')).toMatchObject({ code: 'CONFIG_INVALID', where: { line: 3 } });
});
