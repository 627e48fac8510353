// Objects on their way into the work tree. Each file comes under a temporary name beside its target and is renamed: a process that is killed leaves the old
// file or the new one, and `sweepKilled` knows what else it left. A hard link needs no temporary name where nothing stands: it is whole at once.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { temporaryBeside } from '../../base/atomic.ts';
import { digestOf } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { objectPath } from '../layout.ts';
import { decodeFrame } from '../pack/frame.ts';
import { isAllowed, writeWhole } from './add-task.ts';
import type { FileStamp } from './cache.ts';
import { checkLoose, factsOf } from './loose.ts';
import { oneRead, readWhole, stampOf, withFile } from './steady.ts';
import type { Control, PackPlace, PlaceItem, PlaceResult, PlaceTask } from './task.ts';

/** @throws PlumbError DISK_FULL, FILE_UNREADABLE; what was written until then is whole */
export async function placeFiles(task: PlaceTask, control: Control): Promise<PlaceResult> {
  const stamps: (FileStamp | null)[] = Array.from(task.files, () => null);
  const missing: number[] = [];
  const bad: number[] = [];
  const placing = new Placing(task, control);
  const inPacks = [...task.files.keys()]
    .filter((at) => task.files[at]?.at !== null)
    .toSorted((a, b) => byPlace(task.files[a]?.at, task.files[b]?.at));
  try {
    for (const at of [...inPacks, ...task.files.keys().filter((file) => task.files[file]?.at === null)]) {
      control.throwIfAborted();
      const file = task.files[at] as PlaceItem;
      const placed = file.at === null ? await placing.loose(file) : placing.packed(file, file.at);
      if (placed === 'missing') missing.push(at);
      else if (placed === 'bad') bad.push(at);
      else stamps[at] = placed;
    }
  } finally {
    placing.end();
  }
  return { stamps, missing, bad };
}

/** In the order in which they lie on the disk: each frame is read once. */
function byPlace(a: PackPlace | null | undefined, b: PackPlace | null | undefined): number {
  if (!a || !b) return 0;
  return a.pack - b.pack || a.frame.offset - b.frame.offset || a.offset - b.offset;
}

type Placed = FileStamp | 'missing' | 'bad';

class Placing {
  readonly #task: PlaceTask;
  readonly #control: Control;
  #pack: { readonly number: number; readonly fd: number } | null = null;
  #frame: { readonly offset: number; readonly raw: Buffer } | null = null;

  constructor(task: PlaceTask, control: Control) {
    this.#task = task;
    this.#control = control;
  }

  end(): void {
    if (this.#pack !== null) closeSync(this.#pack.fd);
    this.#pack = null;
    this.#frame = null;
  }

  packed(file: PlaceItem, place: PackPlace): Placed {
    const frame = this.#frameOf(place);
    if (frame === 'missing' || frame === 'bad') return frame;
    const bytes = frame.subarray(place.offset, place.offset + file.bytes);
    if (digestOf(bytes) !== file.digest) return 'bad';
    try {
      const stamp = this.#made(file, (sink) => writeWhole(sink, bytes));
      this.#control.told(bytes.length);
      return stamp;
    } catch (error) {
      throw systemError(error, 'write', file.target);
    }
  }

  async loose(file: PlaceItem): Promise<Placed> {
    const { root, link } = this.#task;
    const state = await checkLoose(root, file.digest, this.#control);
    const facts = state === 'good' ? factsOf(root, file.digest) : null;
    if (facts === null) return state === 'bad' ? 'bad' : 'missing';
    const source = objectPath(root, file.digest);
    try {
      const linked = link === 'hardlink' && !file.executable ? this.#linked(source, facts, file) : null;
      return linked ?? (await this.#copied(source, file));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && factsOf(root, file.digest) === null) return 'missing';
      throw systemError(error, 'write', file.target);
    }
  }

  /** Null: there cannot be a link here. */
  #linked(source: string, facts: Stats, file: PlaceItem): FileStamp | null {
    try {
      if (!isAllowed(() => linkSync(source, file.target))) return null;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const there = lstatSync(file.target);
      // renaming a link over another of the same file does nothing, and would leave both
      if (there.ino === facts.ino && there.dev === facts.dev) return stampOf(there);
      const temporary = this.#temporary(file.target);
      if (!isAllowed(() => linkSync(source, temporary))) return null;
      try {
        renameSync(temporary, file.target);
      } finally {
        // it is still there where another process has put the same link in its place since we looked
        rmSync(temporary, { force: true });
      }
    }
    this.#control.told(facts.size);
    return stampOf(lstatSync(file.target));
  }

  async #copied(source: string, file: PlaceItem): Promise<FileStamp | 'missing'> {
    const copied = await withFile(source, ({ fd, facts }) => {
      const bytes = facts.size <= oneRead && this.#task.link !== 'reflink' ? readWhole({ fd, facts }) : null;
      const stamp = this.#made(file, (sink, path) => (bytes === null ? cloneOrCopy(source, path, sink) : writeWhole(sink, bytes)));
      this.#control.told(facts.size);
      return stamp;
    });
    return copied ?? 'missing';
  }

  /** Makes a file that is seen when it is whole. @param fill writes it: it is open and empty */
  #made(file: PlaceItem, fill: (sink: number, path: string) => void): FileStamp {
    // where nobody looks yet, a half file is seen by nobody
    const path = this.#task.fresh ? file.target : this.#temporary(file.target);
    const sink = openSync(path, 'wx', modeOf(file));
    try {
      let stamp: FileStamp;
      try {
        fill(sink, path);
        stamp = stampOf(fstatSync(sink));
      } finally {
        closeSync(sink);
      }
      if (path === file.target) return stamp;
      renameSync(path, file.target);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
    // a rename is a change of the file, too
    return stampOf(lstatSync(file.target));
  }

  /** The bytes of a frame; the one that was used last is kept. */
  #frameOf(place: PackPlace): Buffer | 'missing' | 'bad' {
    if (this.#pack?.number !== place.pack) {
      this.end();
      const fd = openPack(this.#task.packs[place.pack] as string);
      if (fd === null) return 'missing';
      this.#pack = { number: place.pack, fd };
    }
    const { offset, stored } = place.frame;
    if (this.#frame?.offset === offset) return this.#frame.raw;
    try {
      const bytes = Buffer.allocUnsafeSlow(stored);
      for (let at = 0, got = -1; got !== 0 && at < stored; at += got) got = readSync(this.#pack.fd, bytes, at, stored - at, offset + at);
      this.#frame = { offset, raw: decodeFrame(bytes, place.frame) };
      return this.#frame.raw;
    } catch (error) {
      if (isPlumbError(error, 'PACK_INVALID')) return 'bad';
      throw systemError(error, 'read', this.#task.packs[place.pack] as string);
    }
  }

  #temporary(target: string): string {
    temporaries.made += 1;
    return join(dirname(target), `${temporaries.prefix}-${temporaries.made}`);
  }
}

/** Names that are used once: of this process, this thread, and in it. */
const temporaries = { prefix: basename(temporaryBeside(`/${threadId}`)), made: 0 };

/** New files get what the umask leaves of this. */
function modeOf(file: PlaceItem): number {
  return file.executable ? 0o777 : 0o666;
}

/** By the kernel, sharing the bytes where it can. @param sink the target, open and empty: its permissions shall stay what they are */
function cloneOrCopy(source: string, target: string, sink: number): void {
  const { mode } = fstatSync(sink);
  copyFileSync(source, target, constants.COPYFILE_FICLONE);
  chmodSync(target, mode & 0o777);
}

/** Null: it is not there any more. */
function openPack(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw systemError(error, 'read', path);
  }
}
