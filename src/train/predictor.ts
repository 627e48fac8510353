// A trained text classifier, opened for predicting. The shapes are the contract with evaluate/ and serve/; the reading of the model file follows
// in this area's next commits, until then every file is refused.
import { PlumbError } from '../base/errors.ts';

export interface Prediction {
  readonly label: string;
  /** probability of `label`, 0 to 1 */
  readonly score: number;
  /** the most probable labels, best first; as many as were asked for */
  readonly top: readonly { readonly label: string; readonly score: number }[];
}

export interface Predictor {
  /** sorted by code unit */
  readonly labels: readonly string[];
  readonly format: 'onnx';
  /** One prediction a text, in the order of the texts. @param options.top how many labels to name for each text, 1 unless told */
  predict(texts: readonly string[], options?: { readonly top?: number }): Promise<Prediction[]>;
  close(): Promise<void>;
}

/**
 * Opens a model that `plumb/train-text` wrote.
 * @throws PlumbError FILE_MISSING, MODEL_INVALID
 */
export async function openPredictor(path: string): Promise<Predictor> {
  throw new PlumbError('MODEL_INVALID', { what: `${path} cannot be opened by this build`, where: { file: path }, mend: 'build from a later commit' });
}
