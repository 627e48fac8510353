// Files as commits have them, on Gitea.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import type { Forge } from './forge.ts';
import { orNull, read, type GiteaPlace } from './gitea-place.ts';
import { isTreePath, noCommit, noFile } from './refusals.ts';

const fileData = z.object({ type: z.string(), encoding: z.string().nullish(), content: z.string().nullish() });

export function openFiles({ ask }: GiteaPlace): Forge['fileAt'] {
  return async (commit, path) => {
    if (!isTreePath(path)) return null;
    const found = await orNull(ask('GET', '/contents/{path}', { path, ref: commit }));
    if (found === null) {
      // a path that is not there and a commit that is not there are both 404
      if ((await orNull(ask('GET', '/git/commits/{commit}', { commit }), [404, 422])) === null) throw noCommit('Gitea', commit);
      return null;
    }
    if (Array.isArray(found.data)) throw noFile(path, commit, 'directory');
    const { type, encoding, content } = read(fileData, found.data);
    if (type !== 'file') throw noFile(path, commit, type);
    if (encoding !== 'base64' || content === null || content === undefined) throw tooLarge(path, commit);
    return Buffer.from(content, 'base64');
  };
}

/** DEFAULT_MAX_BLOB_SIZE of the server: 10 MB where nobody changed it. */
function tooLarge(path: string, commit: string): PlumbError {
  return new PlumbError('FORGE_LIMIT', { what: `${path} of ${commit} is larger than the server sends`, mend: 'read it from git' });
}
