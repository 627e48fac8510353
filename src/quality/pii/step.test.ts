import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import type { StepResult } from '../../base/step.ts';
import { flaggedRowSchema, findingsSchema } from '../findings.ts';
import { pii, piiArguments } from './step.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'plumb-pii-step-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const rows = [
  { id: 'a', text: 'write to ada@example.com', note: '' },
  { id: 'b', text: 'nothing', note: 'card 4111 1111 1111 1111, see www.example.org' },
];
const jsonl = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function run(args: object, files: Readonly<Record<string, string>> = {}, log: string[] = [], passed?: string): Promise<StepResult> {
  const data = join(folder, 'rows.jsonl');
  await writeFile(data, jsonl);
  const inputs: Record<string, string> = { data };
  for (const [name, text] of Object.entries(files)) {
    inputs[name] = join(folder, name);
    await writeFile(inputs[name], text);
  }
  const with_ = piiArguments.parse({ data: 'clean.rows', ...args });
  const { outputs } = await pii.ports(with_, async (path) => files[path === 'w.yaml' ? 'waivers' : 'config'] ?? '');
  return pii.run({
    with: with_,
    params: null,
    seed: 0,
    inputs,
    origins: { data: { kind: 'output', ref: 'clean.rows', digest: digestOf(jsonl) } },
    cacheDir: folder,
    memoryDir: null,
    ...(passed === undefined ? {} : { passed }),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, file]) => [name, join(folder, file)])),
    progress: silentProgress,
    signal: new AbortController().signal,
    log: (line) => log.push(line),
  });
}

const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

test('what is flagged ends the stage, after its outputs are written; no value is in any of them', async () => {
  const log: string[] = [];
  const error = await run({}, {}, log).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'PII_FOUND',
    exitCode: 1,
    message: 'clean.rows holds personal data: CREDIT_CARD in 1 row of "note"; EMAIL_ADDRESS in 1 row of "text"',
  });
  const report = findingsSchema.parse(JSON.parse(await read('pii.json')));
  expect(report).toMatchObject({ check: 'pii', data: 'clean.rows', rows: 2, holds: false, flagged: 2 });
  expect(log).toContain('info: URL: 1 in 1 rows of "note"');
  const flagged = (await read('flagged.jsonl')).trimEnd().split('\n');
  expect(flagged.map((line) => flaggedRowSchema.parse(JSON.parse(line)).findings.map(({ kind, column, span }) => ({ kind, column, span })))).toEqual([
    [{ kind: 'EMAIL_ADDRESS', column: 'text', span: [9, 24] }],
    [{ kind: 'CREDIT_CARD', column: 'note', span: [5, 24] }],
  ]);
  for (const text of [String(error), JSON.stringify(error), log.join(), await read('pii.json'), await read('flagged.jsonl')]) {
    expect(text).not.toContain('4111');
    expect(text).not.toContain('ada@');
  }
  expect(existsSync(join(folder, 'data.jsonl'))).toBe(false);
});

test('rewritten rows hold, come with their lineage, and stand in the format of the data', async () => {
  const config = 'version: 1\naction: redact\nentities: { URL: redact }\n';
  const result = await run({ config: 'pii.yaml', rewrite: 'jsonl' }, { config });
  expect(result.metrics).toEqual({ rows: 2, flagged: 0, findings: 3, rewritten: 2 });
  expect(await read('data.jsonl')).toBe(
    '{"id":"a","text":"write to <EMAIL_ADDRESS>","note":""}\n{"id":"b","text":"nothing","note":"card <CREDIT_CARD>, see <URL>"}\n',
  );
  expect((await read('lineage.jsonl')).split('\n')).toHaveLength(3);
  await expect(run({ config: 'pii.yaml', rewrite: 'csv' }, { config })).rejects.toMatchObject({ code: 'DATASET_FORMAT' });
});

test('a stage that rewrites nothing leaves it there: what its file would redact is flagged', async () => {
  const config = 'version: 1\naction: redact\n';
  const error = await run({ config: 'pii.yaml' }, { config }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'PII_FOUND' });
  expect(await read('pii.json')).toContain('EMAIL_ADDRESS in text, 9 to 24, redact is not done here');
});

test('the output of this version is what it was (raise the version when it must change)', async () => {
  const golden: Record<number, string> = { 4: 'sha256:45c769e6e5b4b115f6af97a727d9cf477043ed6ec3e2b9cf494d17922a6bfc04' };
  await run({}).catch(() => undefined);
  expect(digestOf((await read('pii.json')) + (await read('flagged.jsonl')))).toBe(golden[pii.version]);
});

test('waivers count until their last day has passed, whatever day the stage names; its files are inputs', async () => {
  const config = 'version: 1\nwaivers: w.yaml\nentities: { CREDIT_CARD: keep }\n';
  const waivers = 'version: 1\nwaivers:\n  - { kind: EMAIL_ADDRESS, owner: Ada, reason: it is hers, expires: 2026-12-31 }\n';
  expect((await run({ config: 'pii.yaml' }, { config, waivers })).metrics).toMatchObject({ flagged: 0, findings: 3 });
  expect((await run({ config: 'pii.yaml' }, { config, waivers }, [], '2026-12-30')).metrics).toMatchObject({ flagged: 0, findings: 3 });
  expect((await run({ config: 'pii.yaml', as_of: '2026-12-01' }, { config, waivers })).metrics).toMatchObject({ flagged: 0, findings: 3 });
  for (const asOf of [{}, { as_of: '2026-12-01' }, { as_of: '2020-01-01' }])
    await expect(run({ config: 'pii.yaml', ...asOf }, { config, waivers }, [], '2026-12-31')).rejects.toMatchObject({ code: 'PII_FOUND' });
  const files: Record<string, string> = { 'pii.yaml': config, 'w.yaml': waivers };
  expect(await pii.lastDays?.(piiArguments.parse({ data: 'a', config: 'pii.yaml' }), async (path) => files[path] ?? '')).toEqual(['2026-12-31']);
  await expect(run({ config: 'pii.yaml', as_of: '2027-01-01' }, { config, waivers })).rejects.toMatchObject({ code: 'PII_FOUND' });
  const ports = await pii.ports(
    piiArguments.parse({ data: 'a', config: 'pii.yaml', rewrite: 'csv' }),
    async () => `${config}recognisers:
  - { kind: onnx, model: m.onnx, tokenizer: t.json, labels: [O, B-PER], entities: { PER: PERSON } }
`,
  );
  expect(ports).toEqual({
    inputs: {
      data: { kind: 'data', ref: 'a' },
      config: { kind: 'file', path: 'pii.yaml' },
      waivers: { kind: 'file', path: 'w.yaml' },
      model0: { kind: 'file', path: 'm.onnx' },
      tokenizer0: { kind: 'file', path: 't.json' },
    },
    outputs: { report: 'pii.json', flagged: 'flagged.jsonl', data: 'data.csv', lineage: 'lineage.jsonl' },
  });
});
