// A cache that several users of a machine share: its root may be written by a group. Then what is made in it may be, too, whatever the umask of
// whoever makes it; with the setgid bit on the root the group stays the same all the way down.
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../../base/errors.ts';

const groupMayWrite = 0o020;

/** Makes a folder of a cache and those that it stands in, with the permissions of the root where a group shares it. */
export function makeFolder(root: string, folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined || folder === root) return;
  const mode = statSync(root).mode & 0o7777;
  if ((mode & groupMayWrite) === 0) return;
  for (let made = folder; made.length >= first.length && made.length > root.length; made = dirname(made)) chmodSync(made, mode);
}

/** Do others write to this cache, too? */
export function isShared(root: string): boolean {
  return ((statSync(root, { throwIfNoEntry: false })?.mode ?? 0) & groupMayWrite) !== 0;
}

/** The permissions of a finished object: everybody who shares the cache reads it, nobody writes it. */
export const objectMode = 0o444;

/** Can nothing be written there, whoever tries? Reading goes on without. */
export function isReadOnly(error: unknown): boolean {
  const errno = errnoOf(error) ?? '';
  return errno === 'EROFS' || errno === 'EACCES' || errno === 'EPERM';
}
