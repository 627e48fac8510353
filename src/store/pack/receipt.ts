// A receipt: where in a remote the objects of one version are. Found by the version's digest.
import type { Digest } from '../../base/digest.ts';
import type { PackRef } from '../remote.ts';

export interface Receipt {
  readonly plumbline: 'receipt/1';
  /** the version: a manifest, a run record, an object; or the digest of a list of roots that were sent together ("nothing new" is one question) */
  readonly root: Digest;
  /** objects of the version, and their bytes */
  readonly objects: number;
  readonly bytes: number;
  /** together they hold every object of the version; sorted by digest */
  readonly packs: readonly PackRef[];
  /** repositories that named this version, sorted: a gc lets go only of what nobody else needs */
  readonly repositories: readonly string[];
}
