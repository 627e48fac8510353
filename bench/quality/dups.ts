// Near duplicates, beside the peers of shared/bench/quality: one JSON line as its entries have it.
//   node bench/quality/dups.ts rows.jsonl truth.jsonl      made by make/corpus.py
// recall: of planted pairs with a Jaccard index of 0.8 and more, those in one cluster; precision: of rows that are told, those that truly are alike.
import { readFileSync } from 'node:fs';
import { judgeDuplicates } from '../../src/quality/duplicates/judge.ts';
import { duplicateSettings } from '../../src/quality/duplicates/settings.ts';
import { jaccardOf, ShingleSets } from '../../src/quality/text/jaccard.ts';
import { readRowsAt } from '../../src/quality/text/rows-at.ts';
import { bareRows, bareWorld } from './bare-files.ts';

const [file, truthFile] = process.argv.slice(2);
if (file === undefined || truthFile === undefined) throw new Error('usage: node bench/quality/dups.ts rows.jsonl truth.jsonl');
const rows = bareRows(file, 'rows');
const started = performance.now();
const found = await judgeDuplicates(rows, duplicateSettings.parse({ columns: ['text'] }), bareWorld);
const s = (performance.now() - started) / 1000;

const truth = readFileSync(truthFile, 'utf8').trim().split('\n');
const pairs = truth.map((line) => JSON.parse(line) as { a: number; b: number; j: number });
const keptOf = (row: number): number => found.keptFor(row + 1)?.row ?? row + 1;
const recall = (least: number, below: number): number => {
  const asked = pairs.filter(({ j }) => j >= least && j < below);
  return asked.filter(({ a, b }) => keptOf(a) === keptOf(b)).length / asked.length;
};
const told = [...found.flagged()].map(({ row, findings }) => [row, findings[0]?.other?.row ?? 0] as const);
const sets = new ShingleSets(5);
const read = new Map<number, Float64Array>();
for await (const { row, value } of readRowsAt(
  rows.source,
  [...new Set(told.flat())].toSorted((a, b) => a - b),
  bareWorld,
))
  read.set(row, sets.setOf({ parts: [String(value['text'])], tokens: null }));
const empty = new Float64Array(0);
const good = told.filter(([row, other]) => jaccardOf(read.get(row) ?? empty, read.get(other) ?? empty) >= 0.8).length;
const show = {
  pairs: told.length,
  recall: recall(0.8, 2).toFixed(4),
  precision: (good / told.length).toFixed(4),
  'of_0.5-0.8': recall(0.5, 0.8).toFixed(3),
};
console.log(JSON.stringify({ s, result: { show } }));
