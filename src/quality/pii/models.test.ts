// A token classifier that this test writes (a table of scores by token), and servers that are no good Presidio. The real one: tests/real/presidio.test.ts.
import { inspect } from 'node:util';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MessageWriter } from '../../train/protobuf.ts';
import { piiSchema, type RecogniserConfig } from './config.ts';
import { openRecogniser, type TextRecogniser } from './model-recogniser.ts';

let folder: string;
const servers: Server[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb-models-'));
  await writeFile(join(folder, 'model.onnx'), tableModel());
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
});
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const open = (config: RecogniserConfig): Promise<TextRecogniser> => openRecogniser(config, { pathOf: (path) => join(folder, path), signal });

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC'];
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'ada', 'love', '##lace', 'lives', 'in', 'par', '##is', 'bob', '.'];
/** token -> label */
const labelOf: Readonly<Record<string, number>> = { ada: 1, bob: 1, love: 2, '##lace': 0, par: 3, '##is': 2 };

const tokenizer = {
  version: '1.0',
  added_tokens: [0, 1, 2, 3].map((id) => ({
    id,
    content: vocabulary[id],
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '[SEP]', type_id: 0 } }],
    pair: [],
    special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
  },
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
};

/** logits = table[input_ids]: one Gather. Source: onnx.proto of github.com/onnx/onnx. */
function tableModel(): Buffer {
  const scores = Float32Array.from(vocabulary.flatMap((token) => labels.map((_, at) => (at === (labelOf[token] ?? 0) ? 4 : 0))));
  const table = new MessageWriter()
    .integer(1, vocabulary.length)
    .integer(1, labels.length)
    .integer(2, 1)
    .text(8, 'table')
    .bytes(9, new Uint8Array(scores.buffer));
  const gather = new MessageWriter().text(1, 'table').text(1, 'input_ids').text(2, 'logits').text(4, 'Gather');
  const port = (name: string, type: number, dims: number): MessageWriter => {
    const shape = new MessageWriter();
    for (let at = 0; at < dims; at += 1) shape.message(1, new MessageWriter().text(2, `d${at}`));
    return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, new MessageWriter().integer(1, type).message(2, shape)));
  };
  const graph = new MessageWriter()
    .message(1, gather)
    .text(2, 'table')
    .message(5, table)
    .message(11, port('input_ids', 7, 2))
    .message(12, port('logits', 1, 3));
  return new MessageWriter().integer(1, 8).message(7, graph).message(8, new MessageWriter().text(1, '').integer(2, 17)).finish();
}

const onnx = piiSchema.shape.recognisers.parse([
  { kind: 'onnx', model: 'model.onnx', tokenizer: 'tokenizer.json', labels, entities: { PER: 'PERSON', LOC: 'LOCATION' } },
])[0] as Extract<RecogniserConfig, { kind: 'onnx' }>;

test('words that go on with a name are one find, behind emoji too; a word that begins one is another', async () => {
  const model = await open(onnx);
  const texts = ['🙂 Ada  Lovelace lives in Paris.', 'Ada Bob', 'nothing', '', 'lives '.repeat(900) + 'Bob'];
  const found = await model.find(texts);
  expect(found.map((finds, at) => finds.map(({ entity, start, end }) => `${entity} ${texts[at]?.slice(start, end)}`))).toEqual([
    ['PERSON Ada  Lovelace', 'LOCATION Paris'],
    ['PERSON Ada', 'PERSON Bob'],
    [],
    [],
    ['PERSON Bob'],
  ]);
  expect(found[0]?.[0]?.score).toBeCloseTo(Math.exp(4) / (Math.exp(4) + 3), 5);
  await model.close();
});

test('files that are no token classifier of these labels', async () => {
  await writeFile(join(folder, 'text.onnx'), 'no model');
  await expect(open({ ...onnx, model: 'text.onnx' })).rejects.toMatchObject({ code: 'RECOGNISER_FAILED', where: { file: 'text.onnx' } });
  await expect(open({ ...onnx, tokenizer: 'text.onnx' })).rejects.toMatchObject({ code: 'RECOGNISER_FAILED', where: { file: 'text.onnx' } });
  await expect(open({ ...onnx, model: 'none.onnx' })).rejects.toMatchObject({ code: 'FILE_MISSING' });
  const wrong = await open({ ...onnx, labels: ['O', 'B-PER'] });
  await expect(wrong.find(['Ada'])).rejects.toMatchObject({ code: 'RECOGNISER_FAILED', message: expect.stringContaining('1 x 3 x 4') as unknown });
  await wrong.close();
});

async function presidio(listener: RequestListener, timeoutMs = 20_000): Promise<TextRecogniser> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  return open({ kind: 'presidio', url, language: 'en', entities: ['PERSON'], threshold: 0.4, timeout_ms: timeoutMs });
}

const answering =
  (answer: unknown, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(typeof answer === 'string' ? answer : JSON.stringify(answer));

test('what a server is asked, and its places in code points', async () => {
  const asked: string[] = [];
  const recogniser = await presidio((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`);
      answering([{ entity_type: 'PERSON', start: 2, end: 5, score: 0.85, analysis_explanation: null }])(request, response);
    });
  });
  expect(await recogniser.find(['🙂 Ada', ' '])).toEqual([[{ entity: 'PERSON', start: 3, end: 6, score: 0.85 }], []]);
  expect(asked).toEqual(['POST /base/analyze {"text":"🙂 Ada","language":"en","entities":["PERSON"],"score_threshold":0.4}']);
});

test.each([
  ['an error of it', answering({ error: 'no' }, 500), 'answers 500'],
  ['no JSON', answering('<html>'), 'no list of finds'],
  ['another form', answering([{ entity: 'PERSON' }]), 'no list of finds'],
  ['a place that is not there', answering([{ entity_type: 'PERSON', start: 0, end: 99, score: 1 }]), 'from 0 to 99'],
  ['what was not asked for', answering([{ entity_type: 'URL', start: 0, end: 3, score: 1 }]), 'not asked for'],
  ['a way to another place', (_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'cannot be reached'],
  [
    'half an answer',
    (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('[', () => response.destroy()),
    'cannot be reached',
  ],
])('a server that answers %s', async (_, listener, said) => {
  const recogniser = await presidio(listener);
  const error = await recogniser.find(['Ada Lovelace']).catch((caught: unknown) => caught as Error);
  expect(error).toMatchObject({ code: 'RECOGNISER_FAILED', message: expect.stringContaining(said) as unknown });
  // what was sent is personal data
  expect(inspect(error)).not.toContain('Lovelace');
});

test('a server that never answers, one that is not there, one with a password in its address', async () => {
  await expect((await presidio(() => undefined, 30)).find(['x'])).rejects.toMatchObject({
    code: 'RECOGNISER_FAILED',
    message: expect.stringContaining('within 0.03 seconds') as unknown,
  });
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const config: Omit<Extract<RecogniserConfig, { kind: 'presidio' }>, 'url'> = {
    kind: 'presidio',
    language: 'en',
    entities: ['PERSON'],
    threshold: 0,
    timeout_ms: 20_000,
  };
  const refused = await open({ ...config, url: `http://127.0.0.1:${port}` });
  await expect(refused.find(['x'])).rejects.toMatchObject({
    code: 'RECOGNISER_FAILED',
    message: expect.stringContaining('cannot be reached') as unknown,
  });
  const error = await open({ ...config, url: 'http://ada:secret@127.0.0.1/' }).catch((caught: unknown) => caught as Error);
  expect(error).toMatchObject({ code: 'RECOGNISER_FAILED' });
  expect(inspect(error)).not.toContain('secret');
});
