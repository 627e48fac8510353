// A frozen text encoder (BERT and its kin, as ONNX) whose embedding of a text stands beside the n-grams. We ship and fetch no weights: the user brings a
// folder with model.onnx and tokenizer.json, and the model that is trained on it names the folder's digest.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import { canonicalJson } from '../base/canonical.ts';
import { type Digest, digestOf } from '../base/digest.ts';
import { systemError } from '../base/errors.ts';
import type { SparseVector } from './features.ts';
import { invalid } from './metadata.ts';

export interface Encoder {
  /** SHA-256 of the canonical JSON {"model.onnx": digest, "tokenizer.json": digest} */
  readonly digest: Digest;
  /** numbers in one embedding */
  readonly size: number;
  /** Embeddings of length 1 (L2), one a text: the mean over the text's tokens, or the graph's own `sentence_embedding`. */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** A text is read up to here (tokens, with the special ones): what sentence encoders are trained on. */
const mostTokens = 256;
const batchSize = 32;

/**
 * @param folder with model.onnx (inputs input_ids, attention_mask and perhaps token_type_ids; first output [batch, tokens, size], or [batch, size])
 * and tokenizer.json (Hugging Face)
 * @throws PlumbError FILE_MISSING, FILE_UNREADABLE, MODEL_INVALID
 */
export async function openEncoder(folder: string): Promise<Encoder> {
  const read = async (name: string): Promise<Buffer> => {
    const path = join(folder, name);
    return readFile(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  };
  const [model, tokenizerBytes] = await Promise.all([read('model.onnx'), read('tokenizer.json')]);
  const digest = digestOf(canonicalJson({ 'model.onnx': digestOf(model), 'tokenizer.json': digestOf(tokenizerBytes) }));
  const [tokenize, { InferenceSession, Tensor }] = await Promise.all([openTokenizer(tokenizerBytes, folder), import('onnxruntime-node')]);
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 }).catch((error: unknown) =>
    Promise.reject(invalid(join(folder, 'model.onnx'), 'ONNX Runtime cannot load it', 'name a folder with an ONNX text encoder', error)),
  );
  const embedBatch = async (tokens: readonly number[][]): Promise<Float32Array[]> => {
    try {
      return await runBatch(session, Tensor, tokens);
    } catch (error) {
      throw invalid(
        join(folder, 'model.onnx'),
        `it is no text encoder: ${(error as Error).message.slice(0, 200)}`,
        'name a folder with an ONNX text encoder',
        error,
      );
    }
  };
  const [probe] = await embedBatch([tokenize('a')]);
  return {
    digest,
    size: (probe as Float32Array).length,
    async embed(texts) {
      const tokens = texts.map(tokenize);
      // texts of like length together: a batch is as long as its longest
      const order = [...tokens.keys()].toSorted((a, b) => (tokens[a] as number[]).length - (tokens[b] as number[]).length || a - b);
      const results = Array.from<Float32Array>({ length: texts.length });
      for (let from = 0; from < order.length; from += batchSize) {
        const part = order.slice(from, from + batchSize);
        const embeddings = await embedBatch(part.map((at) => tokens[at] as number[]));
        for (const [at, embedding] of embeddings.entries()) results[part[at] as number] = embedding;
      }
      return results;
    },
    close: () => session.release(),
  };
}

async function openTokenizer(bytes: Buffer, folder: string): Promise<(text: string) => number[]> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const path = join(folder, 'tokenizer.json');
  try {
    const tokenizer = new Tokenizer(JSON.parse(bytes.toString('utf8')), {});
    return (text) => {
      const ids: (number | undefined)[] = tokenizer.encode(text.slice(0, 10_000)).ids;
      if (!ids.every((id) => id !== undefined))
        throw invalid(path, 'it gives some token no id', 'take the tokenizer.json that belongs to the encoder');
      // the last token closes the text ([SEP]) and stays
      return ids.length <= mostTokens ? ids : [...ids.slice(0, mostTokens - 1), ids.at(-1) as number];
    };
  } catch (error) {
    throw invalid(path, 'it is no tokenizer', 'take the tokenizer.json that belongs to the encoder', error);
  }
}

type TensorConstructor = typeof OnnxTensor;

async function runBatch(session: InferenceSession, Tensor: TensorConstructor, tokens: readonly number[][]): Promise<Float32Array[]> {
  const width = Math.max(1, ...tokens.map((row) => row.length));
  const shape = [tokens.length, width];
  const filled = (value: (row: number[], at: number) => number): OnnxTensor => {
    const data = new BigInt64Array(tokens.length * width);
    for (const [row, ids] of tokens.entries()) for (const at of ids.keys()) data[row * width + at] = BigInt(value(ids, at));
    return new Tensor('int64', data, shape);
  };
  const inputs: Record<string, () => OnnxTensor> = {
    input_ids: () => filled((ids, at) => ids[at] as number),
    attention_mask: () => filled(() => 1),
    token_type_ids: () => filled(() => 0),
  };
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, tensorFor(inputs, name)]));
  const output = session.outputNames.find((name) => name === 'sentence_embedding') ?? session.outputNames[0] ?? '';
  const tensor = (await session.run(feeds, [output]))[output];
  if (!(tensor?.data instanceof Float32Array)) throw new Error(`its output "${output}" is not of 32-bit floats`);
  const size = tensor.dims.at(-1) as number;
  const data = tensor.data;
  return tokens.map((ids, row) =>
    unitLength(
      tensor.dims.length === 3
        ? mean(data.subarray(row * width * size, (row + 1) * width * size), ids.length, size)
        : data.slice(row * size, (row + 1) * size),
    ),
  );
}

function tensorFor(inputs: Record<string, () => OnnxTensor>, name: string): OnnxTensor {
  const make = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (make === undefined) throw new Error(`it wants an input "${name}", which is none of ${Object.keys(inputs).join(', ')}`);
  return make();
}

function mean(states: Float32Array, tokens: number, size: number): Float32Array {
  const sums = new Float64Array(size);
  for (let token = 0; token < tokens; token += 1) {
    for (let at = 0; at < size; at += 1) sums[at] = (sums[at] as number) + (states[token * size + at] as number);
  }
  // a text of no tokens has no place: 0, which adds nothing
  return Float32Array.from(sums, (sum) => (tokens === 0 ? 0 : sum / tokens));
}

function unitLength(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return length > 0 ? vector.map((value) => value / length) : vector;
}

/** A text's n-grams with the numbers of its embedding behind them, as features of their own from id `grams` on. */
export function withEmbedding(vector: SparseVector, embedding: Float32Array | null, grams: number): SparseVector {
  if (embedding === null) return vector;
  const length = vector.length + embedding.length;
  const ids = new Int32Array(length);
  const values = new Float32Array(length);
  ids.set(vector.ids.subarray(0, vector.length));
  values.set(vector.values.subarray(0, vector.length));
  for (const at of embedding.keys()) ids[vector.length + at] = grams + at;
  values.set(embedding, vector.length);
  return { length, ids, values };
}
