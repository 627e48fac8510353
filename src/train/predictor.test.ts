import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { readMetadata } from './metadata.ts';
import { probabilities, quantize, storedScores } from './model.ts';
import { openPredictor } from './predictor.ts';
import { MessageWriter } from './protobuf.ts';
import { tinyRows, trainTiny } from './tiny.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb train ü '));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function refusal(work: Promise<unknown>): Promise<PlumbError> {
  const error = await work.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (!isPlumbError(error)) throw error;
  return error;
}

test('texts get the labels they were trained with, singly and in bulk the same bits', async () => {
  const predictor = await openPredictor(await fileOf('a.onnx', (await trainTiny()).onnx));
  expect(predictor.labels).toEqual(['arrival', 'lost', 'rate']);
  expect(predictor.format).toBe('onnx');
  const texts = tinyRows.map((row) => row.text);
  const bulk = await predictor.predict(texts);
  expect(bulk.map((prediction) => prediction.label)).toEqual(tinyRows.map((row) => row.label));
  for (const [at, text] of texts.entries()) expect((await predictor.predict([text]))[0]).toEqual(bulk[at]);
  await predictor.close();
});

test('the runtime gives the bits that training computed', async () => {
  const model = await trainTiny({ quantize: 'int8', model: 'svm' });
  const facts = readMetadata(model.onnx, 'tiny');
  const predictor = await openPredictor(await fileOf('b.onnx', model.onnx));
  for (const golden of facts.golden) {
    const [answer] = await predictor.predict([golden.text]);
    expect(answer?.label).toBe(golden.label);
    expect(Math.round((answer?.score ?? 0) * 1e6) / 1e6).toBe(golden.score);
  }
  expect(facts.golden.length).toBeGreaterThan(20);
  await predictor.close();
});

test('32-bit sums in the order of the graph are the sums of the graph', () => {
  const stored = quantize({ labelCount: 2, weights: Float32Array.of(1, -0.5, 0.3, 0.1), bias: Float32Array.of(0.25, 0) });
  const scores = new Float32Array(2);
  storedScores(stored, { length: 2, ids: Int32Array.of(0, 1), values: Float32Array.of(0.6, 0.8) }, scores);
  expect(scores[0]).toBeCloseTo(0.6 + 0.24 + 0.25, 2);
  expect(probabilities(scores)[0]).toBeGreaterThan(0.5);
});

test('the best labels come best first, as many as asked for, and their probabilities add up to 1', async () => {
  const predictor = await openPredictor(await fileOf('c.onnx', (await trainTiny()).onnx));
  const [all] = await predictor.predict(['I lost my card'], { top: 10 });
  expect(all?.top.map((entry) => entry.label)).toHaveLength(3);
  expect(all?.top[0]).toEqual({ label: all?.label, score: all?.score });
  expect(all?.top.map((entry) => entry.score)).toEqual(all?.top.map((entry) => entry.score).toSorted((a, b) => b - a));
  expect(all?.top.reduce((sum, entry) => sum + entry.score, 0)).toBeCloseTo(1, 10);
  expect((await predictor.predict(['I lost my card'], { top: 0 }))[0]?.top).toEqual([]);
  expect((await predictor.predict(['I lost my card']))[0]?.top).toHaveLength(1);
  await predictor.close();
});

test('nothing, nonsense and a megabyte get an answer, and no text changes another', async () => {
  const predictor = await openPredictor(await fileOf('d.onnx', (await trainTiny()).onnx));
  expect(await predictor.predict([])).toEqual([]);
  const texts = ['', '\ud800', '🙂', 'I lost my card', 'lost '.repeat(200_000), '\u0000\n', 'where is it'];
  const answers = await predictor.predict(texts);
  expect(answers).toHaveLength(texts.length);
  for (const answer of answers) expect(answer.score).toBeGreaterThan(1 / 3 - 1e-9);
  expect(answers[3]).toEqual((await predictor.predict(['I lost my card']))[0]);
  await predictor.close();
});

test('what is no model of ours is refused with what is wrong', async () => {
  const good = (await trainTiny()).onnx;
  const missing = await refusal(openPredictor(join(folder, 'none.onnx')));
  expect(missing.code).toBe('FILE_MISSING');
  const foreign = new MessageWriter().integer(1, 8).text(2, 'other').finish();
  expect((await refusal(openPredictor(await fileOf('e.onnx', foreign)))).message).toContain('plumb/train-text did not write');
  expect(((await refusal(openPredictor(await fileOf('f.onnx', Buffer.from('<html>'))))) satisfies PlumbError).code).toBe('MODEL_INVALID');
  const newer = Buffer.from(good.toString('latin1').replace('text-classifier/1', 'text-classifier/2'), 'latin1');
  expect((await refusal(openPredictor(await fileOf('g.onnx', newer)))).message).toContain('this plumb reads text-classifier/1');
  const spec = Buffer.from(good.toString('latin1').replace('"version":1', '"version":2'), 'latin1');
  expect((await refusal(openPredictor(await fileOf('h.onnx', spec)))).message).toContain('plumbline.features');
});

test('a model that was cut anywhere is refused', async () => {
  const good = (await trainTiny()).onnx;
  for (const part of [0, 0.01, 0.2, 0.5, 0.9, 0.999]) {
    expect((await refusal(openPredictor(await fileOf('cut.onnx', good.subarray(0, Math.floor(good.length * part)))))).code).toBe('MODEL_INVALID');
  }
});

test('a model whose weights or words were changed does not give its golden answers and is refused', async () => {
  const good = (await trainTiny()).onnx;
  // in the middle of the weights, a sign and exponent
  const weights = Buffer.from(good);
  const at = weights.indexOf('weights', weights.indexOf('weights', weights.indexOf('weights') + 1) + 1);
  for (let byte = at + 200; byte < at + 1200; byte += 4) weights[byte] = (weights[byte] as number) ^ 0xff;
  const changed = await refusal(openPredictor(await fileOf('i.onnx', weights)));
  expect(changed.code).toBe('MODEL_INVALID');
  const words = Buffer.from(good.toString('latin1').replace('\nlost\n', '\nxost\n'), 'latin1');
  expect((await refusal(openPredictor(await fileOf('j.onnx', words)))).message).toContain('golden text');
});
