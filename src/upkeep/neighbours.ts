// What the other repositories name that share this cache.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import { neighbours } from '../project/shared-cache.ts';
import { collectLive, type Live, type LiveRequest } from './live.ts';
import { readRetention } from './retention.ts';

/**
 * What the other repositories of this cache name.
 * @throws PlumbError FILE_MISSING for one that is not there any more, or cannot be read: its data may be wanted elsewhere; GIT_FAILED for one of another
 *   user whom git is not told to trust
 */
export async function liveOfNeighbours(
  project: Project,
  { shallow, now }: Pick<LiveRequest, 'shallow' | 'now'>,
): Promise<ReadonlyMap<Digest, string>> {
  const live = new Map<Digest, string>();
  for (const root of neighbours(project.store.cacheDir)) {
    if (root === project.root) continue;
    for (const [digest, why] of await liveOf(root, project, { shallow, now })) if (!live.has(digest)) live.set(digest, `${why}, in ${root}`);
  }
  return live;
}

async function liveOf(root: string, project: Project, how: Pick<LiveRequest, 'shallow' | 'now'>): Promise<Live> {
  try {
    const other = await openNeighbour(root, project);
    return await collectLive(other, { ...how, retention: await readRetention(other), workspaceOnly: false });
  } catch (error) {
    if (!isForeign(error)) throw error;
    throw new PlumbError('GIT_FAILED', {
      what: `${root} uses this cache, too, and git does not read it for you: what it names is not known`,
      where: { file: root },
      mend: error.mend,
      cause: error,
    });
  }
}

function isForeign(error: unknown): error is PlumbError {
  return isPlumbError(error, 'GIT_FAILED') && error.details?.['foreign'] === true;
}

async function openNeighbour(root: string, project: Project): Promise<Project> {
  let cause: unknown;
  try {
    const opened = await openProject({ cwd: root, env: { ...process.env, PLUMB_CACHE: project.store.cacheDir } });
    if (opened.root === root) return opened;
  } catch (error) {
    // settings that are wrong are told as they are: that repository is not gone
    if (!isPlumbError(error) || error.code === 'CONFIG_INVALID' || error.code === 'YAML_SYNTAX' || isForeign(error)) throw error;
    cause = error;
  }
  throw new PlumbError('FILE_MISSING', {
    what: `${root} uses this cache, too, and is not there or cannot be read: what it names is not known`,
    where: { file: root },
    mend: `if it is gone for good: plumb gc --forget ${JSON.stringify(root)}`,
    cause,
  });
}
