// Linear support vector machines, one label against the rest, by dual coordinate descent. Plain arithmetic in a fixed order: equal inputs, equal bytes.
import type { SparseRows } from './features.ts';
import { argMax, type Epoch, type LinearModel, scoreRow } from './linear.ts';
import { seededRandom, shuffle } from './random.ts';

export interface SvmOptions {
  readonly epochs: number;
  /** C: how much a row on the wrong side costs against large weights */
  readonly cost: number;
  readonly seed: number;
}

/**
 * Minimises |w|^2 / 2 + cost * sum of squared hinge losses for each label; the bias is a feature of value 1, as in LIBLINEAR.
 * Every epoch goes once over all rows in a new random order, the same for every label; yields after every epoch.
 * Loss (squared hinges of a row, summed over labels) and accuracy are of all training rows after the epoch.
 * @param labels index of the label of each row
 * Cost: epochs * nonzeros * labelCount multiplications, up to twice, and as many numbers as 3 * features * labelCount + rows * labelCount.
 * Source: Hsieh, Chang, Lin, Keerthi and Sundararajan 2008, "A dual coordinate descent method for large-scale linear SVM", algorithm 1 with L2 loss
 */
export function* fitSvm(
  rows: SparseRows,
  labels: Int32Array,
  shape: { readonly features: number; readonly labelCount: number },
  options: SvmOptions,
): Generator<Epoch, void> {
  const random = seededRandom(options.seed);
  const order = Int32Array.from(labels.keys());
  const diagonal = 1 / (2 * options.cost);
  const curvature = squaredLengths(rows).map((length) => length + 1 + diagonal);
  const machines = Array.from({ length: shape.labelCount }, (_, label) => ({
    label,
    weights: new Float64Array(shape.features),
    bias: 0,
    alphas: new Float64Array(labels.length),
  }));
  for (let epoch = 1; epoch <= options.epochs; epoch += 1) {
    shuffle(order, random);
    for (const machine of machines) passOver({ rows, labels, order, curvature, diagonal }, machine);
    const model = toModel(machines, shape.features);
    yield { epoch, ...judge(model, rows, labels), model };
  }
}

interface Machine {
  readonly label: number;
  readonly weights: Float64Array;
  bias: number;
  readonly alphas: Float64Array;
}

interface Problem {
  readonly rows: SparseRows;
  readonly labels: Int32Array;
  readonly order: Int32Array;
  readonly curvature: Float64Array;
  readonly diagonal: number;
}

function passOver(problem: Problem, machine: Machine): void {
  const { offsets, ids, values } = problem.rows;
  const { weights, alphas } = machine;
  for (const row of problem.order) {
    const side = problem.labels[row] === machine.label ? 1 : -1;
    const from = offsets[row] as number;
    const end = offsets[row + 1] as number;
    let score = machine.bias;
    for (let at = from; at < end; at += 1) score += (values[at] as number) * (weights[ids[at] as number] as number);
    const alpha = alphas[row] as number;
    const gradient = side * score - 1 + problem.diagonal * alpha;
    if (alpha === 0 && gradient >= 0) continue;
    const next = Math.max(alpha - gradient / (problem.curvature[row] as number), 0);
    const change = (next - alpha) * side;
    if (change === 0) continue;
    alphas[row] = next;
    machine.bias += change;
    for (let at = from; at < end; at += 1) {
      const id = ids[at] as number;
      weights[id] = (weights[id] as number) + change * (values[at] as number);
    }
  }
}

function squaredLengths(rows: SparseRows): Float64Array {
  const lengths = new Float64Array(rows.offsets.length - 1);
  for (let row = 0; row < lengths.length; row += 1) {
    let sum = 0;
    for (let at = rows.offsets[row] as number; at < (rows.offsets[row + 1] as number); at += 1) {
      const value = rows.values[at] as number;
      sum += value * value;
    }
    lengths[row] = sum;
  }
  return lengths;
}

function toModel(machines: readonly Machine[], features: number): LinearModel {
  const labelCount = machines.length;
  const weights = new Float32Array(features * labelCount);
  for (const machine of machines) {
    for (let feature = 0; feature < features; feature += 1) weights[feature * labelCount + machine.label] = machine.weights[feature] as number;
  }
  return { labelCount, weights, bias: Float32Array.from(machines, (machine) => machine.bias) };
}

function judge(model: LinearModel, rows: SparseRows, labels: Int32Array): { loss: number; accuracy: number } {
  const scores = new Float64Array(model.labelCount);
  let loss = 0;
  let right = 0;
  for (const [row, label] of labels.entries()) {
    scoreRow(model, rows, row, scores);
    if (argMax(scores) === label) right += 1;
    for (let k = 0; k < scores.length; k += 1) {
      const hinge = Math.max(0, 1 - (k === label ? 1 : -1) * (scores[k] as number));
      loss += hinge * hinge;
    }
  }
  return { loss: loss / labels.length, accuracy: right / labels.length };
}
