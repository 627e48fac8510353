// What is said when a remote does not do what it was asked. Nothing in these texts comes from an address with its user or query, nor from headers.
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';

export function remoteFailed(url: string, why: string, mend = 'check that the remote can be reached, and try again'): PlumbError {
  return new PlumbError('REMOTE_FAILED', { what: `the remote ${url} ${why}`, mend });
}

export function remoteDenied(url: string, why: string, mend: string): PlumbError {
  return new PlumbError('REMOTE_DENIED', { what: `the remote ${url} refuses: ${why}`, mend });
}

export function remoteReadOnly(url: string): PlumbError {
  return new PlumbError('REMOTE_READ_ONLY', {
    what: `the remote ${url} can only be read`,
    mend: 'push to the place that it shows (a folder, a bucket), from a project whose `remote` is that place',
  });
}

export function remoteCannot(url: string, what: string): PlumbError {
  return new PlumbError('REMOTE_CANNOT', {
    what: `the remote ${url} cannot ${what}`,
    mend: 'do it on the place that it shows (a folder, a bucket), from a project whose `remote` is that place',
  });
}

export function packMissing(digest: Digest, url: string): PlumbError {
  return new PlumbError('BYTES_MISSING', {
    what: `the pack ${digest} is not in the remote ${url}`,
    mend: 'run `plumb push` on a machine that has the data; if a gc took the pack away, `plumb fsck --remote` says what else is gone',
    details: { missing: [digest], remote: url },
  });
}
