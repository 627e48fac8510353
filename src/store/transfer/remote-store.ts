// The remote as a store uses it: what was learnt of it in this process, and what a store asks of it. What sends and fetches is loaded when there is
// something to send or to fetch.
import { hexOf, type Digest } from '../../base/digest.ts';
import { PlumbError, type ErrorCode } from '../../base/errors.ts';
import type { Progress, ProgressBar } from '../../base/progress.ts';
import type { Cache } from '../cache/cache.ts';
import { forms } from '../pack/pack.ts';
import type { Receipt } from '../pack/receipt.ts';
import { eachInParallel } from '../parallel.ts';
import type { PackRef, Remote } from '../remote.ts';
import type { FetchOptions, NameSpace, ObjectRef, PushResult, PushRoot, TransferOptions, TransferResult } from '../store.ts';
import { Budget } from './budget.ts';
import { Catalog, Places } from './catalog.ts';
import { DigestTable } from './digest-table.ts';
import type { FetchContext } from './fetch.ts';
import { Tally, type Line } from './frames.ts';
import { Lanes } from './lanes.ts';
import { RemoteNotes } from './notes.ts';
import { limitRate } from './rate.ts';
import { snapshotOf, wasSent } from './snapshot.ts';
import { faultOf, joined, type Outcome } from './wrong.ts';
import { withoutGrowth } from './young-space.ts';

const width = 16;
/** Stored and raw bytes of frames that are held at once. */
const frameBudget = 96 * 1024 * 1024;
/** Tails that are in memory at once. */
const tailBudget = 12 * 1024 * 1024;
/** Objects that no receipt is known for are asked for as roots, as far as that makes sense: each costs a request. */
const mostGuesses = 1000;
const rememberedAtOnce = 8;
/** Objects that are brought together: what is known of each is in memory as long as they are. */
const mostWanted = 131_072;

/** What a remote can do to us. It stops nothing else that can be had; a full disk does. */
const troubles: ReadonlySet<ErrorCode> = new Set([
  'REMOTE_FAILED',
  'REMOTE_DENIED',
  'RECEIPT_INVALID',
  'PACK_INVALID',
  'BYTES_MISSING',
  'DIGEST_MISMATCH',
]);
/** Then the index of a pack that is kept on this machine may be wrong, too. */
const lies: ReadonlySet<ErrorCode> = new Set(['RECEIPT_INVALID', 'PACK_INVALID', 'BYTES_MISSING', 'DIGEST_MISMATCH']);

/** Remembers the first trouble of several; anything else is thrown on. */
class Troubles {
  first: PlumbError | null = null;

  readonly note = (error: unknown): void => {
    if (!(error instanceof PlumbError) || !troubles.has(error.code)) throw error;
    this.first ??= error;
  };
}

type Wanted = Iterable<Digest | ObjectRef> | AsyncIterable<Digest | ObjectRef>;

export class RemoteStore {
  readonly remote: Remote;
  readonly notes: RemoteNotes;
  #catalog: Catalog;
  readonly #cache: Cache;
  readonly #lanes = new Lanes();
  readonly #budget = new Budget(frameBudget);
  /** roots whose receipts were not opened yet, the last one said is the last */
  readonly #remembered = new Set<Digest>();
  readonly #opened = new Set<Digest>();
  /** roots that the remote was seen to have */
  readonly #there = new Set<Digest>();

  constructor(remote: Remote, cache: Cache) {
    this.remote = remote;
    this.#cache = cache;
    this.notes = new RemoteNotes(cache.root, remote.url);
    this.#catalog = new Catalog(this.notes);
  }

  /** For one transfer: its limit, its bar, its signal. */
  line({ signal, limit }: Pick<TransferOptions, 'signal' | 'limit'>): Line {
    return { remote: this.remote, lanes: this.#lanes, meter: limitRate(limit, signal), budget: this.#budget, signal, tally: new Tally() };
  }

  /** Which of these roots it has: a request each, those that are known to be there are not asked for again. */
  async has(roots: readonly Digest[], signal: AbortSignal): Promise<Set<Digest>> {
    const { remote } = this;
    await eachInParallel(new Set(roots), { width, signal }, async (root) => {
      if (this.#there.has(root)) return;
      if (await this.#lanes.run(() => remote.has('receipts', hexOf(root), { signal }))) this.#there.add(root);
    });
    return new Set(roots.filter((root) => this.#there.has(root)));
  }

  remember(roots: readonly Digest[]): void {
    for (const root of roots) if (!this.#opened.has(root)) this.#remembered.add(root);
  }

  /**
   * Brings the meta objects of roots into the cache. A root that is in the cache is not asked for: should something of it be missing, it is looked
   * for when it is.
   * @returns roots that are in the cache, or that the remote has
   */
  async openRoots(roots: readonly Digest[], options: TransferOptions): Promise<Set<Digest>> {
    const there = new Set<Digest>();
    const absent: Digest[] = [];
    for (const root of new Set(roots)) {
      if (await this.#cache.has(root)) {
        there.add(root);
        this.remember([root]);
      } else {
        absent.push(root);
      }
    }
    if (absent.length === 0) return there;
    const line = this.line(options);
    const trouble = new Troubles();
    const receipts = await this.#openReceipts(line, absent, trouble);
    await this.#bringMeta(line, packsOf(receipts), options, trouble);
    if (trouble.first !== null) throw await this.#learnAnew(trouble.first);
    for (const { root } of receipts) {
      there.add(root);
      this.#opened.add(root);
    }
    return there;
  }

  /**
   * @param objects those that the cache has are passed over
   * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, REMOTE_FAILED, with what is missing; all else is there then
   */
  fetch(objects: Wanted, options: FetchOptions): Promise<TransferResult> {
    return withoutGrowth(() => this.#fetch(objects, options));
  }

  async #fetch(objects: Wanted, options: FetchOptions): Promise<TransferResult> {
    const line = this.line(options);
    const trouble = new Troubles();
    const bar = new OneBar(options);
    let outcome: Outcome = { objects: 0, missing: [], wrong: [], failure: null };
    let wanted = new DigestTable();
    const bring = async (isLast: boolean): Promise<void> => {
      const { fetchObjects } = await import('./fetch.ts');
      const places = await this.#find(line, wanted, options.within ?? [], trouble);
      const left = await this.#bringNeighbours(line, places, options);
      const came = wanted.size - left.table.size;
      const brought = await fetchObjects(this.#context(line), left, (bytes) => bar.start(bytes, isLast));
      outcome = joined(outcome, { ...brought, objects: came + brought.objects });
      wanted = new DigestTable();
    };
    try {
      for await (const object of objects) {
        const digest = typeof object === 'string' ? object : object.digest;
        if (typeof object !== 'string' && object.role === 'data') bar.pass(object.bytes);
        if (this.#cache.seen(digest)) continue;
        if (wanted.size === mostWanted) await bring(false);
        // nothing comes through any more: the rest is missing as well
        if (outcome.failure !== null && line.lanes.isHopeless) break;
        const number = wanted.add(digest);
        if (typeof object !== 'string' && object.role === 'data') wanted.expect(number, object.bytes);
      }
      if (wanted.size > 0) await bring(true);
    } finally {
      bar.end();
    }
    // what is missing may be where the remote could not be asked
    const fault = faultOf({ ...outcome, failure: outcome.failure ?? trouble.first }, line.remote.url);
    if (fault !== null) throw await this.#learnAnew(fault);
    return { objects: outcome.objects, bytes: line.tally.moved };
  }

  /** Sends what the remote lacks. */
  async push(
    what: { readonly roots: readonly PushRoot[]; readonly names: readonly NameSpace[]; readonly repository: string | null },
    options: TransferOptions,
  ): Promise<PushResult> {
    const line = this.line(options);
    const snapshot = snapshotOf(this.#cache.root, what);
    if (await wasSent(line, snapshot)) return { objects: 0, bytes: 0, leftOut: [] };
    const { pushRoots } = await import('./push.ts');
    const context = {
      line,
      cache: this.#cache,
      catalog: this.#catalog,
      notes: this.notes,
      repository: what.repository,
      clock: () => performance.now(),
    };
    const { result, there } = await withoutGrowth(() => pushRoots(context, snapshot, options));
    for (const root of there) {
      this.#there.add(root);
      this.#opened.delete(root);
      this.#catalog.forgetReceipt(root);
    }
    return result;
  }

  #context(line: Line): FetchContext {
    return { line, cache: this.#cache, catalog: this.#catalog, partials: this.notes.partials };
  }

  /** Opens receipts until all is found, or nothing is left to ask: first those that were named, then those said before, then the objects' own. */
  async #find(line: Line, wanted: DigestTable, within: readonly Digest[], trouble: Troubles): Promise<Places> {
    const catalog = this.#catalog;
    const places = new Places(wanted, catalog);
    const lacking = (): Digest[] => {
      places.locate();
      return places.lacking;
    };
    const asked = new Set<Digest>();
    const open = async (roots: readonly Digest[]): Promise<void> => {
      for (const root of roots) asked.add(root);
      const unopened = roots.filter((root) => !this.#opened.has(root));
      const receipts = await this.#openReceipts(line, unopened, trouble);
      const there = new Set<Digest>();
      await eachInParallel(packsOf(receipts), { width, signal: line.signal }, async (ref) => {
        const number = await catalog.open(line, ref, { tail: false }).catch(trouble.note);
        if (number !== undefined) there.add(ref.digest);
      });
      for (const { root, packs } of receipts) if (packs.every((pack) => there.has(pack.digest))) this.#opened.add(root);
    };
    let left = lacking();
    if (left.length > 0) {
      await open(within);
      left = lacking();
    }
    while (left.length > 0) {
      const next = [...this.#remembered].filter((root) => !asked.has(root)).slice(-rememberedAtOnce);
      if (next.length === 0) break;
      await open(next);
      left = lacking();
    }
    if (left.length > 0 && left.length <= mostGuesses) {
      await open(left);
      places.locate();
    }
    return places;
  }

  async #openReceipts(line: Line, roots: readonly Digest[], trouble: Troubles): Promise<Receipt[]> {
    const receipts: Receipt[] = [];
    await eachInParallel(roots, { width, signal: line.signal }, async (root) => {
      this.#remembered.delete(root);
      const receipt = await this.#catalog.receipt(line, root).catch((error: unknown) => {
        this.remember([root]);
        trouble.note(error);
        return null;
      });
      if (receipt === null) return;
      receipts.push(receipt);
      this.#there.add(root);
    });
    return receipts;
  }

  /** Brings the meta objects of packs that the cache lacks; of few packs at a time, so that their tails fit into memory. */
  async #bringMeta(line: Line, packs: readonly PackRef[], options: TransferOptions, trouble: Troubles): Promise<void> {
    const [{ fetchObjects }, { Intake }] = await Promise.all([import('./fetch.ts'), import('./intake.ts')]);
    const intake = new Intake(this.#cache);
    const catalog = this.#catalog;
    try {
      for (const group of groupsOf(packs)) {
        const numbers: number[] = [];
        await eachInParallel(group, { width, signal: line.signal }, async (ref) => {
          const number = await catalog.open(line, ref, { tail: true }).catch(trouble.note);
          if (number !== undefined) numbers.push(number);
        });
        const lacking = await this.#lackingMeta(numbers);
        const start = (bytes: number) => options.progress.start('look', bytes, 'bytes');
        const fault = faultOf(await fetchObjects({ ...this.#context(line), intake }, lacking, start), line.remote.url);
        if (fault !== null) trouble.note(fault);
        for (const number of numbers) catalog.release(number);
      }
    } finally {
      await intake.close();
    }
  }

  async #lackingMeta(numbers: readonly number[]): Promise<Places> {
    const lacking = new DigestTable();
    for (const number of numbers) {
      const { index } = this.#catalog.packs[number] ?? raise(number);
      for (let frame = 0; frame < index.frames; frame += 1) {
        if (index.frameAt(frame).offset < index.tail) continue;
        for (const entry of index.entriesOf(frame)) {
          const digest = index.digestAt(entry);
          if (index.locationAt(entry).form === forms.bytes && !this.#cache.seen(digest)) lacking.add(digest);
        }
      }
    }
    const places = new Places(lacking, this.#catalog);
    places.locate();
    return places;
  }

  /** Whoever lacks one meta object of a pack lacks others: they come with it, in one request. @returns what of the wanted is still to be fetched */
  async #bringNeighbours(line: Line, places: Places, options: TransferOptions): Promise<Places> {
    const wanted = places.table;
    const packs = new Map<number, PackRef>();
    for (let id = 0; id < wanted.size; id += 1) {
      const place = places.get(id);
      const pack = place === null ? undefined : this.#catalog.packs[place.pack];
      if (place === null || pack === undefined) continue;
      const { frame, form } = pack.index.locationAt(place.entry);
      if (form === forms.bytes && pack.index.frameAt(frame).offset >= pack.index.tail) packs.set(place.pack, pack.ref);
    }
    if (packs.size === 0) return places;
    // what cannot be had of it and is wanted is told by the fetch that follows
    await this.#bringMeta(line, [...packs.values()], options, new Troubles());
    const left = new DigestTable();
    for (let id = 0; id < wanted.size; id += 1) {
      const digest = wanted.digestAt(id);
      if (this.#cache.seen(digest)) continue;
      const number = left.add(digest);
      const bytes = wanted.expected(id);
      if (bytes !== null) left.expect(number, bytes);
    }
    const leftPlaces = new Places(left, this.#catalog);
    leftPlaces.locate();
    return leftPlaces;
  }

  /** After a failure, nothing that was learnt in this process is kept: a receipt can have come wrong. @returns the error, to throw */
  async #learnAnew(error: unknown): Promise<unknown> {
    if (!(error instanceof PlumbError) || !troubles.has(error.code)) return error;
    if (lies.has(error.code)) for (const { ref } of this.#catalog.packs) await this.notes.forgetIndex(ref.digest);
    this.#catalog = new Catalog(this.notes);
    for (const root of this.#opened) this.#remembered.add(root);
    this.#opened.clear();
    return error;
  }
}

/** Each pack once. */
function packsOf(receipts: readonly Receipt[]): PackRef[] {
  return [...new Map(receipts.flatMap(({ packs }) => packs.map((pack) => [pack.digest, pack]))).values()];
}

/**
 * The bar of a fetch. Where one part is all, it counts bytes that travel, for then it is known how many these are. Where objects come in several parts, it
 * counts bytes of objects, of which the caller may know the sum: each part advances as much as it has of them, those that are here already too.
 */
class OneBar {
  readonly #progress: Progress;
  readonly #total: number | undefined;
  #bar: ProgressBar | null = null;
  /** bytes of objects since the last part */
  #passed = 0;

  constructor({ progress, total }: Pick<FetchOptions, 'progress' | 'total'>) {
    this.#progress = progress;
    this.#total = total;
  }

  pass(bytes: number): void {
    this.#passed += bytes;
  }

  /** @param bytes that travel. @returns the bar of a part */
  start(bytes: number, isLast: boolean): ProgressBar {
    const [passed, isAll] = [this.#passed, this.#bar === null && isLast];
    this.#passed = 0;
    const bar = (this.#bar ??= this.#progress.start('fetch', isAll ? bytes : this.#total, 'bytes'));
    const share = isAll || this.#total === undefined ? 1 : bytes === 0 ? 0 : passed / bytes;
    if (share === 0) bar.advance(passed);
    return { advance: (amount) => bar.advance(amount * share), end: () => undefined };
  }

  end(): void {
    this.#bar?.end();
  }
}

/** Packs whose tails are in memory at once. */
function groupsOf(packs: readonly PackRef[]): PackRef[][] {
  const groups: PackRef[][] = [];
  let room = 0;
  for (const pack of packs) {
    const bytes = pack.bytes - pack.tail;
    if (bytes > room) {
      groups.push([]);
      room = tailBudget;
    }
    groups.at(-1)?.push(pack);
    room -= bytes;
  }
  return groups;
}

function raise(number: number): never {
  throw new Error(`no pack has the number ${number}`);
}
