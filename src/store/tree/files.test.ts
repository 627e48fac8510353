import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffFileTrees } from './file-diff.ts';
import { findFile, walkFiles } from './file-walk.ts';
import { createFileTreeBuilder } from './file-builder.ts';
import { compareUtf8 } from './keys.ts';
import { decodeFileNode, maxNodeBytes } from './node.ts';
import { fileOf, listOf, manyFiles, Nodes } from './tree.fixture.ts';
import type { FileChange, FileEntry } from './tree.ts';

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'a-b', 'ä', '語', '\u{1f600}', '\uffee', 'train', 'x.jpg'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((text) => !/[\p{Cc}\p{Cs}/\\]/u.test(text) && !/^\.{1,2}$/.test(text)),
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const content = fc.nat(2);
const folder = fc.dictionary(path, content, { maxKeys: 400, noNullPrototype: true });

const entriesOf = (files: Record<string, number>): FileEntry[] => Object.entries(files).map(([at, text]) => fileOf(at, text));
const sorted = (entries: readonly FileEntry[]): FileEntry[] => entries.toSorted((a, b) => compareUtf8(a.path, b.path));

function naiveDiff(a: readonly FileEntry[], b: readonly FileEntry[]): FileChange[] {
  const [before, after] = [a, b].map((entries) => new Map(entries.map((entry) => [entry.path, entry])));
  return [...new Set([...a, ...b].map((entry) => entry.path))]
    .toSorted(compareUtf8)
    .map((at) => ({ path: at, before: before?.get(at) ?? null, after: after?.get(at) ?? null }))
    .filter(({ before: x, after: y }) => JSON.stringify(x) !== JSON.stringify(y));
}

describe('a tree of files', () => {
  test('gives back its entries, in the order of UTF-8 bytes', async () => {
    await fc.assert(
      fc.asyncProperty(folder, async (files) => {
        const nodes = new Nodes();
        const entries = entriesOf(files);
        const tree = nodes.files(entries);
        expect(await listOf(walkFiles(nodes.read, tree.root))).toEqual(sorted(entries));
        expect(tree).toMatchObject({ count: entries.length, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0) });
      }),
      { numRuns: 50 },
    );
  });

  test('the order is that of the bytes', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    expect(compareUtf8('\uffee', '\u{1f600}')).toBeLessThan(0); // by UTF-16 it is the other way round
  });

  test('no entries are one empty leaf', async () => {
    const nodes = new Nodes();
    const tree = nodes.files([]);
    expect(nodes.byDigest.size).toBe(1);
    expect(decodeFileNode(await nodes.read(tree.root))).toMatchObject({ level: 0, entries: [], children: [] });
    expect(await listOf(walkFiles(nodes.read, tree.root))).toEqual([]);
    expect(await findFile(nodes.read, tree.root, 'a')).toBeNull();
  });

  test('has one root for the same entries, whatever the order in which they came', () => {
    const entries = manyFiles(3000);
    const step = 1009; // prime to 3000
    const shuffled = entries.map((_, at) => entries[(at * step) % entries.length] as FileEntry);
    expect(new Nodes().files(shuffled).root).toBe(new Nodes().files(entries).root);
  });

  test('refuses entries that are out of order, stand twice, or lead elsewhere', () => {
    const add = (...paths: string[]): void => {
      const builder = createFileTreeBuilder(new Nodes().keep);
      for (const at of paths) builder.add(fileOf(at));
    };
    expect(() => add('b', 'a')).toThrow('a comes behind b');
    expect(() => add('a', 'a')).toThrow('in order, each once');
    for (const bad of [
      '',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      '.git/config',
      '.git. /config',
      'a/GIT~1/config',
      '.g\u200cit/config',
      'a/.git\ufeff',
      'a/.GIT',
      'a\\b',
      'a\nb',
      'a\u0000',
      '\ud800',
      'x'.repeat(4097),
    ])
      expect(() => add(bad), bad).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
    expect(() => add('...', '.git.x', '.gitignore', 'a..b', 'x'.repeat(4096))).not.toThrow();
  });

  test('an edit of one of 100,000 files rewrites a node a level', async () => {
    const nodes = new Nodes();
    const entries = sorted(manyFiles(100_000));
    const before = nodes.files(entries);
    const height = decodeFileNode(await nodes.read(before.root)).level + 1;
    for (const at of [50_123, 99_999]) {
      const had = nodes.byDigest.size;
      const edited = entries.with(at, { ...(entries[at] as FileEntry), digest: fileOf('new', at).digest, bytes: 2 ** 40, executable: true });
      const after = nodes.files(edited);
      expect(nodes.byDigest.size - had).toBe(height);
      nodes.reads = [];
      expect(await listOf(diffFileTrees(nodes.read, before.root, after.root))).toEqual([
        { path: edited[at]?.path, before: entries[at], after: edited[at] },
      ]);
      expect(nodes.reads.length).toBeLessThanOrEqual(2 * height);
    }
  });

  test('a file more or less rewrites few nodes', async () => {
    const nodes = new Nodes();
    const entries = sorted(manyFiles(20_000));
    nodes.files(entries);
    const counts = Array.from({ length: 10 }, (_, at) => {
      const had = nodes.byDigest.size;
      nodes.files(at % 2 === 0 ? entries.toSpliced(at * 1997, 1) : [...entries, fileOf(`train/55/added-${at}`)]);
      return nodes.byDigest.size - had;
    });
    expect(counts.reduce((sum, count) => sum + count) / counts.length).toBeLessThan(5);
    expect(Math.max(...counts)).toBeLessThan(12);
  });

  test('nodes are about 4 KiB, none is large', () => {
    const nodes = new Nodes();
    nodes.files(manyFiles(30_000));
    const sizes = [...nodes.byDigest.values()].map((node) => node.length);
    expect(Math.max(...sizes)).toBeLessThan(20_000);
    const mean = sizes.reduce((sum, size) => sum + size) / sizes.length;
    expect(mean).toBeGreaterThan(3000);
    expect(mean).toBeLessThan(5000);
  });

  test('paths as long as they may be make nodes that can be read', async () => {
    const nodes = new Nodes();
    const entries = Array.from({ length: 60 }, (_, at) => fileOf(`${String(at).padStart(4, '0')}${'ä'.repeat(2046)}`));
    const tree = nodes.files(entries);
    expect(await listOf(walkFiles(nodes.read, tree.root))).toEqual(entries);
    expect(Math.max(...[...nodes.byDigest.values()].map((node) => node.length))).toBeLessThan(maxNodeBytes);
  });

  test('finds a path, and all below a prefix', async () => {
    await fc.assert(
      fc.asyncProperty(folder, path, async (files, other) => {
        const nodes = new Nodes();
        const entries = sorted(entriesOf(files));
        const { root } = nodes.files(entries);
        for (const prefix of [other, 'a', 'a/', 'train', '\u{1f600}', entries[3]?.path ?? '', entries.at(-1)?.path.slice(0, 2) ?? '']) {
          if (!prefix.isWellFormed()) continue;
          expect(await findFile(nodes.read, root, prefix)).toEqual(entries.find((entry) => entry.path === prefix) ?? null);
          expect(await listOf(walkFiles(nodes.read, root, prefix))).toEqual(entries.filter((entry) => entry.path.startsWith(prefix)));
        }
      }),
      { numRuns: 30 },
    );
    const nodes = new Nodes();
    const entries = sorted(manyFiles(20_000));
    const { root } = nodes.files(entries);
    nodes.reads = [];
    expect(await listOf(walkFiles(nodes.read, root, 'train/31/'))).toEqual(entries.filter((entry) => entry.path.startsWith('train/31/')));
    expect(nodes.reads.length).toBeLessThan(15);
    expect(await findFile(nodes.read, root, entries[7777]?.path ?? '')).toEqual(entries[7777]);
  });
});

describe('the difference of two trees of files', () => {
  const check = async (a: readonly FileEntry[], b: readonly FileEntry[]): Promise<void> => {
    const nodes = new Nodes();
    const [before, after] = [nodes.files(a), nodes.files(b)];
    const changes = await listOf(diffFileTrees(nodes.read, before.root, after.root));
    if (JSON.stringify(changes) !== JSON.stringify(naiveDiff(a, b))) expect(changes).toEqual(naiveDiff(a, b)); // which is slow, and explains
  };

  test('is that of the lists', async () => {
    await fc.assert(
      fc.asyncProperty(folder, folder, fc.integer({ min: 0, max: 400 }), async (files, others, kept) => {
        const entries = entriesOf(files);
        await check(entries, [...new Map([...entries.slice(0, kept), ...entriesOf(others)].map((entry) => [entry.path, entry])).values()]);
      }),
      { numRuns: 50 },
    );
  });

  test('also of trees of other heights, and where much was put in or taken out in one place', async () => {
    const entries = sorted(manyFiles(4000));
    const random = fc.sample(fc.nat(3999), { numRuns: 100, seed: 5 });
    const scattered = entries.filter((_, at) => !random.includes(at)).map((entry, at) => (at % 301 === 0 ? fileOf(entry.path, 'new') : entry));
    for (const [a, b] of [
      [entries, entries],
      [entries, []],
      [entries, entries.slice(2000, 2003)],
      [entries, entries.slice(2000, 2300)],
      [entries, entries.toSpliced(1000, 1500)],
      [entries.slice(2500), entries],
      [entries, [...Array.from({ length: 1500 }, (_, at) => fileOf(`aaa/${at}`)), ...entries]],
      [entries, scattered],
      [entries.map((entry) => fileOf(`other/${entry.path}`)), entries],
    ] as const) {
      await check(a, b);
      await check(b, a);
    }
  });

  test('reads nothing where nothing differs, and little where little does', async () => {
    const nodes = new Nodes();
    const entries = sorted(manyFiles(20_000));
    const a = nodes.files(entries);
    const b = nodes.files(entries.toSpliced(0, 3).toSpliced(10_000, 0, fileOf(`${entries[10_002]?.path}.more`)));
    const all = nodes.byDigest.size;
    nodes.reads = [];
    expect(await listOf(diffFileTrees(nodes.read, a.root, a.root))).toEqual([]);
    expect(nodes.reads).toEqual([]);
    expect((await listOf(diffFileTrees(nodes.read, a.root, b.root))).length).toBe(4);
    expect(nodes.reads.length).toBeLessThan(16);
    expect(all).toBeGreaterThan(200);
    expect((await listOf(diffFileTrees(nodes.read, null, b.root))).length).toBe(b.count);
    expect((await listOf(diffFileTrees(nodes.read, a.root, null))).length).toBe(a.count);
  });
});
