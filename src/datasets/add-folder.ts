// Adding a folder of files.
import { PlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { changedMeanwhile, emptyData, type AddRequest } from './add-request.ts';
import { describeFolder, storeFolder } from './folder.ts';
import { digestOfManifest } from './manifest.ts';
import type { DataPath } from './paths.ts';
import type { LockEntry } from './schema.ts';
import type { StatIndex } from './stat-index.ts';

/** Stores a folder as it stands. @returns what the lock shall say. @throws as addDataset */
export async function addFolder(project: Project, data: DataPath, request: AddRequest, index: StatIndex): Promise<LockEntry> {
  if (request.key !== undefined || request.label !== undefined) {
    throw new PlumbError('USAGE', { what: `${data.path} is a folder of files: --key and --label are for rows`, mend: 'add the file of rows itself' });
  }
  const bar = request.progress.start(`add ${data.path}`, undefined, 'bytes');
  try {
    const stored = await storeFolder(project.store, data.absolute, { index, signal: request.signal, onBytes: (bytes) => bar.advance(bytes) });
    if (stored.files === 0) throw emptyData(data.path, 'holds no files');
    const again = digestOfManifest(await describeFolder(index, data.absolute, { signal: request.signal }));
    if (again !== stored.digest) throw changedMeanwhile(data.path);
    return { digest: stored.digest, path: data.path, format: 'files', files: stored.files, bytes: stored.bytes, source: { kind: 'files' } };
  } finally {
    bar.end();
  }
}
