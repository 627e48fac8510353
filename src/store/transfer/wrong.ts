// What is said of bytes that a remote gave and nobody may use.
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';

export interface WrongObject {
  readonly digest: Digest;
  readonly pack: Digest;
}

/** @param wrong at least one; missing: objects that are not there for whatever reason, these too */
export function wrongBytes(wrong: readonly WrongObject[], missing: readonly Digest[], remote: string): PlumbError {
  const [first] = wrong as [WrongObject, ...WrongObject[]];
  const others = wrong.length === 1 ? '' : `, and so with ${wrong.length - 1} other objects`;
  return new PlumbError('DIGEST_MISMATCH', {
    what: `the bytes of ${first.digest} in the pack ${first.pack} of the remote ${remote} are not what they should be${others}; they are not used`,
    mend: 'run `plumb fsck --remote --repair` on a machine that has them, or push them again from there',
    details: { digest: first.digest, pack: first.pack, wrong: wrong.slice(0, 1000), missing: missing.slice(0, 1000), remote },
  });
}

/** The remote did not give everything: its own words, and what is not there for it. */
export function cutOff(cause: PlumbError, missing: readonly Digest[]): PlumbError {
  return new PlumbError(cause.code, {
    what: missing.length === 0 ? cause.message : `${cause.message} (${missing.length} objects are not there yet, ${String(missing[0])} first)`,
    mend: `${cause.mend}; what came is kept, and the next try brings the rest`,
    details: { ...cause.details, missing: missing.slice(0, 1000) },
    cause,
  });
}
