// What a check looks at: one version of rows, and the world that it may ask. A step of the pipeline gets it from its context, a command from the project.
import { digestOfFile, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { StepContext } from '../base/step.ts';
import { cacheOnly, readManifest } from '../datasets/manifest.ts';
import { requireFormatOfName } from '../datasets/row-format.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { openCache } from '../store/cache/open.ts';
import type { ReadNode } from '../store/tree/tree.ts';
import { noMemory, openMemory, type CheckMemory, type RememberedVersion } from './memory.ts';

export interface CheckedRows {
  /** its name: the data set, or stage.output */
  readonly source: RowSource;
  /** SHA-256 of the file */
  readonly content: Digest;
}

export interface CheckWorld {
  readonly memory: CheckMemory;
  /** nodes of trees, of this machine's cache. @throws PlumbError BYTES_MISSING */
  readonly readNode: ReadNode;
  /** a file by its digest, if this machine has it; null else */
  readonly pathOf: (content: Digest) => Promise<string | null>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The world of a step. */
export function worldOfStep(
  context: Pick<StepContext<unknown, unknown>, 'cacheDir' | 'memoryDir' | 'recalls' | 'onRecall' | 'progress' | 'signal'>,
): CheckWorld {
  const cache = openCache(context.cacheDir, { env: {} });
  const store = cacheOnly({ cache });
  return {
    memory: context.memoryDir === null ? noMemory : openMemory(context.memoryDir, { recalls: context.recalls ?? true, onRecall: context.onRecall }),
    readNode: (digest) => store.readBytes(digest),
    pathOf: (content) => cache.path(content),
    progress: context.progress,
    signal: context.signal,
  };
}

/**
 * An input of a step.
 * @param input name of the input
 * @throws PlumbError DATASET_FORMAT for a file that holds no rows
 */
export async function inputOfStep(context: StepContext<unknown, unknown>, input: string, world: CheckWorld): Promise<CheckedRows> {
  const path = context.inputs[input];
  const origin = context.origins[input];
  if (path === undefined || origin === undefined) throw new Error(`a check was started without its input ${input}`);
  const format = requireFormatOfName(path);
  if (origin.kind === 'output') return { source: { path, format, name: origin.ref }, content: origin.digest };
  // of a data set the digest is that of the manifest, and this machine has what it has just read
  const manifest = await readManifest(
    { readBytes: async (digest) => Buffer.from(await world.readNode(digest)), remember: () => undefined },
    origin.digest,
  ).catch((error: unknown) => (isPlumbError(error, 'BYTES_MISSING') ? null : Promise.reject(error)));
  if (manifest === null || manifest.kind !== 'rows')
    return { source: { path, format, name: origin.ref }, content: (await digestOfFile(path)).digest };
  const { key, label, tree, rows, schema, content, labels } = manifest;
  const columns = { ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
  const treeOf =
    tree === undefined
      ? {}
      : { tree: { root: tree, rows, schema, key: key ?? null, label: label ?? null, labels: labels === undefined ? null : new Map(labels) } };
  return { source: { path, format, name: origin.ref, ...columns, ...treeOf }, content };
}

/** How a version is remembered. */
export function rememberedAs({ source, content }: CheckedRows): RememberedVersion {
  const { format, key = null, label = null, tree } = source;
  return { content, format, key, label, tree: tree === undefined ? null : { root: tree.root, rows: tree.rows, schema: tree.schema } };
}

/** A version that was remembered, as far as this machine still has its bytes; null else. */
export async function openRemembered({ pathOf, readNode }: CheckWorld, version: RememberedVersion, name: string): Promise<RowSource | null> {
  const path = await pathOf(version.content);
  if (path === null) return null;
  const { format, key, label } = version;
  const tree = version.tree !== null && (await isHere(readNode, version.tree.root)) ? version.tree : null;
  return {
    path,
    format,
    name,
    ...(key === null ? {} : { key }),
    ...(label === null ? {} : { label }),
    ...(tree === null ? {} : { tree: { ...tree, key, label, labels: null } }),
  };
}

async function isHere(readNode: ReadNode, digest: Digest): Promise<boolean> {
  try {
    await readNode(digest);
    return true;
  } catch (error) {
    if (isPlumbError(error, 'BYTES_MISSING')) return false;
    throw error;
  }
}
