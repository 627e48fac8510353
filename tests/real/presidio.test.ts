// Names and places by a real presidio-analyzer over HTTP.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOfFile } from '../../src/base/digest.ts';
import { silentProgress } from '../../src/base/progress.ts';
import { noMemory } from '../../src/quality/memory.ts';
import { judgePii, type PiiAnswer } from '../../src/quality/pii/check.ts';
import { piiSchema } from '../../src/quality/pii/config.ts';
import { keyCheck } from '../../src/quality/pii/key.ts';
import { rewriteRows } from '../../src/quality/pii/rewrite-rows.ts';
import { startPresidio, type Server } from './servers/servers.ts';

const secret = 'a key of tests, long enough';
const { signal } = new AbortController();
let server: Server;
let folder: string;
beforeAll(async () => {
  server = await startPresidio();
  folder = await mkdtemp(join(tmpdir(), 'plumb-presidio-'));
}, 900_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const rows = [
  { id: 'a', text: '🙂🙂 My name is Barack Obama and I moved from Chicago to Berlin. My address is barack@example.com.' },
  { id: 'b', text: 'the meeting is at noon' },
  { id: 'c', text: '👩‍👧 Barack Obama called again' },
];

async function judge(settings: object, recogniser: object = {}): Promise<PiiAnswer & { readonly path: string }> {
  const path = join(folder, 'rows.jsonl');
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const recognisers = [{ kind: 'presidio', url: server.url, entities: ['PERSON', 'LOCATION'], ...recogniser }];
  const config = piiSchema.parse({ version: 1, recognisers, key: { check: keyCheck(secret) }, ...settings });
  const world = {
    memory: noMemory,
    readNode: () => Promise.reject(new Error('no tree')),
    pathOf: async () => null,
    progress: silentProgress,
    signal,
  };
  const data = { source: { path, format: 'jsonl' as const, name: 'rows', key: 'id' }, content: (await digestOfFile(path)).digest };
  const asked = { config, file: 'pii.yaml', columns: ['text'], waivers: [], day: null };
  return { ...(await judgePii(data, asked, world, { env: { PLUMB_PII_KEY: secret }, threads: 1, pathOf: (name) => name })), path };
}

test('names and places are found beside patterns, at the places where they stand', async () => {
  const { flagged, report } = await judge({});
  const found = flagged.flatMap(({ row, findings }) =>
    findings.map(({ kind, span }) => `${row} ${kind} ${[...(rows[row - 1]?.text ?? '')].slice(...(span ?? [0, 0])).join('')}`),
  );
  expect(found).toEqual([
    '1 PERSON Barack Obama',
    '1 LOCATION Chicago',
    '1 LOCATION Berlin',
    '1 EMAIL_ADDRESS barack@example.com',
    '3 PERSON Barack Obama',
  ]);
  expect(report.notes).toEqual(['not looked for: ORGANIZATION, NRP; they need a recogniser with a model (docs/pii.md)']);
});

test('one person keeps one stand-in', async () => {
  const { finds, treatments, key, path } = await judge({ action: 'surrogate' });
  const data = join(folder, 'clean.jsonl');
  await rewriteRows({ source: { path, format: 'jsonl', name: 'rows' }, finds, treatments, key, data, lineage: `${data}.lineage`, signal });
  const texts = (await readFile(data, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);
  const name = /^🙂🙂 My name is (\S+ \S+) and/u.exec(texts[0] ?? '')?.[1];
  expect(name).toBeDefined();
  expect(name).not.toContain('Obama');
  expect(texts[2]).toBe(`👩‍👧 ${name} called again`);
  expect(texts[1]).toBe(rows[1]?.text);
  expect(texts.join()).not.toMatch(/Chicago|Berlin|barack/i);
});

test('a language that it does not know is an error of it, and nothing is judged', async () => {
  await expect(judge({}, { language: 'xx' })).rejects.toMatchObject({
    code: 'RECOGNISER_FAILED',
    message: expect.stringContaining('answers 500') as unknown,
  });
});
