// Where things stand in a remote that is keys and bytes (a folder, S3, a web server): one layout, so that a bucket copied to a folder is a remote, too.
//
//   packs/<64 hex>          condemned/<64 hex>
//   receipts/ab/<64 hex>    ab: its first two digits, for a folder of a million files is slow on many a share
//   names/runs/<64 hex>     names/trusted/<64 hex>     names/pull7/<64 hex>     names/fork7/<64 hex>     names/condemned/<64 hex>
//                           one folder a trust domain, so that the rights of a job can end there. No - in it: a tag of a registry has that for /
import { PlumbError } from '../../base/errors.ts';
import type { RemoteKind } from '../remote.ts';

const forms: Readonly<Record<RemoteKind, RegExp>> = {
  packs: /^[0-9a-f]{64}$/,
  receipts: /^[0-9a-f]{64}$/,
  names: /^(?:runs|trusted|(?:pull|fork)[1-9][0-9]{0,9}|condemned)\/[0-9a-f]{64}$/,
  condemned: /^[0-9a-f]{64}$/,
};

/** The most bytes that a text of a remote may have: a receipt of 500,000 packs (30 TB), a name of a digest and the signature of a job's runs. */
export function mostTextBytes(kind: 'receipts' | 'names', key: string): number {
  return kind === 'receipts' || key.startsWith('condemned/') ? 64 << 20 : key.startsWith('runs/') ? 4096 : 256 << 10;
}

/** A key goes into paths and addresses: what is none must not get there. @throws PlumbError NAME_INVALID */
export function checkKey(kind: RemoteKind, key: string): string {
  if (forms[kind].test(key)) return key;
  throw new PlumbError('NAME_INVALID', {
    what: `${JSON.stringify(key.slice(0, 120))} cannot be a key of ${kind} in a remote`,
    mend:
      kind === 'names'
        ? 'a name is "runs/", "trusted/", "pull7/", "fork7/" or "condemned/" and 64 lower-case hex digits'
        : 'a key is 64 lower-case hex digits',
  });
}

/** @throws PlumbError NAME_INVALID */
export function pathOfKey(kind: RemoteKind, key: string): string {
  checkKey(kind, key);
  return kind === 'receipts' ? `receipts/${key.slice(0, 2)}/${key}` : `${kind}/${key}`;
}

/** The reverse; null for a path that is none of ours. */
export function keyOfPath(kind: RemoteKind, path: string): string | null {
  const key = path.slice(kind === 'receipts' ? 'receipts/ab/'.length : kind.length + 1);
  return forms[kind].test(key) && pathOfKey(kind, key) === path ? key : null;
}
