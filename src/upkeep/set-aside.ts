// What was found to be other than its name says lies in bad/ of the cache: for people who want to know what happened, and for fsck, which tells what is
// still missing for it. When that is here again, or nobody names it, it says nothing any more.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError } from '../base/errors.ts';
import type { Cache } from '../store/cache/cache.ts';
import { openPackFile } from '../store/pack/reader.ts';
import type { DigestTable } from '../store/transfer/digest-table.ts';

export interface SetAside {
  /** absolute */
  readonly path: string;
  readonly bytes: number;
  /** when it was set aside: a rename moves this time */
  readonly since: Date;
  /** objects that it should have been; null: nobody knows, for it is a pack whose index cannot be read */
  readonly digests: readonly Digest[] | null;
}

/** All of it, by name. Files that are called otherwise are not ours. */
export function listSetAside(root: string): SetAside[] {
  const folder = join(root, 'bad');
  return namesIn(folder).flatMap((name): SetAside[] => {
    const [, hex, end] = /^([0-9a-f]{64})-?[0-9a-z]*(\.pack)?$/.exec(name) ?? [];
    const path = join(folder, name);
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (hex === undefined || facts === undefined) return [];
    return [{ path, bytes: facts.size, since: facts.ctime, digests: end === undefined ? [`sha256:${hex}`] : digestsIn(path) }];
  });
}

/**
 * What of it can go.
 * @param marks all that is needed
 * @param before what was set aside later stays
 */
export async function planSetAside(cache: Cache, marks: DigestTable, before: Date): Promise<SetAside[]> {
  const goes: SetAside[] = [];
  for (const file of listSetAside(cache.root)) {
    if (file.since >= before) continue;
    const needed = file.digests === null ? allOf(marks) : file.digests.filter((digest) => marks.find(digest) >= 0);
    if (await hasAll(cache, needed)) goes.push(file);
  }
  return goes;
}

/** @returns bytes that the disk has back */
export function removeSetAside(files: readonly SetAside[]): number {
  for (const { path } of files) rmSync(path, { force: true });
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function hasAll(cache: Cache, digests: Iterable<Digest>): Promise<boolean> {
  for (const digest of digests) if (!(await cache.has(digest))) return false;
  return true;
}

function* allOf(marks: DigestTable): Generator<Digest> {
  for (let at = 0; at < marks.size; at += 1) yield marks.digestAt(at);
}

function digestsIn(path: string): Digest[] | null {
  try {
    const file = openPackFile(path);
    file.close();
    const { index } = file;
    return Array.from({ length: index.objects }, (_, entry) => index.digestAt(entry));
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID') || isPlumbError(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
