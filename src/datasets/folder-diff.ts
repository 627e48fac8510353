// Which files differ between two versions of a folder, or between a version and what stands in the work tree.
import { join } from 'node:path';
import type { Project } from '../project/open.ts';
import { diffFileTrees } from '../store/tree/file-diff.ts';
import { surveyFolder } from './folder-survey.ts';
import { surveyOptions } from './survey-options.ts';
import { differs } from './index-row.ts';
import { filesOf, readLockedManifest } from './manifest.ts';
import type { LockEntry } from './schema.ts';
import type { StatIndex } from './stat-index.ts';

export interface FilesDiff {
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly added: number;
  readonly removed: number;
  /** other bytes, or another mode */
  readonly edited: number;
  /** paths, sorted; at most `limit` of each */
  readonly samples: readonly { readonly kind: 'added' | 'removed' | 'edited'; readonly path: string }[];
}

type FilesEntry = Extract<LockEntry, { format: 'files' }>;

interface Place {
  readonly project: Pick<Project, 'root' | 'store'>;
  readonly index: StatIndex;
  /** examples of each kind */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Compares two versions by walking only what differs.
 * @param sides modified: the version after is what stands in the work tree, not what the lock says
 * @throws PlumbError BYTES_MISSING, MANIFEST_INVALID, and what describeFolder throws
 */
export async function diffFolders(
  place: Place,
  name: string,
  { before, after, modified }: { readonly before: FilesEntry; readonly after: FilesEntry; readonly modified: boolean },
): Promise<FilesDiff> {
  const { store } = place.project;
  const old = await readLockedManifest(store, name, before);
  if (modified) return diffWorkingCopy(place, { before, path: after.path });
  const now = await readLockedManifest(store, name, after);
  const changes = new Changes(place.limit);
  for await (const { path, before: was, after: is } of diffFileTrees((digest) => store.readBytes(digest), old.tree, now.tree)) {
    changes.add(path, was !== null, is !== null);
  }
  return changes.found(old.files, now.files);
}

async function diffWorkingCopy(place: Place, { before, path }: { readonly before: FilesEntry; readonly path: string }): Promise<FilesDiff> {
  const { index, project, signal, onBytes, limit } = place;
  const how = surveyOptions(join(project.root, path), { index, signal, onBytes }, index.hashFiles);
  // who asked has looked at the folder, so that its index knows all: there is nothing to keep
  return surveyFolder(how, before.digest, async (survey) => {
    const changes = new Changes(limit);
    let files = 0;
    const version = survey.indexed ? null : filesOf(project.store, await readLockedManifest(project.store, path, before));
    for await (const rows of survey.rows(version)) {
      for (const row of rows) {
        const isSame = !differs(row);
        if (isSame || row.found !== null) files += 1;
        if (!isSame) changes.add(row.path, row.version !== null, row.found !== null);
      }
    }
    return changes.found(before.files, files);
  });
}

class Changes {
  readonly #limit: number;
  readonly #counts = { edited: 0, removed: 0, added: 0 };
  readonly #samples: { readonly kind: 'added' | 'removed' | 'edited'; readonly path: string }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(path: string, was: boolean, is: boolean): void {
    const kind = was ? (is ? 'edited' : 'removed') : 'added';
    this.#counts[kind] += 1;
    if (this.#counts[kind] <= this.#limit) this.#samples.push({ kind, path });
  }

  found(filesBefore: number, filesAfter: number): FilesDiff {
    const samples = (['edited', 'removed', 'added'] as const).flatMap((kind) => this.#samples.filter((sample) => sample.kind === kind));
    return { filesBefore, filesAfter, ...this.#counts, samples };
  }
}
