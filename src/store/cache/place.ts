// Many objects into the work tree: where each of them is, who writes it, and what to do about those that were not where they should be.
import type { Digest } from '../../base/digest.ts';
import { bytesMissing } from '../faults.ts';
import type { Bulk } from './bulk.ts';
import type { BulkOptions, FileStamp, LinkKind } from './cache.ts';
import type { LocalPacks, Packed } from './local-packs.ts';
import type { PackPlace, PlaceItem, PlaceTask } from './task.ts';

export interface FileToPlace {
  readonly digest: Digest;
  readonly bytes: number;
  readonly target: string;
  readonly executable: boolean;
}

/** What placing needs of its cache. */
export interface PlaceSource {
  readonly root: string;
  readonly packs: LocalPacks;
  readonly bulk: Bulk;
  setAside(digest: Digest): Promise<void>;
  takeBack(digest: Digest): boolean;
}

/** Objects of this size and less are looked for in packs first: more would be a look-up for nothing. */
const oftenPacked = 64 * 1024;
/** Once as things are thought to be; once more after what was bad or in the trash was put in order; once for what another process moved meanwhile. */
const rounds = 3;

/** @throws PlumbError BYTES_MISSING, DISK_FULL, FILE_UNREADABLE; what was written until then is whole */
export async function placeAll(
  source: PlaceSource,
  files: readonly FileToPlace[],
  how: { readonly link: LinkKind; readonly fresh: boolean; readonly isMuch: boolean },
  options: BulkOptions,
): Promise<FileStamp[]> {
  const stamps: FileStamp[] = [];
  stamps.length = files.length;
  let left = [...files.keys()];
  for (let round = 0; left.length > 0; round += 1) {
    const failed: number[] = [];
    const bad = new Set<Digest>();
    const placing = new Map<PlaceTask, readonly number[]>();
    await source.bulk.run(
      tasksOf(source, files, { ...how, left, isFirst: round === 0 }, placing),
      { ...options, isMuch: how.isMuch },
      (result, task) => {
        const places = placing.get(task) ?? [];
        placing.delete(task);
        for (const [at, stamp] of result.stamps.entries()) if (stamp !== null) stamps[places[at] as number] = stamp;
        for (const at of result.bad) bad.add(task.files[at]?.digest as Digest);
        failed.push(...[...result.missing, ...result.bad].map((at) => places[at] as number));
      },
    );
    for (const digest of bad) await source.setAside(digest);
    const wanted = [...new Set(failed.map((at) => files[at]?.digest as Digest))].toSorted();
    for (const digest of wanted) source.takeBack(digest);
    if (wanted.length > 0) source.packs.refresh();
    if (round === rounds - 1 && wanted.length > 0) throw bytesMissing(wanted, null);
    left = failed.toSorted((a, b) => a - b);
  }
  return stamps;
}

/** @param placing told which files each task is about */
function* tasksOf(
  { root, packs, bulk }: PlaceSource,
  files: readonly FileToPlace[],
  what: { readonly left: readonly number[]; readonly link: LinkKind; readonly fresh: boolean; readonly isFirst: boolean },
  placing: Map<PlaceTask, readonly number[]>,
): Generator<PlaceTask> {
  const share = bulk.shareOf(what.left.length);
  for (let from = 0; from < what.left.length; from += share) {
    const places = what.left.slice(from, from + share);
    const paths = new Map<string, number>();
    const items = places.map((at): PlaceItem => {
      const file = files[at] as FileToPlace;
      const packed = what.isFirst && file.bytes > oftenPacked ? null : packs.find(file.digest);
      if (packed === null) return { ...file, at: null };
      const pack = paths.get(packed.pack.path) ?? paths.size;
      paths.set(packed.pack.path, pack);
      return { ...file, bytes: packed.bytes, at: placeOf(packed, pack) };
    });
    const task: PlaceTask = { kind: 'place', root, packs: [...paths.keys()], files: items, link: what.link, fresh: what.fresh };
    placing.set(task, places);
    yield task;
  }
}

function placeOf({ pack, entry }: Packed, number: number): PackPlace {
  const { frame, offset } = pack.index.locationAt(entry);
  return { pack: number, frame: pack.index.frameAt(frame), offset };
}
