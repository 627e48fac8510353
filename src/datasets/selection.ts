// Part of the data sets: what `plumb fetch` is asked for beyond names.
import { matchesGlob } from 'node:path';

export interface Selection {
  /** of data sets of files: paths of files, of folders, or patterns ('train/**', '*.png'), relative to the data set; none: all */
  readonly paths?: readonly string[];
}

/** Whether a file is one of those that were asked for. */
export function pathFilter({ paths = [] }: Selection): (path: string) => boolean {
  if (paths.length === 0) return () => true;
  const tests = paths.map(testOf);
  return (path) => tests.some((test) => test(path));
}

function testOf(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/\/(?:\*\*)?$/, '');
  // a folder or a file by its name: far cheaper than a pattern, and what most people ask for
  if (!/[*?[\]{}!()\\]/.test(plain)) return (path) => path === plain || path.startsWith(`${plain}/`);
  return (path) => matchesGlob(path, pattern);
}
