// Multinomial logistic regression by stochastic gradient descent, one row at a time. Plain arithmetic in a fixed order: equal inputs, equal bytes.
import { exp, log } from './arithmetic.ts';
import type { SparseRows } from './features.ts';
import { argMax, type Epoch } from './linear.ts';
import { seededRandom, shuffle } from './random.ts';

export interface SoftmaxOptions {
  readonly epochs: number;
  /** step size of the first row; falls in a straight line to 0 at the last row of the last epoch */
  readonly learningRate: number;
  /** strength of weight decay: each step takes learningRate * l2 of the weights away */
  readonly l2: number;
  readonly seed: number;
}

/** Label shares below this are left out of an update: they would move a weight by less than the rounding of the later ones. Halves the time. */
const leastGradient = 1e-4;

/**
 * Learns label by label weights from sparse rows; yields after every epoch, so that a caller can report, look for a signal and stop.
 * Loss and accuracy of an epoch are those of each row just before the row was learned.
 * @param labels index of the label of each row
 * Cost: epochs * nonzeros * labelCount multiplications, up to twice.
 * Source: Bottou 2012, "Stochastic gradient descent tricks" (decay by a scale beside the weights, shuffled epochs)
 */
export function* fitSoftmax(
  rows: SparseRows,
  labels: Int32Array,
  shape: { readonly features: number; readonly labelCount: number },
  options: SoftmaxOptions,
): Generator<Epoch, void> {
  const { labelCount } = shape;
  const weights = new Float32Array(shape.features * labelCount);
  const bias = new Float32Array(labelCount);
  const random = seededRandom(options.seed);
  const order = Int32Array.from(labels.keys());
  const steps = options.epochs * order.length;
  // the weights are scale * weights: decay is one multiplication
  const state = { rows, labels, labelCount, weights, bias, scale: 1, scores: new Float64Array(labelCount), active: new Int32Array(labelCount) };
  let step = 0;
  for (let epoch = 1; epoch <= options.epochs; epoch += 1) {
    shuffle(order, random);
    let loss = 0;
    let right = 0;
    for (const row of order) {
      const rate = options.learningRate * (1 - step / steps);
      const learned = learnRow(state, row, rate);
      loss += learned.loss;
      right += learned.right;
      state.scale *= 1 - rate * options.l2;
      step += 1;
    }
    applyScale(state);
    yield { epoch, loss: loss / order.length, accuracy: right / order.length, model: { labelCount, weights, bias } };
  }
}

interface State {
  readonly rows: SparseRows;
  readonly labels: Int32Array;
  readonly labelCount: number;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  scale: number;
  readonly scores: Float64Array;
  readonly active: Int32Array;
}

const learned = { loss: 0, right: 0 };

function learnRow(state: State, row: number, rate: number): { loss: number; right: number } {
  const { rows, labelCount, weights, bias, scores, active, scale } = state;
  const label = state.labels[row] as number;
  const from = rows.offsets[row] as number;
  const end = rows.offsets[row + 1] as number;
  scores.fill(0);
  for (let at = from; at < end; at += 1) {
    const value = rows.values[at] as number;
    const base = (rows.ids[at] as number) * labelCount;
    for (let k = 0; k < labelCount; k += 1) scores[k] = (scores[k] as number) + value * (weights[base + k] as number);
  }
  for (let k = 0; k < labelCount; k += 1) scores[k] = (scores[k] as number) * scale + (bias[k] as number);
  learned.right = argMax(scores) === label ? 1 : 0;
  learned.loss = toProbabilities(scores, label);
  let actives = 0;
  for (let k = 0; k < labelCount; k += 1) {
    const gradient = (scores[k] as number) - (k === label ? 1 : 0);
    if (gradient < leastGradient && gradient > -leastGradient) continue;
    active[actives] = k;
    actives += 1;
    bias[k] = (bias[k] as number) - rate * gradient;
    scores[k] = (rate * gradient) / scale;
  }
  for (let at = from; at < end; at += 1) {
    const value = rows.values[at] as number;
    const base = (rows.ids[at] as number) * labelCount;
    for (let a = 0; a < actives; a += 1) {
      const k = active[a] as number;
      weights[base + k] = (weights[base + k] as number) - value * (scores[k] as number);
    }
  }
  return learned;
}

/** Turns scores into probabilities in place. @returns -ln of the probability of `label` */
export function toProbabilities(scores: Float64Array, label: number): number {
  const greatest = scores[argMax(scores)] as number;
  const ofLabel = (scores[label] as number) - greatest;
  let sum = 0;
  for (let k = 0; k < scores.length; k += 1) {
    const share = exp((scores[k] as number) - greatest);
    scores[k] = share;
    sum += share;
  }
  for (let k = 0; k < scores.length; k += 1) scores[k] = (scores[k] as number) / sum;
  return log(sum) - ofLabel;
}

function applyScale(state: State): void {
  for (let at = 0; at < state.weights.length; at += 1) state.weights[at] = (state.weights[at] as number) * state.scale;
  state.scale = 1;
}
