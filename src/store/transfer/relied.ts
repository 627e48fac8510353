// What a push builds on may go while it runs: a gc without a grace time takes receipts back and deletes packs at once. So each looks after it has acted:
// a gc reads all receipts once more before it deletes a pack, and a push that has written its receipts reads those again that it built on. Whichever
// of the two is later sees what the other did.
import { hexOf, type Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { Receipt } from '../pack/receipt.ts';
import { eachInParallel } from '../parallel.ts';
import type { PackRef } from '../remote.ts';
import type { Line } from './frames.ts';
import { readReceiptToReplace } from './receipts.ts';

const width = 16;

/**
 * @param bases receipts as they were when the push began
 * @param packs that no receipt named when it began
 * @returns a version, or a pack, that is not what it was; null: all is there
 */
export async function goneSince(line: Line, bases: Iterable<Receipt>, packs: Iterable<PackRef>): Promise<Digest | null> {
  const { remote, lanes, signal } = line;
  let gone: Digest | null = null;
  await eachInParallel(bases, { width, signal }, async (base) => {
    const now = await lanes.run(() => readReceiptToReplace(remote, base.root, { signal }));
    const named = new Set(now?.packs.map(({ digest }) => digest));
    if (!base.packs.every(({ digest }) => named.has(digest))) gone = base.root;
  });
  await eachInParallel(packs, { width, signal }, async ({ digest }) => {
    if (!(await lanes.run(() => remote.has('packs', hexOf(digest), { signal })))) gone = digest;
  });
  return gone;
}

/** Receipts that name what is gone are worse than none: the next push would believe them. */
export async function takeBackReceipts({ remote, lanes, signal }: Line, roots: Iterable<Digest>): Promise<void> {
  await eachInParallel(roots, { width, signal }, (root) => lanes.run(() => remote.remove('receipts', hexOf(root), { signal })));
}

export function letGo(what: Digest, url: string): PlumbError {
  return new PlumbError('REMOTE_FAILED', {
    what: `the remote ${url} let go of ${what}, which this push builds on, while it was running`,
    mend: 'run `plumb push` again: what was sent is found again',
    details: { root: what },
  });
}
