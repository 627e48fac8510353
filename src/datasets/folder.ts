// A folder of files as one object: a manifest of kind files, over a tree. Data sets and outputs of stages are stored so.
import { digestOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { CacheWriter } from '../store/cache/cache.ts';
import type { Store } from '../store/store.ts';
import { createFileTreeBuilder } from '../store/tree/file-builder.ts';
import type { KeepNode } from '../store/tree/tree.ts';
import { cacheState } from './cache-state.ts';
import { surveyFolder, type FolderSurvey } from './folder-survey.ts';
import { keepIndex } from './index-writer.ts';
import { surveyOptions, type FolderOptions, type IsKept, type Rows, type SurveyOptions } from './survey-options.ts';
import { noteCacheState, type IndexHead } from './index-file.ts';
import { KnownRow } from './index-row.ts';
import { cacheOnly, digestOfManifest, filesManifest, manifestText, objectsOf, type FilesManifest } from './manifest.ts';
import type { StatIndex } from './stat-index.ts';

export type { FolderOptions } from './survey-options.ts';

export interface StoredFolder {
  /** of the manifest */
  readonly digest: Digest;
  /** of all files */
  readonly bytes: number;
  readonly files: number;
  /** paths that are one where 'A' and 'a' are; a few */
  readonly clashes: readonly (readonly [string, string])[];
}

/**
 * The manifest of a folder as it stands; nothing is stored. One stat a file where nothing changed.
 * @throws PlumbError PATH_OUTSIDE for a symlink that leads out of the folder, FILE_KIND for any other symlink and special files,
 *   NAME_INVALID, FILE_MISSING, FILE_UNREADABLE, FILE_CHANGED
 */
export async function describeFolder(index: StatIndex, folder: string, options: Omit<FolderOptions, 'index'> = {}): Promise<FilesManifest> {
  const how = surveyOptions(folder, { ...options, index }, index.hashFiles);
  return surveyFolder(how, null, async (survey) => {
    if (survey.untouched) return survey.manifest;
    return (await gather(how, survey.rows(null), digestOf, null)).manifest;
  });
}

/**
 * Puts all files below a folder into the store, and their manifest. The files stay as they are.
 * @throws as describeFolder, and DISK_FULL
 */
export function storeFolder(store: Store, folder: string, options: FolderOptions = {}): Promise<StoredFolder> {
  return keepFolder(store, folder, { ...options, link: false });
}

/**
 * The same; with `link` the files may become the cache's own where that is how it works (read-only, hard links).
 * Each file is whole as it was at some moment; what is written behind the walk is in the next version.
 */
export async function keepFolder(store: Store, folder: string, options: FolderOptions & { readonly link: boolean }): Promise<StoredFolder> {
  let writer: CacheWriter | null = null;
  const open = async (): Promise<CacheWriter> => (writer ??= await store.openWriter());
  const how = surveyOptions(folder, options, async (files, bulk) => (await open()).addFiles(files, { link: options.link }, bulk));
  try {
    return await surveyFolder(how, null, async (survey) => {
      const state = cacheState(store.cache.root);
      if (survey.untouched && (await isKeptWhole(store, survey, state))) {
        if (how.indexFile !== null && state !== null && survey.head?.cacheState !== state) noteCacheState(how.indexFile, state);
        return storedAs(survey.manifest, survey);
      }
      const into = await open();
      const rows = survey.rows(null, isKeptIn(into, survey.head, state));
      const gathered = await gather(
        how,
        rows,
        (bytes) => into.addBytes(bytes, 'meta'),
        async (manifest) => {
          into.addBytes(Buffer.from(manifestText(manifest)), 'meta');
          await into.close();
          writer = null;
          return cacheState(store.cache.root);
        },
      );
      return storedAs(gathered.manifest, survey);
    });
  } catch (error) {
    await (writer as CacheWriter | null)?.abandon();
    throw error;
  }
}

function storedAs(manifest: FilesManifest, survey: FolderSurvey): StoredFolder {
  return { digest: digestOfManifest(manifest), bytes: manifest.bytes, files: manifest.files, clashes: survey.clashes };
}

/** An object whose version was in the cache when nothing had yet been taken out is there; of others the cache is asked. */
function isKeptIn(writer: CacheWriter, head: IndexHead | null, state: string | null): IsKept {
  const isWhole = state !== null && head?.cacheState === state;
  return (row) => {
    if (isWhole && row instanceof KnownRow && row.isVersion) return true;
    const { version, found } = row;
    return found === null || (isWhole && version?.digest === found.digest) || writer.has(found.digest);
  };
}

/** Does the cache have all of the version that the index is of? */
async function isKeptWhole(store: Store, { manifest, head }: FolderSurvey, state: string | null): Promise<boolean> {
  if (state !== null && head?.cacheState === state) return true;
  const { cache } = store;
  try {
    for await (const object of objectsOf(cacheOnly(store), digestOfManifest(manifest))) if (!(await cache.has(object.digest))) return false;
    return true;
  } catch (error) {
    if (error instanceof PlumbError && error.code === 'BYTES_MISSING') return false;
    throw error;
  }
}

/**
 * Makes the tree of what stands in a folder, and an index of that version.
 * @param ended told of the manifest; what comes back is the state of the cache with all of it
 */
async function gather(
  how: SurveyOptions,
  rows: Rows,
  keep: KeepNode,
  ended: ((manifest: FilesManifest) => Promise<string | null>) | null,
): Promise<{ manifest: FilesManifest }> {
  const builder = createFileTreeBuilder(keep);
  const index = keepIndex(how.indexFile);
  try {
    for await (const piece of rows) {
      for (const row of piece) {
        const { path, found } = row;
        if (found === null) continue;
        builder.add({ path, digest: found.digest, bytes: found.bytes, executable: found.executable });
        index.add(row instanceof KnownRow && row.isVersion ? row : { path, version: found, found });
      }
    }
    const tree = builder.finish();
    const manifest = filesManifest(tree);
    const state = ended === null ? null : await ended(manifest);
    index.commit({ version: { tree: tree.root, files: tree.count, bytes: tree.bytes }, cacheState: state });
    return { manifest };
  } catch (error) {
    index.abandon();
    throw error;
  }
}
