import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPlumbError } from '../base/errors.ts';
import { openEncoder } from './encoder.ts';
import { readMetadata } from './metadata.ts';
import { openPredictor } from './predictor.ts';
import { MessageWriter } from './protobuf.ts';
import { tinyRows, trainTiny } from './tiny.fixture.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'where', 'card', 'lost', 'rate', 'stolen'];

/** A real encoder of one operator: looks up four numbers for each token. */
function tinyEncoder(): Buffer {
  const port = (name: string, type: number, axes: readonly string[]): MessageWriter => {
    const shape = new MessageWriter();
    for (const axis of axes) shape.message(1, new MessageWriter().text(2, axis));
    return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, new MessageWriter().integer(1, type).message(2, shape)));
  };
  const table = Float32Array.from({ length: words.length * 4 }, (_, at) => ((at * 7) % 11) - 5);
  const tensor = new MessageWriter().integer(1, words.length).integer(1, 4).integer(2, 1).text(8, 'table').bytes(9, new Uint8Array(table.buffer));
  const node = new MessageWriter().text(1, 'table').text(1, 'input_ids').text(2, 'last_hidden_state').text(4, 'Gather');
  const graph = new MessageWriter()
    .message(1, node)
    .text(2, 'encoder')
    .message(5, tensor)
    .message(11, port('input_ids', 7, ['batch', 'tokens']))
    .message(12, port('last_hidden_state', 1, ['batch', 'tokens', 'size']));
  return new MessageWriter().integer(1, 8).message(7, graph).message(8, new MessageWriter().text(1, '').integer(2, 17)).finish();
}

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, at) => [word, at])),
  },
};

let folder: string;
let encoderFolder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb encoder '));
  encoderFolder = join(folder, 'encoder');
  await mkdir(encoderFolder);
  await writeFile(join(encoderFolder, 'model.onnx'), tinyEncoder());
  await writeFile(join(encoderFolder, 'tokenizer.json'), JSON.stringify(tokenizer));
});
afterAll(() => rm(folder, { recursive: true }));

async function messageOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (!isPlumbError(error)) throw error;
  return `${error.code}: ${error.message}`;
}

test('a text becomes the mean of its tokens, of length 1, whatever stands beside it in the batch', async () => {
  const encoder = await openEncoder(encoderFolder);
  expect(encoder.size).toBe(4);
  const texts = ['where card', 'lost', '', 'where card lost rate stolen card', ...Array.from({ length: 70 }, (_, at) => 'card '.repeat(at + 1))];
  const together = await encoder.embed(texts);
  for (const [at, text] of texts.entries()) expect((await encoder.embed([text]))[0]).toEqual(together[at]);
  expect(together[2]).toEqual(new Float32Array(4));
  const table = (token: number, at: number): number => (((token * 4 + at) * 7) % 11) - 5;
  const mean = [0, 1, 2, 3].map((at) => (table(4, at) + table(5, at)) / 2);
  const length = Math.hypot(...mean);
  for (const [at, value] of mean.entries()) expect(together[0]?.[at]).toBeCloseTo(value / length, 6);
  await encoder.close();
});

test('a model with an encoder predicts with it, and is refused without it or with another', async () => {
  const encoder = await openEncoder(encoderFolder);
  const embeddings = await encoder.embed(tinyRows.map((row) => row.text));
  await encoder.close();
  const { onnx } = await trainTiny({}, { encoder: { reference: { digest: encoder.digest, size: encoder.size }, embeddings } });
  const path = join(folder, 'model.onnx');
  await writeFile(path, onnx);
  expect(readMetadata(onnx, 'model').encoder).toEqual({ digest: encoder.digest, size: 4 });

  const predictor = await openPredictor(path, { encoder: encoderFolder });
  const answers = await predictor.predict(tinyRows.map((row) => row.text));
  expect(answers.map((answer) => answer.label)).toEqual(tinyRows.map((row) => row.label));
  await predictor.close();

  for (const none of [{ encoder: '' }, {}]) expect(await messageOf(openPredictor(path, none))).toContain('none is named here');
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'model.onnx'), tinyEncoder());
  await writeFile(join(other, 'tokenizer.json'), `${JSON.stringify(tokenizer)}\n`);
  expect(await messageOf(openPredictor(path, { encoder: other }))).toContain(`it stands on the text encoder ${encoder.digest}`);
});

test('a folder that holds no encoder is refused with what is wrong', async () => {
  const bad = join(folder, 'bad');
  await mkdir(bad);
  expect(await messageOf(openEncoder(bad))).toMatch(/^FILE_MISSING: .*(model\.onnx|tokenizer\.json)/);
  await writeFile(join(bad, 'model.onnx'), 'no model');
  await writeFile(join(bad, 'tokenizer.json'), '{');
  expect(await messageOf(openEncoder(bad))).toContain('it is no tokenizer');
  await writeFile(join(bad, 'tokenizer.json'), JSON.stringify(tokenizer));
  expect(await messageOf(openEncoder(bad))).toContain('ONNX Runtime cannot load it');
  await writeFile(join(bad, 'model.onnx'), (await trainTiny()).onnx);
  expect(await messageOf(openEncoder(bad))).toContain('it wants an input "ids"');
});

// The product ships no weights: this asks a real encoder, where somebody has put one.
const real = process.env['PLUMB_TEST_ENCODER'];
const why = real === undefined ? ' (skipped: PLUMB_TEST_ENCODER names no folder with model.onnx and tokenizer.json)' : '';
test.skipIf(real === undefined)(`a real encoder beside the n-grams is better than n-grams alone${why}`, { timeout: 600_000 }, async () => {
  const rowsOf = async (name: string): Promise<{ text: string; label: string }[]> =>
    (await readFile(new URL(`../../templates/classifier/data/${name}`, import.meta.url), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; label: string });
  const training = (await rowsOf('intents.jsonl')).filter((_, at) => at % 3 === 0);
  const asked = await rowsOf('held-back.jsonl');
  const encoder = await openEncoder(real as string);
  const embeddings = await encoder.embed(training.map((row) => row.text));
  await encoder.close();
  const right = async (withEncoder: boolean): Promise<number> => {
    const path = join(folder, `real-${withEncoder}.onnx`);
    const reference = { digest: encoder.digest, size: encoder.size };
    await writeFile(
      path,
      (await trainTiny({ epochs: 15, validation: 0 }, { rows: training, encoder: withEncoder ? { reference, embeddings } : null })).onnx,
    );
    const predictor = await openPredictor(path, withEncoder ? { encoder: real as string } : {});
    const answers = await predictor.predict(asked.map((row) => row.text));
    await predictor.close();
    return answers.filter((answer, at) => answer.label === asked[at]?.label).length;
  };
  expect(await right(true)).toBeGreaterThan(await right(false));
});
