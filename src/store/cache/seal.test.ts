import { closeSync, openSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { newPlace } from './cache.fixture.ts';
import { isSealed, seal, sealOf } from './seal.ts';

const hex = (start: string): Digest => `sha256:${start.padEnd(64, '0')}`;

test('the seal is the first four bytes of the digest, big-endian, modulo a million', () => {
  expect(sealOf(hex('00000001'))).toBe(1);
  expect(sealOf(hex('000f4240'))).toBe(0);
  expect(sealOf(hex('ffffffff'))).toBe(967_295);
});

test('a sealed file is sealed, keeps its second, and any write breaks the seal', () => {
  const { folder } = newPlace();
  const path = join(folder, 'file');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4_000_000_000_000 }), fc.string(), (mtimeMs, text) => {
      writeFileSync(path, text);
      utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
      const digest = digestOf(text);
      const before = statSync(path);
      expect(seal(path, digest, before)).toBe(true);
      const after = statSync(path);
      expect(isSealed(after.mtimeMs, digest)).toBe(true);
      expect(Math.floor(after.mtimeMs / 1000)).toBe(Math.floor(before.mtimeMs / 1000));
      expect(isSealed(after.mtimeMs + 0.003, digest)).toBe(false);
      expect(isSealed(after.mtimeMs - 0.003, digest)).toBe(false);
    }),
    { numRuns: 50 },
  );
  const digest = digestOf('x');
  seal(path, digest, statSync(path));
  const file = openSync(path, 'r+');
  writeFileSync(file, 'y');
  closeSync(file);
  expect(isSealed(statSync(path).mtimeMs, digest)).toBe(false);
});

test('a microsecond that a file system rounds away does not break a seal, at the ends of a second either', () => {
  const first = hex('000f4240');
  const last = hex('000f423f');
  expect(isSealed(1_700_000_000_000.001, first)).toBe(true);
  expect(isSealed(1_700_000_000_999.999, first)).toBe(true);
  expect(isSealed(1_700_000_000_000, last)).toBe(true);
  expect(isSealed(-1.0005, hex('000f3e57'))).toBe(true);
  expect(isSealed(1_700_000_000_000.003, first)).toBe(false);
});

test('a file system that keeps whole seconds shows no seal: nothing is trusted by mistake', () => {
  const unsealed = Array.from({ length: 1000 }, (_, at) => digestOf(String(at))).filter((digest) => !isSealed(1_700_000_000_000, digest));
  expect(unsealed.length).toBe(1000);
});
