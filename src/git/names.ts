// Names that come in from outside, checked before any implementation sees them.
import { PlumbError } from '../base/errors.ts';

const fullId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function isOid(text: string): boolean {
  return fullId.test(text);
}

/** @throws PlumbError GIT_REVISION_UNKNOWN */
export function checkOid(text: string): string {
  if (isOid(text)) return text;
  throw new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `"${text.slice(0, 100)}" is no full id of a commit`,
    mend: 'write all 40 hex digits, as `git log --format=%H` prints them',
  });
}

/**
 * A path as git stores it: relative to the top, '/' between names.
 * @throws PlumbError PATH_OUTSIDE
 */
export function checkPath(path: string): string {
  const names = path.split('/');
  if (!path.includes('\0') && !names.some((name) => name === '' || name === '.' || name === '..')) return path;
  throw new PlumbError('PATH_OUTSIDE', {
    what: `"${path.slice(0, 200)}" is no path inside a repository`,
    mend: 'write it relative to the top of the repository, with single "/" and without "." and ".."',
  });
}

/** A folder: like a path, one '/' at the end is allowed, '' is the top. */
export function checkFolder(folder: string): string {
  const path = folder.endsWith('/') ? folder.slice(0, -1) : folder;
  return path === '' ? '' : checkPath(path);
}

/**
 * Whether text is what git takes for a whole ref name, 'refs/heads/main'.
 * Source: git-check-ref-format(1)
 */
export function isRefName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/$|^\/|\.$/u.test(name)) return false;
  return name !== '' && name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

/** @throws PlumbError NAME_INVALID */
export function checkBranchName(name: string): string {
  if (isRefName(`refs/heads/${name}`) && !name.startsWith('-') && name !== 'HEAD' && name !== '@') return name;
  throw new PlumbError('NAME_INVALID', {
    what: `"${name.slice(0, 120)}" cannot be the name of a branch`,
    mend: 'use letters, digits, "-", "_", "." and "/", not "-" or "." first; `git check-ref-format --branch NAME` tells',
  });
}

/** One form of a message, whatever git's configuration says: no blanks around it, one newline at the end. */
export function cleanMessage(message: string): string {
  const text = message.replaceAll('\0', '').replaceAll('\r\n', '\n').trim();
  if (text === '') throw new Error('a commit needs a message');
  return `${text}\n`;
}
