// Files of the work tree, as commits ask for them.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { PlumbError, errnoOf, systemError } from '../base/errors.ts';
import { checkPath } from './names.ts';

/**
 * Checks that each path is a file, or one that was there and is gone.
 * @param knownOf which of the paths that are not there git knows
 * @returns those that are there
 * @throws PlumbError FILE_KIND for a folder, FILE_MISSING for what nobody knows, PATH_OUTSIDE
 */
export async function checkCommittable(
  top: string,
  paths: readonly string[],
  knownOf: (missing: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<string[]> {
  const present: string[] = [];
  const missing: string[] = [];
  // a folder may stand where a file was: then the file is gone
  const others = new Set<string>();
  for (const path of paths) {
    const facts = await lstat(join(top, checkPath(path))).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
      throw systemError(error, 'read', path);
    });
    if (facts?.isFile() === true || facts?.isSymbolicLink() === true) present.push(path);
    else {
      missing.push(path);
      if (facts !== null) others.add(path);
    }
  }
  const known = missing.length === 0 ? new Set<string>() : await knownOf(missing);
  const stranger = missing.find((path) => !known.has(path));
  if (stranger === undefined) return present;
  if (others.has(stranger)) {
    throw new PlumbError('FILE_KIND', { what: `${stranger} is no file`, where: { file: stranger }, mend: 'name the files in it one by one' });
  }
  throw new PlumbError('FILE_MISSING', { what: `${stranger} is not there`, where: { file: stranger }, mend: 'check the spelling of the path' });
}
