import { expect, test } from 'vitest';
import { isSameStamp, wasAtRest, wasPlaced } from './file-stamp.ts';

const stamp = { bytes: 3, mtimeMs: 1_700_000_000_123.4, ctimeMs: 1_700_000_000_456.7, ino: 7, links: 1 };

test('every change of a file shows, but for the change time of a file that has several names', () => {
  expect(isSameStamp(stamp, { ...stamp })).toBe(true);
  for (const change of [{ bytes: 4 }, { mtimeMs: stamp.mtimeMs + 1 }, { ctimeMs: stamp.ctimeMs + 1 }, { ino: 8 }]) {
    expect([change, isSameStamp(stamp, { ...stamp, ...change })]).toEqual([change, false]);
  }
  const linked = { ...stamp, links: 2 };
  expect(isSameStamp(linked, { ...linked, ctimeMs: 0, links: 3 })).toBe(true);
  expect(isSameStamp(linked, { ...stamp, ctimeMs: 0 })).toBe(true);
  expect(isSameStamp(linked, { ...linked, mtimeMs: 0 })).toBe(false);
});

test('a file is believed to be what was hashed only if it was at rest then, by the tick of its clock', () => {
  expect(wasAtRest(stamp, stamp.ctimeMs + 101)).toBe(true);
  expect(wasAtRest(stamp, stamp.ctimeMs + 50)).toBe(false);
  // its times may have been set; the change time cannot be
  expect(wasAtRest({ ...stamp, mtimeMs: 1.5 }, stamp.ctimeMs + 50)).toBe(false);
  expect(wasAtRest({ ...stamp, links: 2 }, stamp.mtimeMs + 101)).toBe(true);
  const coarse = { ...stamp, mtimeMs: 1_700_000_000_000, ctimeMs: 1_700_000_000_000 };
  expect(wasAtRest(coarse, coarse.mtimeMs + 1900)).toBe(false);
  expect(wasAtRest(coarse, coarse.mtimeMs + 2001)).toBe(true);
  // ahead of the clock
  expect(wasAtRest(stamp, stamp.ctimeMs - 10_000)).toBe(false);
});

test('a file that we placed is believed at once where the clock is fine', () => {
  expect(wasPlaced(stamp, stamp.ctimeMs)).toBe(true);
  const coarse = { ...stamp, ctimeMs: 1_700_000_001_000 };
  expect(wasPlaced(coarse, coarse.ctimeMs + 500)).toBe(false);
  expect(wasPlaced(coarse, coarse.ctimeMs + 2500)).toBe(true);
});
