// The manifest: one version of a data set as an object of the store. Its digest is the version's name.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, isDigest, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { isSafePath } from './paths.ts';
import type { Manifest, ManifestPart, RowFormat } from './schema.ts';

export type { Manifest, ManifestPart } from './schema.ts';
export type RowsManifest = Extract<Manifest, { kind: 'rows' }>;
export type FilesManifest = Extract<Manifest, { kind: 'files' }>;

/** The bytes whose SHA-256 names the version: canonical JSON (RFC 8785). */
export function manifestText(manifest: Manifest): string {
  return canonicalJson(manifest);
}

export function digestOfManifest(manifest: Manifest): Digest {
  return digestOf(manifestText(manifest));
}

/** @param parts in any order */
export function filesManifest(parts: readonly ManifestPart[]): FilesManifest {
  return { plumbline: 'manifest/1', kind: 'files', parts: parts.toSorted((a, b) => byCodeUnit(a.path, b.path)) };
}

/**
 * The manifest of a file of rows. All but the part's digest stands in datasets.lock too: so a working copy can be checked against
 * the lock by its own digest alone, without the manifest.
 * @param head an entry of the lock, or what reading the rows found
 */
export function rowsManifest(
  head: { format: RowFormat; key?: string | undefined; label?: string | undefined; rows: number; schema: Record<string, string> },
  part: RowsManifest['parts'][number],
): RowsManifest {
  const { format, key, label, rows, schema } = head;
  const columns = { ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
  return { plumbline: 'manifest/1', kind: 'rows', format, rows, ...columns, schema, parts: [part] };
}

/** Bytes of all parts together. */
export function manifestBytes(manifest: Manifest): number {
  return manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
}

/** @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID */
export async function readManifest(store: Pick<Store, 'readBytes'>, digest: Digest): Promise<Manifest> {
  const text = (await store.readBytes(digest)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const fault = faultOf(value);
  if (fault === null) return value as Manifest;
  throw new PlumbError('MANIFEST_INVALID', {
    what: `object ${shortDigest(digest)} is no manifest of a data set: ${fault}`,
    mend: 'a digest in datasets.lock or in a run record names the wrong object: restore that file from git',
    details: { digest },
  });
}

/** Checked by hand, not by zod: `status` reads manifests and must answer at once. The paths of parts become paths of this machine. */
function faultOf(value: unknown): string | null {
  if (value === null || typeof value !== 'object') return 'it is not an object of JSON';
  const manifest = value as Partial<Record<string, unknown>>;
  if (manifest['plumbline'] !== 'manifest/1') return 'it does not say manifest/1';
  if (manifest['kind'] !== 'rows' && manifest['kind'] !== 'files') return 'its kind is neither rows nor files';
  if (manifest['kind'] === 'rows' && !isRowsHead(manifest)) return 'its format, rows or schema are not what they should be';
  const parts = manifest['parts'];
  if (!Array.isArray(parts) || (manifest['kind'] === 'rows' && parts.length !== 1)) return 'its parts are not what they should be';
  const bad: unknown = parts.find((part) => !isPart(part));
  return bad === undefined ? null : `part ${JSON.stringify(bad).slice(0, 120)} is not what it should be`;
}

function isRowsHead(manifest: Partial<Record<string, unknown>>): boolean {
  const { format, rows, schema } = manifest;
  const known = format === 'jsonl' || format === 'csv' || format === 'parquet';
  return known && Number.isSafeInteger(rows) && schema !== null && typeof schema === 'object';
}

function isPart(part: unknown): boolean {
  if (part === null || typeof part !== 'object') return false;
  const { path, digest, bytes, mode } = part as Partial<Record<string, unknown>>;
  return (
    typeof path === 'string' &&
    isSafePath(path) &&
    isDigest(digest) &&
    Number.isSafeInteger(bytes) &&
    (mode === undefined || mode === '100644' || mode === '100755')
  );
}
