// An export onto a disk: beside its place first, and there in one step, so that nobody takes half of one for the whole.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import type { ExportFiles } from './export.ts';

/** @param folder absolute. @throws PlumbError FILES_IN_THE_WAY, FILE_UNREADABLE, DISK_FULL */
export async function writeExport(folder: string, files: ExportFiles): Promise<void> {
  await refuseFull(folder);
  const temporary = temporaryBeside(folder);
  try {
    for (const path of new Set([...files.keys()].map((one) => dirname(join(temporary, one))))) await mkdir(path, { recursive: true });
    for (const [path, bytes] of files) await writeFile(join(temporary, path), bytes, { flag: 'wx' });
    await rmdir(folder).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw systemError(error, 'write', folder);
  }
}

async function refuseFull(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw errnoOf(error) === 'ENOTDIR' ? inTheWay(folder) : systemError(error, 'read', folder);
  });
  if (there.length > 0) throw inTheWay(folder);
}

function inTheWay(folder: string): PlumbError {
  return new PlumbError('FILES_IN_THE_WAY', {
    what: `${folder} is there already, and not an empty folder`,
    where: { file: folder },
    mend: 'name a folder that is not there: an export is never mixed with other files',
  });
}
