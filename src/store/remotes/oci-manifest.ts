// A receipt or a name as an OCI image manifest. The text stands whole in an annotation, so that reading it is one request; the packs of a receipt stand
// as layers beside it, so that the registry knows that they are needed.
//
//   artifactType  application/vnd.plumbline.receipt.v1 | application/vnd.plumbline.name.v1
//   config        the empty descriptor
//   layers        packs: application/vnd.plumbline.pack.v1; the empty descriptor where there are none, because registries want one layer at least
//   annotations   dev.plumbline.key   the key: with it two things are never one manifest, and deleting one leaves the other
//                 dev.plumbline.text  the receipt's JSON, the name's digest
//                 org.opencontainers.image.created  when, by the registry's clock
//   tag           receipts: the key (64 hex digits); names: the key with - for / (runs-<hex>)
//
// Source: OCI image spec 1.1, manifest.md, "Guidelines for Artifact Usage"
import { canonicalJson } from '../../base/canonical.ts';
import { digestOf, isDigest, type Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { PackRef } from '../remote.ts';
import { checkKey, keyOfPath } from './keys.ts';

export type ManifestKind = 'receipts' | 'names';

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const packType = 'application/vnd.plumbline.pack.v1';
const artifactTypes = { receipts: 'application/vnd.plumbline.receipt.v1', names: 'application/vnd.plumbline.name.v1' } as const;
const keyName = 'dev.plumbline.key';
const textName = 'dev.plumbline.text';
const createdName = 'org.opencontainers.image.created';

/** What registries take: the specification asks them to take 4 MiB at least, and they do not take more. A receipt of about 15,000 packs. */
export const mostManifestBytes = 4 << 20;

export const emptyBlob = Buffer.from('{}');
const emptyDescriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: digestOf(emptyBlob),
  size: emptyBlob.length,
  data: emptyBlob.toString('base64'),
};

/** What a manifest of ours says. */
export interface Written {
  readonly key: string;
  readonly text: string;
  readonly packs: readonly { readonly digest: Digest; readonly bytes: number }[];
  /** ISO 8601; null: nobody knows */
  readonly created: string | null;
}

/** @throws PlumbError REMOTE_CANNOT where it names more packs than a manifest can */
export function writeManifest(kind: ManifestKind, what: Omit<Written, 'packs'> & { readonly packs: readonly PackRef[] }): Buffer {
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType: artifactTypes[kind],
      config: emptyDescriptor,
      layers:
        what.packs.length === 0 ? [emptyDescriptor] : what.packs.map((pack) => ({ mediaType: packType, digest: pack.digest, size: pack.bytes })),
      annotations: { [keyName]: what.key, [textName]: what.text, ...(what.created === null ? {} : { [createdName]: what.created }) },
    }),
  );
  if (bytes.length <= mostManifestBytes) return bytes;
  throw new PlumbError('REMOTE_CANNOT', {
    what: `a version of ${what.packs.length} packs is more than a registry can name in one manifest (${bytes.length} bytes, at most ${mostManifestBytes})`,
    mend: 'cut the data set in two, or take a remote of another kind (S3, a folder) for it',
  });
}

/** @returns null for what is not ours, or not of that key */
export function readManifest(kind: ManifestKind, key: string, bytes: Uint8Array): Written | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  const { artifactType, annotations, layers } = fields(value);
  const { [keyName]: named, [textName]: text, [createdName]: created } = fields(annotations);
  if (artifactType !== artifactTypes[kind] || named !== key || typeof text !== 'string' || !Array.isArray(layers)) return null;
  const packs = layers.map(fields).filter((layer) => layer['mediaType'] === packType);
  return {
    key,
    text,
    packs: packs.flatMap(({ digest, size }) =>
      isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0 ? [{ digest, bytes: Number(size) }] : [],
    ),
    created: typeof created === 'string' && Number.isFinite(Date.parse(created)) ? created : null,
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** @throws PlumbError NAME_INVALID */
export function tagOf(kind: ManifestKind, key: string): string {
  return checkKey(kind, key).replace('/', '-');
}

/** @returns null for a tag of something else */
export function keyOf(kind: ManifestKind, tag: string): string | null {
  const key = kind === 'receipts' ? tag : tag.replace('-', '/');
  return keyOfPath(kind, kind === 'receipts' ? `receipts/${key.slice(0, 2)}/${key}` : `names/${key}`);
}
