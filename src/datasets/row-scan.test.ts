import { createHash, hash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byCodeUnit } from '../base/canonical.ts';
import { isPlumbError } from '../base/errors.ts';
import { readFactsFile } from './facts-file.ts';
import { cutKey } from '../store/tree/keys.ts';
import { hasTwice, KeyRange, writeFingerprint } from './key-fingerprint.ts';
import { checkRows } from './row-check.ts';
import { scanRows, type RowScan } from './row-scan.ts';
import { jsonl } from './rows.fixture.ts';
import type { RowFormat } from './schema.ts';
import { WordList } from './word-list.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-scan-'));
let files = 0;

interface How {
  readonly format?: 'jsonl' | 'csv';
  readonly key?: string;
  readonly label?: string;
  /** side file: read before, written after */
  readonly facts?: string;
}

async function fileOf(text: string | Uint8Array, format: RowFormat = 'jsonl'): Promise<string> {
  const path = join(folder, `${(files += 1)}.${format}`);
  await writeFile(path, text);
  return path;
}

async function scanOf(text: string | Uint8Array, { format = 'jsonl', key, label, facts }: How = {}): Promise<RowScan | null> {
  const scan = await scanRows(await fileOf(text, format), {
    format,
    key: key ?? null,
    label: label ?? null,
    known: async (context) => (facts === undefined ? null : readFactsFile(facts, context)),
    keepNode: (bytes) => `sha256:${hash('sha256', bytes)}`,
  });
  if (facts !== undefined) await scan?.writeFacts(facts);
  return scan;
}

/** The same, row by row; null where it is refused. */
async function checkOf(text: string | Uint8Array, { format = 'jsonl', key }: How = {}): Promise<{ rows: number; schema: object } | null> {
  const absolute = await fileOf(text, format);
  try {
    return await checkRows({ path: 'x', absolute, format, key, label: undefined }, { signal: new AbortController().signal });
  } catch (error) {
    if (isPlumbError(error)) return null;
    throw error;
  }
}

function textOfRows(count: number, padding = 300): string {
  return jsonl(
    Array.from({ length: count }, (_, id) => ({
      id: `k${id}`,
      label: id % 3 === 0 ? 'x' : null,
      n: id / 4,
      text: hash('sha256', String(id)).repeat(padding / 60),
    })),
  );
}

test('one pass finds digest, rows, schema and a tree of chunks that are the file', async () => {
  const text = textOfRows(5000);
  const scan = await scanOf(text, { key: 'id' });
  expect(scan).toMatchObject({
    digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
    bytes: Buffer.byteLength(text),
    rows: 5000,
    schema: { id: 'string', label: 'string?', n: 'number', text: 'string' },
    tree: { count: 5000, bytes: Buffer.byteLength(text) },
    doubtful: false,
    labels: null,
  });
  expect((await scanOf(text, { label: 'label' }))?.labels).toEqual(
    new Map([
      ['x', 1667],
      ['', 3333],
    ]),
  );
});

const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({ id: fc.oneof(fc.nat(60), fc.string({ maxLength: 3 })), a: fc.jsonValue() }, { requiredKeys: ['id'] })
      .map((row) => JSON.stringify(row)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\r', '{"id":7}', '{"id":12345678901234567890}', '{"id":"\\u00e9"}', '  {"id":"z"} ', '\ufeff{"id":"q"}'),
  },
  { weight: 1, arbitrary: fc.constantFrom('{"id":1', '[]', 'null', '{"a":1}', '{"id":"\\ud83d"}', '{"id":null}', '\ufffe') },
);

test('JSONL: what the pass finds is what reading row by row finds, and it refuses what that refuses', async () => {
  let good = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.boolean(), fc.boolean(), async (lines, hasKey, ended) => {
      const text = lines.join('\n') + (ended ? '\n' : '');
      const how = hasKey ? { key: 'id' } : {};
      const [scan, check] = [await scanOf(text, how), await checkOf(text, how)];
      const fast = scan === null || scan.doubtful || scan.rows === 0 ? null : { rows: scan.rows, schema: scan.schema };
      expect(fast).toEqual(check);
      if (fast !== null) good += 1;
    }),
    { numRuns: 250 },
  );
  expect(good).toBeGreaterThan(40);
});

const field = fc.constantFrom('1', '2', '3', 'a', '"b"', '"c,""d"""', '"e\nf"', '', 'é', '4"');

test('CSV: the same', async () => {
  let good = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(field, { minLength: 2, maxLength: 2 }), { maxLength: 6 }),
      fc.constantFrom('\n', '\r\n', '\r', '\n\n'),
      fc.boolean(),
      async (records, end, hasKey) => {
        const text = ['id,text', ...records.map((record) => record.join(','))].join(end) + end;
        const how = { format: 'csv' as const, ...(hasKey ? { key: 'id' } : {}) };
        const [scan, check] = [await scanOf(text, how), await checkOf(text, how)];
        const fast = scan === null || scan.doubtful || scan.rows === 0 ? null : { rows: scan.rows, schema: scan.schema };
        expect(fast).toEqual(check);
        if (fast !== null) good += 1;
      },
    ),
    { numRuns: 200 },
  );
  expect(good).toBeGreaterThan(40);
});

test('encodings, marks and headers that are refused, or let pass, row by row are so in the pass', async () => {
  const texts: [string | Uint8Array, 'jsonl' | 'csv'][] = [
    ['\ufeff{"id":1}\n', 'jsonl'],
    [Buffer.from('{"id":1}\n', 'utf16le'), 'jsonl'],
    [Buffer.from('{"id":"\u00e9"}\n', 'latin1'), 'jsonl'],
    ['\ufeffid,text\n1,é\n', 'csv'],
    ['id,id\n1,2\n', 'csv'],
    ['id,text\n1,"a\n', 'csv'],
    ['id,text\n1\n', 'csv'],
    [`${'\n'.repeat(20)}id,text\n1,2\n`, 'csv'],
  ];
  const verdicts = [];
  for (const [text, format] of texts) {
    const [scan, check] = [await scanOf(text, { format, key: 'id' }), await checkOf(text, { format, key: 'id' })];
    expect(scan === null).toBe(check === null);
    verdicts.push(check !== null);
  }
  expect(verdicts).toEqual([true, false, false, true, false, false, false, true]);
});

test('threads find what this one finds, and a fault anywhere', { timeout: 20_000 }, async () => {
  const text = textOfRows(16_000);
  expect(text.length).toBeGreaterThan(4 << 20);
  expect(await scanOf(text, { key: 'id' })).toMatchObject({ rows: 16_000, doubtful: false, ...(await checkOf(text, { key: 'id' })) });
  const lines = text.split('\n');
  for (const at of [1, 9000, 15_999]) {
    expect(await scanOf(lines.with(at, '{"id":').join('\n'), { key: 'id' })).toBeNull();
    expect(await scanOf(lines.with(at, lines[3] as string).join('\n'), { key: 'id' })).toMatchObject({ doubtful: true });
  }
  const long = JSON.stringify({ id: 'long', text: 'é'.repeat(3_000_000) });
  expect(await scanOf([...lines.slice(0, 8000), long, ...lines.slice(8000)].join('\n'), { key: 'id' })).toMatchObject({ rows: 16_001 });
});

test('what an earlier pass has read is not read again, and the verdict is that of a full one', { timeout: 30_000 }, async () => {
  const lines = textOfRows(1500).trimEnd().split('\n');
  const edit = fc.record({
    at: fc.nat(lines.length - 1),
    what: fc.constantFrom('gone', 'twice', 'bad', 'number', 'new', 'mark'),
  });
  const change = ({ at, what }: { at: number; what: string }, list: string[]): string[] => {
    if (what === 'gone') return list.toSpliced(at, 1);
    if (what === 'twice') return list.toSpliced(at, 0, list[(at * 7) % list.length] as string);
    if (what === 'bad') return list.with(at % list.length, '{"id":}');
    if (what === 'number') return list.with(at % list.length, `{"id":${at + 1e6},"n":"text"}`);
    if (what === 'new') return list.toSpliced(at, 0, `{"id":"new${at}","column":[${at}]}`);
    return list.with(0, `\ufeff${list[0] ?? ''}`);
  };
  let saved = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 3 }), fc.boolean(), async (edits, hasKey) => {
      const facts = join(folder, `facts-${(files += 1)}`);
      const how = hasKey ? { key: 'id', label: 'label' } : { label: 'n' };
      await scanOf(`${lines.join('\n')}\n`, { ...how, facts });
      const text = `${edits.reduce((list, one) => change(one, list), lines).join('\n')}\n`;
      const [again, full] = [await scanOf(text, { ...how, facts }), await scanOf(text, how)];
      expect(told(again)).toEqual(told(full));
      if (again !== null && full !== null) {
        expect(again.parsedBytes).toBeLessThan(full.bytes / 3);
        saved += 1;
      }
    }),
    { numRuns: 40 },
  );
  expect(saved).toBeGreaterThan(15);
});

function told(scan: RowScan | null): object | null {
  return scan === null
    ? null
    : {
        rows: scan.rows,
        schema: scan.schema,
        tree: scan.tree,
        digest: scan.digest,
        doubtful: scan.doubtful,
        labels: new Map([...(scan.labels ?? [])].toSorted(([a], [b]) => byCodeUnit(a, b))),
      };
}

test('facts of other rules, of another key, or not as they were written are none', async () => {
  const context = JSON.stringify({ format: 'jsonl', key: 'id', label: null, columns: null });
  const facts = join(folder, 'facts');
  const text = textOfRows(500);
  const first = await scanOf(text, { key: 'id', facts });
  expect(first?.parsedBytes).toBe(text.length);
  expect((await scanOf(text, { key: 'id', facts }))?.parsedBytes).toBeLessThan(text.length / 3);
  const bytes = await readFile(facts);
  expect(await readFactsFile(facts, context)).not.toBeNull();
  expect(await readFactsFile(facts, context.replace('id', 'label'))).toBeNull();
  for (const at of [0, 9, 40, bytes.length >> 1, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 1;
    await writeFile(facts, damaged);
    expect(await readFactsFile(facts, context)).toBeNull();
  }
  await writeFile(facts, bytes.subarray(0, -1));
  expect(await readFactsFile(facts, context)).toBeNull();
  await rm(facts);
  expect(await readFactsFile(facts, context)).toBeNull();
  expect((await scanOf(text, { key: 'label', facts }))?.doubtful ?? null).toBeNull();
});

test('a pass stops when it is told to, and a missing file is said', async () => {
  const path = await fileOf(textOfRows(20_000));
  const stop = new AbortController();
  const options = { format: 'jsonl' as const, key: null, label: null, known: async () => null, keepNode: () => `sha256:${'0'.repeat(64)}` as const };
  const scan = scanRows(path, { ...options, signal: stop.signal, onBytes: () => stop.abort(new Error('enough')) });
  await expect(scan).rejects.toThrow('enough');
  await expect(scanRows(join(folder, 'none'), options)).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test('fingerprints: all different ones are different, one that comes twice is found wherever it stands', () => {
  const words = (from: number, to: number): Uint32Array => {
    const pairs = new Uint32Array((to - from) * 2);
    for (let at = from; at < to; at += 1) writeFingerprint(String(at), pairs, (at - from) * 2);
    return pairs;
  };
  const listOf = (...parts: Uint32Array[]): WordList => {
    const list = new WordList();
    for (const part of parts) list.push(part);
    return list;
  };
  const many = words(0, 300_001);
  expect(hasTwice(listOf(many))).toBe(false);
  const pieces = [...listOf(many.subarray(0, 7), many.subarray(7)).pieces()].map((piece) => Buffer.from(piece.slice().buffer));
  expect(Buffer.concat(pieces).equals(Buffer.from(many.buffer))).toBe(true);
  for (const again of [0, 150_000, 300_000]) expect(hasTwice(listOf(many, words(again, again + 1)))).toBe(true);
  expect(hasTwice(listOf(new Uint32Array(2)))).toBe(false);
  expect(hasTwice(listOf(new Uint32Array(2), new Uint32Array(2)))).toBe(true);
});

test('ranges of keys are those of their cut texts, ordered by bytes', () => {
  const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ unit: 'binary-ascii', maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 6 }), (keys) => {
      const range = new KeyRange();
      for (const text of keys) range.add(text, writeFingerprint(text, new Uint32Array(2), 0).isAscii);
      const cuts = keys.map(cutKey).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(range.keys).toEqual({ first: cuts[0], last: cuts.at(-1) });
    }),
  );
});
