// Leakage, beside the peers of shared/bench/quality: one JSON line as its entries have it.
//   node bench/quality/leakage.ts folder 13      folder: train.jsonl, eval.jsonl, truth.json of make/leak.py; words in a row
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeLeakage } from '../../src/quality/leakage/judge.ts';
import { leakageSettings } from '../../src/quality/leakage/settings.ts';
import { bareRows, bareWorld } from './bare-files.ts';

const [folder = '', words = '13'] = process.argv.slice(2);
const side = (name: string): Parameters<typeof judgeLeakage>[0] => ({ rows: bareRows(join(folder, `${name}.jsonl`), name), world: bareWorld });
const started = performance.now();
const { flagged } = await judgeLeakage(side('eval'), [side('train')], leakageSettings.parse({ columns: ['text'], ngrams: [Number(words)] }));
const s = (performance.now() - started) / 1000;

type Leak = readonly [asked: number, train: number];
const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Record<'whole' | 'run20' | 'run10', readonly Leak[]>;
const planted = new Map([...truth.whole, ...truth.run20, ...(Number(words) <= 10 ? truth.run10 : [])]);
const right = flagged.filter(({ row, findings }) => planted.get(row - 1) === (findings[0]?.other?.row ?? 0) - 1).length;
const show = {
  eval_hit: flagged.length,
  planted: planted.size,
  recall: (right / planted.size).toFixed(4),
  false: flagged.filter(({ row }) => !planted.has(row - 1)).length,
};
console.log(JSON.stringify({ s, result: { show } }));
