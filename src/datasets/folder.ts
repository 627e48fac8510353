// A folder of files as one object: a manifest of kind files. Data sets and outputs of stages are stored so.
import { lstat, mkdir, readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { isTemporary } from '../base/atomic.ts';
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { eachInParallel, mapInParallel } from '../store/parallel.ts';
import type { Store } from '../store/store.ts';
import { digestOfManifest, filesManifest, manifestBytes, manifestText, readManifest, type FilePart, type FilesManifest } from './manifest.ts';
import { isSafePath, outside, refuseWayOut, specialFile } from './paths.ts';
import { digestOfPath, type StatIndex } from './stat-index.ts';

export interface FolderOptions {
  /** where given, files that it knows are not read again */
  readonly index?: StatIndex;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface FolderFile {
  /** relative to the folder, '/' between names */
  readonly path: string;
  readonly executable: boolean;
}

/** Files under way at once. */
const width = 8;

/**
 * The files below a folder, sorted by path (UTF-16 code units). What a killed writer of ours left is passed over.
 * @throws PlumbError PATH_OUTSIDE for a symlink that leads out of the folder, FILE_KIND for any other symlink and special files,
 *   NAME_INVALID, FILE_MISSING, FILE_UNREADABLE
 */
export async function listFolder(folder: string): Promise<FolderFile[]> {
  const found: FolderFile[] = [];
  const walk = async (prefix: string): Promise<void> => {
    const absolute = join(folder, prefix);
    const entries = await readdir(absolute, { withFileTypes: true, encoding: 'buffer' }).catch((error: unknown) =>
      Promise.reject(systemError(error, 'read', absolute)),
    );
    for (const entry of entries) {
      const name = readName(entry.name, absolute);
      const path = `${prefix}${name}`;
      if (isTemporary(name)) continue;
      if (!isSafePath(path)) throw badName(join(folder, path));
      if (entry.isDirectory()) await walk(`${path}/`);
      else if (entry.isFile()) found.push({ path, executable: ((await lstat(join(folder, path))).mode & 0o100) !== 0 });
      else throw entry.isSymbolicLink() ? await symlink(folder, path) : specialFile(join(folder, path));
    }
  };
  await walk('');
  return found.toSorted((a, b) => byCodeUnit(a.path, b.path));
}

function readName(bytes: Buffer, folder: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badName(join(folder, bytes.toString('latin1')));
  }
}

function badName(path: string): PlumbError {
  return new PlumbError('NAME_INVALID', {
    what: `${JSON.stringify(path)} cannot be part of a data set: names are UTF-8, without control characters or backslashes, and not .git`,
    mend: 'rename it, or take it out of the folder',
  });
}

async function symlink(folder: string, path: string): Promise<PlumbError> {
  const [top, target] = await Promise.all([realpath(folder), realpath(join(folder, path)).catch(() => null)]);
  if (target === null || !target.startsWith(`${top}${sep}`)) return outside(join(folder, path), 'it is a symlink that leads out of its folder');
  return new PlumbError('FILE_KIND', {
    what: `${join(folder, path)} is a symlink`,
    where: { file: join(folder, path) },
    mend: 'put the file itself there: a data set holds files, not links',
  });
}

/** The manifest of a folder as it stands; nothing is stored. @throws as listFolder, and FILE_CHANGED */
export async function describeFolder(index: StatIndex, folder: string, options: Omit<FolderOptions, 'index'> = {}): Promise<FilesManifest> {
  const parts = await mapInParallel(await listFolder(folder), { width, ...onlySignal(options) }, async (file) => {
    const found = await digestOfPath(index, join(folder, file.path), options);
    if (found === null) throw changed(join(folder, file.path));
    return partOf(file, found);
  });
  return filesManifest(parts);
}

/**
 * Puts all files below a folder into the store, and their manifest after them.
 * @returns digest of the manifest; bytes of all files; number of files
 * @throws as listFolder, and DISK_FULL
 */
export async function storeFolder(
  store: Store,
  folder: string,
  options: FolderOptions = {},
): Promise<{ digest: Digest; bytes: number; files: number }> {
  const { index } = options;
  const parts = await mapInParallel(await listFolder(folder), { width, ...onlySignal(options) }, async (file) => {
    const absolute = join(folder, file.path);
    const known = index === undefined ? null : await digestOfPath(index, absolute, options);
    if (known !== null && (await store.has(known.digest))) return partOf(file, known);
    return partOf(file, await store.putFile(absolute, options));
  });
  const manifest = filesManifest(parts);
  return { digest: await store.putBytes(manifestText(manifest)), bytes: manifestBytes(manifest), files: parts.length };
}

function partOf(file: FolderFile, found: { digest: Digest; bytes: number }): FilePart {
  return { path: file.path, digest: found.digest, bytes: found.bytes, ...(file.executable ? { mode: '100755' as const } : {}) };
}

function changed(path: string): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${path} vanished while its folder was being read`,
    where: { file: path },
    mend: 'run the command again when whoever writes the folder has finished',
  });
}

function onlySignal(options: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}

/**
 * Makes a folder hold exactly the files of a manifest: what differs is written, file by file and each atomically; other files are removed.
 * @param digest of a manifest of kind files
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID, PATH_OUTSIDE, DISK_FULL
 */
export async function checkoutFolder(
  store: Store,
  digest: Digest,
  folder: string,
  options: FolderOptions = {},
): Promise<{ bytes: number; files: number }> {
  const manifest = await readManifest(store, digest);
  if (manifest.kind !== 'files') {
    throw new PlumbError('MANIFEST_INVALID', { what: `${digest} is a data set of rows, not a folder`, mend: 'check it out as a file' });
  }
  await mkdir(folder, { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make', folder)));
  const parents = new Set(manifest.parts.map((part) => dirname(part.path)));
  for (const parent of parents) if (parent !== '.') await refuseWayOut(folder, parent);
  await removeOthers(folder, new Set(manifest.parts.map((part) => part.path)));
  await eachInParallel(manifest.parts, { width, ...onlySignal(options) }, async (part) => {
    const target = join(folder, part.path);
    if (!(await isThere(part, target, options.index))) await store.checkoutFile(part.digest, target, { executable: part.mode === '100755' });
    options.onBytes?.(part.bytes);
  });
  return { bytes: manifestBytes(manifest), files: manifest.parts.length };
}

/** True only where the file is known to be right without doubt; without an index every file is written anew. */
async function isThere(part: FilePart, target: string, index: StatIndex | undefined): Promise<boolean> {
  if (index === undefined) return false;
  const facts = await lstat(target).catch(() => null);
  if (facts === null || !facts.isFile() || facts.size !== part.bytes) return false;
  if (((facts.mode & 0o100) !== 0) !== (part.mode === '100755')) return false;
  return (await digestOfPath(index, target))?.digest === part.digest;
}

async function removeOthers(folder: string, keep: ReadonlySet<string>): Promise<void> {
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
      const path = `${prefix}${entry.name}`;
      if (entry.isDirectory() && !keep.has(path)) {
        await walk(`${path}/`);
        await rmdir(join(folder, path)).catch(() => undefined); // not empty: it holds what stays
      } else if (!entry.isFile() || !keep.has(path)) await rm(join(folder, path), { recursive: true, force: true });
    }
  };
  await walk('');
}

/** Digest of a manifest of kind files for a folder as it stands; nothing is stored. */
export async function digestOfFolder(index: StatIndex, folder: string, options: Omit<FolderOptions, 'index'> = {}): Promise<Digest> {
  return digestOfManifest(await describeFolder(index, folder, options));
}
