// The file system as isomorphic-git sees it. It writes straight into its files and knows one folder for a repository; here files
// are replaced whole, and a linked work tree finds what it shares with the others.
import * as files from 'node:fs/promises';
import { sep } from 'node:path';
import type { PromiseFsClient } from 'isomorphic-git';
import { writeFileAtomic } from '../base/atomic.ts';
import type { Repository } from './repository.ts';

export function filesFor(repository: Repository): PromiseFsClient {
  const place = (path: string): string => placeOf(path, repository);
  const inside = (path: string): boolean => path.startsWith(repository.commonDir + sep);
  return {
    promises: {
      // async, so that no call throws: isomorphic-git calls this one without a path to learn whether promises come back
      readFile: async (path: string, options: 'utf8') => files.readFile(place(path), options),
      writeFile: async (path: string, data: string | Uint8Array, options?: { mode?: number }) => {
        const target = place(path);
        if (inside(target)) await writeFileAtomic(target, data, { mode: 0o644 });
        else await files.writeFile(target, data, options);
      },
      mkdir: (path: string, mode?: number) => files.mkdir(place(path), mode),
      rmdir: (path: string) => files.rmdir(place(path)),
      unlink: (path: string) => files.unlink(place(path)),
      stat: (path: string) => files.stat(place(path)),
      lstat: (path: string) => files.lstat(place(path)),
      readdir: (path: string) => files.readdir(place(path)),
      readlink: (path: string) => files.readlink(place(path)),
      symlink: (target: string, path: string) => files.symlink(target, place(path)),
    },
  };
}

/** Files at the top of .git/worktrees/<name> are its own, but for these; of its folders only a few are. Source: gitrepository-layout(5) */
const sharedFiles = new Set(['config', 'packed-refs', 'shallow', 'description']);

function placeOf(path: string, { headDir, commonDir }: Pick<Repository, 'headDir' | 'commonDir'>): string {
  if (headDir === commonDir || !path.startsWith(`${headDir}/`)) return path;
  const inner = path.slice(headDir.length + 1);
  const own = inner.includes('/') ? /^(logs\/HEAD$|refs\/(bisect|worktree|rewritten)\/)/.test(inner) : !sharedFiles.has(inner);
  return own && inner !== 'objects' && inner !== 'refs' ? path : `${commonDir}/${inner}`;
}
