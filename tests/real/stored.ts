// Data of every kind that the store treats in a way of its own: small files (packs), large ones (chunks), rows (recipes of lines). Each in as many
// versions as a test wants, and what must be true of the places where they are kept.
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { filesBelow, jsonl, sha256, TestProject, type Answer } from '../project.ts';

/** path -> bytes */
export type Files = Readonly<Record<string, Buffer>>;

/** Bytes that no compression shortens: the same for the same name, everywhere. */
export function noise(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Numbers from 0 to 1, the same for the same seed. mulberry32: small, and the same everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function oneOf<T>(draw: () => number, all: readonly T[]): T {
  return all[Math.floor(draw() * all.length)] as T;
}

/** Names and paths of the data sets of `dataOf`. */
export const dataSets: readonly string[] = ['data/large', 'data/many', 'data/rows.jsonl'];

/** A version: of many small files some are edited, a large one is edited in its middle, rows are sorted otherwise and some of them edited. */
export function dataOf(version: number): Files {
  const files: Record<string, Buffer> = {};
  for (let at = 0; at < 60; at += 1) {
    const edition = at % 12 === version % 12 ? version : 0;
    files[`data/many/${at % 5}/${at}.bin`] = noise(`small ${at} of ${edition}`, 200 + ((at * 397) % 5000));
  }
  files[`data/many/new/${version}.txt`] = Buffer.from(`${version}\n`);
  const large = noise('large', 1_500_000);
  noise(`edit ${version}`, 1000).copy(large, 100_000 * (1 + (version % 13)));
  files['data/large/edited.bin'] = large;
  files['data/large/same.bin'] = noise('same', 300_000);
  files['data/rows.jsonl'] = rowsOf(version);
  return files;
}

function rowsOf(version: number): Buffer {
  const draw = randomNumbers(version);
  const rows = Array.from({ length: 3500 }, (_, at) => ({
    place: version === 0 ? at : draw(),
    row: { id: `r${at}`, text: sha256(`${at} of ${at % 100 === version ? version : 0}`) },
  }));
  return Buffer.from(jsonl(rows.toSorted((a, b) => a.place - b.place).map(({ row }) => row)));
}

/** Makes the data of a work tree that of a version. */
export function writeData(project: TestProject, files: Files): void {
  rmSync(project.path('data'), { recursive: true, force: true });
  for (const [path, bytes] of Object.entries(files)) project.write(path, bytes);
}

/** A project with data that git ignores; nothing is added yet. @param remote of plumbline.yaml; default: the folder beside it */
export function createStored(version: number, remote = '../remote'): TestProject {
  const project = TestProject.create({ '.gitignore': '.plumb/\n.plumb-tmp-*\n/data/\n', 'plumbline.yaml': `version: 1\nremote: ${remote}\n` });
  writeData(project, dataOf(version));
  return project;
}

/** Locks what stands there, and commits that. */
export async function addAndCommit(project: TestProject, message: string): Promise<void> {
  await project.done('add', ...dataSets);
  project.git('add', '-A');
  project.git('commit', '-qm', message);
}

/** A fresh clone beside a project: its own cache, the same remote. */
export function cloneOf(project: TestProject, name: string): TestProject {
  const clone = new Proxy(project, {
    get: (target, key) => (key === 'root' ? join(project.top, name) : (Reflect.get(target, key) as unknown)),
  });
  project.git('clone', '-q', project.root, clone.root);
  return clone;
}

/** The data of a work tree is that of a version, to the last byte, and nothing else is there. */
export function checkData(project: TestProject, files: Files): void {
  expect(filesBelow(project.path('data')).map((path) => `data/${path}`)).toEqual(Object.keys(files).toSorted());
  for (const [path, bytes] of Object.entries(files)) expect(sha256(readFileSync(project.path(path))), path).toBe(sha256(bytes));
}

/** What is in a cache, or in a folder that is a remote, under the name of a digest has that digest. */
export function checkNames(folder: string): void {
  for (const path of filesBelow(join(folder, 'objects')))
    expect(sha256(readFileSync(join(folder, 'objects', path))), path).toBe(path.replace('/', ''));
  for (const kind of ['packs', 'condemned'])
    for (const path of filesBelow(join(folder, kind))) expect(sha256(readFileSync(join(folder, kind, path))), path).toBe(path.replace('.pack', ''));
}

/** An error that users see: never a mistake of ours, and one that says what to do. */
export function errorOf(answer: Answer): { code: string; what: string; mend: string; details: Record<string, unknown> } {
  const error = answer.json['error'] as { code: string; what: string; mend: string; details: Record<string, unknown> } | undefined;
  if (error === undefined) expect.fail(`it ended with ${answer.exit}, ${answer.signal}: ${answer.stdout}${answer.stderr}`);
  expect(error.code, answer.stdout).not.toBe('BUG');
  expect(error.mend.length).toBeGreaterThan(10);
  expect(answer.stderr).not.toMatch(/\n {4}at /);
  return error;
}

/** Nothing of a writer that failed is left where others look. */
export function checkNoTemporary(project: TestProject): void {
  const left = filesBelow(project.root, (name) => name === '.git').filter((path) => path.includes('.plumb-tmp-'));
  expect(left.filter((path) => !path.startsWith('.plumb/cache/tmp/'))).toEqual([]);
  if (existsSync(join(project.remote, 'tmp'))) expect(filesBelow(join(project.remote, 'tmp'))).toEqual([]);
}
