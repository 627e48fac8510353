// Has a file been changed since it was hashed? A stat says, if what is kept of the earlier one cannot have been kept by a change.
//
// ctime is the best witness, for no program can set it; but where a file has several names (the cache's objects are hard-linked into work trees),
// making or taking away one of them moves it, and then it is passed over. A file that is written twice within one tick of the clock can keep its
// times: as git does, a stamp is believed only where the file was already at rest when it was hashed.
import type { Stats } from 'node:fs';
import type { FileStamp } from '../store/cache/cache.ts';

export function stampOf(facts: Stats): FileStamp {
  return { bytes: facts.size, mtimeMs: facts.mtimeMs, ctimeMs: facts.ctimeMs, ino: facts.ino, links: facts.nlink };
}

/** @param known of when it was hashed; now: what a stat says now */
export function isSameStamp(known: FileStamp, now: FileStamp): boolean {
  if (known.mtimeMs !== now.mtimeMs || known.bytes !== now.bytes || known.ino !== now.ino) return false;
  return known.links !== 1 || now.links !== 1 || known.ctimeMs === now.ctimeMs;
}

/** Kernels stamp files by a clock that ticks every 1 to 10 ms. */
const fineRestMs = 100;
/** FAT's clock, the coarsest in use, ticks every 2 s. */
const coarseRestMs = 2000;

/**
 * Was a file at rest at a moment, so that whatever was written later shows in its stamp?
 * @param nowMs the moment when it was hashed, by the clock that stamps the files
 */
export function wasAtRest(stamp: FileStamp, nowMs: number): boolean {
  const changed = stamp.links === 1 ? Math.max(stamp.ctimeMs, stamp.mtimeMs) : stamp.mtimeMs;
  return changed < nowMs - (isCoarse(stamp) ? coarseRestMs : fineRestMs);
}

/** The change time is the file system's own; without a fraction of a second it comes from one that has none. */
function isCoarse({ ctimeMs }: FileStamp): boolean {
  return ctimeMs % 1000 === 0;
}

/**
 * Can the stamp be believed of a file that we made under a name that nobody knew, and renamed? Others can write to it only later: where the clock is
 * fine, that shows.
 */
export function wasPlaced(stamp: FileStamp, nowMs: number): boolean {
  return !isCoarse(stamp) || wasAtRest(stamp, nowMs);
}
