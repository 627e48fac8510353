// Branches and tags, read from their files. Looking at a branch then costs two small reads and no process, which is what
// `plumb status` and a server that looks every second want.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { errnoOf } from '../base/errors.ts';
import { isOid, isRefName } from './names.ts';
import type { Repository } from './repository.ts';

export type Head = { readonly branch: string } | { readonly oid: string };

export interface Refs {
  /** What HEAD is: a branch (that may have no commit yet), or a commit. Null when only git itself can tell (reftable). */
  head(): Promise<Head | null>;
  /** Object that a whole name ('refs/heads/main') leads to, a tag object for an annotated tag; null where there is none. */
  read(name: string): Promise<string | null>;
  /** Some ref whose name begins with this folder ('refs/heads/topic/'), or null. */
  firstBelow(folder: string): Promise<string | null>;
  /** Whole names of all refs, sorted. Not for reftable. */
  names(): Promise<string[]>;
  /** What HEAD of each work tree is, by a name for people. */
  heads(): Promise<{ readonly name: string; readonly head: Head }[]>;
  /** Of a branch, by short or whole name: equal texts mean that it did not move. */
  token(branch: string): Promise<string>;
}

/** More hops than git itself follows are a circle. */
const mostHops = 5;

export function openRefs(repository: Repository): Refs {
  const { headDir, commonDir } = repository;
  const packed = packedReader(join(commonDir, 'packed-refs'));

  async function raw(name: string): Promise<string | null> {
    const loose = await readLoose(join(ownOfWorkTree(name) ? headDir : commonDir, name));
    // git packs first and takes the loose file away afterwards: in this order no ref is missed
    return loose ?? (await packed()).get(name) ?? null;
  }

  async function read(name: string): Promise<string | null> {
    let current = name;
    for (let hop = 0; hop <= mostHops; hop += 1) {
      if (!isRefName(current)) return null;
      const value = await raw(current);
      if (value === null) return null;
      if (!value.startsWith('ref:')) return isOid(value) ? value : null;
      current = value.slice(4).trim();
    }
    return null;
  }

  async function head(): Promise<Head | null> {
    return repository.refFormat === 'reftable' ? null : parseHead((await readFile(join(headDir, 'HEAD'), 'utf8')).trim());
  }

  async function names(): Promise<string[]> {
    const inside = await readdir(join(commonDir, 'refs'), { recursive: true, withFileTypes: true }).catch(() => []);
    const loose = inside
      .filter((entry) => entry.isFile())
      .map((entry) => relative(commonDir, join(entry.parentPath, entry.name)).split(sep).join('/'));
    return [...new Set([...loose.filter(isRefName), ...(await packed()).keys()])].toSorted(byCodeUnit);
  }

  async function heads(): Promise<{ name: string; head: Head }[]> {
    const others = (await readdir(join(commonDir, 'worktrees')).catch(() => [])).toSorted(byCodeUnit);
    const places = ['HEAD', ...others.map((name) => `worktrees/${name}/HEAD`)];
    const texts = await Promise.all(places.map((place) => readLoose(join(commonDir, place))));
    return places.flatMap((name, at) => {
      const found = parseHead(texts[at] ?? '');
      return found === null ? [] : [{ name, head: found }];
    });
  }

  async function token(branch: string): Promise<string> {
    // every transaction of a reftable writes this list anew
    if (repository.refFormat === 'reftable') return readFile(join(commonDir, 'reftable', 'tables.list'), 'utf8');
    const candidates = branch.startsWith('refs/') ? [branch] : [`refs/heads/${branch}`, `refs/remotes/${branch}`];
    for (const name of candidates) {
      const oid = await read(name);
      if (oid !== null) return `${name} ${oid}`;
    }
    return `${branch} is not there`;
  }

  async function firstBelow(folder: string): Promise<string | null> {
    for (const name of (await packed()).keys()) if (name.startsWith(folder)) return name;
    const inside = await readdir(join(commonDir, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    const file = inside.find((entry) => entry.isFile());
    return file === undefined ? null : relative(commonDir, join(file.parentPath, file.name)).split(sep).join('/');
  }

  return { head, read, names, heads, firstBelow, token };
}

function parseHead(text: string): Head | null {
  const branch = /^ref:\s*refs\/heads\/(.+)$/.exec(text)?.[1];
  if (branch !== undefined) return { branch };
  return isOid(text) ? { oid: text } : null;
}

/** HEAD and the like, and a few folders, are not shared between work trees. Source: gitrepository-layout(5), git-worktree(1) */
function ownOfWorkTree(name: string): boolean {
  return !name.startsWith('refs/') || /^refs\/(bisect|worktree|rewritten)\//.test(name);
}

async function readLoose(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    // a folder of refs may have the name that is asked for
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/** Parses packed-refs again only when it is another file than last time: git replaces it by renaming. */
function packedReader(path: string): () => Promise<ReadonlyMap<string, string>> {
  let known = '';
  let refs: ReadonlyMap<string, string> = new Map();
  return async () => {
    const facts = await stat(path, { bigint: true }).catch(() => null);
    if (facts === null) return new Map();
    const print = `${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;
    if (print !== known) {
      refs = parsePackedRefs(await readFile(path, 'utf8'));
      known = print;
    }
    return refs;
  };
}

/** name -> oid; lines of peeled tags ('^...') and comments are passed over. */
function parsePackedRefs(text: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    const oid = line.slice(0, space);
    if (space > 0 && isOid(oid)) refs.set(line.slice(space + 1).trimEnd(), oid);
  }
  return refs;
}
