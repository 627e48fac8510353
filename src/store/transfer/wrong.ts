// What came of a fetch, and what is said of bytes that are not there, or that nobody may use.
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { bytesMissing } from '../faults.ts';

export interface WrongObject {
  readonly digest: Digest;
  readonly pack: Digest;
}

export interface Outcome {
  /** that came */
  readonly objects: number;
  /** that are not there, for whatever reason */
  readonly missing: readonly Digest[];
  readonly wrong: readonly WrongObject[];
  /** what the remote said first */
  readonly failure: PlumbError | null;
}

/** @returns what is missing, and why; null: nothing is */
export function faultOf({ missing, wrong, failure }: Outcome, remote: string): PlumbError | null {
  if (wrong.length > 0) return wrongBytes(wrong, missing, remote);
  if (missing.length === 0) return null;
  return failure === null ? bytesMissing(missing, remote) : cutOff(failure, missing);
}

export function joined(a: Outcome, b: Outcome): Outcome {
  return {
    objects: a.objects + b.objects,
    missing: [...a.missing, ...b.missing],
    wrong: [...a.wrong, ...b.wrong],
    failure: a.failure ?? b.failure,
  };
}

/** @param wrong at least one; missing: objects that are not there for whatever reason, these too */
function wrongBytes(wrong: readonly WrongObject[], missing: readonly Digest[], remote: string): PlumbError {
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
