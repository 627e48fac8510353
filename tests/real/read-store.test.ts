// The formats of a remote are what docs/store.md says: a reader in Python that was written from that page alone reads what plumb has pushed. It needs
// Python 3.11 or later and, before 3.14, the C library of zstd.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, jsonl, sha256, TestProject } from '../project.ts';

const reader = fileURLToPath(new URL('../read_store.py', import.meta.url));
const project = TestProject.create({}, { remote: true });

beforeAll(async () => {
  project.write('photos/empty', '');
  project.write('photos/notes.txt', 'small\n');
  project.write('photos/run.sh', '#!/bin/sh\n');
  chmodSync(project.path('photos/run.sh'), 0o755);
  project.write('photos/große/Fläche.bin', noise(40_000, 'f'));
  project.write('photos/große/scan.bin', noise(1_500_000, 's'));
  for (let file = 0; file < 400; file += 1) project.write(`photos/many/${String(file % 7)}/${String(file)}.txt`, `${String(file)}\n`);
  project.write('rows.jsonl', jsonl(rows));
  project.write('table.csv', `id,text\r\n${rows.map(({ id, text }) => `${id},"${text}\r\nend"\r\n`).join('')}`);
  await project.done('add', 'photos');
  await project.done('add', 'rows.jsonl', '--key', 'id');
  await project.done('add', 'table.csv');
  commit('the first version');
  await project.done('push');
});

afterAll(() => project[Symbol.dispose]());

/** Bytes that no compression shortens, always the same. */
function noise(bytes: number, seed: string): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, at) =>
    createHash('sha512')
      .update(`${seed}${String(at)}`)
      .digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

const rows = Array.from({ length: 6000 }, (_, at) => ({ id: `r${String(at)}`, text: sha256(String(at)) }));

function commit(message: string): void {
  project.git('add', '-A');
  project.git('commit', '-qm', message);
}

/** Digest of a data set's manifest, as datasets.lock has it. */
function manifestOf(name: string): string {
  const [, hex = ''] = new RegExp(`^ {2}${name}:[^]*?digest: sha256:([0-9a-f]{64})`, 'm').exec(project.read('datasets.lock')) ?? [];
  return hex;
}

function readStore(name: string): { status: number | null; said: string; folder: string } {
  const folder = join(project.top, `${name}-${manifestOf(name)}`);
  const { status, stdout, stderr, error } = spawnSync('python3', [reader, project.remote, manifestOf(name), folder], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, said: stdout + stderr, folder };
}

/** path -> digest, with + where the file is executable */
function describeFiles(folder: string): Record<string, string> {
  const describe = (path: string): string => `${sha256(readFileSync(path))}${(lstatSync(path).mode & 0o100) === 0 ? '' : '+'}`;
  return Object.fromEntries(filesBelow(folder).map((path) => [path, describe(join(folder, path))]));
}

test('a folder of files comes out as it was: large ones from their chunks, modes and names too', () => {
  const { status, said, folder } = readStore('photos');
  expect(said).toMatch(/^4\d\d objects as they are, 1 of chunks, 0 of lines$/m);
  expect(status).toBe(0);
  expect(describeFiles(folder)).toEqual(describeFiles(project.path('photos')));
  expect(Object.keys(describeFiles(folder))).toHaveLength(405);
});

test('a file of rows comes out byte by byte, and its chunks are those of its tree', () => {
  for (const [name, file] of [
    ['rows', 'rows.jsonl'],
    ['table', 'table.csv'],
  ] as const) {
    const { status, said, folder } = readStore(name);
    expect(said).not.toContain('read_store');
    expect(status).toBe(0);
    expect(readFileSync(join(folder, 'rows')).equals(readFileSync(project.path(file)))).toBe(true);
  }
});

test('a version that is sent as lines of the one before is read from them', async () => {
  const sorted = rows.toSorted((a, b) => (a.text < b.text ? -1 : 1)).map((row, at) => (at % 1000 === 7 ? { ...row, text: `${row.text}!` } : row));
  project.write('rows.jsonl', jsonl(sorted));
  await project.done('add', 'rows.jsonl');
  commit('sorted, and six rows edited');
  await project.done('push', 'rows');
  const { status, said, folder } = readStore('rows');
  expect(said).toMatch(/, 1 of lines$/m);
  expect(status).toBe(0);
  expect(readFileSync(join(folder, 'rows'), 'utf8')).toBe(jsonl(sorted));
});

test('the reader refuses a pack of which a byte was changed', () => {
  const [pack = ''] = filesBelow(join(project.remote, 'packs')).map((name) => join(project.remote, 'packs', name));
  const bytes = readFileSync(pack);
  const flipped = Buffer.from(bytes);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  chmodSync(pack, 0o644);
  writeFileSync(pack, flipped);
  const answers = ['photos', 'rows', 'table'].map((name) => readStore(name).status);
  writeFileSync(pack, bytes);
  expect(answers).toContain(1);
});
