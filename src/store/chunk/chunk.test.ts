import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { createChunker } from './chunker.ts';
import { murmur3 } from './murmur3.ts';
import { chunkSizes, rowChunks, type ChunkSizes } from './policy.ts';
import { createRowCutter } from './rows.ts';

/** Bytes without a pattern, always the same. */
function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** @param blocks lengths of the buffers that the bytes come in, over and over */
function cut(bytes: Buffer, sizes: ChunkSizes, blocks: readonly number[]): number[] {
  const chunker = createChunker(sizes);
  const lengths: number[] = [];
  let open = 0;
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const block = bytes.subarray(at, at + (blocks[turn % blocks.length] as number));
    let start = 0;
    for (const end of chunker.push(block)) {
      lengths.push(open + end - start);
      open = 0;
      start = end;
    }
    open += block.length - start;
    at += block.length;
  }
  const rest = chunker.finish();
  expect(rest).toBe(open);
  return rest === 0 ? lengths : [...lengths, rest];
}

function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}

test('murmur3 is that of the reference', () => {
  const of = (text: string): number => murmur3(new DataView(Uint8Array.from(Buffer.from(text)).buffer), 0, Buffer.byteLength(text));
  expect([of(''), of('a'), of('ab'), of('abc'), of('abcd'), of('hello'), of('The quick brown fox jumps over the lazy dog')]).toEqual([
    0, 0x3c2569b2, 0x9bbfd75f, 0xb3dd93fa, 0x43ed676a, 0x248bfa47, 0x2e4ff723,
  ]);
});

describe('chunks of bytes', () => {
  const sizes = { min: 64, average: 256, max: 1024 };
  const blocks = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });

  test('are the bytes, whatever buffers they came in, and keep to their sizes', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(), blocks, (length, seed, of) => {
        const bytes = noise(length, seed);
        const lengths = cut(bytes, sizes, of);
        expect(lengths).toEqual(cut(bytes, sizes, [Math.max(1, length)]));
        expect(lengths.reduce((sum, one) => sum + one, 0)).toBe(length);
        for (const one of lengths) expect(one).toBeLessThanOrEqual(sizes.max);
        for (const one of lengths.slice(0, -1)) expect(one).toBeGreaterThan(sizes.min);
      }),
      { numRuns: 100 },
    );
  });

  test('end where the stated rule says, however slowly it is computed', () => {
    const gear = Array.from({ length: 256 }, (_, byte) => Number.parseInt(digestOf(Buffer.from([...Buffer.from('plumb gear '), byte])).slice(7, 15).replace(/(..)(..)(..)(..)/, '$4$3$2$1'), 16)); // prettier-ignore
    const bytes = noise(30_000, 77);
    const expected: number[] = [];
    let [length, word] = [0, 0n];
    for (const byte of bytes) {
      length += 1;
      if (length > sizes.min) word = (word * 2n + BigInt(gear[byte] ?? 0)) % 2n ** 32n;
      const zeros = length <= sizes.average ? 10n : 6n;
      if ((length > sizes.min && word >> (32n - zeros) === 0n) || length === sizes.max) {
        expected.push(length);
        [length, word] = [0, 0n];
      }
    }
    expect(cut(bytes, sizes, [4096])).toEqual(length === 0 ? expected : [...expected, length]);
  });

  test('are about as large as they should be', () => {
    for (const average of [1024, 8192]) {
      const lengths = cut(noise(4_000_000), { min: average / 4, average, max: average * 4 }, [65_536]);
      expect(4_000_000 / lengths.length / average).toBeGreaterThan(0.85);
      expect(4_000_000 / lengths.length / average).toBeLessThan(1.25);
    }
  });

  test('an insertion at the front, or in the middle, moves few of them', () => {
    const bytes = noise(2_000_000, 9);
    const at = { min: 1024, average: 4096, max: 16_384 };
    const before = new Set(pieces(bytes, cut(bytes, at, [65_536])).map(digestOf));
    for (const place of [0, 1, 999_999]) {
      const edited = Buffer.concat([bytes.subarray(0, place), Buffer.from('some new bytes'), bytes.subarray(place)]);
      const fresh = pieces(edited, cut(edited, at, [65_536])).filter((piece) => !before.has(digestOf(piece)));
      expect(fresh.length).toBeLessThan(6);
    }
  });

  test('golden: the cuts are those of the first release', () => {
    expect(cut(noise(200_000), { min: 8192, average: 32_768, max: 131_072 }, [65_536])).toEqual([68_104, 48_108, 16_147, 36_871, 30_770]);
    expect(cut(Buffer.alloc(300_000), { min: 8192, average: 32_768, max: 131_072 }, [65_536])).toEqual([131_072, 131_072, 37_856]);
  });

  test('sizes that make no sense are refused', () => {
    for (const bad of [
      { min: 1, average: 1000, max: 4000 },
      { min: 1024, average: 1024, max: 4096 },
      { min: 1, average: 1024, max: 1024 },
      { min: 1, average: 2, max: 4 },
    ])
      // prettier-ignore
      expect(() => createChunker(bad)).toThrow('no sizes');
  });
});

test('sizes go by kind and size', () => {
  const [KiB, MiB, GiB] = [1024, 1024 ** 2, 1024 ** 3];
  expect(chunkSizes('bytes', 64 * KiB - 1)).toBeNull();
  expect(chunkSizes('bytes', 64 * KiB)).toEqual({ min: 64 * KiB, average: 256 * KiB, max: MiB });
  expect(chunkSizes('bytes', 4 * GiB)).toEqual({ min: 64 * KiB, average: 256 * KiB, max: MiB });
  expect(chunkSizes('bytes', 5 * GiB)?.average).toBe(512 * KiB);
  expect(chunkSizes('bytes', 5000 * GiB)).toEqual({ min: MiB, average: 4 * MiB, max: 16 * MiB });
  expect(chunkSizes('rows', 10)).toEqual(rowChunks);
  for (let size = 64 * KiB; size < 2 ** 45; size *= 3) createChunker(chunkSizes('bytes', size) as ChunkSizes);
});

describe('chunks of rows', () => {
  const small = { min: 20, average: 60, max: 200 };
  const line = fc
    .oneof(fc.string({ maxLength: 30 }), fc.string({ minLength: 150, maxLength: 400 }), fc.constant(''))
    .map((text) => text.replaceAll('\n', ' '));
  const field = fc.oneof(
    fc.stringMatching(/^[a-z]{0,20}$/),
    fc.stringMatching(/^[a-z,"\r\n]{0,30}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
  );
  const record = fc
    .tuple(fc.array(field, { minLength: 1, maxLength: 3 }), fc.constantFrom('\n', '\r\n', '\r'))
    .map(([fields, end]) => fields.join(',') + end);

  function cutRows(bytes: Buffer, format: { quoted: boolean }, sizes: ChunkSizes, blocks: readonly number[]): number[] {
    const cutter = createRowCutter(format, sizes);
    const ends: number[] = [];
    let start = 0;
    let read = 0;
    for (let turn = 0; ; turn += 1) {
      read = Math.min(bytes.length, read + (blocks[turn % blocks.length] as number));
      const found = cutter.cut(bytes.subarray(start, read), read === bytes.length);
      ends.push(...found.map((end) => start + end)); // eslint-disable-line no-loop-func
      start = ends.at(-1) ?? 0;
      if (read === bytes.length) return ends;
    }
  }

  /** The rule, said another way: over whole rows. */
  function chunksOf(rows: readonly Buffer[], { min, average, max }: ChunkSizes): Buffer[] {
    const chunks: Buffer[] = [];
    let open: Buffer = Buffer.alloc(0);
    const end = (): void => {
      if (open.length > 0) chunks.push(open);
      open = Buffer.alloc(0);
    };
    for (const row of rows) {
      if (open.length + row.length > max) end();
      open = Buffer.concat([open, row]);
      const hash = murmur3(new DataView(row.buffer, row.byteOffset, row.length), 0, row.length);
      if (open.length > max || (open.length >= min && hash / 2 ** 32 < row.length / (average - min))) end();
    }
    end();
    return chunks;
  }

  const blocks = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 });

  test.each([
    { name: 'lines', quoted: false, row: line.map((text) => `${text}\n`) },
    { name: 'records of CSV', quoted: true, row: record },
  ])('end where rows end: $name', ({ quoted, row }) => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.option(fc.stringMatching(/^[a-z]{1,300}$/)), blocks, (rows, tail, of) => {
        // a CR before a row that is empty but for its LF would be one line end
        const texts = rows.filter((text, at) => !(quoted && text.startsWith('\n') && rows[at - 1]?.endsWith('\r') === true));
        const all = [...texts, ...(tail === null ? [] : [tail])].map((text) => Buffer.from(text));
        const bytes = Buffer.concat(all);
        const ends = cutRows(bytes, { quoted }, small, of);
        const chunks = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
        expect(chunks.map(String)).toEqual(chunksOf(all, small).map(String));
      }),
      { numRuns: 400 },
    );
  });

  test('are about 8 KiB, and an edited row changes one or two', () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => Buffer.from(`{"id":${at},"text":"${noise(40 + (at % 200), at).toString('hex')}"}\n`));
    const digestsOf = (all: readonly Buffer[]): string[] => {
      const bytes = Buffer.concat(all);
      const ends = cutRows(bytes, { quoted: false }, rowChunks, [1 << 20]);
      return ends.map((end, at) => digestOf(bytes.subarray(ends[at - 1] ?? 0, end)));
    };
    const before = digestsOf(rows);
    const average = Buffer.concat(rows).length / before.length;
    expect(average).toBeGreaterThan(7000);
    expect(average).toBeLessThan(10_000);
    const had = new Set(before);
    for (const at of [0, 777, 19_999]) {
      expect(digestsOf(rows.with(at, Buffer.from('{"id":0,"text":"edited"}\n'))).filter((digest) => !had.has(digest)).length).toBeLessThanOrEqual(3);
      expect(digestsOf(rows.toSpliced(at, 1)).filter((digest) => !had.has(digest)).length).toBeLessThanOrEqual(3);
    }
  });

  test('a row that is too large is a chunk by itself', () => {
    const long = Buffer.alloc(3_000_000, 0x61);
    const bytes = Buffer.concat([Buffer.from('a\nb\n'), long, Buffer.from('\nc\n')]);
    expect(cutRows(bytes, { quoted: false }, rowChunks, [1000])).toEqual([4, 3_000_005, 3_000_007]);
    expect(cutRows(Buffer.alloc(0), { quoted: false }, rowChunks, [1000])).toEqual([]);
  });

  test('golden: the cuts are those of the first release', () => {
    const rows = Buffer.from(Array.from({ length: 1000 }, (_, at) => `${at},"row ${at * at}"\n`).join(''));
    expect(cutRows(rows, { quoted: true }, { min: 512, average: 2048, max: 16_384 }, [4096])).toEqual([1218, 5139, 10647, 15628, 16427]);
  });
});
