import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { peekObject } from './peek.ts';
import { createPack } from './writer.ts';

function newPack(objects: readonly Buffer[], compress = false): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-peek-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const writer = createPack(join(folder, 'pack'), { compress });
  for (const [at, bytes] of objects.entries()) {
    const role = at % 3 === 0 ? 'meta' : 'data';
    writer.add({ digest: digestOf(bytes), bytes: bytes.length, role, form: 0 }, bytes);
  }
  writer.finish();
  return join(folder, 'pack');
}

function contents(count: number): Buffer[] {
  return Array.from({ length: count }, (_, at) => Buffer.from(`object ${at} `.repeat(1 + (at % 50))));
}

test('an object is found without its index, wherever the blocks of that end', () => {
  // 53 bytes an object: the index has several blocks of 128 KiB, and digests lie across their ends
  for (const count of [1, 2, 3000, 9000]) {
    const all = contents(count);
    const path = newPack(all);
    for (let at = 0; at < count; at += Math.max(1, Math.floor(count / 400))) expect(peekObject(path, digestOf(all[at]!))).toEqual(all[at]);
    for (let at = 0; at < 50; at += 1) expect(peekObject(path, digestOf(`other ${at}`))).toBeNull();
  }
});

test('a pack without objects has none; one whose index is compressed is left to others', () => {
  expect(peekObject(newPack([]), digestOf('a'))).toBeNull();
  const all = contents(100);
  expect(peekObject(newPack(all, true), digestOf(all[0]!))).toBeNull();
});

test('of a pack that was cut or spoiled never wrong bytes come', () => {
  const all = contents(60);
  const good = readFileSync(newPack(all));
  const path = newPack([]);
  const look = (at: number): Buffer | null => {
    try {
      return peekObject(path, digestOf(all[at]!));
    } catch (error) {
      expect(error).toMatchObject({ code: 'PACK_INVALID' });
      return null;
    }
  };
  const write = (bytes: Buffer): void => {
    truncateSync(path);
    appendFileSync(path, bytes);
  };
  fc.assert(
    fc.property(fc.nat(59), fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, place, change, isCut) => {
      const bytes = isCut ? good.subarray(0, place) : Buffer.from(good);
      if (!isCut) bytes[place] = (bytes[place] as number) ^ change;
      write(bytes);
      const found = look(at);
      if (found !== null) expect(found).toEqual(all[at]);
    }),
    { numRuns: 500 },
  );
  write(good);
  expect(look(7)).toEqual(all[7]);
  writeFileSync(`${path}-short`, 'short');
  expect(peekObject(`${path}-short`, digestOf('a'))).toBeNull();
  expect(() => peekObject(`${path}-not`, digestOf('a'))).toThrow('ENOENT');
});
