// A cache that several repositories use (PLUMB_CACHE) knows them by small files in it: its garbage collection keeps what any of them names.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Absolute paths of the projects that use a cache, sorted. */
export function neighbours(cacheDir: string): string[] {
  const folder = join(cacheDir, 'repositories');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
    .filter((path) => path !== '')
    .toSorted();
}

/** A cache in the project's own folder has no neighbours. @param root absolute path of the project */
export function registerAt(cacheDir: string, root: string): void {
  const file = fileOf(cacheDir, root);
  if (cacheDir.startsWith(root + sep) || existsSync(file)) return;
  try {
    mkdirSync(join(cacheDir, 'repositories'), { recursive: true });
    writeFileSync(file, `${root}\n`, { flag: 'wx' });
  } catch {
    // it can only be read, or another process was first
  }
}

/** @returns whether it was known */
export function forget(cacheDir: string, root: string): boolean {
  const file = fileOf(cacheDir, root);
  const known = existsSync(file);
  rmSync(file, { force: true });
  return known;
}

function fileOf(cacheDir: string, root: string): string {
  return join(cacheDir, 'repositories', createHash('sha256').update(root).digest('hex'));
}
