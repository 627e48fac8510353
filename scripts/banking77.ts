// Makes the rows of templates/classifier/data from the published CSV files of Banking77 (github.com/PolyAI-LDN/task-specific-datasets, banking_data/).
// Usage: node scripts/banking77.ts FOLDER, where FOLDER holds train.csv and test.csv as published. Same input, same bytes.
import { hash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

interface Row {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

/** As published at commit 57ec275d8078af65b7731c2a98be812d844a6d6b. */
const published = {
  'train.csv': 'b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b',
  'test.csv': 'd12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d',
} as const;

const heldBackRows = 1000;

async function readPublished(folder: string, name: keyof typeof published, prefix: string): Promise<Row[]> {
  const bytes = await readFile(join(folder, name));
  const digest = hash('sha256', bytes);
  if (digest !== published[name]) throw new Error(`${name} is not the published file: sha256 ${digest}, expected ${published[name]}`);
  const records: { text: string; category: string }[] = parse(bytes, { columns: true, relax_quotes: false });
  return records.map((record, at) => ({ id: `${prefix}-${String(at + 1).padStart(5, '0')}`, text: record.text, label: record.category }));
}

/**
 * Ids of the rows held back: of each label its share of the whole (largest remainder first), in the order of the SHA-256 of their ids.
 * So every label keeps about nine of ten rows, and all labels stand on both sides.
 */
function chooseHeldBack(rows: readonly Row[], count: number): Set<string> {
  const byLabel = Map.groupBy(rows, (row) => row.label);
  const quotas = [...byLabel].map(([label, members]) => {
    const exact = (members.length * count) / rows.length;
    return { label, members, take: Math.floor(exact), remainder: exact % 1 };
  });
  quotas.sort((a, b) => b.remainder - a.remainder || (a.label < b.label ? -1 : 1));
  let left = count - quotas.reduce((sum, quota) => sum + quota.take, 0);
  for (const quota of quotas) {
    if (left === 0) break;
    quota.take += 1;
    left -= 1;
  }
  return new Set(quotas.flatMap(({ members, take }) => members.toSorted(byDraw).slice(0, take)).map((row) => row.id));
}

/** An order that has nothing to do with text or label: the published files stand label by label. */
function byDraw(a: Row, b: Row): number {
  return hash('sha256', a.id) < hash('sha256', b.id) ? -1 : 1;
}

async function writeRows(folder: string, name: string, rows: readonly Row[]): Promise<void> {
  await writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  console.log(`${name}: ${rows.length} rows of ${new Set(rows.map((row) => row.label)).size} labels`);
}

const source = process.argv[2];
if (source === undefined) {
  console.error('usage: node scripts/banking77.ts FOLDER   (holding train.csv and test.csv of Banking77)');
  process.exit(2);
}
const target = new URL('../templates/classifier/data/', import.meta.url).pathname;
await mkdir(target, { recursive: true });
const training = await readPublished(source, 'train.csv', 'train');
const heldBack = chooseHeldBack(training, heldBackRows);
await writeRows(
  target,
  'intents.jsonl',
  training.filter((row) => !heldBack.has(row.id)),
);
await writeRows(
  target,
  'held-back.jsonl',
  // so that the first 200 are rows of most labels
  training.filter((row) => heldBack.has(row.id)).toSorted(byDraw),
);
await writeRows(target, 'intents-test.jsonl', await readPublished(source, 'test.csv', 'test'));
