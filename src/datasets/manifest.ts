// The manifest: one version of a data set as an object of the store. Its digest is the version's name.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, isDigest, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { Store } from '../store/store.ts';
import { isSafePath } from './paths.ts';
import type { FilePart, LockEntry, Manifest, RowFormat } from './schema.ts';

export type { FilePart, Manifest } from './schema.ts';
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
export function filesManifest(parts: readonly FilePart[]): FilesManifest {
  return { plumbline: 'manifest/1', kind: 'files', parts: parts.toSorted((a, b) => byCodeUnit(a.path, b.path)) };
}

/** What is known of rows beside their bytes; the lock says it too, for people. */
interface RowsHead {
  readonly format: RowFormat;
  readonly key?: string | undefined;
  readonly label?: string | undefined;
  readonly rows: number;
  readonly schema: Record<string, string>;
}

/**
 * The manifest of a file of rows.
 * @param head what reading the rows found
 */
export function rowsManifest(head: RowsHead, part: RowsManifest['parts'][number]): RowsManifest {
  const { format, key, label, rows, schema } = head;
  const columns = { ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
  return { plumbline: 'manifest/1', kind: 'rows', format, rows, ...columns, schema, parts: [part] };
}

/** Bytes of all parts together. */
export function manifestBytes(manifest: Manifest): number {
  const parts: readonly { bytes: number }[] = manifest.parts;
  return parts.reduce((sum, part) => sum + part.bytes, 0);
}

/** Whether an entry of the lock says of its data what the manifest says. */
export function agrees(entry: LockEntry, manifest: Manifest): boolean {
  if (entry.bytes !== manifestBytes(manifest)) return false;
  if (entry.format === 'files' || manifest.kind === 'files')
    return entry.format === 'files' && manifest.kind === 'files' && entry.files === manifest.parts.length;
  return manifest.parts[0]?.digest === entry.content && headText(entry) === headText(manifest);
}

function headText({ format, key, label, rows, schema }: RowsHead): string {
  return canonicalJson([format, key ?? null, label ?? null, rows, schema]);
}

/**
 * The manifest that an entry of the lock names. The entry's other lines are compared with it: in a merge that was put together by hand the digest
 * may be of one side and the content of the other, and a stage would read other rows than its record names.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
export async function readLockedManifest<Entry extends LockEntry>(
  store: Pick<Store, 'readBytes'>,
  name: string,
  entry: Entry,
): Promise<Entry extends { format: 'files' } ? FilesManifest : RowsManifest> {
  const manifest = await readManifest(store, entry.digest);
  if (agrees(entry, manifest)) return manifest as Awaited<ReturnType<typeof readLockedManifest<Entry>>>;
  throw new PlumbError('MANIFEST_INVALID', {
    what: `${files.lock} says other things of data set "${name}" than the manifest that it names, ${shortDigest(entry.digest)}`,
    where: { file: files.lock },
    mend: `restore ${files.lock} from git, or lock what stands in the work tree: \`plumb add ${entry.path}\``,
  });
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

/** Checked by hand, not by zod: `plumb run` reads manifests and must answer at once. The paths of parts become paths of this machine. */
function faultOf(value: unknown): string | null {
  if (value === null || typeof value !== 'object') return 'it is not an object of JSON';
  const manifest = value as Partial<Record<string, unknown>>;
  if (manifest['plumbline'] !== 'manifest/1') return 'it does not say manifest/1';
  if (manifest['kind'] !== 'rows' && manifest['kind'] !== 'files') return 'its kind is neither rows nor files';
  if (manifest['kind'] === 'rows' && !isRowsHead(manifest)) return 'its format, rows or schema are not what they should be';
  const parts = manifest['parts'];
  if (!Array.isArray(parts) || (manifest['kind'] === 'rows' && parts.length !== 1)) return 'its parts are not what they should be';
  const isGood = manifest['kind'] === 'rows' ? isPart : isFilePart;
  const bad: unknown = parts.find((part) => !isGood(part));
  return bad === undefined ? null : `part ${JSON.stringify(bad).slice(0, 120)} is not what it should be`;
}

function isRowsHead(manifest: Partial<Record<string, unknown>>): boolean {
  const { format, rows, schema } = manifest;
  const known = format === 'jsonl' || format === 'csv' || format === 'parquet';
  return known && Number.isSafeInteger(rows) && schema !== null && typeof schema === 'object';
}

function isPart(part: unknown): boolean {
  if (part === null || typeof part !== 'object') return false;
  const { digest, bytes } = part as Partial<Record<string, unknown>>;
  return isDigest(digest) && Number.isSafeInteger(bytes);
}

function isFilePart(part: unknown): boolean {
  if (!isPart(part)) return false;
  const { path, mode } = part as Partial<Record<string, unknown>>;
  return typeof path === 'string' && isSafePath(path) && (mode === undefined || mode === '100644' || mode === '100755');
}
