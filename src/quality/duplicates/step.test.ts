import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import type { AnyStep, StepResult } from '../../base/step.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import { findingsSchema, flaggedRowSchema } from '../findings.ts';
import { leakage } from '../leakage/step.ts';
import { lineageRowSchema } from '../provenance/lineage.ts';
import { dups } from './step.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-dups-step-'));
afterAll(() => rm(folder, { recursive: true }));
let runs = 0;

/** Runs a step on outputs of other stages. @param inputs text by input @returns what it wrote, by output, and its result or error */
async function runStep(
  step: AnyStep,
  args: unknown,
  inputs: Readonly<Record<string, string>>,
  passed?: string,
): Promise<{ files: Record<string, string>; result: StepResult | null; error: unknown }> {
  const at = join(folder, `${(runs += 1)}`);
  const parsed: unknown = step.with.parse(args);
  const ports = await step.ports(parsed, () => Promise.reject(new Error('no file is asked for')));
  const paths: Record<string, string> = {};
  const origins: Record<string, { kind: 'output'; ref: string; digest: ReturnType<typeof digestOf> }> = {};
  for (const [input, text] of Object.entries(inputs)) {
    paths[input] = join(at, 'in', `${input}.${input === 'waivers' ? 'yaml' : 'jsonl'}`);
    await mkdir(dirname(paths[input]), { recursive: true });
    await writeFile(paths[input], text);
    origins[input] = { kind: 'output', ref: `made.${input}`, digest: digestOf(text) };
  }
  expect(Object.keys(ports.inputs).toSorted()).toEqual(Object.keys(inputs).toSorted());
  await mkdir(join(at, 'out'));
  const outputs = Object.fromEntries(Object.entries(ports.outputs).map(([name, file]) => [name, join(at, 'out', file)]));
  const signal = new AbortController().signal;
  const context = {
    with: parsed,
    params: null,
    seed: 0,
    inputs: paths,
    origins,
    ...(passed === undefined ? {} : { passed }),
    cacheDir: join(at, 'cache'),
    memoryDir: null,
    outputs,
    progress: silentProgress,
    signal,
    log: () => undefined,
  };
  let [result, error]: [StepResult | null, unknown] = [null, null];
  try {
    result = await step.run(context);
  } catch (caught) {
    error = caught;
  }
  const files: Record<string, string> = {};
  for (const [name, path] of Object.entries(outputs)) files[name] = await readFile(path, 'utf8');
  return { files, result, error };
}

const lines = (text: string | undefined): unknown[] =>
  (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

test('plumb/dups drop: kept rows byte for byte, and of which rows they are the text', async () => {
  const kept = ['{ "text": "How do I top up?",  "label": "a" }\n', '{"text":"something else","label":"b"}\n'];
  const data = `${kept[0]}{"text":"how do i top up","label":"a"}\n${kept[1]}`;
  const { files, result } = await runStep(dups, { data: 'made.data', action: 'drop', columns: ['text'] }, { data });
  expect(files['data']).toBe(kept.join(''));
  expect(lines(files['lineage']).map((line) => lineageRowSchema.parse(line))).toEqual([
    {
      row: rowDigest({ text: 'How do I top up?', label: 'a' }),
      from: [rowDigest({ text: 'How do I top up?', label: 'a' }), rowDigest({ text: 'how do i top up', label: 'a' })].toSorted(),
      by: 'plumb/dups drop',
    },
  ]);
  expect(lines(files['flagged']).map((line) => flaggedRowSchema.parse(line))).toMatchObject([
    { row: 2, findings: [{ kind: 'normalised-duplicate', other: { row: 1 } }] },
  ]);
  expect(result?.metrics).toMatchObject({ rows: 3, kept: 2, normalised: 1 });
});

test('plumb/dups: two labels of one text end the step, with all outputs written', async () => {
  const data = '{"text":"one and the same","label":"a"}\n{"text":"one and the same","label":"b"}\n';
  const { files, error } = await runStep(dups, { data: 'made.data', columns: ['text'], label: 'label' }, { data });
  expect(error).toMatchObject({ code: 'DUPLICATES_FOUND', exitCode: 1, message: expect.stringContaining('labelled "b", not "a"') });
  expect(findingsSchema.parse(JSON.parse(files['report'] ?? ''))).toMatchObject({ check: 'duplicates', holds: false, data: 'made.data' });
});

test('plumb/leakage: several training sets, and an error that says where training has it', async () => {
  const inputs = {
    eval: '{"text":"How do I top up?"}\n{"text":"new"}\n',
    train1: '{"text":"a"}\n',
    train2: '{"text":"b"}\n{"text":"how do I top up"}\n',
  };
  const args = { train: ['made.train1', 'made.train2'], eval: 'made.eval' };
  const { files, error } = await runStep(leakage, args, inputs);
  expect(error).toMatchObject({ code: 'LEAKS_FOUND', exitCode: 1, message: expect.stringContaining('row 2 of made.train2') });
  expect(findingsSchema.parse(JSON.parse(files['report'] ?? ''))).toMatchObject({
    check: 'leakage',
    flagged: 1,
    numbers: { training_rows: 3, 'normalised-text': 1 },
  });
  expect(lines(files['flagged']).map((line) => flaggedRowSchema.parse(line))).toMatchObject([
    { row: 1, findings: [{ other: { data: 'made.train2', row: 2 } }] },
  ]);
});

test.each([
  ['plumb/dups', dups, { data: 'made.data', severities: { normalised: 'error' } }, ['data'], 'normalised-duplicate', 'DUPLICATES_FOUND'],
  ['plumb/leakage', leakage, { train: 'made.train', eval: 'made.eval' }, ['eval', 'train'], 'exact-text', 'LEAKS_FOUND'],
] as const)(
  '%s: what somebody answers for is counted and stops nothing, until its last day; the next of its kind does',
  async (_, step, args, names, kind, code) => {
    const row = { text: 'How do I top up?' };
    const [first, second] = [names[0], names.length === 1 ? null : names[1]];
    const known = second === null ? { text: 'how do i top up' } : row;
    const text = [row, known].map((one) => `${JSON.stringify(one)}\n`);
    const inputs = second === null ? { [first]: text.join('') } : { [first]: text[1] ?? '', [second]: text[0] ?? '' };
    const waivers = `version: 1\nwaivers:\n  - { kind: ${kind}, row: "${rowDigest(known)}", owner: Ada, reason: published so, expires: 2026-12-31 }\n`;
    const given = { ...args, waivers: 'known.yaml' };
    const covered = await runStep(step, given, { ...inputs, waivers });
    expect(covered.error).toBeNull();
    expect(findingsSchema.parse(JSON.parse(covered.files['report'] ?? ''))).toMatchObject({
      holds: true,
      kinds: [{ kind, severity: 'info', rows: 1 }],
    });
    expect(covered.files['flagged']).toContain('waived by Ada until 2026-12-31: published so');
    expect((await runStep(step, given, { ...inputs, waivers }, '2026-12-31')).error).toMatchObject({ code });
    const more = `${inputs[first]}${JSON.stringify({ text: 'How do I top up??' })}\n${JSON.stringify({ text: 'How do I top up?' })}\n`;
    expect((await runStep(step, given, { ...inputs, [first]: more, waivers })).error).toMatchObject({ code });
    expect(await step.lastDays?.(step.with.parse(given) as never, () => Promise.resolve(waivers))).toEqual(['2026-12-31']);
  },
);
