// A remote whose bytes are not what they were: flipped, cut, swapped, gone, in every region of packs and receipts. They never enter a cache, the error
// names what is wrong and where it lies, and `fsck --remote --repair` of who has the bytes makes the remote whole again.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPlumbError, type PlumbError } from '../../src/base/errors.ts';
import { silentProgress } from '../../src/base/progress.ts';
import { fetchDatasets } from '../../src/datasets/fetch.ts';
import { loadLock } from '../../src/datasets/lock.ts';
import { openProject } from '../../src/project/open.ts';
import { openPackFile } from '../../src/store/pack/reader.ts';
import { filesBelow, type TestProject } from '../project.ts';
import { checkData, checkNames, errorOf } from './stored-checks.ts';
import { addAndCommit, cloneOf, createStored, dataOf, noise, randomNumbers, writeData } from './stored.ts';

let project: TestProject;
let clone: TestProject;
/** packs of the first version, which has the chunks and the small files; of the second, which has recipes of lines */
let packs: { first: string; second: string };
/** of the second version: hex of the manifest of the rows */
let root: string;
/** the remote as it should be */
let good: string;

const receiptOf = (hex: string): string => join(project.remote, 'receipts', hex.slice(0, 2), hex);
const packPath = (hex: string): string => join(project.remote, 'packs', hex);

beforeAll(async () => {
  project = createStored(0);
  await addAndCommit(project, 'one');
  await project.done('push');
  const [first = ''] = filesBelow(join(project.remote, 'packs'));
  writeData(project, dataOf(1));
  await addAndCommit(project, 'two');
  await project.done('push');
  const [second = ''] = filesBelow(join(project.remote, 'packs')).filter((hex) => hex !== first);
  packs = { first, second };
  root = /^ {2}rows:[^]*?sha256:([0-9a-f]{64})/m.exec(project.read('datasets.lock'))?.[1] ?? '';
  if (!existsSync(receiptOf(root))) throw new Error('the rows have no receipt');
  good = join(project.top, 'good');
  cpSync(project.remote, good, { recursive: true });
  clone = cloneOf(project, 'clone');
});
afterAll(() => project[Symbol.dispose]());

/** Everything as it was: the remote whole, the clone with nothing. */
function restore(): void {
  rmSync(project.remote, { recursive: true, force: true });
  cpSync(good, project.remote, { recursive: true });
  rmSync(clone.path('.plumb'), { recursive: true, force: true });
  rmSync(clone.path('data'), { recursive: true, force: true });
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  rmSync(path);
  writeFileSync(path, bytes);
}

interface Region {
  /** how it is spoiled */
  readonly spoil: () => void;
  readonly codes: readonly string[];
  /** one of these must be named */
  readonly names: () => readonly string[];
}

const first = (): readonly string[] => [packs.first];
const second = (): readonly string[] => [packs.second];
const receipt = (): readonly string[] => [root];

/** A byte of each frame of a pack: of data, or of meta objects. */
function framesOf(hex: string, isMeant: (offset: number, tail: number) => boolean): number[] {
  const pack = openPackFile(packPath(hex));
  pack.close();
  const { index } = pack;
  const offsets = Array.from({ length: index.frames }, (_, frame) => index.frameAt(frame)).filter(({ stored }) => stored > 0);
  return offsets.filter(({ offset }) => isMeant(offset, index.tail)).map(({ offset, stored }) => offset + (stored >> 1));
}
const dataFrames = (hex: string): number[] => framesOf(hex, (offset, tail) => offset < tail);
const metaFrame = (hex: string): number => framesOf(hex, (offset, tail) => offset >= tail)[0] as number;

/** Writes the receipt of the rows anew. */
function rewrite(change: (text: string) => string): void {
  const path = receiptOf(root);
  const text = readFileSync(path, 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  rmSync(path);
  writeFileSync(path, changed);
}

const regions: Readonly<Record<string, Region>> = {
  'a byte of every frame of data': {
    spoil: () => dataFrames(packs.first).forEach((place) => flip(packPath(packs.first), place)),
    codes: ['DIGEST_MISMATCH'],
    names: first,
  },
  'a byte of a frame with a recipe': {
    spoil: () => flip(packPath(packs.second), metaFrame(packs.second)),
    codes: ['DIGEST_MISMATCH'],
    names: second,
  },
  'a byte of a frame with nodes': { spoil: () => flip(packPath(packs.first), metaFrame(packs.first)), codes: ['DIGEST_MISMATCH'], names: first },
  'a byte of an index': {
    spoil: () => flip(packPath(packs.first), statSync(packPath(packs.first)).size - 60),
    codes: ['PACK_INVALID', 'DIGEST_MISMATCH'],
    names: first,
  },
  ...Object.fromEntries(
    Object.entries({ tail: 40, index: 32, 'stored bytes': 24, 'raw bytes': 20, frames: 16, objects: 12, magic: 8 }).map(([field, fromEnd]) => [
      `a byte of a footer: ${field}`,
      { spoil: () => flip(packPath(packs.first), statSync(packPath(packs.first)).size - fromEnd), codes: ['PACK_INVALID'], names: first },
    ]),
  ),
  'a pack without its last byte': {
    spoil: () => truncateSync(packPath(packs.first), statSync(packPath(packs.first)).size - 1),
    codes: ['PACK_INVALID', 'REMOTE_FAILED'],
    names: first,
  },
  'half a pack': {
    spoil: () => truncateSync(packPath(packs.first), statSync(packPath(packs.first)).size / 2),
    codes: ['PACK_INVALID', 'REMOTE_FAILED'],
    names: first,
  },
  'a pack of no bytes': { spoil: () => truncateSync(packPath(packs.second), 0), codes: ['PACK_INVALID', 'REMOTE_FAILED'], names: second },
  'a pack with a byte more': {
    spoil: () => writeFileSync(packPath(packs.first), Buffer.concat([Buffer.from('x'), readFileSync(packPath(packs.first))])),
    codes: ['PACK_INVALID', 'DIGEST_MISMATCH'],
    names: first,
  },
  'a pack of other bytes': {
    spoil: () => writeFileSync(packPath(packs.first), noise('other', statSync(packPath(packs.first)).size)),
    codes: ['PACK_INVALID'],
    names: first,
  },
  'two packs swapped': {
    spoil: () => {
      renameSync(packPath(packs.first), `${packPath(packs.first)}-`);
      renameSync(packPath(packs.second), packPath(packs.first));
      renameSync(`${packPath(packs.first)}-`, packPath(packs.second));
    },
    codes: ['PACK_INVALID', 'REMOTE_FAILED'],
    names: () => [packs.first, packs.second],
  },
  'a pack that is gone': { spoil: () => rmSync(packPath(packs.first)), codes: ['BYTES_MISSING'], names: first },
  'a receipt that is cut': { spoil: () => rewrite((text) => text.slice(0, -2)), codes: ['RECEIPT_INVALID'], names: receipt },
  'a receipt of no bytes': { spoil: () => rewrite(() => ''), codes: ['RECEIPT_INVALID'], names: receipt },
  'a receipt that is a page of a proxy': { spoil: () => rewrite(() => '<html>log in</html>'), codes: ['RECEIPT_INVALID'], names: receipt },
  'a receipt of another version': {
    spoil: () =>
      rewrite((text) =>
        text.replace(
          root,
          root.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        ),
      ),
    codes: ['RECEIPT_INVALID'],
    names: receipt,
  },
  'a receipt with another tail': {
    spoil: () => rewrite((text) => text.replace(/"tail":(\d+)/, (_, tail: string) => `"tail":${Number(tail) - 1}`)),
    codes: ['PACK_INVALID'],
    names: () => [packs.first, packs.second],
  },
  'a receipt with another size': {
    spoil: () => rewrite((text) => text.replace(/"bytes":(\d+),"digest"/, (_, bytes: string) => `"bytes":${Number(bytes) - 1},"digest"`)),
    codes: ['PACK_INVALID'],
    names: () => [packs.first, packs.second],
  },
  'a receipt that names a pack which is not there': {
    spoil: () =>
      rewrite((text) =>
        text.replace(
          packs.first,
          packs.first.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
        ),
      ),
    codes: ['BYTES_MISSING', 'RECEIPT_INVALID'],
    names: () => [packs.first.slice(0, -1), root],
  },
};

describe('pulled from a remote with', () => {
  test.each(Object.entries(regions))('%s', async (_, { spoil, codes, names }) => {
    restore();
    spoil();
    // these rows need both packs
    const answer = await clone.plumb(['pull', 'rows']);
    const error = errorOf(answer);
    expect(answer.exit, answer.stdout).toBe(4);
    expect(codes, answer.stdout).toContain(error.code);
    expect(
      names().some((name) => error.what.includes(name)),
      error.what,
    ).toBe(true);
    checkNames(clone.path('.plumb/cache'));
    // what is there is a whole version or nothing of it
    for (const path of filesBelow(clone.path('data'))) expect(readFileSync(clone.path('data', path))).toEqual(dataOf(1)[`data/${path}`]);
    // who has the bytes mends it
    const mended = await project.plumb(['fsck', '--remote', '--repair']);
    expect(mended.exit, mended.stdout + mended.stderr).toBe(0);
    expect((mended.json['faults'] as unknown[]).length).toBeGreaterThan(0);
    expect(await project.done('fsck', '--remote')).toMatchObject({ faults: [] });
    expect(await clone.plumb(['pull'])).toMatchObject({ exit: 0, code: undefined });
    checkData(clone, dataOf(1));
    checkNames(clone.path('.plumb/cache'));
  });
});

test('a push on top of spoiled packs and receipts sends what is needed anew', async () => {
  restore();
  rewrite((text) => text.slice(1));
  truncateSync(packPath(packs.second), 100);
  const other = project.copy();
  try {
    rmSync(other.path('.plumb/cache/remotes'), { recursive: true, force: true });
    writeData(other, dataOf(2));
    await addAndCommit(other, 'three');
    await other.done('push');
    const fresh = cloneOf(other, 'fresh');
    expect(await fresh.plumb(['pull'])).toMatchObject({ exit: 0, code: undefined });
    checkData(fresh, dataOf(2));
  } finally {
    other[Symbol.dispose]();
  }
});

/** A fetch of everything into a cache of its own, in this process. @returns the error, or null */
async function fetchInto(cache: string): Promise<PlumbError | null> {
  const opened = await openProject({ cwd: clone.root, env: { ...clone.env, PLUMB_CACHE: cache } });
  const how = { progress: silentProgress, signal: new AbortController().signal };
  try {
    await fetchDatasets(opened, { lock: await loadLock(opened), names: [] }, how);
    return null;
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    return error;
  }
}

test('single bytes flipped anywhere in packs and receipts: right bytes, or an error that says where', { timeout: 120_000 }, async () => {
  const seed = 20261121;
  const draw = randomNumbers(seed);
  restore();
  const paths = [
    ...filesBelow(join(project.remote, 'packs')).map(packPath),
    ...filesBelow(join(project.remote, 'receipts')).map((path) => join(project.remote, 'receipts', path)),
  ];
  const cache = join(project.top, 'scratch');
  let errors = 0;
  for (let round = 0; round < 80; round += 1) {
    const path = paths[Math.floor(draw() * paths.length)] as string;
    const whole = readFileSync(path);
    // half of the rounds hit the end of a file: indexes and footers are small
    const place = Math.floor((draw() < 0.5 ? draw() : 1 - draw() ** 4 * 0.999 - 1e-9) * whole.length);
    const spoiled = Buffer.from(whole);
    spoiled[place] = (spoiled[place] as number) ^ (1 << Math.floor(draw() * 8));
    rmSync(path);
    writeFileSync(path, spoiled);
    const what = `seed ${seed}, round ${round}, byte ${place} of ${path}`;
    mkdirSync(cache);
    const error = await fetchInto(cache);
    checkNames(cache);
    rmSync(path);
    writeFileSync(path, whole);
    if (error !== null) {
      errors += 1;
      expect(['DIGEST_MISMATCH', 'PACK_INVALID', 'RECEIPT_INVALID', 'BYTES_MISSING', 'REMOTE_FAILED'], `${what}: ${error.code}`).toContain(
        error.code,
      );
      expect(error.message, what).toMatch(/[0-9a-f]{64}/);
      expect(await fetchInto(cache), what).toBeNull();
      checkNames(cache);
    }
    rmSync(cache, { recursive: true });
  }
  // most bytes count
  expect(errors).toBeGreaterThan(25);
});

test('what this machine keeps about a remote may be spoiled: it is read anew', async () => {
  restore();
  await clone.done('pull');
  const kept = filesBelow(clone.path('.plumb/cache/remotes')).filter((path) => path.includes('/indexes/'));
  expect(kept.length).toBe(2);
  for (const path of kept) flip(clone.path('.plumb/cache/remotes', path), 100);
  for (const folder of ['objects', 'packs']) rmSync(clone.path('.plumb/cache', folder), { recursive: true });
  rmSync(clone.path('data'), { recursive: true });
  await clone.done('pull');
  checkData(clone, dataOf(1));
  // an index of another pack, in good order
  copyFileSync(clone.path('.plumb/cache/remotes', kept[0] as string), clone.path('.plumb/cache/remotes', kept[1] as string));
  for (const folder of ['objects', 'packs']) rmSync(clone.path('.plumb/cache', folder), { recursive: true });
  rmSync(clone.path('data'), { recursive: true });
  await clone.done('pull');
  checkData(clone, dataOf(1));
});
