// What is said when bytes are not there, or not what they should be.
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';

export const howToConfigure =
  'name one as `remote:` in plumbline.yaml: a folder (/srv/plumb, ../remote), s3://bucket/prefix or oci://registry/owner/name';

/** @param remote the remote that was asked, or null where none is configured */
export function bytesMissing(digests: readonly Digest[], remote: string | null): PlumbError {
  const [first] = digests;
  const subject = digests.length === 1 ? String(first) : `${digests.length} objects (${String(first)}, ...)`;
  const verb = digests.length === 1 ? 'is' : 'are';
  return new PlumbError('BYTES_MISSING', {
    what: `${subject} ${verb} not in the cache, ${remote === null ? 'and no remote is configured' : `nor in the remote ${remote}`}`,
    mend: remote === null ? howToConfigure : 'run `plumb push` on the machine that made them, then try again',
    details: { missing: digests.slice(0, 1000), remote },
  });
}

export function remoteMissing(): PlumbError {
  return new PlumbError('REMOTE_MISSING', { what: 'no remote is configured', mend: howToConfigure });
}

export function mismatch(expected: Digest, actual: Digest, where: string): PlumbError {
  return new PlumbError('DIGEST_MISMATCH', {
    what: `${where} should be ${expected} and is ${actual}`,
    where: { file: where },
    mend: 'the bytes are not used; fetch them again, or make them again and push',
    details: { expected, actual },
  });
}

/**
 * An object of the cache was not what its name says, and nobody has good bytes.
 * @param missing all that is not there, that one, too
 */
export function damaged(digest: Digest, cacheDir: string, remote: string | null, missing: readonly Digest[] = [digest]): PlumbError {
  return new PlumbError('DIGEST_MISMATCH', {
    what: `${digest} was damaged in the cache and is set aside in ${cacheDir}/bad; ${
      remote === null ? 'no remote is configured to get good bytes from' : `the remote ${remote} does not have it`
    }`,
    mend: 'add or run again what made these bytes, or push them from a machine that has them',
    details: { digest, remote, missing: missing.slice(0, 1000) },
  });
}
