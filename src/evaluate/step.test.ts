import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { PlumbError } from '../base/errors.ts';
import { digestOfFile } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import type { StepContext, StepResult } from '../base/step.ts';
import { openPredictor } from '../train/predictor.ts';
import { readAllCases } from './cases.ts';
import { compareCases } from './compare.ts';
import { evaluationSchema } from './schema.ts';
import { askBatch, evaluate, type EvaluateArguments } from './step.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'plumb-evaluate-'));
afterAll(() => rm(folder, { recursive: true }));

interface Run {
  readonly result: StepResult;
  readonly cases: string;
  readonly evaluation: string;
  readonly log: readonly string[];
}

let runs = 0;

/** Runs the step as the pipeline does, on copies of the golden files but for those told. */
async function run(told: { rows?: string; extension?: string; suite?: string; model?: string; signal?: AbortSignal } = {}): Promise<Run> {
  runs += 1;
  const path = (name: string): string => join(folder, `${runs}-${name}`);
  const data = path(`rows.${told.extension ?? 'jsonl'}`);
  await writeFile(data, told.rows ?? (await readFile(golden('rows.jsonl'))));
  const suite = path('suite.yaml');
  await writeFile(suite, told.suite ?? (await readFile(golden('suite.yaml'))));
  const log: string[] = [];
  const context: StepContext<EvaluateArguments, null> = {
    with: { model: 'train.model', suite: 'evals/suite.yaml' },
    params: null,
    seed: 0,
    origins: {},
    cacheDir: folder,
    memoryDir: null,
    inputs: { model: told.model ?? golden('model.onnx'), suite, data },
    outputs: { cases: path('cases.jsonl'), evaluation: path('evaluation.json') },
    progress: silentProgress,
    signal: told.signal ?? new AbortController().signal,
    log: (line) => log.push(line),
  };
  const result = await evaluate.run(context);
  return { result, cases: path('cases.jsonl'), evaluation: path('evaluation.json'), log };
}

test('version 1 gives these bytes for these inputs; when they have to change, raise the version', async () => {
  const { cases, evaluation, result } = await run();
  expect(evaluate.version).toBe(1);
  expect(await readFile(cases, 'utf8')).toBe(await readFile(golden('cases.jsonl'), 'utf8'));
  expect(await readFile(evaluation, 'utf8')).toBe(await readFile(golden('evaluation.json'), 'utf8'));
  expect(result.metrics).toEqual({
    accuracy: 0.7,
    macro_f1: 0.5666666666666667,
    macro_precision: 0.625,
    macro_recall: 0.5833333333333333,
    ece: 0.1537492,
    cases: 10,
  });
});

test('an evaluation names the model, the suite and the cases by digest', async () => {
  const { evaluation, cases } = await run();
  const value = evaluationSchema.parse(JSON.parse(await readFile(evaluation, 'utf8')));
  expect(value.model).toBe((await digestOfFile(golden('model.onnx'))).digest);
  expect(value.suiteDigest).toBe((await digestOfFile(golden('suite.yaml'))).digest);
  expect(value.suite).toBe('evals/suite.yaml');
  expect((await readAllCases(cases)).map(({ id }) => id)).toEqual(['q1', 'q10', 'q11', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8']);
});

test('neither the order of the rows nor their format changes a byte', async () => {
  const one = await run();
  const lines = (await readFile(golden('rows.jsonl'), 'utf8')).trim().split('\n');
  const turned = await run({ rows: lines.toReversed().join('\n') });
  const rows = lines.map((line) => JSON.parse(line) as Record<string, string>);
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const csv = await run({
    extension: 'csv',
    rows: ['label,id,text', ...rows.map((row) => ['label', 'id', 'text'].map((name) => cell(row[name] as string)).join(','))].join('\n'),
  });
  for (const other of [turned, csv]) {
    expect(await readFile(other.cases)).toEqual(await readFile(one.cases));
    expect(await readFile(other.evaluation)).toEqual(await readFile(one.evaluation));
  }
});

test('an answer has the same bits alone, in any batch, and beside any other text', async () => {
  const words = ['card', 'pin', 'lost', 'stolen', 'new', 'arrived', 'where', 'is', 'my', 'unheard', 'late', 'the'];
  const questions = Array.from({ length: 300 }, (_, at) => {
    const length = 1 + ((at * 7919) % 40);
    const input = Array.from({ length }, (_unused, place) => words[(at * 31 + place * place * 17) % words.length]).join(' ');
    return { id: String(at), input, expected: 'pin' };
  });
  const predictor = await openPredictor(golden('model.onnx'));
  try {
    const whole = await predictor.predict(questions.map(({ input }) => input));
    for (const size of [1, 7, 64]) {
      for (let from = 0; from < questions.length; from += size) {
        const part = questions.slice(from, from + size);
        const answers = await predictor.predict(part.map(({ input }) => input));
        expect(answers.map(({ label, score }) => [label, score])).toEqual(whole.slice(from, from + size).map(({ label, score }) => [label, score]));
        expect((await askBatch(predictor, part)).map(({ score }) => score)).toEqual(
          whole.slice(from, from + size).map(({ score }) => Math.round(score * 1e6) / 1e6),
        );
      }
    }
    expect(new Set(whole.map(({ label }) => label)).size).toBe(3);
  } finally {
    await predictor.close();
  }
});

test('two evaluations of one model compare as equal, case by case', async () => {
  const [one, other] = [await run(), await run()];
  expect(compareCases(await readAllCases(one.cases), await readAllCases(other.cases), { examples: 5 })).toMatchObject({
    gained: 0,
    lost: 0,
    p: 1,
    answer: 'no evidence',
    classes: [],
  });
});

test('times are measured and stay out of the outputs', async () => {
  const { result, evaluation } = await run();
  expect(Object.keys(result.measured).toSorted()).toEqual(['latency_p50_ms', 'latency_p99_ms', 'rows_per_second', 'seconds']);
  for (const value of Object.values(result.measured)) expect(value).toBeGreaterThan(0);
  expect(result.measured['latency_p99_ms']).toBeGreaterThanOrEqual(result.measured['latency_p50_ms'] as number);
  expect(await readFile(evaluation, 'utf8')).not.toMatch(/seconds|latency/);
});

test('labels that the model cannot answer are told', async () => {
  expect((await run()).log).toEqual(['the model cannot answer 1 of the labels that the suite expects: "other"']);
});

test('ports come from the suite: it names the data', async () => {
  const read = (path: string): Promise<string> => {
    if (path === 'evals/intents.yaml') return Promise.resolve('version: 1\ndata: split.test\n');
    throw new PlumbError('FILE_MISSING', { what: `${path} is not there`, mend: 'write it' });
  };
  const args = evaluate.with.parse({ model: 'train.model', suite: 'evals/intents.yaml' });
  expect(await evaluate.ports(args, read)).toEqual({
    inputs: {
      model: { kind: 'data', ref: 'train.model' },
      suite: { kind: 'file', path: 'evals/intents.yaml' },
      data: { kind: 'data', ref: 'split.test' },
    },
    outputs: { cases: 'cases.jsonl', evaluation: 'evaluation.json' },
  });
  expect((await evaluate.ports({ ...args, encoder: 'minilm' }, read)).inputs['encoder']).toEqual({ kind: 'data', ref: 'minilm' });
  await expect(evaluate.ports({ ...args, suite: 'evals/other.yaml' }, read)).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test.for<[string, string, object]>([
  ['version: 1\ndata: rows\ninputs: text\n', 'CONFIG_INVALID', { line: 3 }],
  ['version: 1\n', 'CONFIG_INVALID', {}],
  ['version: 1\ndata: rows\ntask: ranking\n', 'CONFIG_INVALID', { line: 3 }],
  ['version: 1\ndata: "rows\n', 'YAML_SYNTAX', {}],
])('a suite that is no suite is refused where it stands: %j', async ([suite, code, where]) => {
  await expect(evaluate.ports({ model: 'train.model', suite: 'evals/bad.yaml' }, () => Promise.resolve(suite))).rejects.toMatchObject({
    code,
    where: { file: 'evals/bad.yaml', ...where },
  });
});

test('bad rows and bad models end the step without outputs', async () => {
  const broken = join(folder, 'broken.onnx');
  await copyFile(golden('rows.jsonl'), broken);
  for (const [told, code] of [
    [{ rows: '{"id":"a","text":"x"}\n' }, 'SUITE_DATA'],
    [{ rows: '{"id":"a","text":"x","label":"y"}\n{"id":"a","text":"x","label":"y"}\n' }, 'ROW_KEY'],
    [{ rows: '{"id":"a","text":"x","label":"y"}\n{"id"\n' }, 'ROW_SYNTAX'],
    [{ rows: '' }, 'DATASET_EMPTY'],
    [{ model: broken }, 'MODEL_INVALID'],
    [{ model: join(folder, 'none.onnx') }, 'FILE_MISSING'],
  ] as const) {
    await expect(run(told)).rejects.toMatchObject({ code });
    for (const name of ['cases.jsonl', 'evaluation.json']) await expect(stat(join(folder, `${runs}-${name}`))).rejects.toThrow('ENOENT');
  }
});

test('a signal stops the step', async () => {
  await expect(run({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});

test('an answer that is no probability is refused', async () => {
  const question = { id: 'a', input: 'x', expected: 'y' };
  for (const score of [Number.NaN, -0.1, 1.5]) {
    await expect(askBatch({ predict: () => Promise.resolve([{ label: 'y', score, top: [] }]) }, [question])).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
  }
  await expect(askBatch({ predict: () => Promise.resolve([]) }, [question])).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  expect(await askBatch({ predict: () => Promise.resolve([{ label: 'y', score: 1.0000001, top: [] }]) }, [question])).toEqual([
    { ...question, got: 'y', score: 1 },
  ]);
});
