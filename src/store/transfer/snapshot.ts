// What a push is about, and the one question that says whether all of it was sent before.
import { hexOf, type Digest } from '../../base/digest.ts';
import type { Named, NameSpace, PushRoot } from '../store.ts';
import type { Line } from './frames.ts';
import { readLocalNamed } from './names.ts';
import { snapshotRoot } from './receipts.ts';

export interface NameHere extends Named {
  readonly name: NameSpace;
}

export interface Snapshot {
  /** each once */
  readonly roots: readonly PushRoot[];
  /** those that this machine knows */
  readonly names: readonly NameHere[];
  /** of all of it */
  readonly digest: Digest;
}

/** @param repository under which a remote that several share knows who needs what */
export function snapshotOf(
  cacheRoot: string,
  what: { readonly roots: readonly PushRoot[]; readonly names: readonly NameSpace[]; readonly repository: string | null },
): Snapshot {
  const roots = [...new Map(what.roots.map((root) => [root.digest, root])).values()];
  const names = what.names.flatMap((name): NameHere[] => {
    const named = readLocalNamed(cacheRoot, name);
    return named === null ? [] : [{ name, ...named }];
  });
  return { roots, names, digest: snapshotRoot({ roots: roots.map((root) => root.digest), names, repository: what.repository }) };
}

/** One request. */
export function wasSent({ remote, lanes, signal }: Line, { digest }: Snapshot): Promise<boolean> {
  return lanes.run(() => remote.has('receipts', hexOf(digest), { signal }));
}
