// Data of every kind that the store treats in a way of its own: small files (packs), large ones (chunks), rows (recipes of lines). Each in as many
// versions as a test wants.
import { createCipheriv, createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { jsonl, sha256, TestProject } from '../project.ts';

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

const made = new Map<number, Files>();

/** A version: of many small files some are edited, a large one is edited in its middle, rows are sorted otherwise and some of them edited. */
export function dataOf(version: number): Files {
  const known = made.get(version) ?? makeData(version);
  made.set(version, known);
  return known;
}

function makeData(version: number): Files {
  const files: Record<string, Buffer> = {};
  // more than are worth a thread
  for (let at = 0; at < 240; at += 1) {
    const edition = at % 24 === version % 24 ? version : 0;
    files[`data/many/${at % 5}/${at}.bin`] = noise(`small ${at} of ${edition}`, 100 + ((at * 397) % 1500));
  }
  files[`data/many/new/${version}.txt`] = Buffer.from(`${version}\n`);
  files['data/many/new/not-small.bin'] = noise(`not small ${version}`, 20_000);
  const large = Buffer.from(noise('large', 1_500_000));
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
