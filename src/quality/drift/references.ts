// What a command compares with: earlier versions of a data set as git has them, another data set, a file.
import { PlumbError } from '../../base/errors.ts';
import { loadLockAt } from '../../datasets/lock.ts';
import { formatOfName } from '../../datasets/row-format.ts';
import { loadLock } from '../../datasets/lock.ts';
import { files } from '../../project/layout.ts';
import type { Project } from '../../project/open.ts';
import { openCheckedData, type OpenedData } from '../checked-data.ts';
import type { Reference } from './judge.ts';

type Asking = Omit<Parameters<typeof openCheckedData>[2], 'rev'>;

/** Commits of the lock that are looked through for earlier versions. */
const mostCommits = 1000;
const mostVersions = 100;

/**
 * @param against a data set, a file of rows, 'last:N' for the last N versions that differ from the data, or a revision; null: last:1
 * @throws PlumbError USAGE, DATASET_UNKNOWN when there is no earlier version, GIT_REVISION_UNKNOWN, and as openCheckedData
 */
export async function openReferences(project: Project, data: OpenedData, against: string | null, asking: Asking): Promise<Reference[]> {
  const last = /^last:(\d+)$/.exec(against ?? 'last:1');
  if (last !== null) return lastVersions(project, data, Number(last[1]), asking);
  const what = against ?? '';
  const lock = await loadLock(project);
  const isData = Object.hasOwn(lock.datasets, what) || formatOfName(what) !== null;
  if (isData) return [{ ...(await openCheckedData(project, what, asking)), what }];
  return [{ ...(await openCheckedData(project, requireName(data, what), { ...asking, rev: what })), what: `${data.rows.source.name} at ${what}` }];
}

/** A file outside of the lock has no versions. */
function requireName({ entry, rows }: OpenedData, what: string): string {
  if (entry !== null) return rows.source.name;
  throw new PlumbError('USAGE', {
    what: `${rows.source.name} is no data set: git knows no version of it to compare with (${what})`,
    mend: 'name what it is compared with: --against <data set or file>',
  });
}

async function lastVersions(project: Project, data: OpenedData, many: number, asking: Asking): Promise<Reference[]> {
  if (many < 1 || many > mostVersions)
    throw new PlumbError('USAGE', { what: `last:${many}: expected 1 to ${mostVersions}`, mend: 'write --against last:5' });
  const name = requireName(data, `last:${many}`);
  const found = new Map<string, string>([[data.rows.content, '']]);
  const head = await project.git.resolve('HEAD');
  const commits = head === null ? [] : await project.git.log('HEAD', { path: project.prefix + files.lock, max: mostCommits });
  const references: Reference[] = [];
  for (const { oid } of commits) {
    if (references.length === many) break;
    const lock = await loadLockAt(project, oid);
    const entry = Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined;
    if (entry === undefined || entry.format === 'files' || found.has(entry.content)) continue;
    found.set(entry.content, oid);
    references.push({ ...(await openCheckedData(project, name, { ...asking, rev: oid })), what: `${name} at ${oid.slice(0, 12)}` });
  }
  if (references.length > 0) return references;
  throw new PlumbError('DATASET_UNKNOWN', {
    what: `no earlier version of ${name} is locked in the history of HEAD: there is nothing to compare with`,
    mend: 'name what it is compared with: --against <revision, data set or file>',
  });
}
