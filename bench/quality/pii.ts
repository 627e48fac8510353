// Personal data by pattern, beside the peers of shared/bench/quality: one JSON line as its entries have it.
//   node bench/quality/pii.ts synth|banking|cases [repeat]      BENCH_DATA: folder of the data sets
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCodePoints, withoutOverlaps, type Found } from '../../src/quality/pii/found.ts';
import { createRecogniser, patternEntities, usualEntities } from '../../src/quality/pii/recognise.ts';

interface Document {
  readonly text: string;
  readonly gold: readonly (readonly [entity: string, start: number, end: number])[];
}

/** Entities of Presidio's vocabulary that patterns find, and the threshold of pii.yaml. */
const kept = ['CREDIT_CARD', 'DATE_TIME', 'PHONE_NUMBER', 'EMAIL_ADDRESS', 'URL', 'IBAN_CODE', 'US_SSN', 'IP_ADDRESS', 'US_DRIVER_LICENSE'];
const least = 0.4;

const data = process.env['BENCH_DATA'] ?? '';
const [what = 'synth', repeat = '1'] = process.argv.slice(2);
if (what === 'cases') cases();
else scan(what === 'synth' ? synth() : banking(), Number(repeat));

function synth(): Document[] {
  const items = JSON.parse(readFileSync(join(data, 'presidio_synth/synth_dataset_v2.json'), 'utf8')) as {
    full_text: string;
    spans: { entity_type: string; start_position: number; end_position: number }[];
  }[];
  return items.map(({ full_text: text, spans }) => ({
    text,
    gold: spans.map((one) => [one.entity_type === 'DOMAIN_NAME' ? 'URL' : one.entity_type, one.start_position, one.end_position] as const),
  }));
}

function banking(): Document[] {
  return ['train', 'test'].flatMap((name) =>
    readFileSync(join(data, `banking77/${name}.csv`), 'utf8')
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => ({ text: line.slice(0, line.lastIndexOf(',')).replaceAll(/^"|"$/g, '').replaceAll('""', '"'), gold: [] })),
  );
}

function scan(documents: Document[], times: number): void {
  const recognise = createRecogniser(patternEntities);
  const bytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) * times;
  let findings = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let time = 0; time < times; time += 1) for (const { text } of documents) findings += recognise(text).length;
  const s = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const docs = documents.length * times;
  const speed = { docs_s: Math.round(docs / s), MB_s: round(bytes / s / 1e6), cpu_s: round((user + system) / 1e6) };
  console.log(JSON.stringify({ s, quality: quality(documents), speed, result: { docs, findings, show: { findings } } }));
}

/** Of the usual entities, finds from the threshold on, overlaps resolved: what `plumb pii` says. */
function quality(documents: readonly Document[]): Record<string, Record<string, number | null>> {
  const recognise = createRecogniser(usualEntities);
  const answers = documents.map(({ text, gold }) => {
    const found = withoutOverlaps(recognise(text).filter(({ score }) => score >= least));
    const places = toCodePoints(text, found);
    return { gold, found: found.map(({ entity }, at) => [entity, ...(places[at] ?? [0, 0])] as [string, number, number]) };
  });
  return Object.fromEntries(kept.map((entity) => [entity, measure(entity, answers)]));
}

type Span = readonly [entity: string, start: number, end: number];

function measure(entity: string, answers: readonly { gold: readonly Span[]; found: readonly Span[] }[]): Record<string, number | null> {
  const count = { gold: 0, found: 0, exact: 0, goldHit: 0, foundHit: 0 };
  const overlap = (a: Span, b: Span): boolean => a[1] < b[2] && b[1] < a[2];
  for (const answer of answers) {
    const [gold, found] = [answer.gold, answer.found].map((spans) => spans.filter(([kind]) => kind === entity)) as [Span[], Span[]];
    count.gold += gold.length;
    count.found += found.length;
    count.exact += found.filter((a) => gold.some((b) => a[1] === b[1] && a[2] === b[2])).length;
    count.goldHit += gold.filter((a) => found.some((b) => overlap(a, b))).length;
    count.foundHit += found.filter((a) => gold.some((b) => overlap(a, b))).length;
  }
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : round(part / whole));
  const [p, r] = [share(count.exact, count.found), share(count.exact, count.gold)];
  const [overlap_p, overlap_r] = [share(count.foundHit, count.found), share(count.goldHit, count.gold)];
  return {
    gold: count.gold,
    found: count.found,
    exact_p: p,
    exact_r: r,
    exact_f2: f(p, r, 2),
    overlap_p,
    overlap_r,
    overlap_f1: f(overlap_p, overlap_r, 1),
  };
}

function f(p: number | null, r: number | null, beta: number): number | null {
  return p === null || r === null || p + r === 0 ? null : round(((1 + beta * beta) * p * r) / (beta * beta * p + r));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** pii_cases: each recogniser's own table. */
function cases(): void {
  const rows = JSON.parse(readFileSync(join(data, 'pii_cases/cases.json'), 'utf8')) as {
    text: string;
    entities: string[];
    recognizer: string;
    expected_len?: number;
    expected_spans?: number[][];
    spans_partial?: boolean;
    other?: { leniency?: number; entities?: string[] };
  }[];
  const wrong: string[] = [];
  let ok = 0;
  for (const row of rows) {
    const entity = row.entities[0] ?? row.other?.entities?.[0];
    // telephone numbers: Presidio's default leniency; other answers are those of other settings
    if (entity === undefined || row.expected_spans === undefined || (row.other?.leniency ?? 1) !== 1) continue;
    const found: Found[] = createRecogniser([entity])(row.text).toSorted((a, b) => a.start - b.start);
    const got = toCodePoints(row.text, found);
    const countOnly = row.spans_partial === true || (row.expected_spans.length === 0 && (row.expected_len ?? 0) > 0);
    if (countOnly ? got.length === row.expected_len : JSON.stringify(got) === JSON.stringify(row.expected_spans)) ok += 1;
    else wrong.push(row.recognizer);
  }
  console.log(JSON.stringify({ s: 0, result: { show: { own_ok: ok, own_wrong: wrong.length }, own_wrong: wrong } }));
}
