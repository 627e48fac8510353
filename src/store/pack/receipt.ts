// A receipt: where in a remote the objects of one version are. Found by the version's digest. Its text is canonical JSON; what comes from a remote
// is checked here by hand, field by field: commands that ask one question answer at once, and load no library for it.
import { byCodeUnit, canonicalJson } from '../../base/canonical.ts';
import { isDigest, type Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { PackRef } from '../remote.ts';
import { footerBytes, magic } from './index-file.ts';

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

/** A receipt above this is refused unread: it would name more than 100,000 packs. */
export const maxReceiptBytes: number = 16 * 1024 * 1024;
const longestName = 4096;

/** The text of a receipt. Packs and repositories may come in any order, and twice. */
export function receiptText(receipt: Receipt): string {
  const packs = new Map(receipt.packs.map(({ digest, bytes, tail }) => [digest, { digest, bytes, tail }]));
  return canonicalJson({
    plumbline: receipt.plumbline,
    root: receipt.root,
    objects: receipt.objects,
    bytes: receipt.bytes,
    packs: [...packs.values()].toSorted((a, b) => byCodeUnit(a.digest, b.digest)),
    repositories: [...new Set(receipt.repositories)].toSorted(byCodeUnit),
  });
}

/**
 * @param root that the receipt was asked for
 * @param from whose receipt it is, for the message
 * @throws PlumbError RECEIPT_INVALID
 */
export function parseReceipt(bytes: Uint8Array, root: Digest, from: string): Receipt {
  const value = bytes.length > maxReceiptBytes ? undefined : parseJson(bytes);
  const fault = value === undefined ? 'it is no JSON, or too long' : faultOf(value, root);
  if (fault === null) return value as Receipt;
  throw receiptInvalid(root, from, fault);
}

/** @param fault what is wrong with it: the end of a sentence */
export function receiptInvalid(root: Digest, from: string, fault: string): PlumbError {
  return new PlumbError('RECEIPT_INVALID', {
    what: `what ${from} has as the receipt of ${root} is none: ${fault}`,
    mend: 'push that version again from a machine that has it: its receipt is then written anew',
    details: { root, remote: from },
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

function faultOf(value: unknown, root: Digest): string | null {
  if (!isRecord(value, ['bytes', 'objects', 'packs', 'plumbline', 'repositories', 'root'])) return 'it does not have the fields of a receipt';
  if (value['plumbline'] !== 'receipt/1') return 'it does not say receipt/1';
  if (value['root'] !== root) return 'it is of another version';
  if (!isCount(value['objects']) || !isCount(value['bytes'])) return 'its objects or bytes are no counts';
  const { packs, repositories } = value;
  if (!Array.isArray(packs) || !packs.every(isPackRef) || !isAscending(packs.map((pack) => pack.digest)))
    return 'its packs are not what they should be';
  if (!Array.isArray(repositories) || !repositories.every(isName) || !isAscending(repositories)) return 'its repositories are no names in order';
  return null;
}

function isRecord(value: unknown, fields: readonly string[]): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const own = Object.keys(value).toSorted(byCodeUnit);
  return own.length === fields.length && own.every((field, at) => field === fields[at]);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestName && value.isWellFormed();
}

function isPackRef(value: unknown): value is PackRef {
  if (!isRecord(value, ['bytes', 'digest', 'tail'])) return false;
  const { digest, bytes, tail } = value;
  return isDigest(digest) && isCount(bytes) && isCount(tail) && tail >= magic.length && tail + footerBytes <= bytes;
}

function isAscending(texts: readonly string[]): boolean {
  return texts.every((text, at) => at === 0 || (texts[at - 1] as string) < text);
}
