// The one kind of model that both trainers make: a weight for every feature and label, and a bias for every label.
import type { SparseRows } from './features.ts';

export interface LinearModel {
  readonly labelCount: number;
  /** feature by feature: the weight of feature f for label k is weights[f * labelCount + k] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** What was learned after an epoch. */
export interface Epoch {
  /** counted from 1 */
  readonly epoch: number;
  /** mean loss a training row */
  readonly loss: number;
  /** share of training rows that were predicted right */
  readonly accuracy: number;
  /** the model as it is after this epoch; valid until the trainer goes on */
  readonly model: LinearModel;
}

/** Writes bias + values x weights of one row into `scores` (one a label). */
export function scoreRow(model: LinearModel, rows: SparseRows, row: number, scores: Float64Array): void {
  const { labelCount, weights } = model;
  scores.set(model.bias);
  const end = rows.offsets[row + 1] as number;
  for (let at = rows.offsets[row] as number; at < end; at += 1) {
    const value = rows.values[at] as number;
    const base = (rows.ids[at] as number) * labelCount;
    for (let label = 0; label < labelCount; label += 1) scores[label] = (scores[label] as number) + value * (weights[base + label] as number);
  }
}

/** Index of the greatest; the first of equals. */
export function argMax(scores: Float64Array | Float32Array): number {
  let best = 0;
  for (let at = 1; at < scores.length; at += 1) if ((scores[at] as number) > (scores[best] as number)) best = at;
  return best;
}
