import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { featureExtractor, type FeatureSpec, type SparseRows, sparseRowsBuilder, vocabularyBuilder } from './features.ts';
import { type Epoch, scoreRow } from './linear.ts';
import { quantize } from './model.ts';
import { fitSoftmax, toProbabilities } from './softmax.ts';
import { fitSvm } from './svm.ts';

interface Fixture {
  readonly rows: readonly { text: string; label: string }[];
  /** scikit-learn's LinearSVC, margins [row][label] */
  readonly svm: readonly number[][];
  readonly l2: number;
  /** scikit-learn's LogisticRegression, probabilities [row][label] */
  readonly logistic: readonly number[][];
}
const fixture = JSON.parse(readFileSync(new URL('./train.fixture.json', import.meta.url), 'utf8')) as Fixture;
const spec: FeatureSpec = { version: 1, words: { min: 1, max: 2 }, characters: { min: 3, max: 5 }, minDocuments: 2, maxLength: 10_000 };

function problem(): { rows: SparseRows; labels: Int32Array; shape: { features: number; labelCount: number } } {
  const builder = vocabularyBuilder(spec);
  for (const row of fixture.rows) builder.add(row.text);
  const extractor = featureExtractor(spec, builder.build());
  const rows = sparseRowsBuilder();
  for (const row of fixture.rows) rows.add(extractor.extract(row.text));
  const names = [...new Set(fixture.rows.map((row) => row.label))].toSorted();
  return {
    rows: rows.build(),
    labels: Int32Array.from(fixture.rows, (row) => names.indexOf(row.label)),
    shape: { features: extractor.size, labelCount: names.length },
  };
}

function lastOf(epochs: Iterable<Epoch>): Epoch {
  let last: Epoch | undefined;
  for (const epoch of epochs) last = epoch;
  return last as Epoch;
}

test('the svm finds the margins of LIBLINEAR', () => {
  const { rows, labels, shape } = problem();
  const { model, accuracy } = lastOf(fitSvm(rows, labels, shape, { epochs: 300, cost: 1, seed: 1 }));
  const scores = new Float64Array(shape.labelCount);
  for (const [row, theirs] of fixture.svm.entries()) {
    scoreRow(model, rows, row, scores);
    for (const [label, margin] of theirs.entries()) expect(scores[label]).toBeCloseTo(margin, 4);
  }
  expect(accuracy).toBe(1);
});

test('softmax comes to the probabilities of an exact solver', () => {
  const { rows, labels, shape } = problem();
  const { model, loss } = lastOf(fitSoftmax(rows, labels, shape, { epochs: 4000, learningRate: 0.5, l2: fixture.l2, seed: 1 }));
  const scores = new Float64Array(shape.labelCount);
  let mean = 0;
  for (const [row, theirs] of fixture.logistic.entries()) {
    scoreRow(model, rows, row, scores);
    mean += toProbabilities(scores, labels[row] as number) / labels.length;
    for (const [label, probability] of theirs.entries()) expect(Math.abs((scores[label] as number) - probability)).toBeLessThan(0.005);
  }
  // the loss that is reported is of each row before it is learned: near that of the end, once there is little left to learn
  expect(Math.abs(loss - mean)).toBeLessThan(0.01);
});

test('the loss falls, and equal seeds give equal bits while other seeds do not', () => {
  const { rows, labels, shape } = problem();
  for (const fit of [
    (seed: number) => fitSoftmax(rows, labels, shape, { epochs: 8, learningRate: 1, l2: 1e-4, seed }),
    (seed: number) => fitSvm(rows, labels, shape, { epochs: 8, cost: 1, seed }),
  ]) {
    const losses = [...fit(1)].map((epoch) => epoch.loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
    expect(lastOf(fit(1)).model.weights).toEqual(lastOf(fit(1)).model.weights);
    expect(lastOf(fit(2)).model.weights).not.toEqual(lastOf(fit(1)).model.weights);
  }
});

test('an int8 weight is within half a step of its feature, and 0 stays 0', () => {
  const { rows, labels, shape } = problem();
  const { model } = lastOf(fitSoftmax(rows, labels, shape, { epochs: 5, learningRate: 1, l2: 0, seed: 1 }));
  const stored = quantize(model);
  if (stored.kind !== 'int8') throw new Error('not quantised');
  for (const [at, weight] of model.weights.entries()) {
    const scale = stored.scales[Math.floor(at / shape.labelCount)] as number;
    expect(Math.abs((stored.weights[at] as number) * scale - weight)).toBeLessThanOrEqual(scale * 0.5001);
  }
  expect(quantize({ labelCount: 2, weights: new Float32Array(4), bias: new Float32Array(2) })).toMatchObject({
    weights: new Int8Array(4),
    scales: new Float32Array(2),
  });
});
