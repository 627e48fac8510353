// Adding a folder of files.
import { PlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { emptyData, type AddRequest } from './add-request.ts';
import { keepFolder } from './folder.ts';
import type { DataPath } from './paths.ts';
import type { LockEntry } from './schema.ts';
import type { StatIndex } from './stat-index.ts';

export interface AddedFolder {
  /** what the lock shall say */
  readonly entry: LockEntry;
  /** pairs of paths that are one where 'A' and 'a' are: the folder cannot be checked out there; a few */
  readonly clashes: readonly (readonly [string, string])[];
}

/** Stores a folder as it stands. @throws as addDataset */
export async function addFolder(project: Project, data: DataPath, request: AddRequest, index: StatIndex): Promise<AddedFolder> {
  if (request.key !== undefined || request.label !== undefined) {
    throw new PlumbError('USAGE', { what: `${data.path} is a folder of files: --key and --label are for rows`, mend: 'add the file of rows itself' });
  }
  const bar = request.progress.start(`add ${data.path}`, undefined, 'bytes');
  try {
    const stored = await keepFolder(project.store, data.absolute, {
      index,
      link: true,
      signal: request.signal,
      onBytes: (bytes) => bar.advance(bytes),
    });
    if (stored.files === 0) throw emptyData(data.path, 'holds no files');
    const { digest, files, bytes } = stored;
    return { entry: { digest, path: data.path, format: 'files', files, bytes, source: { kind: 'files' } }, clashes: stored.clashes };
  } finally {
    bar.end();
  }
}
