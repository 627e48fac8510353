// A file that we write is there whole or not at all: temporary name beside it, fsync, rename, fsync of the folder.
// kill -9 at any instant leaves the old file and perhaps a temporary one, which `sweepTemporary` takes away later.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, systemError } from './errors.ts';

const marker = '.plumb-tmp-';

/** A name in the same folder that nobody else uses; `sweepTemporary` knows it. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${marker}${process.pid}-${randomBytes(6).toString('hex')}-${basename(path).slice(0, 40)}`);
}

/**
 * Writes a file so that readers see the old bytes or the new ones.
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE
 */
export async function writeFileAtomic(path: string, bytes: string | Uint8Array, options: { mode?: number } = {}): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make the folder of', path)));
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, options.mode ?? 0o666);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, 'write', path);
  }
  await syncFolder(dirname(path));
}

/**
 * Writes several files, as `writeFileAtomic` each. The bytes of all are on the disk before the first takes its place, so that a disk that is full
 * changes none; a kill may leave the first ones new and the rest old.
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE
 */
export async function writeFilesAtomic(files: readonly { readonly path: string; readonly bytes: string | Uint8Array }[]): Promise<void> {
  const written: { path: string; temporary: string }[] = [];
  try {
    for (const { path, bytes } of files) {
      const temporary = temporaryBeside(path);
      await writeFileAtomic(temporary, bytes);
      written.push({ path, temporary });
    }
    for (const { path, temporary } of written)
      await rename(temporary, path).catch((error: unknown) => Promise.reject(systemError(error, 'write', path)));
  } catch (error) {
    for (const { temporary } of written) await rm(temporary, { force: true });
    throw error;
  }
  for (const folder of new Set(files.map((file) => dirname(file.path)))) await syncFolder(folder);
}

/** Is this the name of a file that a writer of ours has not finished, or left when it was killed? */
export function isTemporary(name: string): boolean {
  return name.startsWith(marker);
}

/** Makes a rename in a folder last through a power cut. File systems that cannot (some network ones) are let be. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => null);
  if (handle === null) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}

/** Is a process of this machine, or of this container, at work? */
export function isRunning(pid: number): boolean {
  // 0 and less would ask about groups
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and is somebody else's
    return errnoOf(error) !== 'ESRCH';
  }
}

/** Removes what killed writers left in a folder that only this machine writes to: a work tree. Who still runs is known by the names. */
export async function sweepKilled(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = writerOf(name);
    if (Number.isInteger(pid) && !isRunning(pid)) await rm(join(folder, name), { force: true, recursive: true });
  }
}

const hourMs = 3_600_000;
const monthMs = 30 * 24 * hourMs;

/**
 * Removes temporary files of dead writers: ours by name, older than an hour. For folders that several machines write to. What a process of this machine
 * may be at work on stays, for clocks jump; but not for ever, for in containers each process has the same number.
 */
export async function sweepTemporary(folder: string, now: Date): Promise<number> {
  const names = (await readdir(folder).catch(() => [])).filter(isTemporary);
  let removed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => null);
    const age = facts === null ? 0 : now.getTime() - facts.mtimeMs;
    if (age < (isRunning(writerOf(name)) ? monthMs : hourMs)) continue;
    await rm(path, { force: true, recursive: true });
    removed += 1;
  }
  return removed;
}

/** Number of the process that a temporary name is of; NaN: it does not say. */
function writerOf(name: string): number {
  return isTemporary(name) ? Number.parseInt(name.slice(marker.length), 10) : Number.NaN;
}
