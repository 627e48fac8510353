// A folder that comes into being whole: it is filled where nobody looks, and gets its name by one rename when all is in it. Files in it need no temporary
// names of their own, and whoever is killed on the way leaves nothing in the work tree.
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';

export class NewFolder {
  /** where it is filled */
  readonly path: string;
  readonly #target: string;

  /**
   * @param target where nothing stands
   * @param aside a folder that is swept of what killed processes left, to fill it in if a rename from there works
   * @throws PlumbError FILE_UNREADABLE, DISK_FULL
   */
  constructor(target: string, aside: string | null) {
    this.#target = target;
    try {
      mkdirSync(dirname(target), { recursive: true });
      this.path = (aside === null ? null : madeAside(aside, target)) ?? madeIn(dirname(target), target);
    } catch (error) {
      throw systemError(error, 'make', target);
    }
  }

  /** Gives it its name. @throws PlumbError FILE_CHANGED where something stands there by now */
  settle(): void {
    try {
      renameSync(this.path, this.#target);
    } catch (error) {
      if (!taken.has(errnoOf(error) ?? '')) throw systemError(error, 'make', this.#target);
      throw new PlumbError('FILE_CHANGED', {
        what: `${this.#target} came into being while it was being checked out`,
        where: { file: this.#target },
        mend: 'run the command again when whoever writes there has finished',
      });
    }
  }

  abandon(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const taken = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR']);

function madeIn(folder: string, target: string): string {
  const path = temporaryBeside(join(folder, basename(target)));
  mkdirSync(path);
  return path;
}

/** Null: what is made there cannot become the target, or would have another group. It is tried while the folder is empty, which is as good as missing. */
function madeAside(aside: string, target: string): string | null {
  let path: string | null = null;
  try {
    mkdirSync(aside, { recursive: true });
    if (inherited(aside) !== inherited(dirname(target))) return null;
    path = madeIn(aside, target);
    renameSync(path, target);
    renameSync(target, path);
    return path;
  } catch {
    if (path !== null) rmSync(path, { recursive: true, force: true });
    return null;
  }
}

/** What is made in a folder gets from it: its disk and, with the setgid bit, its group. */
function inherited(folder: string): string {
  const { dev, gid, mode } = statSync(folder);
  return `${dev}:${(mode & 0o2000) === 0 ? '' : gid}`;
}
