import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOfFile } from '../base/digest.ts';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { silentProgress, type Progress } from '../base/progress.ts';
import type { StepResult } from '../base/step.ts';
import { openPredictor } from './predictor.ts';
import { trainText } from './step.ts';
import { tinyRows } from './tiny.fixture.ts';

let folder: string;
let runs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb train '));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  readonly result: StepResult;
  readonly model: string;
  readonly curve: string;
}

/** Runs the step on a data file with this name and text. */
async function run(
  name: string,
  text: string,
  options: { with?: object; params?: object; signal?: AbortSignal; seed?: number; progress?: Progress } = {},
): Promise<Ran> {
  runs += 1;
  const data = join(folder, `${runs}-${name}`);
  await writeFile(data, text);
  const outputs = { model: join(folder, `${runs}.onnx`), curve: join(folder, `${runs}.json`) };
  const result = await trainText.run({
    with: trainText.with.parse({ data: 'intents', ...options.with }),
    params: trainText.params?.parse({ epochs: 6, ...options.params }) as never,
    seed: options.seed ?? 7,
    origins: {},
    cacheDir: folder,
    memoryDir: null,
    inputs: { data },
    outputs,
    progress: options.progress ?? silentProgress,
    signal: options.signal ?? new AbortController().signal,
    log: () => undefined,
  });
  return { result, ...outputs };
}

async function refusal(work: Promise<unknown>): Promise<PlumbError> {
  const error = await work.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (!isPlumbError(error)) throw error;
  return error;
}

const tinyText = tinyRows.map((row) => JSON.stringify(row)).join('\n');

test('under version 1 the outputs are these bytes: raise the version when this has to change', async () => {
  expect(trainText.version).toBe(1);
  const digests: Record<string, string> = {};
  for (const [name, params] of Object.entries({ softmax: {}, int8: { quantize: 'int8' }, svm: { model: 'svm', validation: 0 } })) {
    const { model, curve } = await run('tiny.jsonl', tinyText, { params });
    digests[name] = (await digestOfFile(model)).digest;
    digests[`${name} curve`] = (await digestOfFile(curve)).digest;
  }
  expect(digests).toEqual({
    int8: 'sha256:73c535c67861ef64169d6b3099546558b4bd2abe23950373de11048e1089dc43',
    'int8 curve': 'sha256:1c683eea84009e3beb4ead3b36e438a651c930ec225539e48d7c74de0e729d81',
    softmax: 'sha256:22e4c1029b696f90b30eae3a9117e797f0782e61bec2219071c533d41ebcef6b',
    'softmax curve': 'sha256:1c683eea84009e3beb4ead3b36e438a651c930ec225539e48d7c74de0e729d81',
    svm: 'sha256:c375cb3d799a07a3d16144c6fbc0a476559ef7f8337463d82e41d93a8d64370d',
    'svm curve': 'sha256:db3861762f1a693c26d5811339143ca8d10a8858f01b6818b90cdfd06bc1f274',
  });
});

test('the softmax model is the golden file', async () => {
  const { model } = await run('tiny.jsonl', tinyText);
  expect(Buffer.compare(await readFile(model), await readFile(new URL('../../tests/golden/train/tiny-none.onnx', import.meta.url)))).toBe(0);
});

test('the same rows as CSV with other column names give the same model', async () => {
  const csv = ['intent,question', ...tinyRows.map((row) => `${row.label},"${row.text}"`)].join('\n');
  const one = await run('tiny.csv', csv, { with: { input: 'question', label: 'intent' } });
  const other = await run('tiny.jsonl', tinyText);
  expect(await digestOfFile(one.model)).toEqual(await digestOfFile(other.model));
});

test('the curve has a point an epoch with loss and accuracy, held-out ones with them', async () => {
  const { curve, result } = await run('tiny.jsonl', tinyText, { params: { epochs: 4, validation: 0.3 } });
  const { points } = JSON.parse(await readFile(curve, 'utf8')) as { points: Record<string, number>[] };
  expect(points.map((point) => point['epoch'])).toEqual([1, 2, 3, 4]);
  for (const point of points) expect(Object.keys(point).toSorted()).toEqual(['accuracy', 'epoch', 'loss', 'validation_accuracy', 'validation_loss']);
  expect(points[3]?.['loss']).toBeLessThan(points[0]?.['loss'] ?? 0);
  expect(result.metrics).toMatchObject({ rows: 40, labels: 3, train_accuracy: 1, validation_accuracy: points[3]?.['validation_accuracy'] });
  expect(result.measured['rows_per_second']).toBeGreaterThan(0);
});

test('without held-out rows there is no validation figure, and the model is the same', async () => {
  const none = await run('tiny.jsonl', tinyText, { params: { validation: 0 } });
  expect(Object.keys(none.result.metrics)).not.toContain('validation_accuracy');
  expect(await digestOfFile(none.model)).toEqual(await digestOfFile((await run('tiny.jsonl', tinyText)).model));
});

test('every hyperparameter that says how to learn changes the model', async () => {
  const digests = new Set<string>();
  const variants = [
    {},
    { model: 'svm' },
    { model: 'svm', cost: 0.1 },
    { epochs: 7 },
    { learning_rate: 0.5 },
    { l2: 0.001 },
    { word_ngrams: null },
    { char_ngrams: null },
    { word_ngrams: [1, 3] },
    { min_df: 3 },
    { max_length: 5 },
    { quantize: 'int8' },
  ];
  for (const params of variants) digests.add((await digestOfFile((await run('tiny.jsonl', tinyText, { params })).model)).digest);
  digests.add((await digestOfFile((await run('tiny.jsonl', tinyText, { seed: 8 })).model)).digest);
  expect(digests.size).toBe(variants.length + 1);
});

test('hyperparameters that make no sense are refused by the schema', () => {
  const parse = (params: object): boolean => trainText.params?.safeParse(params).success ?? false;
  expect(parse({})).toBe(true);
  for (const params of [
    { epochs: 0 },
    { learning_rate: -1 },
    { word_ngrams: [3, 1] },
    { word_ngrams: null, char_ngrams: null },
    { validation: 1 },
    { epoch: 3 },
  ]) {
    expect(parse(params), JSON.stringify(params)).toBe(false);
  }
});

test('labels may be numbers or booleans, and are texts in the model', async () => {
  const rows = tinyRows.map((row) => JSON.stringify({ text: row.text, label: row.label === 'lost' ? 1 : 0 })).join('\n');
  const predictor = await openPredictor((await run('numbers.jsonl', rows)).model);
  expect(predictor.labels).toEqual(['0', '1']);
  await predictor.close();
});

const good = '{"text":"a b c","label":"x"}\n{"text":"a b c","label":"y"}\n';
test.each([
  ['a missing text', '{"label":"x"}', { row: 3 }, 'row 3 of "intents" has no "text"'],
  ['a null label', '{"text":"a","label":null}', { row: 3 }, 'row 3 of "intents" has no "label"'],
  ['an empty text', '{"text":"  ","label":"x"}', { row: 3 }, '"text" of row 3 of "intents" is empty'],
  ['a text that is a number', '{"text":5,"label":"x"}', { row: 3 }, 'is 5, not a text'],
  ['a label that is a list', '{"text":"a","label":[1]}', { row: 3 }, 'is [1], not a text'],
  ['a column of the prototype', '{"text":"a","__proto__":{"label":"x"}}', { row: 3 }, 'has no "label"'],
])('%s is refused by row', async (_, line, where, message) => {
  const error = await refusal(run('bad.jsonl', good + line));
  expect(error.code).toBe('TRAIN_DATA');
  expect(error.where).toMatchObject({ file: 'intents', ...where });
  expect(error.message).toContain(message);
});

test('one label, no rows, or no n-gram in two texts: nothing to learn', async () => {
  expect((await refusal(run('one.jsonl', '{"text":"a","label":"x"}\n{"text":"b","label":"x"}'))).message).toContain('have the label "x"');
  expect((await refusal(run('none.jsonl', ''))).code).toBe('TRAIN_DATA');
  const rare = await refusal(run('rare.jsonl', '{"text":"abc","label":"x"}\n{"text":"xyz","label":"y"}', { params: { validation: 0 } }));
  expect(rare.message).toContain('no n-gram stands in 2 texts');
});

test('a signal stops it between epochs and leaves no output', async () => {
  const stop = new AbortController();
  // with the first steps of the training, whatever reading took
  const progress: Progress = { start: (label) => ({ advance: () => label === 'train' && stop.abort(new Error('stopped')), end: () => undefined }) };
  await expect(run('tiny.jsonl', tinyText, { params: { epochs: 1000 }, signal: stop.signal, progress })).rejects.toThrow('stopped');
  await expect(readFile(join(folder, `${runs}.onnx`))).rejects.toThrow('ENOENT');
});

test('on the real intents of the template, with the defaults, nine of ten held-back rows are right', { timeout: 120_000 }, async () => {
  const data = (name: string): string => fileURLToPath(new URL(`../../templates/classifier/data/${name}`, import.meta.url));
  const { model, result } = await run('intents.jsonl', await readFile(data('intents.jsonl'), 'utf8'), {
    params: { epochs: 15, quantize: 'int8' },
    seed: 0,
  });
  expect(result.metrics['validation_accuracy']).toBeGreaterThan(0.895);
  expect(result.metrics['model_bytes']).toBeLessThan(3e6);
  const rows: { text: string; label: string }[] = [];
  for await (const line of createInterface({ input: createReadStream(data('held-back.jsonl')) }))
    rows.push(JSON.parse(line) as { text: string; label: string });
  const predictor = await openPredictor(model);
  const answers = await predictor.predict(rows.map((row) => row.text));
  await predictor.close();
  const right = answers.filter((answer, at) => answer.label === rows[at]?.label).length;
  expect(rows.length).toBe(1000);
  expect(right / rows.length).toBeGreaterThan(0.9);
});
