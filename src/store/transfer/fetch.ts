// Fetching: wanted objects -> where they are -> frames -> ranges -> verified bytes -> the cache. Whoever wants very many asks for some at a time: about
// 50 bytes of each stay in memory until all of these are there.
import { statfs } from 'node:fs/promises';
import { digestOf, type Digest } from '../../base/digest.ts';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import { formatBytes, type ProgressBar } from '../../base/progress.ts';
import { smallBytes } from '../cache/add-task.ts';
import type { Cache } from '../cache/cache.ts';
import { decodeFrame } from '../pack/frame.ts';
import { forms, type Location } from '../pack/pack.ts';
import { eachInParallel } from '../parallel.ts';
import { Assemblies } from './assembly.ts';
import type { Catalog, OpenPack, Places } from './catalog.ts';
import { Numbers, type DigestTable } from './digest-table.ts';
import { readFrames, type Line, type Verdict } from './frames.ts';
import { Intake } from './intake.ts';
import { Landings } from './landings.ts';
import { LinesObjects } from './lines-objects.ts';
import { partialBytes } from './partials.ts';
import { planRanges, type PlannedRange } from './ranges.ts';
import type { Outcome, WrongObject } from './wrong.ts';

export interface FetchContext {
  readonly line: Line;
  readonly cache: Cache;
  readonly catalog: Catalog;
  /** folder for very large objects that are not whole yet */
  readonly partials: string;
  /** where objects go in; whoever gives one closes it */
  readonly intake?: Intake;
}

/** A bar of progress, begun when the plan knows how many bytes are to be moved. */
export type StartBar = (bytes: number) => ProgressBar;

const width = 16;

/**
 * Brings the objects of a table into the cache, from the packs that the catalog has open. What cannot be had stops nothing else: it is told.
 * @param places of the wanted ones: none of them is in the cache. Chunks and sources that they need are added
 * @throws PlumbError DISK_FULL
 */
export async function fetchObjects(context: FetchContext, places: Places, startBar: StartBar): Promise<Outcome> {
  const fetching = new Fetching(context, places);
  try {
    await fetching.plan();
    await fetching.carryOut(startBar);
  } finally {
    await fetching.end();
  }
  return fetching.outcome();
}

/** Does something with a frame's raw bytes. */
type UseFrame = (
  at: { readonly number: number; readonly pack: OpenPack; readonly frame: number; readonly isLastTry: boolean },
  raw: Buffer,
) => Promise<Verdict>;

class Fetching {
  #objects = 0;
  readonly #context: FetchContext;
  readonly #table: DigestTable;
  /** the first of the table are wanted, the others are needed for them */
  readonly #wanted: number;
  readonly #places: Places;
  readonly #intake: Intake;
  readonly #assemblies: Assemblies;
  readonly #landings: Landings;
  readonly #lines: LinesObjects;
  /** objects that rows of others are made from, by number */
  readonly #sources = new Set<number>();
  /** objects whose recipe was read */
  readonly #planned = new Set<number>();
  /** by number: 1 where it is in the cache, or in its file, now */
  readonly #done = new Numbers();
  readonly #wrong = new Map<Digest, WrongObject>();
  #failure: PlumbError | null = null;

  constructor(context: FetchContext, places: Places) {
    const wanted = places.table;
    this.#context = context;
    this.#table = wanted;
    this.#wanted = wanted.size;
    this.#places = places;
    this.#intake = context.intake ?? new Intake(context.cache);
    this.#assemblies = new Assemblies(wanted, { intake: this.#intake, cache: context.cache, partials: context.partials });
    this.#landings = new Landings(this.#intake, context.line.signal);
    this.#lines = new LinesObjects(context.cache, this.#intake);
  }

  /** Finds out where everything is. Recipes are read, and what they need is looked for in its turn: sources, and chunks of sources. */
  async plan(): Promise<void> {
    for (let from = 0; from < this.#table.size;) {
      const to = this.#table.size;
      this.#places.locate();
      const recipes = this.#framesOf(from, to, (id, { form }) =>
        form === forms.chunks ? this.#isObject(id) : form === forms.lines && id < this.#wanted,
      );
      if (recipes.size > 0) await this.#read(recipes, (at, raw) => this.#takeRecipes(at, raw));
      from = to;
    }
  }

  async carryOut(startBar: StartBar): Promise<void> {
    const { tally } = this.#context.line;
    for (const id of await this.#assemblies.finishWhole()) this.#arrived(id);
    const frames = this.#framesOf(0, this.#table.size, (id, { form }) => form === forms.bytes && this.#done.get(id) === 0);
    await this.#read(
      frames,
      (at, raw) => this.#takeObjects(at, raw),
      (bytes) => tally.show(startBar(bytes)),
    );
    if (this.#lines.size === 0) return;
    // sources are read out of the cache
    await this.#intake.close();
    const { made, wrong } = await this.#lines.make(this.#context.line.signal);
    for (const id of made) this.#arrived(id);
    for (const digest of wrong) this.#markWrong(digest);
  }

  async end(): Promise<void> {
    this.#context.line.tally.end();
    await this.#landings.settle();
    await this.#assemblies.end();
    if (this.#context.intake === undefined) await this.#intake.close();
  }

  async outcome(): Promise<Outcome> {
    for (const id of this.#assemblies.wrong) this.#markWrong(this.#table.digestAt(id));
    const missing: Digest[] = [];
    for (let id = 0; id < this.#wanted; id += 1) {
      if (this.#done.get(id) === 1) continue;
      const digest = this.#table.digestAt(id);
      // another process may have brought it meanwhile
      if (!(await this.#context.cache.has(digest))) missing.push(digest);
    }
    return { objects: this.#objects, missing, wrong: [...this.#wrong.values()], failure: this.#failure };
  }

  /** Frames of those objects of a part of the table that are chosen, by number of the pack. */
  #framesOf(from: number, to: number, isChosen: (id: number, location: Location) => boolean): Map<number, number[]> {
    const chosen = new Map<number, Uint8Array>();
    for (let id = from; id < to; id += 1) {
      const place = this.#places.get(id);
      if (place === null) continue;
      const { index } = this.#pack(place.pack);
      const location = index.locationAt(place.entry);
      if (!isChosen(id, location)) continue;
      const marks = chosen.get(place.pack) ?? new Uint8Array(index.frames);
      chosen.set(place.pack, marks);
      marks[location.frame] = 1;
    }
    return new Map([...chosen].map(([pack, marks]) => [pack, [...marks.keys()].filter((frame) => marks[frame] === 1)]));
  }

  /** Reads frames: from memory where their bytes are there still, else by ranges. What cannot be read is missing in the end. */
  async #read(frames: ReadonlyMap<number, readonly number[]>, use: UseFrame, start?: (bytes: number) => void): Promise<void> {
    const ranges: { number: number; pack: OpenPack; range: PlannedRange }[] = [];
    for (const [number, wanted] of frames) {
      const pack = this.#pack(number);
      const far: number[] = [];
      for (const frame of wanted) {
        const near = heldFrame(pack, frame);
        const verdict = near !== null && (await this.#decode(use, { number, pack, frame, isLastTry: false }, near));
        if (!(typeof verdict === 'function' ? await verdict() : verdict)) far.push(frame);
      }
      for (const range of planRanges(far, (frame) => pack.index.frameAt(frame), { bytes: pack.index.tail })) ranges.push({ number, pack, range });
    }
    start?.(ranges.reduce((sum, { range }) => sum + range.end - range.start, 0));
    const { line } = this.#context;
    await eachInParallel(ranges, { width, signal: line.signal }, async ({ number, pack, range }) => {
      if (this.#failure !== null && line.lanes.isHopeless) return;
      const take = (frame: number, stored: Buffer, isLastTry: boolean) => this.#decode(use, { number, pack, frame, isLastTry }, stored);
      await readFrames(line, pack, range, take).catch((error: unknown) => this.#note(error));
    });
  }

  async #decode(use: UseFrame, at: Parameters<UseFrame>[0], stored: Buffer): Promise<Verdict> {
    let raw: Buffer;
    try {
      raw = decodeFrame(stored, at.pack.index.frameAt(at.frame));
    } catch (error) {
      if (!isPlumbError(error, 'PACK_INVALID')) throw error;
      if (at.isLastTry) for (const [id] of this.#entriesOf(at.number, at.frame)) this.#markWrong(this.#table.digestAt(id));
      return false;
    }
    return use(at, raw);
  }

  /** Small objects go into packs here; what becomes a file, or a piece of one, is verified and written elsewhere. */
  async #takeObjects({ number, pack, frame, isLastTry }: Parameters<UseFrame>[0], raw: Buffer): Promise<Verdict> {
    const role = pack.index.frameAt(frame).offset >= pack.index.tail ? 'meta' : 'data';
    const later: Verdict[] = [];
    for (const [id, { offset, length, form }] of this.#entriesOf(number, frame)) {
      if (form !== forms.bytes || this.#done.get(id) === 1) continue;
      const bytes = raw.subarray(offset, offset + length);
      const digest = this.#table.digestAt(id);
      const pieces = await this.#assemblies.piecesOf(id);
      const isWhole = this.#isObject(id);
      let verdict: Verdict;
      if (pieces.length === 0 && (role === 'meta' || length <= smallBytes)) {
        verdict = digestOf(bytes) === digest;
        if (verdict && isWhole) await this.#intake.add(digest, bytes, role);
      } else {
        verdict = await this.#landings.add({ digest, isWhole, pieces }, bytes);
      }
      if (verdict === true) await this.#landed(id);
      else later.push(async () => (typeof verdict === 'function' && (await verdict()) ? this.#landed(id) : this.#refused(digest, isLastTry)));
    }
    if (later.length === 0) return true;
    return async () => {
      let isRight = true;
      for (const verdict of later) isRight = (typeof verdict === 'function' ? await verdict() : verdict) && isRight;
      return isRight;
    };
  }

  async #landed(id: number): Promise<true> {
    if (this.#isObject(id)) this.#arrived(id);
    this.#done.set(id, 1);
    for (const whole of await this.#assemblies.landed(id)) this.#arrived(whole);
    return true;
  }

  #refused(digest: Digest, isLastTry: boolean): false {
    if (isLastTry) this.#markWrong(digest);
    return false;
  }

  /** A recipe has no digest of its own: what does not parse is wrong, and what it makes is verified. */
  async #takeRecipes({ number, frame, isLastTry }: Parameters<UseFrame>[0], raw: Buffer): Promise<boolean> {
    let isRight = true;
    for (const [id, location] of this.#entriesOf(number, frame)) {
      if (location.form === forms.bytes || this.#planned.has(id) || !this.#isObject(id)) continue;
      const recipe = raw.subarray(location.offset, location.offset + location.length);
      try {
        await this.#checkRoom(id, location.bytes);
        if (location.form === forms.chunks) await this.#assemblies.plan(id, location.bytes, recipe);
        else await this.#needSources(id, location.bytes, recipe);
        this.#planned.add(id);
      } catch (error) {
        if (!isPlumbError(error, 'PACK_INVALID')) throw error;
        isRight = false;
        if (isLastTry) this.#markWrong(this.#table.digestAt(id));
      }
    }
    return isRight;
  }

  /**
   * A recipe of a few bytes can make terabytes. Where no version says how large the object is (a source of rows: where only a recipe does), what has no
   * room here is not begun. @throws PlumbError DISK_FULL
   */
  async #checkRoom(id: number, bytes: number): Promise<void> {
    if (bytes < partialBytes || (id < this.#wanted && this.#table.expected(id) !== null)) return;
    const { root } = this.#context.cache;
    const { bavail, bsize } = await statfs(root);
    if (bytes <= bavail * bsize) return;
    throw new PlumbError('DISK_FULL', {
      what: `the remote says that ${this.#table.digestAt(id)} has ${formatBytes(bytes)}, and ${root} has room for ${formatBytes(bavail * bsize)}`,
      mend: 'make room; where it cannot be that large, somebody has written what is not so: `plumb fsck --remote` on a machine with room',
      details: { digest: this.#table.digestAt(id), bytes },
    });
  }

  async #needSources(id: number, bytes: number, recipe: Buffer): Promise<void> {
    for (const source of this.#lines.plan(id, { digest: this.#table.digestAt(id), bytes, recipe })) {
      if (!(await this.#context.cache.has(source.digest))) this.#sources.add(this.#table.addSized(source.digest, source.bytes));
    }
  }

  /** What of a frame is wanted from there. */
  *#entriesOf(number: number, frame: number): Generator<[id: number, location: Location]> {
    const { index } = this.#pack(number);
    for (const entry of index.entriesOf(frame)) {
      const id = this.#table.findBytes(index.digests, entry * 32);
      const place = id === -1 ? null : this.#places.get(id);
      if (place?.pack === number && place.entry === entry) yield [id, index.locationAt(entry)];
    }
  }

  /** Does it go into the cache as an object, not only into others? */
  #isObject(id: number): boolean {
    return id < this.#wanted || this.#sources.has(id);
  }

  #arrived(id: number): void {
    this.#done.set(id, 1);
    if (id < this.#wanted) this.#objects += 1;
  }

  #markWrong(digest: Digest): void {
    const place = this.#places.get(this.#table.find(digest));
    this.#wrong.set(digest, { digest, pack: place === null ? digest : this.#pack(place.pack).ref.digest });
  }

  /** Failures of the remote do not stop what can be had; all else does. */
  #note(error: unknown): void {
    // a pack that is not there: its objects are missing
    if (isPlumbError(error, 'BYTES_MISSING')) return;
    if (!(error instanceof PlumbError) || !error.code.startsWith('REMOTE_')) throw error;
    this.#failure ??= error;
  }

  #pack(number: number): OpenPack {
    return this.#context.catalog.packs[number] as OpenPack;
  }
}

function heldFrame({ index, held }: OpenPack, frame: number): Buffer | null {
  const { offset, stored } = index.frameAt(frame);
  if (stored === 0) return Buffer.alloc(0);
  return held !== null && offset >= held.start ? held.bytes.subarray(offset - held.start, offset - held.start + stored) : null;
}
