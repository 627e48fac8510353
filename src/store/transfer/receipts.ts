// Receipts in a remote: asking for them, writing them.
import { byCodeUnit, canonicalJson } from '../../base/canonical.ts';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import { parseReceipt, receiptInvalid, receiptText, type Receipt } from '../pack/receipt.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import type { NameSpace } from '../store.ts';

/** null: the remote has no receipt of that root. @throws PlumbError RECEIPT_INVALID */
export async function readReceipt(remote: Remote, root: Digest, options: RequestOptions): Promise<Receipt | null> {
  const bytes = await remote.read('receipts', hexOf(root), options);
  return bytes === null ? null : parseReceipt(bytes, root, remote.url);
}

/** The same of a version, which lies in packs: only a snapshot has none. @throws PlumbError RECEIPT_INVALID */
export async function readVersionReceipt(remote: Remote, root: Digest, options: RequestOptions): Promise<Receipt | null> {
  const receipt = await readReceipt(remote, root, options);
  if (receipt?.packs.length === 0) throw receiptInvalid(root, remote.url, 'it names no packs');
  return receipt;
}

/** The same for who is about to write one: a spoiled receipt is replaced. */
export async function readReceiptToReplace(remote: Remote, root: Digest, options: RequestOptions): Promise<Receipt | null> {
  return readVersionReceipt(remote, root, options).catch((error: unknown) => (isPlumbError(error, 'RECEIPT_INVALID') ? null : Promise.reject(error)));
}

export async function writeReceipt(remote: Remote, receipt: Receipt, options: RequestOptions): Promise<void> {
  await remote.write('receipts', hexOf(receipt.root), Buffer.from(receiptText(receipt)), { ifAbsent: false, packs: receipt.packs }, options);
}

/**
 * The root of "all of this was sent together": one question then says that there is nothing to send.
 * @param names with the digests that they have here
 */
export function snapshotRoot(what: {
  readonly roots: readonly Digest[];
  readonly names: readonly { readonly name: NameSpace; readonly digest: Digest }[];
  readonly repository: string | null;
}): Digest {
  const names = new Set(what.names.map(({ name, digest }) => `${name.kind}/${name.key} ${digest}`));
  return digestOf(
    canonicalJson({
      plumbline: 'snapshot/1',
      roots: [...new Set(what.roots)].toSorted(byCodeUnit),
      names: [...names].toSorted(byCodeUnit),
      repository: what.repository,
    }),
  );
}
