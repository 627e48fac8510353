// The files below a folder in the order of their paths, one stat each. Synchronous: for a stat, going through another thread costs more than the stat.
// In memory are the names of the folder that it stands in, and of those above; nothing but names, for a folder may have a million.
import { lstatSync, opendirSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { isTemporary } from '../base/atomic.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { NameClashes } from './name-clashes.ts';
import { NameList } from './name-list.ts';
import { PackedNames } from './packed-names.ts';
import { sortPaths } from './path-order.ts';
import { isSafeName, outside, specialFile } from './paths.ts';
import { pathBytes } from '../store/tree/keys.ts';

interface OpenFolder {
  /** its path and '/'; '' for the top */
  readonly prefix: string;
  /** of what is in it. That of a folder gets a '/' behind, and its place by that, when it turns out to be one */
  readonly names: NameList;
}

/**
 * A place in the walk: `next` moves it on. What a killed writer of ours left is passed over.
 * @throws PlumbError PATH_OUTSIDE for a symlink that leads out of the folder, FILE_KIND for any other symlink and special files,
 *   NAME_INVALID, FILE_MISSING, FILE_UNREADABLE
 */
export class FolderWalk {
  /** of the file, relative to the folder, '/' between names */
  path = '';
  readonly clashes: NameClashes = new NameClashes();
  #facts: Stats | null = null;
  readonly #folder: string;
  readonly #large: number;
  readonly #open: OpenFolder[] = [];

  /** @param folder absolute; large: bytes that a folder with very many names takes on its disk, or more */
  constructor(folder: string, { large = largeBytes }: { readonly large?: number } = {}) {
    this.#folder = folder;
    this.#large = large;
    this.#enter('');
  }

  /** of the file that the walk is at */
  get facts(): Stats {
    if (this.#facts === null) throw new Error('the walk is at no file');
    return this.#facts;
  }

  get executable(): boolean {
    return (this.facts.mode & 0o100) !== 0;
  }

  /** @returns false at the end */
  next(): boolean {
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      const name = top.names.next();
      if (name === undefined) this.#open.pop();
      else if (name.endsWith('/')) this.#enter(top.prefix + name);
      else if (this.#isFile(top, name)) return true;
    }
    this.#facts = null;
    return false;
  }

  /** False: it has vanished since the folder was read, or it is a folder. */
  #isFile(top: OpenFolder, name: string): boolean {
    const path = top.prefix + name;
    const facts = lstatSync(`${this.#folder}/${path}`, { throwIfNoEntry: false });
    if (facts === undefined) return false;
    if (facts.isFile()) {
      this.path = path;
      this.#facts = facts;
      return true;
    }
    if (!facts.isDirectory()) throw facts.isSymbolicLink() ? symlink(this.#folder, path) : specialFile(join(this.#folder, path));
    // 'a.b' comes before 'a/': what is in a folder called a comes behind it
    top.names.putBack(`${name}/`);
    return false;
  }

  #enter(prefix: string): void {
    const absolute = prefix === '' ? this.#folder : `${this.#folder}/${prefix.slice(0, -1)}`;
    const { names, areOdd } = readFolder(absolute, { room: pathBytes - Buffer.byteLength(prefix), large: this.#large });
    if (areOdd) this.clashes.look(prefix, names);
    this.#open.push({ prefix, names: new NameList(names) });
  }
}

/** Nearly all names are like this: one look says that they are fit, not ours, and the same wherever upper and lower case are. */
const plain = /^[0-9_a-z-][ .0-9_a-z-]*$/;
/** 40,000 names of 20 bytes, on ext4. */
const largeBytes = 2 << 20;

/** The names in a folder, in order; areOdd: some are not plain. @param room: bytes that a name may have */
function readFolder(
  absolute: string,
  { room, large }: { readonly room: number; readonly large: number },
): { names: readonly string[] | PackedNames; areOdd: boolean } {
  const check = new NameCheck(absolute, room);
  try {
    if (statSync(absolute).size >= large) return { names: new PackedNames(fitNames(absolute, check)), areOdd: check.areOdd };
    const names = readdirSync(absolute);
    const odd = names.filter((name) => check.isOdd(name));
    for (const name of odd) check.refuseUnfit(name);
    return { names: sortPaths(odd.some(isTemporary) ? names.filter((name) => !isTemporary(name)) : names), areOdd: odd.length > 0 };
  } catch (error) {
    throw systemError(error, 'read', absolute);
  }
}

function* fitNames(absolute: string, check: NameCheck): Generator<string> {
  const folder = opendirSync(absolute, { bufferSize: 1024 });
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      const { name } = entry;
      if (check.isOdd(name)) check.refuseUnfit(name);
      if (!isTemporary(name)) yield name;
    }
  } finally {
    folder.closeSync();
  }
}

class NameCheck {
  areOdd = false;
  readonly #absolute: string;
  readonly #room: number;
  #isUtf8 = false;

  constructor(absolute: string, room: number) {
    this.#absolute = absolute;
    this.#room = room;
  }

  isOdd(name: string): boolean {
    if (name.length <= this.#room && plain.test(name)) return false;
    this.areOdd = true;
    return true;
  }

  refuseUnfit(name: string): void {
    if (!isSafeName(name) || Buffer.byteLength(name) > this.#room) throw badName(join(this.#absolute, name));
    // what is not UTF-8 comes with this character in place of each bad byte; a name may hold it rightly, too
    if (this.#isUtf8 || !name.includes('\ufffd')) return;
    refuseBadBytes(this.#absolute);
    this.#isUtf8 = true;
  }
}

function refuseBadBytes(absolute: string): void {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (const bytes of readdirSync(absolute, { encoding: 'buffer' })) {
    try {
      strict.decode(bytes);
    } catch {
      throw badName(join(absolute, bytes.toString('latin1')));
    }
  }
}

function badName(path: string): PlumbError {
  return new PlumbError('NAME_INVALID', {
    what: `${JSON.stringify(path)} cannot be part of a data set: names are UTF-8, without control characters or backslashes, and not .git`,
    mend: 'rename it, or take it out of the folder',
  });
}

function symlink(folder: string, path: string): PlumbError {
  const target = realpathOrNull(join(folder, path));
  if (target === null || !target.startsWith(`${realpathSync(folder)}${sep}`))
    return outside(join(folder, path), 'it is a symlink that leads out of its folder');
  return new PlumbError('FILE_KIND', {
    what: `${join(folder, path)} is a symlink`,
    where: { file: join(folder, path) },
    mend: 'put the file itself there: a data set holds files, not links',
  });
}

function realpathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
