// A trained text classifier as a value: what goes into a model file and what comes out of training.
import { exp } from './arithmetic.ts';
import type { FeatureSpec, SparseVector, Vocabulary } from './features.ts';
import type { LinearModel } from './linear.ts';

/** Weights as they are stored, feature by feature (as LinearModel); int8 times the scale of its feature is the weight. */
export type StoredWeights =
  | { readonly kind: 'f32'; readonly weights: Float32Array; readonly bias: Float32Array }
  | { readonly kind: 'int8'; readonly weights: Int8Array; readonly scales: Float32Array; readonly bias: Float32Array };

/** A text with the answer that the model gave when it was trained; asked again when the file is opened. */
export interface GoldenText {
  readonly text: string;
  readonly label: string;
  /** probability of the label, 0 to 1 */
  readonly score: number;
}

/** The frozen text encoder that a model stands on; its bytes are not in the model file. */
export interface EncoderReference {
  /** of the encoder's files, see openEncoder */
  readonly digest: string;
  /** numbers in one embedding */
  readonly size: number;
}

/** All that a model file says beside its graph. */
export interface ModelFacts {
  readonly trainer: 'softmax' | 'svm';
  readonly spec: FeatureSpec;
  readonly vocabulary: Vocabulary;
  /** sorted by code unit; index = number of the label in the graph */
  readonly labels: readonly string[];
  readonly encoder: EncoderReference | null;
  readonly golden: readonly GoldenText[];
}

/** Features that come from n-grams, and with the encoder's numbers behind them. */
export function featureCounts(facts: Pick<ModelFacts, 'vocabulary' | 'encoder'>): { grams: number; all: number } {
  const grams = facts.vocabulary.documentFrequency.length;
  return { grams, all: grams + (facts.encoder?.size ?? 0) };
}

/** One scale a feature: its greatest weight becomes 127. Symmetric, so 0 stays 0. */
export function quantize(model: LinearModel): StoredWeights {
  const { labelCount } = model;
  const weights = new Int8Array(model.weights.length);
  const scales = new Float32Array(model.weights.length / labelCount);
  for (let feature = 0; feature < scales.length; feature += 1) {
    const base = feature * labelCount;
    let greatest = 0;
    for (let label = 0; label < labelCount; label += 1) greatest = Math.max(greatest, Math.abs(model.weights[base + label] as number));
    const scale = Math.fround(greatest / 127);
    scales[feature] = scale;
    // a feature without weight keeps the scale 0; 127.0001 after the rounding of the scale is 127 again
    for (let label = 0; label < labelCount && scale > 0; label += 1)
      weights[base + label] = roundEven((model.weights[base + label] as number) / scale);
  }
  return { kind: 'int8', weights, scales, bias: model.bias };
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return Math.max(-127, Math.min(127, up ? floor + 1 : floor));
}

/**
 * Scores of one text, in the very operations of the graph: 32-bit floats, features in their order, bias last. The graph gives the same bits.
 * @param scores written: one a label
 */
export function storedScores(stored: StoredWeights, vector: SparseVector, scores: Float32Array): void {
  const labelCount = scores.length;
  const { weights } = stored;
  scores.fill(0);
  for (let at = 0; at < vector.length; at += 1) {
    const id = vector.ids[at] as number;
    const value = stored.kind === 'f32' ? (vector.values[at] as number) : Math.fround((vector.values[at] as number) * (stored.scales[id] as number));
    const base = id * labelCount;
    for (let label = 0; label < labelCount; label += 1) {
      scores[label] = (scores[label] as number) + Math.fround(value * (weights[base + label] as number));
    }
  }
  for (let label = 0; label < labelCount; label += 1) scores[label] = (scores[label] as number) + (stored.bias[label] as number);
}

/** Softmax in our own arithmetic, so that a score is the same on every machine. @param scores one a label; left as they are */
export function probabilities(scores: Float32Array | Float64Array): Float64Array {
  let greatest = -Infinity;
  for (const score of scores) if (score > greatest) greatest = score;
  let sum = 0;
  const shares = new Float64Array(scores.length);
  for (let at = 0; at < scores.length; at += 1) {
    const share = exp((scores[at] as number) - greatest);
    shares[at] = share;
    sum += share;
  }
  for (let at = 0; at < shares.length; at += 1) shares[at] = (shares[at] as number) / sum;
  return shares;
}
