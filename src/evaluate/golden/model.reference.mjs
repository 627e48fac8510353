// Makes model.onnx from train.jsonl: node src/evaluate/golden/model.reference.mjs. The file is checked in, so that the golden test of
// plumb/evaluate fails when evaluate's output changes, and not when a trainer's does.
// oxlint-disable-next-line eslint/no-restricted-imports -- a script, not the core
import { readFile, writeFile } from 'node:fs/promises';
import { trainTextParams } from '../../train/schema.ts';
import { trainText } from '../../train/training.ts';

const at = (name) => new URL(name, import.meta.url);
const lines = (await readFile(at('train.jsonl'), 'utf8')).trim().split('\n');
const rows = lines.map((line) => JSON.parse(line));
const params = trainTextParams.parse({ char_ngrams: null, min_df: 1, epochs: 8, learning_rate: 1, validation: 0 });
const trained = await trainText(
  { rows, data: 'train.jsonl', params, seed: 0, encoder: null },
  { pause: () => Promise.resolve(), onEpoch: () => undefined, now: () => 0 },
);
await writeFile(at('model.onnx'), trained.onnx);
