import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import { decodeFrame, encodeFrame, unzstd, zstdStored } from './frame.ts';
import { encodeFooter, footerBytes, parseFooter, parsePackIndex } from './index-file.ts';
import { forms, type PackSummary, type Role } from './pack.ts';
import { openPackFile, objectsOf, readTail, splitFrames, type DecodedFrame, type StoredObject } from './reader.ts';
import { createPack } from './writer.ts';

let folder: string;
let packs = 0;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'plumb-pack-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Given {
  readonly bytes: Buffer;
  readonly role: Role;
}

function write(objects: readonly Given[], compress: boolean): { readonly path: string; readonly summary: PackSummary } {
  const path = join(folder, `${(packs += 1)}.pack`);
  const pack = createPack(path, { compress });
  for (const { bytes, role } of objects) pack.add({ digest: digestOf(bytes), bytes: bytes.length, role, form: forms.bytes }, bytes);
  return { path, summary: pack.finish() };
}

/** Bytes that look random and are the same every time. */
function noise(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}

/** Sizes around every border: nothing, small, half a frame, a frame, larger; compressible and not. */
const object = fc
  .record({
    seed: fc.nat(40),
    length: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 30_000, max: 70_000 }),
      fc.constantFrom(32_768, 65_535, 65_536, 131_072, 300_000),
    ),
    isNoise: fc.boolean(),
    role: fc.constantFrom<Role>('data', 'meta'),
  })
  .map(({ seed, length, isNoise, role }): Given => ({ bytes: isNoise ? noise(String(seed), length) : Buffer.alloc(length, `row ${seed};`), role }));

function verified({ digest, stored }: StoredObject): Digest {
  expect(digestOf(stored)).toBe(digest);
  return digest;
}

describe('what goes into a pack comes out of it', () => {
  test('any objects, by every way of reading', () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 40 }), fc.boolean(), (objects, compress) => {
        const { path, summary } = write(objects, compress);
        const wanted = new Map(objects.map(({ bytes, role }) => [digestOf(bytes), { bytes, role }] as const).toReversed());
        const file = readFileSync(path);
        expect(summary).toEqual({ digest: digestOf(file), bytes: file.length, tail: summary.tail, objects: wanted.size });
        const pack = openPackFile(path);
        try {
          for (const [digest, { bytes }] of wanted) {
            const entry = pack.index.find(digest);
            expect(pack.index.digestAt(entry)).toBe(digest);
            expect(pack.index.locationAt(entry)).toMatchObject({ form: forms.bytes, bytes: bytes.length, length: bytes.length });
            expect(pack.read(entry).equals(bytes)).toBe(true);
          }
          expect([...pack.objects()].map(verified).toSorted()).toEqual([...wanted.keys()].toSorted());
          expect(pack.index.find(digestOf('in no pack'))).toBe(-1);
        } finally {
          pack.close();
        }
        const tail = readTail(file.subarray(summary.tail), { tail: summary.tail, bytes: file.length });
        // a data frame of nothing has no place of its own: it may be met in the tail as well
        const isSome = (digest: Digest): boolean => digest !== digestOf('');
        const meta = [...tail.metaFrames()].flatMap((frame) => [...objectsOf(tail.index, frame)].map(verified));
        const sent = [...wanted].filter(([, { role }]) => role === 'meta').map(([digest]) => digest);
        expect(meta.filter(isSome).toSorted()).toEqual(sent.filter(isSome).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('small objects share frames, large ones have one each, and no frame is large', () => {
    const small = Array.from({ length: 3000 }, (_, number) => ({ bytes: noise(`small ${number}`, 276), role: 'data' as const }));
    const large = Array.from({ length: 3 }, (_, number) => ({ bytes: noise(`large ${number}`, 400_000), role: 'data' as const }));
    const { path } = write([...small.slice(0, 1000), ...large, ...small.slice(1000)], false);
    const pack = openPackFile(path);
    const raws = Array.from({ length: pack.index.frames }, (_, frame) => pack.index.frameAt(frame).raw);
    pack.close();
    expect(raws.filter((raw) => raw === 400_000)).toHaveLength(3);
    expect(raws.filter((raw) => raw !== 400_000).every((raw) => raw <= 128 * 1024)).toBe(true);
    expect(raws).toHaveLength(3 + Math.ceil(3000 / Math.floor((128 * 1024) / 276)));
  });

  test('an object that comes twice is stored once, whatever it comes as', () => {
    const bytes = noise('twice', 5000);
    const once = write([{ bytes, role: 'data' }], false).summary;
    expect(
      write(
        [
          { bytes, role: 'data' },
          { bytes, role: 'meta' },
          { bytes, role: 'data' },
        ],
        false,
      ).summary,
    ).toEqual(once);
  });

  test('recipes are kept with the size of the object that they make', () => {
    const path = join(folder, 'recipe.pack');
    const pack = createPack(path, { compress: true });
    const digest = digestOf('a large object');
    pack.add({ digest, bytes: 2 ** 33 + 5, role: 'data', form: forms.lines }, Buffer.from('the recipe'));
    expect(pack.has(digest)).toBe(true);
    expect(pack.has(digestOf('another'))).toBe(false);
    pack.finish();
    const file = openPackFile(path);
    expect(file.index.locationAt(0)).toEqual({ frame: 0, offset: 0, length: 10, form: forms.lines, bytes: 2 ** 33 + 5 });
    expect(file.read(0).toString()).toBe('the recipe');
    file.close();
  });

  test('text is compressed, what is compressed already is not', () => {
    const text = write(
      Array.from({ length: 200 }, (_, number) => ({
        bytes: Buffer.from(`{"row":${number},"text":"${'words '.repeat(50)}"}`),
        role: 'data' as const,
      })),
      true,
    );
    expect(text.summary.bytes).toBeLessThan(12_000);
    const random = noise('random', 300_000);
    expect(encodeFrame(random).codec).toBe(0);
    expect(encodeFrame(random).stored).toBe(random);
  });

  test('a pack that is given up leaves nothing, and one never writes over a file', () => {
    const path = join(folder, 'given-up.pack');
    const pack = createPack(path, { compress: false });
    expect(() => createPack(path, { compress: false })).toThrow('EEXIST');
    pack.abandon();
    expect(existsSync(path)).toBe(false);
    expect(() => createPack(join(folder, 'no', 'such.pack'), { compress: false })).toThrow(
      expect.objectContaining({ code: 'FILE_MISSING' }) as Error,
    );
  });

  test('the bytes of a pack that is not compressed are the same for ever', () => {
    const { path, summary } = write(
      [
        { bytes: Buffer.from('{"plumbline":"manifest/1"}'), role: 'meta' },
        { bytes: Buffer.from('one row\n'), role: 'data' },
        { bytes: Buffer.alloc(0), role: 'data' },
        { bytes: noise('golden', 70_000), role: 'data' },
        { bytes: Buffer.from('another row\n'), role: 'data' },
      ],
      false,
    );
    expect(summary).toEqual({ digest: golden, bytes: 70_423, tail: 70_028, objects: 5 });
    expect(readFileSync(path).subarray(0, 8).toString()).toBe('PLPACK1\n');
  });
});

const golden = 'sha256:10362f4692217017253d509e1477b4d21eef99a44f6a20aff626c37fad2b7b60';

describe('frames out of a stream', () => {
  async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  async function collect(frames: AsyncIterable<DecodedFrame>): Promise<DecodedFrame[]> {
    const all: DecodedFrame[] = [];
    for await (const frame of frames) all.push(frame);
    return all;
  }

  const given = Array.from({ length: 60 }, (_, number): Given => ({
    bytes: number % 2 === 0 ? noise(`${number}`, 20_000) : Buffer.alloc(30_000, `row ${number}`),
    role: 'data',
  }));

  test('any frames, from any beginning, whatever the pieces', async () => {
    const { path } = write(given, true);
    const file = readFileSync(path);
    const index = parsePackIndex(file, file.length);
    expect(index.frames).toBeGreaterThan(8);
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(
          Array.from({ length: index.frames }, (_, frame) => frame),
          { minLength: 1 },
        ),
        fc.integer({ min: 1000, max: 200_000 }),
        fc.nat(500),
        async (frames, size, before) => {
          const start = Math.max(0, index.frameAt(frames[0] as number).offset - before);
          const got = await collect(splitFrames(inPieces(file.subarray(start), size), start, index, frames));
          expect(got.map(({ frame }) => frame)).toEqual(frames);
          for (const decoded of got) expect([...objectsOf(index, decoded)].map(verified).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a frame of nothing behind the last byte is found, a stream that ends early is refused', async () => {
    const { path } = write(
      [
        { bytes: noise('a', 70_000), role: 'data' },
        { bytes: Buffer.alloc(0), role: 'data' },
      ],
      false,
    );
    const file = readFileSync(path);
    const index = parsePackIndex(file, file.length);
    expect(index.frames).toBe(2);
    const upTo = (end: number): Promise<DecodedFrame[]> => collect(splitFrames(inPieces(file.subarray(0, end), 9999), 0, index, [0, 1]));
    expect((await upTo(index.tail)).map(({ raw }) => raw.length).toSorted((a, b) => a - b)).toEqual([0, 70_000]);
    await expect(upTo(index.tail - 1)).rejects.toMatchObject({ code: 'PACK_INVALID' });
  });
});

describe('bytes that lie', () => {
  /** Reads all that a pack says it holds. @returns digests whose bytes are right */
  function readAll(bytes: Buffer): Digest[] {
    const index = parsePackIndex(bytes, bytes.length);
    const right: Digest[] = [];
    for (let frame = 0; frame < index.frames; frame += 1) {
      const place = index.frameAt(frame);
      const raw = decodeFrame(bytes.subarray(place.offset, place.offset + place.stored), place);
      for (const { digest, stored } of objectsOf(index, { frame, raw })) if (digestOf(stored) === digest) right.push(digest);
    }
    return right;
  }

  const given = Array.from({ length: 50 }, (_, number): Given => ({
    bytes: number % 3 === 0 ? noise(`${number}`, 300) : Buffer.from(`row ${number} `.repeat(40)),
    role: number % 5 === 0 ? 'meta' : 'data',
  }));

  test('a flipped bit, a cut or a longer file is refused, or the object whose bytes it is does not verify', () => {
    const { path } = write(given, true);
    const file = readFileSync(path);
    const all = readAll(file).toSorted();
    expect(all).toHaveLength(50);
    const known = new Set(all);
    const outcome = (bytes: Buffer): 'refused' | 'fewer' | 'all' => {
      try {
        const right = readAll(bytes);
        expect(right.every((digest) => known.has(digest))).toBe(true);
        return right.length < all.length ? 'fewer' : 'all';
      } catch (error) {
        expect(isPlumbError(error, 'PACK_INVALID')).toBe(true);
        return 'refused';
      }
    };
    const outcomes = { refused: 0, fewer: 0, all: 0 };
    for (let at = 0; at < file.length; at += 3) {
      const bytes = Buffer.from(file);
      bytes[at]! ^= 1 << (at % 8);
      outcomes[outcome(bytes)] += 1;
    }
    // the few bits that change nothing: in headers of zstd frames
    expect(outcomes.all).toBeLessThan(10);
    expect(outcomes.refused).toBeGreaterThan(100);
    expect(outcomes.fewer).toBeGreaterThan(100);
    for (let length = 0; length < file.length; length += 97) expect(outcome(file.subarray(0, length))).toBe('refused');
    expect(outcome(Buffer.concat([file, Buffer.from('x')]))).toBe('refused');
    expect(outcome(Buffer.concat([Buffer.from('x'), file]))).toBe('refused');
  });

  /** A pack with one frame of eight bytes and two objects in it, as somebody might forge it. */
  function forged(
    change: (raw: Buffer, footer: { tail: number; index: number; storedBytes: number; rawBytes: number; frames: number; objects: number }) => void,
  ): Buffer {
    const raw = Buffer.alloc(17 + 2 * 53);
    raw.writeUInt32LE(8, 0);
    raw.writeUInt32LE(8, 8);
    raw.writeUInt32LE(8, 12);
    raw[17 + 32] = 1;
    for (const entry of [0, 1]) {
      raw.writeUInt32LE(4 * entry, 17 + 72 + 4 * entry);
      raw.writeUInt32LE(4, 17 + 80 + 4 * entry);
      raw.writeUInt32LE(4, 17 + 90 + 8 * entry);
    }
    const footer = { tail: 16, index: 16, storedBytes: zstdStored(raw).length, rawBytes: raw.length, frames: 1, objects: 2 };
    change(raw, footer);
    return Buffer.concat([Buffer.from('PLPACK1\n8 bytes '), zstdStored(raw), encodeFooter(footer)]);
  }
  const parse = (bytes: Buffer): unknown => parsePackIndex(bytes, bytes.length);

  test('a forged pack that is right is read', () => {
    const index = parsePackIndex(
      forged(() => undefined),
      forged(() => undefined).length,
    );
    expect(index.locationAt(1)).toEqual({ frame: 0, offset: 4, length: 4, form: 0, bytes: 4 });
    expect(index.entriesOf(0)).toEqual([0, 1]);
  });

  test.each<[string, Parameters<typeof forged>[0]]>([
    ['an object outside of its frame', (raw) => raw.writeUInt32LE(5, 17 + 84)],
    ['objects that overlap', (raw) => (raw.writeUInt32LE(8, 17 + 80), raw.writeUInt32LE(8, 17 + 90))],
    ['an offset that runs over', (raw) => raw.writeUInt32LE(0xffffffff, 17 + 76)],
    ['a frame that is not there', (raw) => raw.writeUInt32LE(1, 17 + 68)],
    ['a form that is none', (raw) => void (raw[17 + 89] = 3)],
    ['bytes that are not the length', (raw) => raw.writeUInt32LE(5, 17 + 98)],
    ['a size beyond what numbers hold', (raw) => (raw.writeUInt32LE(0xffffffff, 17 + 102), (raw[17 + 89] = 1))],
    ['digests out of order', (raw) => void (raw[17] = 2)],
    ['a digest twice', (raw) => void (raw[17 + 32] = 0)],
    ['a frame elsewhere', (raw) => raw.writeUInt32LE(9, 0)],
    ['a frame that is larger raw than stored', (raw) => raw.writeUInt32LE(9, 12)],
    ['a codec that is none', (raw) => void (raw[16] = 2)],
    ['zstd that does not save', (raw) => void (raw[16] = 1)],
    ['a frame of 4 GB', (raw) => (raw.writeUInt32LE(0xffffffff, 12), (raw[16] = 1))],
    ['a tail in the middle of a frame', (_, footer) => void (footer.tail = 12)],
    ['a tail behind the index', (_, footer) => void (footer.tail = 17)],
    ['more objects than may be', (_, footer) => void (footer.objects = 0xffffffff)],
    ['a raw index of another size', (_, footer) => void (footer.rawBytes = 0xffffffff)],
    ['more frames than the raw index has', (_, footer) => void (footer.frames = 2)],
  ])('%s is refused', (_, change) => {
    expect(() => parse(forged(change))).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
  });

  test('nothing is decompressed beyond the size that is stated', () => {
    const bomb = encodeFrame(Buffer.alloc(8 * 1024 * 1024)).stored;
    expect(bomb.length).toBeLessThan(2000);
    expect(() => decodeFrame(bomb, { stored: bomb.length, raw: 4096, codec: 1 })).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
    expect(() => decodeFrame(bomb, { stored: bomb.length, raw: 8 * 1024 * 1024 + 1, codec: 1 })).toThrow(
      expect.objectContaining({ code: 'PACK_INVALID' }) as Error,
    );
  });

  test('a file that begins otherwise, or was cut, is not opened', () => {
    const { path } = write(given, false);
    const file = readFileSync(path);
    for (const bytes of [Buffer.concat([Buffer.from('x'), file.subarray(1)]), file.subarray(0, -1), file.subarray(0, 20), Buffer.alloc(0)]) {
      const wrong = join(folder, 'wrong.pack');
      writeFileSync(wrong, bytes);
      expect(() => openPackFile(wrong)).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
    }
    expect(() => openPackFile(join(folder, 'none.pack'))).toThrow(expect.objectContaining({ code: 'FILE_MISSING' }) as Error);
  });

  test('a tail that is not what the receipt says is refused', () => {
    const { path, summary } = write(given, true);
    const file = readFileSync(path);
    const at = { tail: summary.tail, bytes: file.length };
    expect(() => readTail(file.subarray(summary.tail - 1), { ...at, tail: summary.tail - 1 })).toThrow(
      expect.objectContaining({ code: 'PACK_INVALID' }) as Error,
    );
    expect(() => readTail(file.subarray(summary.tail), { ...at, tail: summary.tail - 1 })).toThrow(
      expect.objectContaining({ code: 'PACK_INVALID' }) as Error,
    );
    expect(() => parseFooter(Buffer.alloc(footerBytes), 1000)).toThrow(expect.objectContaining({ code: 'PACK_INVALID' }) as Error);
  });
});

test('a zstd frame of stored blocks is one that every decoder reads', () => {
  for (const length of [1, 1000, 131_072, 131_073, 400_000]) {
    const raw = noise('stored', length);
    expect(unzstd(zstdStored(raw), length, 'it').equals(raw)).toBe(true);
  }
});
