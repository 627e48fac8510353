// Where data may stand: inside the project, and nowhere that git or we keep our own.
import { lstat, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import { isTreePath, pathBytes } from '../store/tree/keys.ts';

/** Relative, '/' between names, no empty name, '.', '..', no control character, and nothing of git's own: fit to be joined to a folder. */
export function isSafePath(path: string): boolean {
  return isTreePath(path);
}

/** May it stand between the '/' of such a path? */
export function isSafeName(name: string): boolean {
  // most names begin with a letter or digit and hold nothing else than these: one look
  return /^\w[\w.-]*$/.test(name) || (!name.includes('/') && isTreePath(name));
}

export interface DataPath {
  /** relative to the project, '/' between names */
  readonly path: string;
  readonly absolute: string;
  readonly kind: 'file' | 'folder';
}

/**
 * The file or folder that an argument names.
 * @param place cwd: what a relative argument is relative to; root: of the project; both absolute
 * @throws PlumbError PATH_OUTSIDE, FILE_MISSING, FILE_KIND, NAME_INVALID
 */
export async function findDataPath(argument: string, place: { readonly cwd: string; readonly root: string }): Promise<DataPath> {
  const absolute = resolve(place.cwd, argument);
  const path = relative(place.root, absolute).split(sep).join('/');
  if (path === '' || path === '..' || path.startsWith('../') || isAbsolute(path))
    throw outside(argument, 'it is not below the folder of plumbline.yaml');
  checkProjectPath(path);
  await refuseWayOut(place.root, path);
  const facts = await lstat(await realpath(absolute).catch((error: unknown) => Promise.reject(systemError(error, 'read', argument))));
  if (facts.isFile()) return { path, absolute, kind: 'file' };
  if (facts.isDirectory()) return { path, absolute, kind: 'folder' };
  throw specialFile(path);
}

/**
 * A path of datasets.lock, which whoever wrote the revision chose.
 * @throws PlumbError PATH_OUTSIDE, NAME_INVALID
 */
export function checkProjectPath(path: string): void {
  if (/[\p{Cc}\\]/u.test(path)) {
    throw new PlumbError('NAME_INVALID', {
      what: `${JSON.stringify(path).slice(0, 200)} holds a control character or a backslash`,
      mend: 'rename the file: neither .gitignore nor other machines can take such a name',
    });
  }
  if (Buffer.byteLength(path) > pathBytes) {
    throw new PlumbError('NAME_INVALID', {
      what: `${JSON.stringify(path).slice(0, 200)}... is longer than ${pathBytes} bytes`,
      mend: 'give it a shorter name',
    });
  }
  if (!isSafePath(path)) throw outside(path, 'it holds "..", an empty name or .git');
  // as a disk has it that does not tell upper from lower case
  const folded = path.toLowerCase();
  if (isLocal(path) || folded === files.lock || folded === files.config) throw outside(path, 'Plumbline keeps its own there');
}

/** What is of this machine only: the cache, the locks. */
function isLocal(path: string): boolean {
  return path.split('/')[0]?.toLowerCase() === files.local;
}

/**
 * @throws PlumbError PATH_OUTSIDE when a symlink on the way leads out of the project, or to what is git's own or ours in it: whoever wrote a revision may
 *   have put both there, the link and the path. What is not there yet cannot lead anywhere.
 */
export async function refuseWayOut(root: string, path: string): Promise<void> {
  const top = await realpath(root);
  const way = relative(root, resolve(root, path));
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) throw outside(path, 'it is not below the folder of plumbline.yaml');
  for (let place = resolve(root, path); place.length >= root.length; place = dirname(place)) {
    let real: string;
    try {
      real = await realpath(place);
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR' || (errnoOf(error) === 'ENOENT' && !(await isLink(place)))) continue;
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') throw outside(path, 'a symlink on the way leads nowhere');
      throw systemError(error, 'read', place);
    }
    if (real !== top && !real.startsWith(`${top}${sep}`)) throw outside(path, `a symlink leads to ${real}`);
    const inside = relative(top, real).split(sep).join('/');
    const isLinked = inside !== relative(root, place).split(sep).join('/');
    if (isLinked && inside !== '' && (!isSafePath(inside) || isLocal(inside))) throw outside(path, `a symlink leads to ${inside}`);
    return;
  }
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  );
}

export function outside(path: string, why: string): PlumbError {
  return new PlumbError('PATH_OUTSIDE', {
    what: `${path} cannot be a data set: ${why}`,
    where: { file: path },
    mend: 'bring the data into the project (data/ is the usual place) and add it there',
  });
}

export function specialFile(path: string): PlumbError {
  return new PlumbError('FILE_KIND', {
    what: `${path} is a socket, a device or another special file`,
    where: { file: path },
    mend: 'add files and folders; take special files out of the folder',
  });
}
