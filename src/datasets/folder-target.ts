// A folder of the work tree that files are taken out of and put into. Nothing leaves it by a symlink, and nothing that was written since it was looked at
// is lost.
import { lstatSync, mkdirSync, opendirSync, readdirSync, rmdirSync, rmSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { isSameStamp, stampOf } from './file-stamp.ts';
import type { IndexRow } from './index-file.ts';
import { outside } from './paths.ts';

export class TargetFolder {
  readonly #folder: string;
  readonly #force: boolean;
  readonly #emptied = new Set<string>();
  /** the folders that the file before stands in, from the top, and whether we made them */
  readonly #way: { readonly path: string; readonly isNew: boolean }[] = [];

  /** @param folder absolute; how: force: what was written since may be lost */
  constructor(folder: string, how: { readonly force: boolean } = { force: false }) {
    this.#folder = folder;
    this.#force = how.force;
  }

  /** Is nothing there, or a folder with nothing in it? */
  isEmpty(): boolean {
    try {
      const folder = opendirSync(this.#folder);
      try {
        return folder.readSync() === null;
      } finally {
        folder.closeSync();
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return true;
      throw systemError(error, 'read', this.#folder);
    }
  }

  make(): void {
    try {
      mkdirSync(this.#folder, { recursive: true });
    } catch (error) {
      throw systemError(error, 'make', this.#folder);
    }
  }

  /** Takes a file away that the version does not have. */
  remove(row: IndexRow): void {
    const target = join(this.#folder, row.path);
    this.#refuseChanged(row, lookAt(target));
    rmSync(target, { force: true });
    this.#emptied.add(dirname(row.path));
  }

  /** Takes the folders away that hold nothing any more. */
  removeEmptied(): void {
    for (const path of this.#emptied) {
      for (let place = path; place !== '.'; place = dirname(place)) if (!removedIfEmpty(join(this.#folder, place))) break;
    }
    this.#emptied.clear();
  }

  /** Makes the folder of a file in a folder that nobody else writes to. @throws PlumbError PATH_OUTSIDE, FILE_CHANGED */
  makeFolderOf({ path }: IndexRow): void {
    this.#makeFolder(dirname(path));
  }

  /** Makes the folder of a file, and takes away what is in its way. @throws PlumbError PATH_OUTSIDE, FILE_CHANGED */
  makeRoomFor(row: IndexRow): void {
    if (this.#makeFolder(dirname(row.path))) return;
    const target = join(this.#folder, row.path);
    const facts = lookAt(target);
    if (facts?.isDirectory() === true) removeEmptyFolders(target);
    else this.#refuseChanged(row, facts);
  }

  /** @returns whether it is new */
  #makeFolder(path: string): boolean {
    if (path === '.') return false;
    const way = this.#way;
    for (let last = way.at(-1); last !== undefined && last.path !== path && !path.startsWith(`${last.path}/`); last = way.at(-1)) way.pop();
    const known = way.at(-1);
    if (known?.path === path) return known.isNew;
    this.#makeFolder(dirname(path));
    const isNew = this.#made(join(this.#folder, path));
    way.push({ path, isNew });
    return isNew;
  }

  /** One folder after the other from the top: no link is ever passed through. @returns false: it was there */
  #made(absolute: string): boolean {
    try {
      mkdirSync(absolute);
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw systemError(error, 'make', absolute);
    }
    const facts = lookAt(absolute);
    if (facts?.isSymbolicLink() === true) throw outside(absolute, 'it is a symlink where a folder belongs');
    if (facts?.isDirectory() !== true) throw this.#changed(absolute);
    return false;
  }

  #refuseChanged({ path, found }: IndexRow, facts: Stats | null): void {
    if (this.#force) return;
    const same = found === null ? facts === null : facts === null || found.stamp === null || isSameStamp(found.stamp, stampOf(facts));
    if (!same) throw this.#changed(join(this.#folder, path));
  }

  #changed(path: string): PlumbError {
    return new PlumbError('FILE_CHANGED', {
      what: `${path} was changed while its folder was being checked out`,
      where: { file: path },
      mend: 'run the command again when whoever writes there has finished',
    });
  }
}

function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return null;
    throw systemError(error, 'look at', path);
  }
}

function removedIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false; // it holds what stays, or is none
  }
}

/** A folder stands where a file belongs: it goes if there are no files in it. */
function removeEmptyFolders(folder: string): void {
  try {
    for (const name of readdirSync(folder)) removeEmptyFolders(join(folder, name));
    rmdirSync(folder);
  } catch (error) {
    throw systemError(error, 'take away', folder);
  }
}
