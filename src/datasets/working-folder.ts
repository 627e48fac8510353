// How a folder of files stands to its entry in the lock: its survey beside the version.
import { isPlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { describeFolder } from './folder.ts';
import { surveyFolder, type FolderSurvey } from './folder-survey.ts';
import type { IndexRow } from './index-file.ts';
import { differs } from './index-row.ts';
import { keepIndex } from './index-writer.ts';
import { cacheOnly, digestOfManifest, filesOf, readManifest, type FilesManifest } from './manifest.ts';
import type { LockEntry } from './schema.ts';
import type { StatIndex } from './stat-index.ts';
import { surveyOptions } from './survey-options.ts';
import type { FileDifference, LookOptions, WorkingCopy } from './working-copy.ts';

const same: WorkingCopy = { state: 'same', modified: 0, added: 0, removed: 0, some: [] };

/** @throws PlumbError FILE_UNREADABLE, and what describeFolder throws */
export async function compareFolder(
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
