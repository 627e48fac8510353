// A trained text classifier, opened for predicting: text -> features -> ONNX Runtime -> label and probability.
import { readFile } from 'node:fs/promises';
import type { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { type Digest, digestOf } from '../base/digest.ts';
import { isPlumbError, PlumbError, systemError } from '../base/errors.ts';
import { type Encoder, openEncoder, withEmbedding } from './encoder.ts';
import { type Extractor, featureExtractor } from './features.ts';
import { argMax } from './linear.ts';
import { invalid, readMetadata } from './metadata.ts';
import { featureCounts, type ModelFacts, probabilities } from './model.ts';

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
 * Opens a model that `plumb/train-text` wrote, and asks it its golden texts: a file that answers otherwise than at its training is refused.
 * A prediction has the same bits on every machine, unless the model stands on an encoder.
 * @param options.encoder folder of the text encoder, for a model that was trained with one
 * @param options.digest what the bytes must be: the very bytes that are loaded are hashed, not a file that may be another one a moment later
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE, DIGEST_MISMATCH, MODEL_INVALID
 * Cost: 20 to 60 ms for 22,000 features and 77 labels; three times the file's size in memory while it loads.
 */
export async function openPredictor(
  path: string,
  options: { readonly encoder?: string | undefined; readonly digest?: Digest } = {},
): Promise<Predictor> {
  const bytes = await readFile(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  if (options.digest !== undefined) checkDigest(bytes, options.digest, path);
  const facts = readMetadata(bytes, path);
  const encoder = await findEncoder(facts, path, options.encoder);
  const { session, Tensor } = await openSession(bytes, path).catch(async (error: unknown) => {
    await encoder?.close();
    throw error;
  });
  const classify = classifier(facts, encoder, (rows, longest) => runBatch({ session, Tensor }, rows, longest, facts.labels.length));
  try {
    await askGoldenTexts(facts, classify, path);
  } catch (error) {
    await session.release();
    await encoder?.close();
    throw isPlumbError(error) ? error : invalid(path, 'its graph does not run', 'train the model again with `plumb run`', error);
  }
  return {
    labels: facts.labels,
    format: 'onnx',
    predict: async (texts, { top = 1 } = {}) => (await classify(texts)).map((shares) => toPrediction(facts.labels, shares, top)),
    async close() {
      await session.release();
      await encoder?.close();
    },
  };
}

interface Runtime {
  readonly session: InferenceSession;
  readonly Tensor: typeof OnnxTensor;
}

function checkDigest(bytes: Buffer, expected: Digest, path: string): void {
  const actual = digestOf(bytes);
  if (actual === expected) return;
  throw new PlumbError('DIGEST_MISMATCH', {
    what: `the bytes of ${path} are ${actual}, not ${expected}`,
    where: { file: path },
    mend: 'run `plumb verify`, then `plumb fetch`',
  });
}

async function openSession(bytes: Buffer, path: string): Promise<Runtime> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  try {
    // One thread: a text is 15 microseconds of work, and a server has other requests for the other cores.
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
    return { session, Tensor };
  } catch (error) {
    throw invalid(path, 'ONNX Runtime cannot load it', 'restore the file: `plumb checkout` or `plumb pull`', error);
  }
}

async function findEncoder(facts: ModelFacts, path: string, folder: string | undefined): Promise<Encoder | null> {
  if (facts.encoder === null) return null;
  const mend = `set PLUMB_ENCODER to the folder with the model.onnx and tokenizer.json of the encoder ${facts.encoder.digest}`;
  if (folder === undefined || folder === '')
    throw invalid(path, `it stands on the text encoder ${facts.encoder.digest}, and none is named here`, mend);
  const encoder = await openEncoder(folder);
  if (encoder.digest === facts.encoder.digest) return encoder;
  await encoder.close();
  throw invalid(path, `it stands on the text encoder ${facts.encoder.digest}, and ${folder} holds ${encoder.digest}`, mend);
}

/** Probabilities of every label, a text. */
type Classify = (texts: readonly string[]) => Promise<Float64Array[]>;

/** A batch holds at most so many numbers between two nodes of the graph (4 bytes each): 8 MB, about 800 short texts of 77 labels. */
const batchNumbers = 2_000_000;

function classifier(facts: ModelFacts, encoder: Encoder | null, run: (rows: readonly Row[], longest: number) => Promise<Float64Array[]>): Classify {
  const extractor = featureExtractor(facts.spec, facts.vocabulary);
  const mostFeatures = Math.max(1, Math.floor(batchNumbers / facts.labels.length));
  return async (texts) => {
    const results: Float64Array[] = [];
    // rows of one batch are as long as its longest, so a batch is cut before a long text makes all of it long
    let batch: Row[] = [];
    let longest = 0;
    const flush = async (): Promise<void> => {
      if (batch.length > 0) results.push(...(await run(batch, longest)));
      batch = [];
      longest = 0;
    };
    for (let from = 0; from < texts.length; from += encodedAtOnce) {
      const part = texts.slice(from, from + encodedAtOnce);
      const embeddings = encoder === null ? null : await encoder.embed(part);
      for (const [at, text] of part.entries()) {
        const row = toRow(extractor, text, embeddings?.[at] ?? null, featureCounts(facts).grams);
        if (Math.max(longest, row.ids.length) * (batch.length + 1) > mostFeatures) await flush();
        batch.push(row);
        longest = Math.max(longest, row.ids.length);
      }
    }
    await flush();
    return results;
  };
}

const encodedAtOnce = 256;

interface Row {
  readonly ids: Int32Array;
  readonly values: Float32Array;
}

function toRow(extractor: Extractor, text: string, embedding: Float32Array | null, grams: number): Row {
  const vector = withEmbedding(extractor.extract(text), embedding, grams);
  return { ids: vector.ids.slice(0, vector.length), values: vector.values.slice(0, vector.length) };
}

async function runBatch({ session, Tensor }: Runtime, rows: readonly Row[], longest: number, labelCount: number): Promise<Float64Array[]> {
  const width = Math.max(1, longest);
  const ids = new BigInt64Array(rows.length * width);
  const values = new Float32Array(rows.length * width);
  for (const [at, row] of rows.entries()) {
    for (let feature = 0; feature < row.ids.length; feature += 1) ids[at * width + feature] = BigInt(row.ids[feature] as number);
    values.set(row.values, at * width);
  }
  const feeds = { ids: new Tensor('int64', ids, [rows.length, width]), values: new Tensor('float32', values, [rows.length, width]) };
  const { scores } = await session.run(feeds, ['scores']);
  const data = scores?.data;
  if (!(data instanceof Float32Array) || data.length !== rows.length * labelCount) throw new Error('the graph gave no score for each label');
  return rows.map((_, at) => probabilities(data.subarray(at * labelCount, (at + 1) * labelCount)));
}

function toPrediction(labels: readonly string[], shares: Float64Array, top: number): Prediction {
  const named = (at: number): { label: string; score: number } => ({ label: labels[at] as string, score: shares[at] as number });
  const best = named(argMax(shares));
  if (top <= 1) return { ...best, top: top === 1 ? [best] : [] };
  const order = [...shares.keys()].toSorted((a, b) => (shares[b] as number) - (shares[a] as number) || a - b);
  return { ...best, top: order.slice(0, top).map(named) };
}

/** Without an encoder the bits are the same; an encoder's sums depend on the kind of CPU. */
const tolerance = { exact: 1e-6, encoder: 1e-2 };

async function askGoldenTexts(facts: ModelFacts, classify: Classify, path: string): Promise<void> {
  const answers = await classify(facts.golden.map((golden) => golden.text));
  for (const [at, golden] of facts.golden.entries()) {
    const shares = answers[at] as Float64Array;
    const best = argMax(shares);
    const score = shares[best] as number;
    if (facts.labels[best] === golden.label && Math.abs(score - golden.score) <= tolerance[facts.encoder === null ? 'exact' : 'encoder']) continue;
    throw invalid(
      path,
      `golden text ${at + 1} of ${facts.golden.length} was "${golden.label}" (${golden.score}) in training and is "${String(facts.labels[best])}" (${score.toFixed(6)}) now`,
      'restore the file: `plumb checkout` or `plumb pull`; if it is whole, report this with your Node version',
    );
  }
}
