// Has anything been taken out of the cache since we looked? Whatever takes an object away changes the time of the folder that it was in: so a few hundred
// stats say that all is still there, instead of one for each of a million objects.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** @param root of the cache @returns 64 hex digits; the same as long as no object came or went. Null: there is no cache */
export function cacheState(root: string): string | null {
  const top = statSync(root, { throwIfNoEntry: false });
  if (top === undefined) return null;
  // of the root only which one it is: names and temporary files come and go below it
  const state = createHash('sha256').update(`${top.dev}:${top.ino}`);
  for (const folder of ['packs', ...foldersOfObjects(root)]) {
    const facts = statSync(join(root, folder), { throwIfNoEntry: false });
    state.update(`\0${folder}:${facts?.ino}:${facts?.mtimeMs}`);
  }
  return state.digest('hex');
}

function foldersOfObjects(root: string): string[] {
  try {
    return readdirSync(join(root, 'objects'))
      .toSorted()
      .map((name) => join('objects', name));
  } catch {
    return []; // there are none
  }
}
