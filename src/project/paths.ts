import { posix } from 'node:path';
import { PlumbError } from '../base/errors.ts';

/**
 * A path of a file, as people write it, in its one form: relative to the project, '/' between names, no '.' or '..', no end slash.
 * It decides from the text alone; whether a symlink leads out is for those who open the file.
 * @param where what holds the path, for the message
 * @throws PlumbError PATH_OUTSIDE
 */
export function checkProjectPath(path: string, where: string, file?: string): string {
  const plain = posix.normalize(path.replaceAll('\\', '/')).replace(/\/$/, '');
  const outside = plain === '..' || plain.startsWith('../') || posix.isAbsolute(plain) || /^[A-Za-z]:/.test(plain) || plain.includes('\0');
  if (!outside && plain !== '' && plain !== '.') return plain;
  throw new PlumbError('PATH_OUTSIDE', {
    what: `${where}: "${path.slice(0, 200)}" does not lie in the project`,
    ...(file === undefined ? {} : { where: { file } }),
    mend: 'use a path relative to the folder of plumbline.yaml, without ".."',
  });
}
