// What the other repositories name that share this cache.
import { existsSync } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import { neighbours } from '../project/shared-cache.ts';
import { collectLive } from './live.ts';
import { readRetention } from './retention.ts';

/** What the other repositories of this cache name. @throws PlumbError FILE_MISSING for one that is not there any more: its data may be wanted elsewhere */
export async function liveOfNeighbours(project: Project, now: Date): Promise<ReadonlyMap<Digest, string>> {
  const live = new Map<Digest, string>();
  for (const root of neighbours(project.store.cacheDir)) {
    if (root === project.root) continue;
    const other = await openNeighbour(root, project);
    for (const [digest, why] of await collectLive(other, { retention: await readRetention(other), workspaceOnly: false, now })) {
      live.set(digest, `${why} of ${root}`);
    }
  }
  return live;
}

async function openNeighbour(root: string, project: Project): Promise<Project> {
  try {
    return await openProject({ cwd: root, env: { ...process.env, PLUMB_CACHE: project.store.cacheDir } });
  } catch (error) {
    if (!isPlumbError(error) && existsSync(root)) throw error;
    throw new PlumbError('FILE_MISSING', {
      what: `${root} shares this cache and cannot be read: what it names is not known`,
      where: { file: root },
      mend: 'if that repository is gone for good: plumb gc --forget PATH',
      cause: error,
    });
  }
}
