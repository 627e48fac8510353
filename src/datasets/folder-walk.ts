// The files below a folder in the order of their paths, one stat each. Synchronous: for a stat, going through another thread costs more than the stat.
// In memory are the names of the folder that it stands in, and of those above; nothing but names, for a folder may have a million.
import { lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { isTemporary } from '../base/atomic.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { NameClashes } from './name-clashes.ts';
import { isSafeName, outside, specialFile } from './paths.ts';
import { compareUtf8, pathBytes } from '../store/tree/keys.ts';
import { sortPaths } from './path-order.ts';

interface OpenFolder {
  /** its path and '/'; '' for the top */
  readonly prefix: string;
  /** of what is in it, sorted. That of a folder gets a '/' behind, and its place by that, when it turns out to be one */
  readonly names: string[];
  at: number;
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
  readonly #open: OpenFolder[] = [];

  /** @param folder absolute */
  constructor(folder: string) {
    this.#folder = folder;
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
      const name = top.names[top.at];
      top.at += 1;
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
    let at = top.at;
    while (at < top.names.length && compareUtf8(top.names[at] as string, `${name}/`) < 0) at += 1;
    if (at === top.at) this.#enter(`${path}/`);
    else top.names.splice(at, 0, `${name}/`);
    return false;
  }

  #enter(prefix: string): void {
    const absolute = prefix === '' ? this.#folder : `${this.#folder}/${prefix.slice(0, -1)}`;
    const names = readFolder(absolute);
    const room = pathBytes - Buffer.byteLength(prefix);
    for (const name of names) if (!isSafeName(name) || Buffer.byteLength(name) > room) throw badName(join(absolute, name));
    this.clashes.look(prefix, names);
    this.#open.push({ prefix, names: sortPaths(names), at: 0 });
  }
}

function readFolder(absolute: string): string[] {
  try {
    const names = readdirSync(absolute);
    // what is not UTF-8 comes with this character in place of each bad byte; a name may hold it rightly, too
    if (names.some((name) => name.includes('\ufffd'))) refuseBadBytes(absolute);
    return names.some(isTemporary) ? names.filter((name) => !isTemporary(name)) : names;
  } catch (error) {
    throw systemError(error, 'read', absolute);
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
