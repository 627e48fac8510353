// Names that are two here and one on a file system that does not tell 'A' from 'a', or one spelling of 'é' from another (macOS, Windows).
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import { PackedNames } from './packed-names.ts';

/** How many are told of. */
const most = 10;

export class NameClashes {
  /** pairs of paths that would be one */
  readonly found: (readonly [string, string])[] = [];

  /** @param names of all that is in one folder */
  look(prefix: string, names: readonly string[] | PackedNames): void {
    if (this.found.length >= most || !mayClash(names)) return;
    const seen = new Map<string, string>();
    for (const name of names instanceof PackedNames ? suspectsAmong(names) : names) {
      const folded = foldName(name);
      const other = seen.get(folded);
      if (other === undefined) seen.set(folded, name);
      else if (this.found.length < most) this.found.push([prefix + other, prefix + name]);
    }
  }
}

/** Without such characters, names that differ stay different. */
function mayClash(names: Iterable<string>): boolean {
  for (const name of names) if (/[A-Z\u0080-\uffff]/.test(name)) return true;
  return false;
}

/** The names, of very many, that another may be one with: 4 bytes each find them, and a few others. */
function suspectsAmong(names: PackedNames): string[] {
  const hashes = new Uint32Array(names.count);
  let at = 0;
  for (const name of names) hashes[at++] = hashOfFolded(name);
  const sorted = hashes.toSorted();
  const shared = new Set(sorted.filter((hash, place) => hash === sorted[place + 1]));
  const suspects: string[] = [];
  at = 0;
  for (const name of names) if (shared.has(hashes[at++] as number)) suspects.push(name);
  return suspects;
}

/** FNV-1a of the folded name, by UTF-16 units. */
function hashOfFolded(name: string): number {
  const folded = foldName(name);
  let hash = 0x811c9dc5;
  for (let at = 0; at < folded.length; at += 1) hash = Math.imul(hash ^ folded.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** The same for paths that come one by one, in order: in memory are the names of the folders that the path stands in. */
export class PathClashes {
  readonly #open: { readonly prefix: string; readonly seen: Map<string, string> }[] = [{ prefix: '', seen: new Map() }];

  /** @returns the path that it would be one with, or null */
  look(path: string): string | null {
    while (!path.startsWith(this.#open.at(-1)?.prefix ?? '')) this.#open.pop();
    for (;;) {
      const { prefix, seen } = this.#open.at(-1) as { prefix: string; seen: Map<string, string> };
      const slash = path.indexOf('/', prefix.length);
      const name = path.slice(prefix.length, slash === -1 ? undefined : slash);
      const folded = foldName(name);
      const other = seen.get(folded);
      if (other !== undefined && other !== name) return prefix + other;
      seen.set(folded, name);
      if (slash === -1) return null;
      this.#open.push({ prefix: path.slice(0, slash + 1), seen: new Map() });
    }
  }
}

/** Equal for names that some file system in use takes for one. */
function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

/**
 * Does a folder take names for one that differ in case? Its own name is looked up in the other case; only a folder that is mounted, or whose name has no
 * letters, is tried with a file. Where nothing can be written, it does not matter.
 */
export function ignoresCase(folder: string): boolean {
  try {
    const [here, above] = [statSync(folder), statSync(dirname(folder))];
    const other = join(dirname(folder), otherCase(basename(folder)));
    if (here.dev !== above.dev || other === folder) return ignoresCaseOfFile(folder);
    const there = statSync(other, { throwIfNoEntry: false });
    return there !== undefined && there.ino === here.ino && there.dev === here.dev;
  } catch {
    return false;
  }
}

function otherCase(name: string): string {
  return name.toLowerCase() === name ? name.toUpperCase() : name.toLowerCase();
}

function ignoresCaseOfFile(folder: string): boolean {
  const probe = temporaryBeside(join(folder, 'case'));
  try {
    writeFileSync(probe, '', { flag: 'wx' });
    return existsSync(join(dirname(probe), basename(probe).toUpperCase()));
  } finally {
    rmSync(probe, { force: true });
  }
}
