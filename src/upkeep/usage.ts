// What the cache of this machine takes, and who for. Every byte on the disk stands in one line, so the lines add up to what the disk says.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, isPlumbError, type ErrorCode } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import type { Store } from '../store/store.ts';
import { DigestTable, Numbers } from '../store/transfer/digest-table.ts';
import { Marks } from './mark.ts';
import { collectOwners, type Owner } from './owners.ts';

export interface Use {
  readonly kind: Owner['kind'];
  readonly name: string;
  /** bytes that nobody else needs */
  readonly own: number;
  /** bytes that others need, too */
  readonly shared: number;
  /** of these, the version in the work tree; null where there is no such thing */
  readonly current: number | null;
  /** named here; not all of them need be on this machine */
  readonly versions: number;
}

export interface LocalUsage {
  readonly uses: readonly Use[];
  /** bytes; together with what each user has for itself they are all of `disk` */
  readonly shared: number;
  readonly unreferenced: number;
  readonly trash: number;
  /** bytes set aside because they are not what they should be */
  readonly bad: number;
  /** indexes and frames of packs, copies, names, notes on the remote, what checks remember, files under way */
  readonly overhead: number;
  readonly disk: number;
}

/** @throws PlumbError as collectOwners */
export async function measureCache(project: Project, options: { readonly now: Date; readonly signal: AbortSignal }): Promise<LocalUsage> {
  const { store } = project;
  const owners = await collectOwners(project, options.now);
  const objects = await Objects.list(store);
  const shares = await shareOut(store, objects, owners, options.signal);
  const disk = bytesBelow(store.cacheDir);
  const trash = bytesBelow(join(store.cacheDir, 'trash'));
  const bad = bytesBelow(join(store.cacheDir, 'bad'));
  const listed = objects.bytes;
  const own = shares.uses.reduce((sum, use) => sum + use.own, 0);
  const unreferenced = listed - own - shares.shared;
  return { ...shares, unreferenced, trash, bad, overhead: disk - trash - bad - listed, disk };
}

/** Each object of the cache once, with its size. */
class Objects {
  readonly table = new DigestTable();
  readonly sizes: number[] = [];
  bytes = 0;

  static async list({ cache }: Store): Promise<Objects> {
    const objects = new Objects();
    for await (const { digest, bytes } of cache.list()) {
      const known = objects.table.size;
      // a second copy is overhead
      if (objects.table.add(digest) < known) continue;
      objects.sizes.push(bytes);
      objects.bytes += bytes;
    }
    return objects;
  }
}

const several = 0xffff_ffff;

async function shareOut(store: Store, objects: Objects, owners: readonly Owner[], signal: AbortSignal): Promise<{ uses: Use[]; shared: number }> {
  /** by object: number of its owner + 1, or several */
  const ownerOf = new Numbers();
  const needs: number[] = [];
  const currents: (number | null)[] = [];
  for (const [number, owner] of owners.entries()) {
    const marks = await markAll(store, owner.roots, signal);
    let bytes = 0;
    eachKnown(marks, objects, (id, size) => {
      bytes += size;
      ownerOf.set(id, ownerOf.get(id) === 0 ? number + 1 : several);
    });
    needs.push(bytes);
    currents.push(owner.current === null ? null : await bytesOf(store, objects, owner.current, signal));
  }
  const own = new Array<number>(owners.length).fill(0);
  let shared = 0;
  for (const [id, bytes] of objects.sizes.entries()) {
    const owner = ownerOf.get(id);
    if (owner === several) shared += bytes;
    else if (owner > 0) own[owner - 1] = (own[owner - 1] ?? 0) + bytes;
  }
  const uses = owners.map(({ kind, name, versions }, number): Use => {
    const alone = own[number] ?? 0;
    return { kind, name, own: alone, shared: (needs[number] ?? 0) - alone, current: currents[number] ?? null, versions };
  });
  return { uses, shared };
}

async function bytesOf(store: Store, objects: Objects, root: Owner['current'] & string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  eachKnown(await markAll(store, [root], signal), objects, (_, size) => {
    bytes += size;
  });
  return bytes;
}

function eachKnown(marks: DigestTable, { table, sizes }: Objects, use: (id: number, bytes: number) => void): void {
  for (let at = 0; at < marks.size; at += 1) {
    const id = table.find(marks.digestAt(at));
    if (id !== -1) use(id, sizes[id] ?? 0);
  }
}

const losses: ReadonlySet<ErrorCode> = new Set(['BYTES_MISSING', 'DIGEST_MISMATCH', 'MANIFEST_INVALID', 'REMOTE_FAILED', 'REMOTE_DENIED']);

/** A version of which nodes are missing counts as far as it can be read: fsck tells about it. */
async function markAll(store: Store, roots: Iterable<Owner['current'] & string>, signal: AbortSignal): Promise<DigestTable> {
  const marks = new Marks(store, signal);
  for (const root of roots) {
    await marks.add(root).catch((error: unknown) => {
      if (!isPlumbError(error) || !losses.has(error.code)) throw error;
    });
  }
  return marks.objects;
}

/** Sizes of files, as their lengths are; folders count nothing. */
function bytesBelow(folder: string): number {
  let bytes = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    }
  }
  return bytes;
}

function entriesOf(folder: string): import('node:fs').Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
