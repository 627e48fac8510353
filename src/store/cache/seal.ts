// The seal: an object file that is known to be good, and to be on the disk, has in its modification time a fraction of a second that follows from its
// digest. Whoever writes to the file, through whatever name, moves that time and so breaks the seal. One stat then says whether a file is as it was
// when it was hashed; no list of what was verified is kept anywhere.
//
// A file that was not written by us is sealed by chance once in 300,000. File systems that keep whole seconds only never show a seal: there
// objects are hashed at each first use. What the disk itself spoils does not break a seal: that is what fsck looks for.
import { futimesSync, utimesSync, type Stats } from 'node:fs';
import type { Digest } from '../../base/digest.ts';
import { isReadOnly } from './sharing.ts';

const second = 1_000_000;

/** The microseconds that seal an object: 0 to 999,999. */
export function sealOf(digest: Digest): number {
  return Number.parseInt(digest.slice(7, 15), 16) % second;
}

/** @param mtimeMs of the object's file, with its fraction. One microsecond more or less is the rounding of a time in a double */
export function isSealed(mtimeMs: number, digest: Digest): boolean {
  const micros = Math.floor(mtimeMs * 1000) % second;
  const apart = Math.abs((micros < 0 ? micros + second : micros) - sealOf(digest));
  return apart <= 1 || apart >= second - 1;
}

/**
 * Seals a file, by its path or open: only its owner can. The seconds of its time stay.
 * @returns false: it cannot be sealed by us; whoever uses it hashes it
 */
export function seal(file: string | number, digest: Digest, facts: Pick<Stats, 'mtimeMs' | 'atimeMs'>): boolean {
  // in the middle of its microsecond, so that cutting digits off does not leave it
  const time = Math.floor(facts.mtimeMs / 1000) + (sealOf(digest) + 0.5) / second;
  try {
    if (typeof file === 'string') utimesSync(file, facts.atimeMs / 1000, time);
    else futimesSync(file, facts.atimeMs / 1000, time);
    return true;
  } catch (error) {
    if (isReadOnly(error)) return false;
    throw error;
  }
}
