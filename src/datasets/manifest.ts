// The manifest: one version of a data set as an object of the store. Its digest is the version's name; what it is made of hangs on it as a tree.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { ObjectRef, PushRoot, Store } from '../store/store.ts';
import { compareTrees } from '../store/tree/file-diff.ts';
import { findFile, walkFiles } from '../store/tree/file-walk.ts';
import { newObjects, nodesOf } from '../store/tree/new-nodes.ts';
import type { FileEntry, TreeSummary } from '../store/tree/tree.ts';
import { parseManifest } from './manifest-check.ts';
import type { LockEntry, Manifest, RowFormat } from './schema.ts';

export type { Manifest } from './schema.ts';
export type RowsManifest = Extract<Manifest, { kind: 'rows' }>;
export type FilesManifest = Extract<Manifest, { kind: 'files' }>;

/** The bytes whose SHA-256 names the version: canonical JSON (RFC 8785). */
export function manifestText(manifest: Manifest): string {
  return canonicalJson(manifest);
}

export function digestOfManifest(manifest: Manifest): Digest {
  return digestOf(manifestText(manifest));
}

/** @param tree of the files, as a FileTreeBuilder ended it */
export function filesManifest({ root, count, bytes }: TreeSummary): FilesManifest {
  return { plumbline: 'manifest/1', kind: 'files', files: count, bytes, tree: root };
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
 * @param file content: its digest; tree: root of the tree of its chunks, null where the format has none; labels: rows of each label, where they were counted
 */
export function rowsManifest(
  head: RowsHead,
  file: { readonly content: Digest; readonly bytes: number; readonly tree: Digest | null; readonly labels?: ReadonlyMap<string, number> | null },
): RowsManifest {
  const { format, key, label, rows, schema } = head;
  const { content, bytes, tree } = file;
  const columns = { ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
  const labels = file.labels ? { labels: [...file.labels].toSorted(([a], [b]) => byCodeUnit(a, b)) } : {};
  return { plumbline: 'manifest/1', kind: 'rows', format, rows, bytes, ...columns, ...labels, schema, content, ...(tree === null ? {} : { tree }) };
}

/** Whether an entry of the lock says of its data what the manifest says. */
export function agrees(entry: LockEntry, manifest: Manifest): boolean {
  if (entry.bytes !== manifest.bytes) return false;
  if (entry.format === 'files' || manifest.kind === 'files')
    return entry.format === 'files' && manifest.kind === 'files' && entry.files === manifest.files;
  return manifest.content === entry.content && headText(entry) === headText(manifest);
}

function headText({ format, key, label, rows, schema }: RowsHead): string {
  return canonicalJson([format, key ?? null, label ?? null, rows, schema]);
}

/** Reading manifests; what hangs on one is then found where it is (`remember`). */
export type ManifestStore = Pick<Store, 'readBytes' | 'remember'>;

/** Reads manifests and nodes of this machine: no remote is asked. */
export function cacheOnly({ cache }: Pick<Store, 'cache'>): ManifestStore {
  return {
    readBytes: async (digest) => (await cache.read(digest)) ?? Promise.reject(notHere(digest)),
    remember: () => undefined,
  };
}

function notHere(digest: Digest): PlumbError {
  return new PlumbError('BYTES_MISSING', { what: `${digest} is not in the cache`, mend: 'run `plumb fetch`', details: { missing: [digest] } });
}

/**
 * The manifest that an entry of the lock names. The entry's other lines are compared with it: in a merge that was put together by hand the digest
 * may be of one side and the content of the other, and a stage would read other rows than its record names.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
export async function readLockedManifest<Entry extends LockEntry>(
  store: ManifestStore,
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
export async function readManifest(store: ManifestStore, digest: Digest): Promise<Manifest> {
  const found = parseManifest((await store.readBytes(digest)).toString('utf8'));
  if ('fault' in found) {
    throw new PlumbError('MANIFEST_INVALID', {
      what: `object ${shortDigest(digest)} is no manifest of a data set: ${found.fault}`,
      mend: 'a digest in datasets.lock or in a run record names the wrong object: restore that file from git',
      details: { digest },
    });
  }
  store.remember([digest]);
  return found.manifest;
}

/**
 * The files of a version, sorted by the bytes of their paths; they are read as they are asked for.
 * @throws PlumbError MANIFEST_INVALID for a tree that is none, or holds other things than its manifest says; BYTES_MISSING, DIGEST_MISMATCH
 */
export async function* filesOf(store: ManifestStore, manifest: FilesManifest): AsyncGenerator<FileEntry> {
  let count = 0;
  let bytes = 0;
  for await (const file of walkFiles((digest) => store.readBytes(digest), manifest.tree)) {
    count += 1;
    bytes += file.bytes;
    yield file;
  }
  if (count !== manifest.files || bytes !== manifest.bytes) throw badTree(`it holds ${count} files of ${bytes} bytes, the manifest says otherwise`);
}

/** One file of a version; null: it has none of that path. @throws as filesOf */
export function fileAt(store: ManifestStore, manifest: FilesManifest, path: string): Promise<FileEntry | null> {
  return findFile((digest) => store.readBytes(digest), manifest.tree, path);
}

function badTree(why: string): PlumbError {
  return new PlumbError('MANIFEST_INVALID', {
    what: `the tree of files of a data set is not what it should be: ${why}`,
    mend: 'the version was not made by Plumbline: add the data anew where it came from',
  });
}

/**
 * Every object that a version is made of: its manifest, the nodes of its tree, its data; one that stands in several places may come several times.
 * @param digest of a manifest
 * @param base of another manifest: objects that it is made of may be left out, and what stands in the same place there is told (`like`)
 * @throws PlumbError MANIFEST_INVALID, BYTES_MISSING, DIGEST_MISMATCH
 */
export async function* objectsOf(store: ManifestStore, digest: Digest, base: Digest | null = null): AsyncGenerator<ObjectRef> {
  const manifest = await readManifest(store, digest);
  yield { digest, bytes: Buffer.byteLength(manifestText(manifest)), role: 'meta' };
  const old = base === null || base === digest ? null : await readManifest(store, base);
  if (manifest.kind === 'files') yield* filesAndNodes(store, manifest, old?.kind === 'files' ? old : null);
  else yield* rowsAndNodes(store, manifest, old?.kind === 'rows' ? old : null);
}

async function* filesAndNodes(store: ManifestStore, manifest: FilesManifest, old: FilesManifest | null): AsyncGenerator<ObjectRef> {
  let nodes: ObjectRef[] = [];
  const onNode = (digest: Digest, bytes: number): void => void nodes.push({ digest, bytes, role: 'meta' });
  for await (const { before, after } of compareTrees((node) => store.readBytes(node), old?.tree ?? null, manifest.tree, onNode)) {
    yield* nodes;
    nodes = [];
    if (after !== null && after.digest !== before?.digest) yield dataRef(after, before);
  }
  yield* nodes;
}

async function* rowsAndNodes(store: ManifestStore, manifest: RowsManifest, old: RowsManifest | null): AsyncGenerator<ObjectRef> {
  const { tree, content, bytes, format } = manifest;
  if (tree !== undefined) {
    const read = (node: Digest): Promise<Buffer> => store.readBytes(node);
    // chunks are parts of the file, and no objects of their own
    if (old?.tree === undefined) for await (const node of nodesOf(read, tree)) yield { digest: node, bytes: (await read(node)).length, role: 'meta' };
    else for await (const object of newObjects(read, tree, old.tree, 'rows')) if (object.role === 'meta') yield object;
  }
  const like = old === null || old.content === content ? {} : { like: old.content };
  yield { digest: content, bytes, role: 'data', ...(format === 'parquet' ? {} : { lines: true }), ...like };
}

function dataRef({ path, digest, bytes }: FileEntry, before: FileEntry | null): ObjectRef {
  return { digest, bytes, role: 'data', ...(textOfLines.test(path) ? { lines: true } : {}), ...(before === null ? {} : { like: before.digest }) };
}

const textOfLines = /\.(?:jsonl|ndjson|csv|tsv|txt)$/i;

/**
 * A version as `store.push` takes it.
 * @param digest of a manifest
 * @param bases manifests of earlier versions of the same data set, the best first
 */
export function pushRootOf(store: ManifestStore, digest: Digest, bases: () => Promise<readonly Digest[]> = none): PushRoot {
  return { digest, bases, objects: (base) => objectsOf(store, digest, base) };
}

async function none(): Promise<readonly Digest[]> {
  return [];
}
