// Names, places and organisations by a token classifier in ONNX, as transformers export one: tokens in, a score for each label and token out.
//
// Words are cut here and each is turned into tokens by itself, so that places are those of the text whatever the tokenizer does to it; the first token of
// a word speaks for the word, as the models of CoNLL are trained.
import { readFile } from 'node:fs/promises';
import { digestOf } from '../../base/digest.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import type { RecogniserConfig } from './config.ts';
import type { Found } from './found.ts';
import type { RecogniserWorld, TextRecogniser } from './model-recogniser.ts';

type OnnxConfig = Extract<RecogniserConfig, { kind: 'onnx' }>;

interface Word {
  readonly start: number;
  readonly end: number;
  /** of its tokens */
  readonly ids: readonly number[];
}

interface Labelled {
  readonly word: Word;
  readonly label: string;
  readonly score: number;
}

/** Tokens of one run, those of the model's frame among them. */
const mostTokens = 512;
const wordForm = /[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]/gu;

/** @throws PlumbError RECOGNISER_FAILED: the files are no token classifier of these labels; FILE_MISSING */
export async function openOnnxRecogniser(config: OnnxConfig, { pathOf, signal }: RecogniserWorld): Promise<TextRecogniser> {
  const [model, tokenizerText] = await Promise.all([readAsked(pathOf(config.model)), readAsked(pathOf(config.tokenizer))]);
  const [{ InferenceSession, Tensor }, { Tokenizer }] = await Promise.all([import('onnxruntime-node'), import('@huggingface/tokenizers')]);
  const tokenizer = opened(config.tokenizer, () => new Tokenizer(JSON.parse(tokenizerText.toString('utf8')) as object, {}));
  const session = await InferenceSession.create(model).catch((error: unknown) =>
    Promise.reject(failed(config.model, 'is no model that ONNX Runtime opens', error)),
  );
  const frame = tokenizer.encode('').ids;
  const before = frame.slice(0, Math.ceil(frame.length / 2));
  const behind = frame.slice(before.length);

  const label = async (words: readonly Word[]): Promise<Labelled[]> => {
    const ids = [...before, ...words.flatMap((word) => word.ids), ...behind];
    const shape = [1, ids.length];
    const whole = (value: (id: number) => number): InstanceType<typeof Tensor> =>
      new Tensor(
        'int64',
        BigInt64Array.from(ids, (id) => BigInt(value(id))),
        shape,
      );
    const given = { input_ids: whole((id) => id), attention_mask: whole(() => 1), token_type_ids: whole(() => 0) };
    const feeds = Object.fromEntries(Object.entries(given).filter(([name]) => session.inputNames.includes(name)));
    const outputs = await session.run(feeds).catch((error: unknown) => Promise.reject(failed(config.model, 'does not run', error)));
    const logits = outputs[session.outputNames[0] ?? ''];
    const width = config.labels.length;
    if (logits?.type !== 'float32' || logits.dims.length !== 3 || logits.dims[1] !== ids.length || logits.dims[2] !== width)
      throw failed(config.model, `answers ${logits?.dims.join(' x ') ?? 'nothing'} where ${ids.length} tokens have ${width} labels`);
    const scores = logits.data as Float32Array;
    let token = before.length;
    return words.map((word) => {
      const at = token * width;
      token += word.ids.length;
      return { word, ...surest(scores.subarray(at, at + width), config.labels) };
    });
  };

  return {
    identity: { kind: 'onnx', model: digestOf(model), tokenizer: digestOf(tokenizerText), labels: config.labels, entities: config.entities },
    async find(texts) {
      const answers: Found[][] = [];
      for (const text of texts) {
        signal.throwIfAborted();
        const labelled: Labelled[] = [];
        for (const run of runsOf(
          wordsOf(text, (word) => tokenizer.encode(word, { add_special_tokens: false }).ids),
          mostTokens - frame.length,
        ))
          labelled.push(...(await label(run)));
        answers.push(joined(labelled, config.entities));
      }
      return answers;
    },
    close: async () => session.release(),
  };
}

function wordsOf(text: string, encode: (word: string) => number[]): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(wordForm)) {
    const start = match.index;
    // byte-level tokenizers tell a word behind a blank from one that goes on
    const blank = start > 0 && /\s/.test(text.charAt(start - 1)) ? ' ' : '';
    const ids = encode(blank + match[0]).slice(0, 64);
    if (ids.length > 0) words.push({ start, end: start + match[0].length, ids });
  }
  return words;
}

function* runsOf(words: readonly Word[], most: number): Generator<Word[]> {
  let run: Word[] = [];
  let tokens = 0;
  for (const word of words) {
    if (tokens + word.ids.length > most) {
      yield run;
      run = [];
      tokens = 0;
    }
    run.push(word);
    tokens += word.ids.length;
  }
  if (run.length > 0) yield run;
}

function surest(logits: Float32Array, labels: readonly string[]): { label: string; score: number } {
  let best = 0;
  for (let at = 1; at < logits.length; at += 1) if ((logits[at] ?? 0) > (logits[best] ?? 0)) best = at;
  const top = logits[best] ?? 0;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  return { label: labels[best] ?? 'O', score: 1 / sum };
}

/** BIO, BILOU and bare labels: a word goes on with the entity of the one before it unless it says that it begins. */
function joined(words: readonly Labelled[], entities: OnnxConfig['entities']): Found[] {
  const found: (Found & { readonly words: number })[] = [];
  let open: string | null = null;
  for (const { word, label, score } of words) {
    const [, sign = '', kind = ''] = /^(?:([BILESU])-)?(.*)$/.exec(label) ?? [];
    const entity = Object.hasOwn(entities, kind) ? entities[kind] : undefined;
    const last = found.at(-1);
    if (entity === undefined) open = null;
    else if (last !== undefined && open === entity && sign !== 'B' && sign !== 'S' && sign !== 'U') {
      const mean = (last.score * last.words + score) / (last.words + 1);
      found[found.length - 1] = { ...last, end: word.end, score: mean, words: last.words + 1 };
    } else {
      found.push({ entity, start: word.start, end: word.end, score, words: 1 });
      open = entity;
    }
  }
  return found.map(({ entity, start, end, score }) => ({ entity, start, end, score }));
}

async function readAsked(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
}

function opened<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw failed(file, 'is no tokenizer.json', error);
  }
}

function failed(file: string, what: string, cause?: unknown): PlumbError {
  return new PlumbError('RECOGNISER_FAILED', {
    what: `${file} ${what}`,
    where: { file },
    mend: 'name a token classifier, its tokenizer.json and its labels in their order (docs/pii.md)',
    ...(cause === undefined ? {} : { cause }),
  });
}
