// Commits, trees and files of commits by isomorphic-git.
import type { PromiseFsClient } from 'isomorphic-git';
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { missingCommit } from './failures.ts';
import type { Oid, TreeEntry } from './git.ts';
import { checkOid } from './names.ts';
import { fileMode, parseCommit, type CommitObject } from './object.ts';
import type { Repository } from './repository.ts';

export interface Entry {
  readonly mode: string;
  readonly oid: Oid;
  readonly isFolder: boolean;
}

export interface Objects {
  commit(oid: Oid): Promise<CommitObject>;
  /** The object behind a tag, or the commit itself; null when it is neither. */
  peel(oid: Oid): Promise<Oid | null>;
  /** The full id of a commit by the first digits of it; null where there is none. */
  expand(short: string): Promise<Oid | null>;
  entryAt(tree: Oid, path: string): Promise<Entry | null>;
  folder(tree: Oid): Promise<ReadonlyMap<string, Entry>>;
  /** All files below a tree, in no order. */
  files(tree: Oid, prefix: string): AsyncGenerator<TreeEntry>;
  blob(oid: Oid): Promise<Uint8Array>;
}

/** What every call of isomorphic-git is given. */
export interface Place {
  readonly git: (typeof import('isomorphic-git'))['default'];
  readonly fs: PromiseFsClient;
  readonly gitdir: string;
  /** isomorphic-git keeps indexes of packs in it */
  readonly cache: object;
}

export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export function createObjects(place: Place, repository: Repository): Objects {
  const { git, fs, gitdir, cache } = place;

  async function raw(oid: Oid): Promise<{ type: string; bytes: Uint8Array } | null> {
    try {
      const { type, object } = await git.readObject({ fs, gitdir, cache, oid, format: 'content' });
      return { type, bytes: object as Uint8Array };
    } catch (error) {
      if (codeOf(error) === 'NotFoundError') return null;
      throw fromIsomorphic(error, `read object ${oid}`);
    }
  }

  async function needed(oid: Oid): Promise<Uint8Array> {
    const object = await raw(oid);
    if (object !== null) return object.bytes;
    throw new PlumbError('GIT_UNSUPPORTED', {
      what: `object ${oid} is not in this clone, which may be a partial one`,
      mend: 'install git, which fetches what is missing, or clone again without --filter',
    });
  }

  const folders = new Map<Oid, ReadonlyMap<string, Entry>>();
  async function folder(tree: Oid): Promise<ReadonlyMap<string, Entry>> {
    const known = folders.get(tree);
    if (known !== undefined) return known;
    const entries = parseTree(await needed(tree));
    // a commit is compared with its parent, which is the next one: a few are enough
    if (folders.size >= 64) folders.clear();
    folders.set(tree, entries);
    return entries;
  }

  async function* files(tree: Oid, prefix: string): AsyncGenerator<TreeEntry> {
    for (const [name, entry] of await folder(tree)) {
      const path = prefix + name;
      if (entry.isFolder) yield* files(entry.oid, `${path}/`);
      else yield { path, oid: entry.oid, mode: fileMode(entry.mode) };
    }
  }

  return {
    folder,
    files,
    blob: needed,
    async commit(oid) {
      const object = await raw(checkOid(oid));
      if (object?.type !== 'commit') throw await missingCommit(oid, repository);
      return parseCommit(oid, object.bytes);
    },
    async peel(oid) {
      let current = oid;
      for (;;) {
        const object = await raw(current);
        if (object?.type === 'commit') return current;
        const target = object?.type === 'tag' ? /^object ([0-9a-f]{40})\n/.exec(Buffer.from(object.bytes).toString('latin1'))?.[1] : undefined;
        if (target === undefined) return null;
        current = target;
      }
    },
    async expand(short) {
      const candidates = await expandAll(place, short);
      const types = await Promise.all(candidates.map(async (oid) => (await raw(oid))?.type));
      // a short id may fit a file too; asked for is a commit
      const commits = candidates.filter((_, at) => types[at] === 'commit' || types[at] === 'tag');
      return commits.length === 1 ? (commits[0] ?? null) : null;
    },
    async entryAt(tree, path) {
      let entry: Entry = { mode: '40000', oid: tree, isFolder: true };
      for (const name of path.split('/')) {
        if (!entry.isFolder) return null;
        const next = (await folder(entry.oid)).get(name);
        if (next === undefined) return null;
        entry = next;
      }
      return entry;
    },
  };
}

async function expandAll({ git, fs, gitdir, cache }: Place, short: string): Promise<Oid[]> {
  try {
    return [await git.expandOid({ fs, gitdir, cache, oid: short })];
  } catch (error) {
    if (codeOf(error) === 'NotFoundError') return [];
    const matches = (error as { data?: { matches?: string[] } }).data?.matches;
    if (codeOf(error) === 'AmbiguousError' && matches !== undefined) return matches;
    throw fromIsomorphic(error, `look for ${short}`);
  }
}

/** '<mode> <name>\0<20 bytes>', again and again. */
function parseTree(bytes: Uint8Array): ReadonlyMap<string, Entry> {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, Entry>();
  for (let at = 0; at < raw.length;) {
    const space = raw.indexOf(0x20, at);
    const zero = raw.indexOf(0, space);
    if (space === -1 || zero === -1 || zero + 21 > raw.length) throw new PlumbError('GIT_FAILED', { what: 'a tree is cut off', mend: 'clone again' });
    const mode = raw.toString('latin1', at, space);
    entries.set(raw.toString('utf8', space + 1, zero), { mode, oid: raw.toString('hex', zero + 1, zero + 21), isFolder: mode === '40000' });
    at = zero + 21;
  }
  return entries;
}

/** Files that differ between two trees; what has one id on both sides is not looked into. */
export async function changedFiles(objects: Objects, from: Oid, to: Oid): Promise<string[]> {
  const found: string[] = [];
  const side = async (entry: Entry | undefined, path: string): Promise<void> => {
    if (entry === undefined) return;
    if (!entry.isFolder) found.push(path);
    else for await (const file of objects.files(entry.oid, `${path}/`)) found.push(file.path);
  };
  async function compare(one: Oid, other: Oid, prefix: string): Promise<void> {
    if (one === other) return;
    const [before, after] = [await objects.folder(one), await objects.folder(other)];
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(name), after.get(name)];
      if (was?.oid === is?.oid && was?.mode === is?.mode) continue;
      if (was?.isFolder === true && is?.isFolder === true) await compare(was.oid, is.oid, `${prefix}${name}/`);
      else {
        await side(was, prefix + name);
        await side(is, prefix + name);
      }
    }
  }
  await compare(from, to, '');
  return [...new Set(found)].toSorted(byCodeUnit);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What isomorphic-git could not do, in words of ours. Errors of ours and of the machine come through. */
export function fromIsomorphic(error: unknown, doing: string): unknown {
  if (error instanceof PlumbError || !(error instanceof Error) || !('caller' in error || codeOf(error)?.endsWith('Error') === true)) return error;
  return new PlumbError('GIT_FAILED', {
    what: `cannot ${doing} without the git command: ${error.message.split('\n')[0] ?? ''}`,
    mend: 'install git; isomorphic-git reads the common forms of a repository only (see docs/git.md)',
    cause: error,
  });
}
