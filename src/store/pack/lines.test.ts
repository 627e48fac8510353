import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import { maxFrameBytes } from './frame.ts';
import { applyLines } from './line-reader.ts';
import { LineTable } from './line-table.ts';
import { buildLines, type BuiltLines, type TextFile } from './lines.ts';
import { decodeChunks, decodeLines, encodeChunks, encodeLines, GrowingRuns, lineLimits, sourcesOfLines, type LineRecipe } from './recipe.ts';

const { signal } = new AbortController();
let folder: string;
let files = 0;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'plumb-lines-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string | Buffer): TextFile {
  const bytes = Buffer.from(text);
  const path = join(folder, String((files += 1)));
  writeFileSync(path, bytes);
  return { path, digest: digestOf(bytes), bytes: bytes.length };
}

async function build(
  old: TextFile,
  fresh: TextFile,
  recipe: Uint8Array | null = null,
): Promise<{ readonly built: BuiltLines | null; readonly literals: string }> {
  const literals = join(folder, `${(files += 1)}.literals`);
  return { built: await buildLines({ old: { ...old, recipe }, fresh, literals, signal }), literals };
}

async function apply(
  recipe: Uint8Array,
  paths: ReadonlyMap<Digest, string>,
  { digest, bytes, windowBytes = 2 ** 20 }: { readonly digest: Digest; readonly bytes: number; readonly windowBytes?: number },
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const sources = sourcesOfLines(recipe).map((source) => paths.get(source.digest) as string);
  await applyLines({ recipe, sources, digest, bytes, signal, windowBytes }, (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

/** 32-bit numbers one after the other, the same every time. */
function numbers(seed: string): (below: number) => number {
  let count = 0;
  return (below) =>
    createHash('sha256')
      .update(`${seed} ${(count += 1)}`)
      .digest()
      .readUInt32LE(0) % below;
}

function rows(count: number, seed: string): string[] {
  const next = numbers(seed);
  return Array.from(
    { length: count },
    (_, row) =>
      `{"id":${row},"text":"${next(2 ** 32)
        .toString(36)
        .repeat(1 + next(6))}"}\n`,
  );
}

describe('a new version from the lines of the old one', () => {
  /** Lines with many duplicates, either line end, empty ones, and sometimes none at the end. */
  const line = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('\n', 'a\n', 'a\r\n', 'b\n', '\r\n') },
    { weight: 3, arbitrary: fc.string({ maxLength: 40 }).map((text) => `${text.replaceAll('\n', ' ')}\n`) },
  );
  const text = fc
    .record({ lines: fc.array(line, { minLength: 10, maxLength: 60 }), isCut: fc.boolean() })
    .map(({ lines, isCut }) => (isCut ? lines.join('').replace(/\n$/, '') : lines.join('')));
  /** Parts of the old version in any order, with new lines between. */
  const edit = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 60 })) },
      { weight: 1, arbitrary: fc.string({ maxLength: 5 }).map((own) => `${own}\n`) },
    ),
    { minLength: 1, maxLength: 12 },
  );

  function edited(old: string, parts: readonly (readonly [number, number] | string)[]): string {
    const lines = old.split(/(?<=\n)/);
    return parts.map((part) => (typeof part === 'string' ? part : lines.slice(part[0], part[0] + part[1]).join(''))).join('');
  }

  test('whatever was edited, moved or doubled: the recipe makes the same bytes, version after version', async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(text, fc.array(edit, { minLength: 1, maxLength: 4 }), async (first, edits) => {
        let old = fileOf(first);
        let recipe: Uint8Array | null = null;
        const paths = new Map([[old.digest, old.path]]);
        for (const parts of edits) {
          const fresh = fileOf(edited(readFileSync(old.path, 'utf8'), parts));
          const { built, literals } = await build(old, fresh, recipe);
          expect(existsSync(literals)).toBe(built?.literals !== null && built !== null);
          if (built === null) return;
          made += 1;
          if (built.literals !== null) {
            expect(digestOf(readFileSync(literals))).toBe(built.literals.digest);
            expect(built.literals.bytes).toBeLessThanOrEqual(fresh.bytes / 3);
            paths.set(built.literals.digest, literals);
          }
          expect(sourcesOfLines(built.recipe)).toEqual(built.sources);
          for (const windowBytes of [11, 100]) {
            expect((await apply(built.recipe, paths, { ...fresh, windowBytes })).equals(readFileSync(fresh.path))).toBe(true);
          }
          old = fresh;
          recipe = built.recipe;
        }
      }),
      { numRuns: 60 },
    );
    expect(made).toBeGreaterThan(50);
  });

  test('rows that were edited, added, taken out and shuffled: the cost is what is new', async () => {
    const first = rows(20_000, 'first');
    const v1 = fileOf(first.join(''));
    const second = first.filter((_, row) => row % 1000 !== 7);
    for (let row = 0; row < second.length; row += 1000) second[row] = `{"edited":${row}}\n`;
    const v2 = fileOf(second.join(''));
    const next = numbers('shuffle');
    const third = [...second, ...rows(50, 'more')].map((row) => ({ row, at: next(2 ** 32) }));
    const v3 = fileOf(
      third
        .toSorted((a, b) => a.at - b.at)
        .map(({ row }) => row)
        .join(''),
    );

    const two = await build(v1, v2);
    expect(two.built?.literals?.bytes).toBe(second.filter((row) => row.includes('edited')).join('').length);
    expect(two.built?.runs).toBeLessThan(70);
    expect(two.built?.recipe.length).toBeLessThan(600);
    const three = await build(v2, v3, two.built?.recipe);
    expect(three.built?.sources.map(({ digest }) => digest)).toEqual([v1.digest, two.built?.literals?.digest, three.built?.literals?.digest]);
    // the order of n rows is log2(n!) bits
    expect(three.built?.recipe.length).toBeLessThan(20_000 * 2.4);
    const paths = new Map([
      [v1.digest, v1.path],
      [two.built?.literals?.digest as Digest, two.literals],
      [three.built?.literals?.digest as Digest, three.literals],
    ]);
    expect((await apply(three.built?.recipe as Buffer, paths, v3)).equals(readFileSync(v3.path))).toBe(true);
  });

  test('more runs than a window takes', async () => {
    const old = Array.from({ length: 300_000 }, (_, row) => `${row.toString(36)}\n`);
    const [v1, v2] = [fileOf(old.join('')), fileOf(old.toReversed().join(''))];
    const { built } = await build(v1, v2);
    expect(built?.runs).toBe(300_000);
    expect(built?.recipe.length).toBeLessThan(1000);
    expect(
      (await apply(built?.recipe as Buffer, new Map([[v1.digest, v1.path]]), { ...v2, windowBytes: 2 ** 26 })).equals(readFileSync(v2.path)),
    ).toBe(true);
  });

  test('lines of which nothing is left need their file no more', async () => {
    const base = rows(200, 'base');
    const v1 = fileOf(base.join(''));
    const v2 = fileOf([...base, 'soon gone\n'].join(''));
    const two = await build(v1, v2);
    const { built } = await build(v2, v1, two.built?.recipe);
    expect(built?.sources.map(({ digest }) => digest)).toEqual([v1.digest]);
    expect(built).toMatchObject({ runs: 1, literals: null });
  });

  test('a line that stands in many places does not cut the run it belongs to', async () => {
    const old = Array.from({ length: 1000 }, (_, row) => `{\n${row}\n}\n`);
    const { built } = await build(fileOf(old.join('')), fileOf([...old.slice(500), ...old.slice(0, 500)].join('')));
    expect(built?.runs).toBe(2);
  });

  test.each([
    ['nothing', 'a\nb\n', ''],
    ['out of nothing', '', 'a\nb\n'],
    ['mostly new', 'a\nb\n', 'a\nc\nd\ne\n'],
  ])('%s: no recipe, and no file is left', async (_, old, fresh) => {
    const { built, literals } = await build(fileOf(old), fileOf(fresh));
    expect(built).toBeNull();
    expect(existsSync(literals)).toBe(false);
  });

  test('lines longer than what is read at once', async () => {
    const long = `${'x'.repeat(5_000_000)}\n`;
    const v1 = fileOf(`a\n${long}b\n${long.replace('x', 'y')}`);
    const v2 = fileOf(`${long.replace('x', 'y')}b\nnew\n${long}${long}`);
    const { built, literals } = await build(v1, v2);
    expect(built?.literals?.bytes).toBe(4);
    const paths = new Map([
      [v1.digest, v1.path],
      [built?.literals?.digest as Digest, literals],
    ]);
    expect((await apply(built?.recipe as Buffer, paths, v2)).equals(readFileSync(v2.path))).toBe(true);
    expect((await build(v1, fileOf(`a\n${'z'.repeat(17_000_000)}`))).built).toBeNull();
  });

  test('a file that stands where the new lines should go is left alone', async () => {
    const there = fileOf('mine');
    const what = { old: { ...fileOf('a\nb\nc\nd\n'), recipe: null }, fresh: fileOf('a\nb\nc\nd\ne\n'), literals: there.path, signal };
    await expect(buildLines(what)).rejects.toThrow('EEXIST');
    expect(readFileSync(there.path, 'utf8')).toBe('mine');
  });

  test('an old recipe that is not of the old version gives none', async () => {
    const old = fileOf('a\nb\nc\nd\n');
    const other = await build(old, fileOf('d\na\nb\n'));
    expect((await build(old, fileOf('b\na\nc\n'), other.built?.recipe)).built).toBeNull();
  });
});

describe('recipes of lines', () => {
  const recipeOf = (runs: readonly (readonly [number, number, number])[], sources: number): LineRecipe => ({
    sources: Array.from({ length: sources }, (_, number) => ({ digest: digestOf(`source ${number}`), bytes: number * 2 ** 40 })),
    runs: {
      length: runs.length,
      source: Uint8Array.from(runs, ([source]) => source),
      line: Uint32Array.from(runs, ([, line]) => line),
      count: Uint32Array.from(runs, ([, , count]) => count),
    },
  });
  const run = fc
    .tuple(fc.nat(31), fc.nat(lineLimits.lines - 1), fc.oneof(fc.constant(1), fc.nat(lineLimits.lines)))
    .map(([source, line, count]) => [source, line, Math.max(1, Math.min(count, lineLimits.lines - line))] as const);

  test('what is encoded is decoded', () => {
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 300 }), (runs) => {
        const recipe = recipeOf(runs, 32);
        expect(decodeLines(encodeLines(recipe) as Buffer)).toEqual(recipe);
      }),
    );
  });

  test('too many sources, or no run, is no recipe', () => {
    expect(encodeLines(recipeOf([[0, 0, 1]], 33))).toBeNull();
    expect(encodeLines(recipeOf([], 1))).toBeNull();
  });

  test('lying bytes are refused, or make bytes that do not verify; never more than the object has', async () => {
    const v1 = fileOf(rows(500, 'hostile').join(''));
    const lines = readFileSync(v1.path, 'utf8').split(/(?<=\n)/);
    const v2 = fileOf([...lines.slice(250), 'new\n', ...lines.slice(0, 250).toReversed()].join(''));
    const { built, literals } = await build(v1, v2);
    const recipe = built?.recipe as Buffer;
    const attempt = async (bytes: Buffer): Promise<void> => {
      let written = 0;
      const applying = applyLines(
        { recipe: bytes, sources: [v1.path, literals], digest: v2.digest, bytes: v2.bytes, signal },
        (piece) => void (written += piece.length),
      );
      const error = await applying.catch((caught: unknown) => caught);
      expect(written).toBeLessThanOrEqual(v2.bytes);
      expect(error === undefined || isPlumbError(error, 'PACK_INVALID') || isPlumbError(error, 'DIGEST_MISMATCH'), String(error)).toBe(true);
    };
    for (let at = 0; at < recipe.length; at += 1) {
      const bytes = Buffer.from(recipe);
      bytes[at]! ^= 1 << (at % 8);
      // another number of sources needs another number of paths: whoever fetches them sees that first
      if (sourceCount(bytes) === 2) await attempt(bytes);
    }
    for (let length = 0; length < recipe.length; length += 7)
      expect(() => decodeLines(recipe.subarray(0, length))).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
  });

  function sourceCount(recipe: Buffer): number {
    try {
      return sourcesOfLines(recipe).length;
    } catch {
      return 2;
    }
  }

  test('a recipe that repeats one line for ever stops where the object ends', async () => {
    const source = fileOf('line\n'.repeat(1000));
    const recipe = encodeLines({
      sources: [source],
      runs: recipeOf(
        Array.from({ length: 10_000 }, () => [0, 0, 1000] as const),
        1,
      ).runs,
    }) as Buffer;
    expect(recipe.length).toBeLessThan(300);
    let written = 0;
    const applying = applyLines(
      { recipe, sources: [source.path], digest: source.digest, bytes: 7777, signal },
      (piece) => void (written += piece.length),
    );
    await expect(applying).rejects.toMatchObject({ code: 'PACK_INVALID' });
    expect(written).toBe(7777);
  });

  test('a source of another size, or with fewer lines, is refused', async () => {
    const source = fileOf('a\nb\nc');
    const recipe = (lines: number, bytes: number): Buffer =>
      encodeLines({ sources: [{ digest: source.digest, bytes }], runs: recipeOf([[0, 0, lines]], 1).runs }) as Buffer;
    const applied = (bytes: Buffer): Promise<Buffer> => apply(bytes, new Map([[source.digest, source.path]]), source);
    expect((await applied(recipe(3, 5))).toString()).toBe('a\nb\nc');
    await expect(applied(recipe(3, 6))).rejects.toMatchObject({ code: 'PACK_INVALID' });
    await expect(applied(recipe(4, 5))).rejects.toMatchObject({ code: 'PACK_INVALID' });
    await expect(applied(recipe(1_000_000, 5))).rejects.toMatchObject({ code: 'PACK_INVALID' });
  });

  test('it stops when it is told to', async () => {
    const source = fileOf('a\n');
    const recipe = encodeLines({ sources: [source], runs: recipeOf([[0, 0, 1]], 1).runs }) as Buffer;
    const what = { recipe, sources: [source.path], digest: source.digest, bytes: 2, signal: AbortSignal.abort() };
    await expect(applyLines(what, () => undefined)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

test('runs that go on are one', () => {
  const runs = new GrowingRuns();
  for (let line = 0; line < 5000; line += 1) runs.append(line % 2, Math.floor(line / 2), 1);
  for (let line = 0; line < 5000; line += 1) runs.append(2, line, 1);
  expect(runs.length).toBe(5001);
  expect([runs.source[5000], runs.line[5000], runs.count[5000]]).toEqual([2, 0, 5000]);
});

test('the table of lines tells lines apart that differ in one byte, or in length', () => {
  const table = new LineTable();
  const enter = (bytes: Buffer): number => {
    table.hash(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    const found = table.find();
    table.append();
    return found;
  };
  const line = Buffer.from('{"id":"00000000","label":"x","prompt":"the same in every row","score":0.125}\n');
  expect(enter(line)).toBe(-1);
  for (let at = 0; at < line.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const other = Buffer.from(line);
      other[at]! ^= 1 << bit;
      expect(enter(other)).toBe(-1);
    }
  }
  for (let length = 0; length < 3000; length += 1) expect(enter(Buffer.alloc(length))).toBe(-1);
  expect(enter(Buffer.from(line))).toBe(0);
  expect(enter(Buffer.alloc(100))).toBe(line.length * 8 + 1 + 100);
});

describe('lists of chunks', () => {
  const chunks = fc.array(
    fc.record({
      digest: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((seed) => digestOf(seed)),
      bytes: fc.integer({ min: 1, max: maxFrameBytes }),
    }),
    { maxLength: 50 },
  );

  test('what is encoded is decoded, and must add up', () => {
    fc.assert(
      fc.property(chunks, (list) => {
        const bytes = list.reduce((sum, chunk) => sum + chunk.bytes, 0);
        const recipe = encodeChunks(list);
        const decoded = decodeChunks(recipe, bytes);
        expect([...decoded]).toEqual(list);
        expect(decoded.length).toBe(list.length);
        for (const wrong of [
          () => decodeChunks(recipe, bytes + 1),
          () => decodeChunks(recipe.subarray(0, -1), bytes),
          () => decodeChunks(Buffer.concat([recipe, Buffer.from('x')]), bytes),
        ]) {
          expect(wrong).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
        }
      }),
    );
  });

  test('a chunk of nothing, or larger than a frame, is refused', () => {
    for (const bytes of [0, maxFrameBytes + 1]) {
      expect(() => decodeChunks(encodeChunks([{ digest: digestOf('x'), bytes }]), bytes)).toThrow(
        expect.objectContaining({ code: 'PACK_INVALID' }) as Error,
      );
    }
  });
});
