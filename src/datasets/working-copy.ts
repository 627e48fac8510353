// How a working copy stands to its entry in the lock: a stat a file when nothing changed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { describeFolder } from './folder.ts';
import { surveyFolder, type FolderSurvey } from './folder-survey.ts';
import { keepIndex } from './index-writer.ts';
import { surveyOptions } from './survey-options.ts';
import type { IndexRow } from './index-file.ts';
import { differs } from './index-row.ts';
import { cacheOnly, digestOfManifest, filesOf, readManifest, type FilesManifest } from './manifest.ts';
import { checkProjectPath, refuseWayOut } from './paths.ts';
import type { LockEntry } from './schema.ts';
import { digestOfPath, type StatIndex } from './stat-index.ts';

/** same: bytes are those of the lock */
export type DataState = 'same' | 'modified' | 'missing';

export interface FileDifference {
  readonly kind: 'modified' | 'added' | 'removed';
  /** relative to the data set; of rows: the file itself */
  readonly path: string;
}

export interface WorkingCopy {
  readonly state: DataState;
  /** files; null: the locked version is not on this machine, so that only 'modified' is known */
  readonly modified: number | null;
  readonly added: number | null;
  readonly removed: number | null;
  /** the first few of them, in the order of paths */
  readonly some: readonly FileDifference[];
}

export interface LookOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

const same: WorkingCopy = { state: 'same', modified: 0, added: 0, removed: 0, some: [] };

/**
 * Compares a working copy with its entry in the lock.
 * @throws PlumbError PATH_OUTSIDE, FILE_UNREADABLE, and what describeFolder throws
 */
export async function compareWorkingCopy(
  project: Pick<Project, 'root' | 'store'>,
  entry: LockEntry,
  index: StatIndex,
  options: LookOptions = {},
): Promise<WorkingCopy> {
  checkProjectPath(entry.path);
  await refuseWayOut(project.root, entry.path);
  const absolute = join(project.root, entry.path);
  const facts = await stat(absolute).catch(() => null);
  const files = entry.format === 'files' ? entry.files : 1;
  if (facts === null) return { state: 'missing', modified: 0, added: 0, removed: files, some: [] };
  const changed: WorkingCopy = { state: 'modified', modified: 1, added: 0, removed: 0, some: [{ kind: 'modified', path: entry.path }] };
  if (facts.isDirectory() !== (entry.format === 'files')) return changed;
  if (entry.format === 'files') return compareFolder(project, { entry, absolute }, index, options);
  if (!facts.isFile() || facts.size !== entry.bytes) return changed;
  const found = await digestOfPath(index, absolute, options);
  if (found === null) return { state: 'missing', modified: 0, added: 0, removed: 1, some: [] };
  return found.digest === entry.content ? same : changed;
}

/** The state alone. @throws as compareWorkingCopy */
export async function stateOf(
  project: Pick<Project, 'root' | 'store'>,
  entry: LockEntry,
  index: StatIndex,
  options: LookOptions = {},
): Promise<DataState> {
  return (await compareWorkingCopy(project, entry, index, options)).state;
}

async function compareFolder(
  { store }: Pick<Project, 'store'>,
  { entry, absolute }: { readonly entry: LockEntry; readonly absolute: string },
  index: StatIndex,
  options: LookOptions,
): Promise<WorkingCopy> {
  const how = surveyOptions(absolute, { ...options, index }, index.hashFiles);
  try {
    return await surveyFolder(how, entry.digest, async (survey) => {
      if (survey.untouched && survey.indexed) return same;
      const manifest = survey.indexed ? survey.manifest : await manifestHere(store, entry);
      return count(survey, manifest, how.indexFile, survey.indexed ? null : filesOf(cacheOnly(store), manifest));
    });
  } catch (error) {
    if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
  }
  // the locked version is not here: whether the folder is it can be told all the same
  const found = await describeFolder(index, absolute, options);
  return digestOfManifest(found) === entry.digest ? same : { state: 'modified', modified: null, added: null, removed: null, some: [] };
}

async function manifestHere(store: Project['store'], entry: LockEntry): Promise<FilesManifest> {
  const manifest = await readManifest(cacheOnly(store), entry.digest);
  if (manifest.kind === 'files') return manifest;
  throw new Error(`${entry.digest} is of rows`);
}

const mostNamed = 5;

async function count(
  survey: FolderSurvey,
  { tree, files, bytes }: FilesManifest,
  indexFile: string | null,
  version: ReturnType<typeof filesOf> | null,
): Promise<WorkingCopy> {
  const counts = { modified: 0, added: 0, removed: 0 };
  const some: FileDifference[] = [];
  const index = keepIndex(indexFile);
  try {
    for await (const rows of survey.rows(version)) {
      for (const row of rows) {
        index.add(row);
        if (!differs(row)) continue;
        const kind = kindOf(row);
        counts[kind] += 1;
        if (some.length < mostNamed) some.push({ kind, path: row.path });
      }
    }
    index.commit({ version: { tree, files, bytes }, cacheState: version === null ? (survey.head?.cacheState ?? null) : null });
  } catch (error) {
    index.abandon();
    throw error;
  }
  return { state: counts.modified + counts.added + counts.removed === 0 ? 'same' : 'modified', ...counts, some };
}

function kindOf({ version, found }: IndexRow): FileDifference['kind'] {
  return version === null ? 'added' : found === null ? 'removed' : 'modified';
}
