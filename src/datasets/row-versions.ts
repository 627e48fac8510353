// Versions of a file of rows as a comparison takes them: a locked one from the cache, or what stands in the work tree.
import { join } from 'node:path';
import { digestOf, type Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import type { ReadNode } from '../store/tree/tree.ts';
import { readLockedManifest, type RowsManifest } from './manifest.ts';
import type { RowSource, RowTree } from './row-source.ts';
import type { LockEntry } from './schema.ts';

export type RowsEntry = Exclude<LockEntry, { format: 'files' }>;

/** Where facts of a data set's chunks are kept from one pass to the next. */
export function factsPath(project: Pick<Project, 'localDir'>, name: string): string {
  return join(project.localDir, 'rows', name);
}

export class RowVersions {
  readonly #project: Project;
  readonly #options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void };
  /** of trees that are in no store */
  readonly #nodes = new Map<Digest, Uint8Array>();

  constructor(project: Project, options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void } = {}) {
    this.#project = project;
    this.#options = options;
  }

  /** Reads a node of any of the trees; told to `onBytes`. @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH */
  readonly readNode: ReadNode = async (digest) => {
    const own = this.#nodes.get(digest);
    if (own !== undefined) return own;
    const bytes = await this.#project.store.readBytes(digest);
    this.#options.onBytes?.(bytes.length);
    return bytes;
  };

  /**
   * A locked version. Its file is fetched as a whole where only the remote has it: a remote knows chunks of its own, not those of the tree.
   * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
   */
  async locked(name: string, entry: RowsEntry): Promise<RowSource> {
    const { store } = this.#project;
    const manifest = await readLockedManifest(store, name, entry);
    const source = { path: await store.pathOf(entry.content), name: entry.path, format: entry.format, ...columnsOf(entry) };
    return manifest.tree === undefined ? source : { ...source, tree: treeOf(manifest, manifest.tree) };
  }

  /** What stands in the work tree; its tree is made in memory, and what was read of it at the last add is not parsed again. */
  async working(name: string, entry: RowsEntry): Promise<RowSource> {
    const { format } = entry;
    const source: RowSource = { path: join(this.#project.root, entry.path), name: entry.path, format, ...columnsOf(entry) };
    if (format === 'parquet') return source;
    const columns = { key: entry.key ?? null, label: entry.label ?? null };
    // a locked version is not scanned
    const [{ readFactsFile }, { scanRows }] = await Promise.all([import('./facts-file.ts'), import('./row-scan.ts')]);
    const scan = await scanRows(source.path, {
      format,
      ...columns,
      known: (context) => readFactsFile(factsPath(this.#project, name), context),
      keepNode: (bytes) => this.#keep(bytes),
      ...this.#options,
    });
    // whoever compares rows one by one says what is wrong with them
    if (scan === null || scan.doubtful) return source;
    return { ...source, tree: { root: scan.tree.root, rows: scan.rows, schema: scan.schema, ...columns, labels: scan.labels } };
  }

  #keep(bytes: Uint8Array): Digest {
    const digest = digestOf(bytes);
    this.#nodes.set(digest, bytes.slice());
    return digest;
  }
}

function columnsOf(entry: RowsEntry): { key?: string; label?: string } {
  return { ...(entry.key === undefined ? {} : { key: entry.key }), ...(entry.label === undefined ? {} : { label: entry.label }) };
}

function treeOf({ rows, schema, key, label, labels }: RowsManifest, root: Digest): RowTree {
  return { root, rows, schema, key: key ?? null, label: label ?? null, labels: labels === undefined ? null : new Map(labels) };
}
