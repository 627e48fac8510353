// Has anything been taken out of the cache since we looked? Whatever takes an object away changes the time of the folder that it was in: so a few hundred
// stats say that all is still there, instead of one for each of a million objects.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** @param root of the cache @returns 64 hex digits; the same as long as no object came or went. Null: there is no cache yet */
export function cacheState(root: string): string | null {
  const state = createHash('sha256');
  try {
    const folders = ['packs', ...readdirSync(join(root, 'objects')).map((name) => join('objects', name))];
    for (const folder of ['.', ...folders.toSorted()]) {
      const facts = statSync(join(root, folder), { throwIfNoEntry: false });
      // of the root only which one it is: names and temporary files come and go below it
      const time = folder === '.' ? '' : String(facts?.mtimeMs);
      state.update(`${folder}\0${facts?.dev}\0${facts?.ino}\0${time}\n`);
    }
    return state.digest('hex');
  } catch {
    return null;
  }
}
