// One training, from labelled texts to the bytes of a model file: values in, values out. The caller hears of epochs and may stop it between them.
import { createHash } from 'node:crypto';
import { byCodeUnit } from '../base/canonical.ts';
import { exp } from './arithmetic.ts';
import { withEmbedding } from './encoder.ts';
import {
  type Extractor,
  featureExtractor,
  type FeatureSpec,
  type SparseRows,
  sparseRowsBuilder,
  type Vocabulary,
  vocabularyBuilder,
} from './features.ts';
import { argMax, type Epoch, type LinearModel, scoreRow } from './linear.ts';
import { type EncoderReference, type GoldenText, type ModelFacts, probabilities, quantize, type StoredWeights, storedScores } from './model.ts';
import { writeOnnx } from './onnx.ts';
import { type LabelledText, trainData } from './rows.ts';
import type { TrainTextParams } from './schema.ts';
import { fitSoftmax, toProbabilities } from './softmax.ts';
import { fitSvm } from './svm.ts';

export interface TrainingInput {
  readonly rows: readonly LabelledText[];
  /** how messages name the rows */
  readonly data: string;
  readonly params: TrainTextParams;
  readonly seed: number;
  /** embeddings of the rows, in their order, when an encoder stands beside the n-grams */
  readonly encoder: { readonly reference: EncoderReference; readonly embeddings: readonly Float32Array[] } | null;
}

/** What a training tells and asks while it runs. */
export interface TrainingPorts {
  /** called now and then: lets other work of the process go on, and throws to stop */
  pause(): Promise<void>;
  onEpoch(): void;
  /** seconds of a clock that only goes forward */
  now(): number;
}

/** One point of the curve; numbers of the training that left rows out, or of the only one when none were left out. Six digits. */
export interface CurvePoint {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly validation_loss?: number;
  readonly validation_accuracy?: number;
}

export interface Trained {
  readonly onnx: Buffer;
  readonly curve: readonly CurvePoint[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly measured: Readonly<Record<string, number>>;
}

/** Trainings that one run makes: one on a part of the rows, where a part is held out, and one on all. */
export function trainingCount(input: Pick<TrainingInput, 'rows' | 'params'>): number {
  return heldOut(input.rows, input.params.validation) === null ? 1 : 2;
}

/**
 * Trains a text classifier. Equal rows, hyperparameters and seed give equal bytes on every machine.
 * @throws PlumbError TRAIN_DATA; whatever `pause` throws
 */
export async function trainText(input: TrainingInput, ports: TrainingPorts): Promise<Trained> {
  const labels = [...new Set(input.rows.map((row) => row.label))].toSorted(byCodeUnit);
  const clock = { features: 0, fit: 0, learned: 0 };
  const all = [...input.rows.keys()];
  const split = heldOut(input.rows, input.params.validation);
  const held = split === null ? null : await learn(input, labels, { fit: split.kept, validation: split.held }, ports, clock);
  const scale = held?.scale ?? uncalibratedScale;
  const full = await learn(input, labels, { fit: all, validation: [] }, ports, clock);
  const linear = input.params.model === 'svm' ? scaled(full.model, scale) : full.model;
  const stored: StoredWeights = input.params.quantize === 'int8' ? quantize(linear) : { kind: 'f32', weights: linear.weights, bias: linear.bias };
  const judged = await judgeStored(input, labels, full, stored, ports);
  const facts: ModelFacts = {
    trainer: input.params.model,
    spec: full.spec,
    vocabulary: full.vocabulary,
    labels,
    encoder: input.encoder?.reference ?? null,
    golden: judged.golden,
  };
  const onnx = writeOnnx(facts, stored);
  const last = held?.curve.at(-1);
  return {
    onnx,
    curve: (held ?? full).curve,
    metrics: {
      rows: input.rows.length,
      labels: labels.length,
      features: full.size,
      model_bytes: onnx.length,
      loss: full.curve.at(-1)?.loss ?? 0,
      train_accuracy: judged.accuracy,
      ...(split === null ? {} : { validation_rows: split.held.length }),
      ...(last?.validation_accuracy === undefined ? {} : { validation_accuracy: last.validation_accuracy }),
      ...(last?.validation_loss === undefined ? {} : { validation_loss: last.validation_loss }),
    },
    measured: { features_seconds: clock.features, fit_seconds: clock.fit, rows_per_second: clock.fit > 0 ? clock.learned / clock.fit : 0 },
  };
}

/**
 * Sides by hash of the text, so that a row stays on its side when others come, and equal texts stand on one side.
 * @returns null when either side would be empty
 */
function heldOut(rows: readonly LabelledText[], share: number): { kept: number[]; held: number[] } | null {
  if (share === 0) return null;
  const sides: { kept: number[]; held: number[] } = { kept: [], held: [] };
  for (const [at, row] of rows.entries()) {
    const first = createHash('sha256').update(row.text, 'utf8').digest().readUInt32BE(0);
    sides[first < share * 2 ** 32 ? 'held' : 'kept'].push(at);
  }
  return sides.held.length === 0 || sides.kept.length === 0 ? null : sides;
}

interface Learned {
  readonly spec: FeatureSpec;
  readonly vocabulary: Vocabulary;
  readonly extractor: Extractor;
  /** features of the model, the encoder's with them */
  readonly size: number;
  readonly model: LinearModel;
  readonly curve: readonly CurvePoint[];
  /** factor that turns the margins of an svm into scores of a softmax; undefined when there was too little to find it by */
  readonly scale: number | undefined;
}

async function learn(
  input: TrainingInput,
  labels: readonly string[],
  sides: { fit: readonly number[]; validation: readonly number[] },
  ports: TrainingPorts,
  clock: { features: number; fit: number; learned: number },
): Promise<Learned> {
  const { params } = input;
  let started = ports.now();
  const spec = featureSpec(params);
  const vocabulary = await countVocabulary(input, sides.fit, spec, ports);
  const extractor = featureExtractor(spec, vocabulary);
  const size = extractor.size + (input.encoder?.reference.size ?? 0);
  checkSize(input, size, labels.length);
  const index = new Map(labels.map((label, at) => [label, at]));
  const table = async (side: readonly number[]): Promise<Table> => ({
    rows: await extractRows(input, side, extractor, ports),
    labels: Int32Array.from(side, (at) => index.get((input.rows[at] as LabelledText).label) as number),
  });
  const fit = await table(sides.fit);
  const validation = await table(sides.validation);
  clock.features += ports.now() - started;

  const curve: CurvePoint[] = [];
  let last: LinearModel | undefined;
  started = ports.now();
  for (const epoch of epochsOf(params, fit, { features: size, labelCount: labels.length }, input.seed)) {
    curve.push(curvePoint(epoch, validation, params.model));
    last = epoch.model;
    ports.onEpoch();
    await ports.pause();
  }
  clock.fit += ports.now() - started;
  clock.learned += fit.labels.length * params.epochs;
  if (last === undefined) throw new Error('a training has at least one epoch');
  return { spec, vocabulary, extractor, size, model: last, curve, scale: params.model === 'svm' ? calibratedScale(last, validation) : undefined };
}

interface Table {
  readonly rows: SparseRows;
  readonly labels: Int32Array;
}

function featureSpec(params: TrainTextParams): FeatureSpec {
  const sizes = (pair: [number, number] | null): FeatureSpec['words'] => (pair === null ? null : { min: pair[0], max: pair[1] });
  return {
    version: 1,
    words: sizes(params.word_ngrams),
    characters: sizes(params.char_ngrams),
    minDocuments: params.min_df,
    maxLength: params.max_length,
  };
}

const rowsBetweenPauses = 500;

async function countVocabulary(input: TrainingInput, side: readonly number[], spec: FeatureSpec, ports: TrainingPorts): Promise<Vocabulary> {
  const builder = vocabularyBuilder(spec);
  for (const [count, at] of side.entries()) {
    builder.add((input.rows[at] as LabelledText).text);
    if (count % rowsBetweenPauses === 0) await ports.pause();
  }
  return builder.build();
}

async function extractRows(input: TrainingInput, side: readonly number[], extractor: Extractor, ports: TrainingPorts): Promise<SparseRows> {
  const builder = sparseRowsBuilder();
  for (const [count, at] of side.entries()) {
    builder.add(withEmbedding(extractor.extract((input.rows[at] as LabelledText).text), input.encoder?.embeddings[at] ?? null, extractor.size));
    if (count % rowsBetweenPauses === 0) await ports.pause();
  }
  return builder.build();
}

/** @throws PlumbError TRAIN_DATA */
function checkSize(input: TrainingInput, features: number, labelCount: number): void {
  const where = { file: input.data };
  if (features === 0) {
    throw trainData(`no n-gram stands in ${input.params.min_df} texts of "${input.data}"`, 'add rows, or set min_df to 1 in params.yaml', where);
  }
  // an ONNX file is one protobuf message, which ends at 2 GiB
  if (features * labelCount * 4 > 1.9e9) {
    throw trainData(
      `${features} features and ${labelCount} labels of "${input.data}" are more than a model of 2 GB holds`,
      'raise min_df in params.yaml, or check that the label column holds classes and not ids',
      where,
    );
  }
}

function epochsOf(params: TrainTextParams, fit: Table, shape: { features: number; labelCount: number }, seed: number): Generator<Epoch, void> {
  return params.model === 'svm'
    ? fitSvm(fit.rows, fit.labels, shape, { epochs: params.epochs, cost: params.cost, seed })
    : fitSoftmax(fit.rows, fit.labels, shape, { epochs: params.epochs, learningRate: params.learning_rate, l2: params.l2, seed });
}

function curvePoint(epoch: Epoch, validation: Table, trainer: TrainTextParams['model']): CurvePoint {
  const point = { epoch: epoch.epoch, loss: sixDigits(epoch.loss), accuracy: sixDigits(epoch.accuracy) };
  if (validation.labels.length === 0) return point;
  const { loss, accuracy } = judge(epoch.model, validation, 1);
  // an svm's margins are no log-probabilities before they are calibrated, so it has no validation loss
  return { ...point, ...(trainer === 'softmax' ? { validation_loss: sixDigits(loss) } : {}), validation_accuracy: sixDigits(accuracy) };
}

/** Mean -ln probability of the right label, and share of rows predicted right; scores are multiplied by `scale` first. */
function judge(model: LinearModel, table: Table, scale: number): { loss: number; accuracy: number } {
  const scores = new Float64Array(model.labelCount);
  let loss = 0;
  let right = 0;
  for (const [row, label] of table.labels.entries()) {
    scoreRow(model, table.rows, row, scores);
    if (argMax(scores) === label) right += 1;
    for (let k = 0; k < scores.length; k += 1) scores[k] = (scores[k] as number) * scale;
    loss += toProbabilities(scores, label);
  }
  return { loss: loss / table.labels.length, accuracy: right / table.labels.length };
}

/** What Banking77 gives; used where fewer than 100 rows are held out. */
const uncalibratedScale = 6;

/**
 * The scale at which softmax(scale * margins) explains the held-out labels best, 0.5 to 50: one number, which changes no answer.
 * Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks" (temperature scaling); golden-section search
 */
function calibratedScale(model: LinearModel, validation: Table): number | undefined {
  if (validation.labels.length < 100) return undefined;
  const ratio = (Math.sqrt(5) - 1) / 2;
  const lossAt = (logScale: number): number => judge(model, validation, exp(logScale)).loss;
  let [low, high] = [-0.6931471805599453, 3.912023005428146];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [leftLoss, rightLoss] = [lossAt(left), lossAt(right)];
  for (let step = 0; step < 20; step += 1) {
    if (leftLoss <= rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - ratio * (high - low);
      leftLoss = lossAt(left);
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + ratio * (high - low);
      rightLoss = lossAt(right);
    }
  }
  return exp((low + high) / 2);
}

function scaled(model: LinearModel, by: number): LinearModel {
  return { labelCount: model.labelCount, weights: model.weights.map((weight) => weight * by), bias: model.bias.map((bias) => bias * by) };
}

const goldenCount = 50;
/** A golden text's label leads by this much, so that an encoder on another kind of CPU names the same one. */
const goldenLead = 0.02;
const goldenLength = 500;

/** Asks the weights as they are stored every training row: accuracy, and golden texts spread evenly over the rows. */
async function judgeStored(
  input: TrainingInput,
  labels: readonly string[],
  full: Learned,
  stored: StoredWeights,
  ports: TrainingPorts,
): Promise<{ accuracy: number; golden: GoldenText[] }> {
  const scores = new Float32Array(labels.length);
  const golden: GoldenText[] = [];
  let right = 0;
  for (const [at, row] of input.rows.entries()) {
    storedScores(stored, withEmbedding(full.extractor.extract(row.text), input.encoder?.embeddings[at] ?? null, full.extractor.size), scores);
    const best = argMax(scores);
    if (labels[best] === row.label) right += 1;
    if (golden.length < goldenCount && at * goldenCount >= golden.length * input.rows.length) {
      const found = goldenText(row.text, labels[best] as string, probabilities(scores), best);
      if (found !== null) golden.push(found);
    }
    if (at % rowsBetweenPauses === 0) await ports.pause();
  }
  return { accuracy: sixDigits(right / input.rows.length), golden };
}

function goldenText(text: string, label: string, shares: Float64Array, best: number): GoldenText | null {
  const score = shares[best] as number;
  const second = shares.reduce((most, share, at) => (at !== best && share > most ? share : most), 0);
  if (text.length > goldenLength || !text.isWellFormed() || score - second < goldenLead) return null;
  return { text, label, score: sixDigits(score) };
}

function sixDigits(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
