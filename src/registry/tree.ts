// Where pointers and evidence are read from: the work tree or a commit. The rest of this folder does not know which.
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';

/** Files by project-relative path, '/' between names. */
export interface FileTree {
  /** null: the work tree */
  readonly commit: Oid | null;
  /** In the order asked; null where there is no file. */
  read(paths: readonly string[]): Promise<(Uint8Array | null)[]>;
  /** Paths of the files below a folder, sorted; none when the folder is not there. */
  list(folder: string): Promise<string[]>;
}

/** @param prefix the project's folder in the repository: '' or 'sub/folder/' */
export function commitTree(git: Git, prefix: string, commit: Oid): FileTree {
  return {
    commit,
    read: (paths) =>
      git.readBlobs(
        commit,
        paths.map((path) => prefix + path),
      ),
    list: async (folder) => (await git.listTree(commit, prefix + folder)).map((entry) => entry.path.slice(prefix.length)),
  };
}

/**
 * The files of a folder as they are now. A symlink in the way is refused: what it leads to is not in git.
 * @param root absolute path of the project
 */
export function workTree(root: string): FileTree {
  return {
    commit: null,
    read: (paths) => Promise.all(paths.map((path) => readOne(root, path))),
    list: async (folder) => (await listFolder(root, folder)).toSorted(byCodeUnit),
  };
}

/** Files that are not written yet. */
export function plannedTree(planned: readonly { readonly path: string; readonly bytes: string }[]): FileTree {
  const byPath = new Map(planned.map((file) => [file.path, file.bytes]));
  return {
    commit: null,
    read: async (paths) =>
      paths.map((path) => {
        const bytes = byPath.get(path);
        return bytes === undefined ? null : Buffer.from(bytes);
      }),
    list: async (folder) => [...byPath.keys()].filter((path) => path.startsWith(`${folder}/`)).toSorted(byCodeUnit),
  };
}

async function readOne(root: string, path: string): Promise<Uint8Array | null> {
  try {
    if ((await realpath(join(root, path))) !== join(await realpath(root), path)) throw symlink(path);
    return await readFile(join(root, path));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '')) return null;
    throw systemError(error, 'read', path);
  }
}

async function listFolder(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw systemError(error, 'read', folder);
  });
  if (entries.length > 0 && (await lstat(join(root, folder))).isSymbolicLink()) throw symlink(folder);
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listFolder(root, path)));
    else found.push(path);
  }
  return found;
}

function symlink(path: string): PlumbError {
  return new PlumbError('PATH_OUTSIDE', {
    what: `${path} is reached through a symlink`,
    where: { file: path },
    mend: 'put the file itself there: `git checkout` brings it back',
  });
}
