// Pushing: what the remote lacks goes into packs; when they are there, receipts say where everything is, then names are given, and at last the
// snapshot, for which the next push asks first. Whatever is killed in between leaves packs that nobody names; the next push finds them by its journal.
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { hexOf, type Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import { bytesMissing } from '../faults.ts';
import type { Receipt } from '../pack/receipt.ts';
import { eachInParallel } from '../parallel.ts';
import type { PackRef } from '../remote.ts';
import type { PushResult, PushRoot, TransferOptions } from '../store.ts';
import type { Catalog, OpenPack } from './catalog.ts';
import type { Line } from './frames.ts';
import { KnownObjects, Slot } from './known.ts';
import { mergeSmallPacks, packsToMerge } from './merge.ts';
import { writeRemoteName } from './names.ts';
import type { RemoteNotes, Unfinished } from './notes.ts';
import { startPacker } from './packer.ts';
import { Packing } from './packing.ts';
import { PushPlan, type PlannedRoot } from './push-plan.ts';
import { readReceiptToReplace, writeReceipt } from './receipts.ts';
import { goneSince, letGo, takeBackReceipts } from './relied.ts';
import { LinesSender } from './send-lines.ts';
import type { NameHere, Snapshot } from './snapshot.ts';
import { Uploads } from './uploads.ts';

const width = 16;
/** A push that takes longer asks again whether what it builds on is still there. */
const longMs = 3_600_000;
/** From here on packs are built in a thread of their own, unless objects are small: reading those takes longer than packing them. */
const muchBytes = 8 * 1024 * 1024;
const mediumObject = 4096;

export interface PushContext {
  readonly line: Line;
  readonly cache: Cache;
  readonly catalog: Catalog;
  readonly notes: RemoteNotes;
  /** under which a remote that several share knows who needs what */
  readonly repository: string | null;
  /** milliseconds that never go back */
  readonly clock: () => number;
}

/**
 * Sends what the remote lacks of a snapshot that it does not have.
 * @returns what was sent, and the roots that the remote has now. @throws see Store.push
 */
export function pushRoots(
  context: PushContext,
  { roots, names, digest }: Snapshot,
  options: TransferOptions,
): Promise<{ readonly result: PushResult; readonly there: readonly Digest[] }> {
  return new Push(context, options).run(roots, names, digest);
}

class Push {
  readonly #context: PushContext;
  readonly #line: Line;
  readonly #options: TransferOptions;
  readonly #began: number;
  readonly #known = new KnownObjects();
  /** packs that are in the remote and stay, by digest */
  readonly #slots = new Map<Digest, Slot>();
  /** receipts that this push relies on */
  readonly #receipts = new Map<Digest, Receipt>();
  /** by the base that would name too many small packs */
  readonly #merges = new Map<Digest, { readonly packs: readonly PackRef[]; readonly slot: Slot }>();
  #unfinished: readonly Unfinished[] = [];

  constructor(context: PushContext, options: TransferOptions) {
    this.#context = context;
    this.#line = context.line;
    this.#options = options;
    this.#began = context.clock();
  }

  async run(roots: readonly PushRoot[], names: readonly NameHere[], snapshot: Digest): Promise<{ result: PushResult; there: readonly Digest[] }> {
    const digests = roots.map((root) => root.digest);
    await eachInParallel(digests, { width, signal: this.#line.signal }, async (root) => {
      await this.#receipt(root);
    });
    const absent = roots.filter((root) => !this.#receipts.has(root.digest));
    const plan = new PushPlan(this.#known, this.#context.cache);
    if (absent.length > 0) await this.#findUnfinished();
    for (const root of absent) await this.#planRoot(plan, root);
    const sent = await this.#send(plan);
    const lacking = plan.roots.filter(({ missing }) => missing.length > 0);
    const needed = lacking.filter(({ root }) => root.optional !== true);
    if (needed.length > 0) throw bytesMissing([...new Set(needed.flatMap(({ missing }) => missing))], this.#line.remote.url);
    const leftOut = lacking.map(({ root }) => root.digest);
    await this.#claim(digests);
    await this.#writeNames(names.filter(({ digest }) => !leftOut.includes(digest)));
    // what was left out shall be asked for again
    if (leftOut.length === 0) await this.#writeReceipt({ root: snapshot, objects: 0, bytes: 0, packs: [] });
    return { result: { ...sent, leftOut }, there: digests.filter((root) => !leftOut.includes(root)) };
  }

  /** A receipt that is there is relied on from then on, and says that this repository needs it. */
  async #receipt(root: Digest): Promise<Receipt | null> {
    const known = this.#receipts.get(root);
    if (known !== undefined) return known;
    const line = this.#line;
    const receipt = await line.lanes.run(() => readReceiptToReplace(line.remote, root, { signal: line.signal }));
    if (receipt !== null) this.#receipts.set(root, receipt);
    return receipt;
  }

  /** Packs that an unfinished push has sent are as good as any, as long as they are there. */
  async #findUnfinished(): Promise<void> {
    const { catalog, notes } = this.#context;
    const line = this.#line;
    this.#unfinished = await notes.unfinished(new Date());
    const packs = new Map(this.#unfinished.flatMap((push) => push.packs.map((pack) => [pack.digest, pack])));
    await eachInParallel(packs.values(), { width, signal: line.signal }, async (ref) => {
      if (!(await line.lanes.run(() => line.remote.has('packs', hexOf(ref.digest), { signal: line.signal })))) return;
      const number = await catalog.open(line, ref, { tail: false }).catch(unlessUseless);
      if (number === null) return;
      const slot = new Slot(() => [ref]);
      this.#slots.set(ref.digest, slot);
      this.#known.add(ref, (catalog.packs[number] as OpenPack).shelved, slot);
    });
  }

  async #planRoot(plan: PushPlan, root: PushRoot): Promise<void> {
    for (const digest of await root.bases()) {
      const base = digest === root.digest ? null : await this.#receipt(digest);
      const slots = base === null ? null : await this.#openBase(base);
      if (base !== null && slots !== null) return plan.add(root, base, slots);
    }
    return plan.add(root, null, []);
  }

  /** @returns the packs of a version that the remote has, or null when they are not what its receipt says */
  async #openBase(base: Receipt): Promise<Slot[] | null> {
    const { catalog } = this.#context;
    const line = this.#line;
    const opened = new Map<Digest, OpenPack>();
    await eachInParallel(base.packs, { width, signal: line.signal }, async (ref) => {
      const number = await catalog.open(line, ref, { tail: false }).catch(unlessUseless);
      if (number !== null) opened.set(ref.digest, catalog.packs[number] as OpenPack);
    });
    if (opened.size < base.packs.length) return null;
    const merge = this.#mergeOf(base);
    const slots = new Set<Slot>();
    for (const ref of base.packs) {
      const { shelved } = opened.get(ref.digest) as OpenPack;
      const isMerged = merge?.packs.includes(ref) === true;
      const slot = isMerged ? merge.slot : (this.#slots.get(ref.digest) ?? new Slot(() => [ref]));
      slots.add(slot);
      if (isMerged || !this.#slots.has(ref.digest)) this.#known.add(ref, shelved, slot);
      if (!isMerged) this.#slots.set(ref.digest, slot);
    }
    return [...slots];
  }

  #mergeOf(base: Receipt): { readonly packs: readonly PackRef[]; readonly slot: Slot } | undefined {
    const packs = packsToMerge(base);
    if (packs.length > 0 && !this.#merges.has(base.root)) this.#merges.set(base.root, { packs, slot: new Slot(() => packs) });
    return this.#merges.get(base.root);
  }

  async #send(plan: PushPlan): Promise<{ objects: number; bytes: number }> {
    if (plan.whole.length === 0) return { objects: 0, bytes: 0 };
    const { catalog, notes } = this.#context;
    await notes.sweepOutgoing(new Date());
    const journal = await notes.openJournal(randomBytes(6).toString('hex'));
    const { total } = plan;
    const bar = this.#options.progress.start('push', total.bytes, 'bytes');
    const uploads = new Uploads(this.#line, { journal, onBytes: (bytes) => bar.advance(bytes) });
    const { cache } = this.#context;
    const { remote, signal } = this.#line;
    const packer = startPacker(notes.outgoing, { isMuch: total.bytes > Math.max(muchBytes, total.objects * mediumObject) });
    const packing = new Packing({ cache, catalog, known: this.#known, uploads, packer, remoteUrl: remote.url, signal });
    try {
      const objects = await this.#pack(plan, packing);
      await packing.end();
      await uploads.drain();
      await this.#checkStillThere();
      await this.#writeReceipts(plan);
      await this.#checkReliedOn(plan);
      await journal.end();
      await this.#forgetUnfinished(plan);
      return { objects, bytes: uploads.bytes };
    } finally {
      await packer.close();
      await uploads.settle();
      bar.end();
    }
  }

  /** @returns how many objects are on their way */
  async #pack(plan: PushPlan, packing: Packing): Promise<number> {
    const { cache, catalog, notes } = this.#context;
    const lines = new LinesSender({ line: this.#line, cache, catalog, known: this.#known, packing, folder: notes.outgoing });
    for (const { packs, slot } of this.#merges.values()) {
      const merged = await mergeSmallPacks(this.#line, catalog, packs, packing);
      if (merged !== null) slot.becomes(merged);
    }
    let objects = 0;
    let rested = performance.now();
    for (const planned of plan.whole) {
      for await (const object of plan.objects(planned)) {
        this.#line.signal.throwIfAborted();
        // packing is work from end to end: uploads must get their turns
        if (performance.now() - rested > 20) {
          await setImmediate();
          rested = performance.now();
        }
        const there = packing.slotsOf(object.digest, planned.whole);
        const slots = there ?? (await (object.isLines ? lines : packing).add(object));
        for (const slot of slots) planned.slots.add(slot);
        if (there === null) objects += 1;
      }
    }
    return objects;
  }

  /** @throws PlumbError REMOTE_FAILED */
  async #checkStillThere(): Promise<void> {
    if (this.#context.clock() - this.#began < longMs) return;
    const { remote, lanes, signal } = this.#line;
    await eachInParallel(this.#receipts.keys(), { width, signal }, async (root) => {
      if (await lanes.run(() => remote.has('receipts', hexOf(root), { signal }))) return;
      throw letGo(root, remote.url);
    });
  }

  /** Once the receipts are written: what is gone by now no gc has seen them name. @throws PlumbError REMOTE_FAILED */
  async #checkReliedOn({ whole }: PushPlan): Promise<void> {
    const bases = new Map(whole.flatMap(({ base }) => (base === null ? [] : [[base.root, base] as const])));
    const named = new Set(whole.flatMap((planned) => packsOf(planned).map(({ digest }) => digest)));
    const unfinished = this.#unfinished.flatMap(({ packs }) => packs).filter(({ digest }) => named.has(digest));
    const gone = await goneSince(this.#line, bases.values(), unfinished);
    if (gone === null) return;
    await takeBackReceipts(
      this.#line,
      whole.map(({ root }) => root.digest),
    );
    throw letGo(gone, this.#line.remote.url);
  }

  async #writeReceipts(plan: PushPlan): Promise<void> {
    await eachInParallel(plan.whole, { width, signal: this.#line.signal }, async (planned) => {
      const { objects, bytes } = planned;
      await this.#writeReceipt({ root: planned.root.digest, objects, bytes, packs: packsOf(planned) });
    });
  }

  /** Versions that were there already, and that this repository was not known to need. */
  async #claim(roots: readonly Digest[]): Promise<void> {
    const { repository } = this.#context;
    if (repository === null) return;
    const foreign = roots.flatMap((root) => this.#receipts.get(root) ?? []).filter(({ repositories }) => !repositories.includes(repository));
    await eachInParallel(foreign, { width, signal: this.#line.signal }, async ({ root }) => {
      this.#receipts.delete(root);
      // as it is now: a gc may have written its packs anew
      const receipt = await this.#receipt(root);
      if (receipt === null) throw letGo(root, this.#line.remote.url);
      await this.#writeReceipt(receipt);
    });
  }

  async #writeReceipt(what: Omit<Receipt, 'plumbline' | 'repositories'> & { readonly repositories?: readonly string[] }): Promise<void> {
    const { repository } = this.#context;
    const repositories = [...(what.repositories ?? []), ...(repository === null ? [] : [repository])];
    const { remote, lanes, signal } = this.#line;
    await lanes.run(() => writeReceipt(remote, { ...what, plumbline: 'receipt/1', repositories }, { signal }));
  }

  async #writeNames(names: readonly NameHere[]): Promise<void> {
    const { remote, lanes, signal } = this.#line;
    await eachInParallel(names, { width, signal }, ({ name, ...named }) =>
      lanes.run(() => writeRemoteName(remote, name, named, { signal, ifAbsent: true })),
    );
  }

  /** Packs of unfinished pushes that are in a receipt now, or gone, need no list any more. */
  async #forgetUnfinished(plan: PushPlan): Promise<void> {
    const used = new Set(plan.whole.flatMap((planned) => packsOf(planned).map((pack) => pack.digest)));
    for (const { packs, forget } of this.#unfinished) {
      if (packs.every(({ digest }) => used.has(digest) || !this.#slots.has(digest))) await forget();
    }
  }
}

function packsOf({ slots }: PlannedRoot): PackRef[] {
  return [...new Map([...slots].flatMap((slot) => slot.refs.map((ref) => [ref.digest, ref] as const))).values()];
}

/** A pack that is gone, or none, is as good as never known; any other failure is one. */
function unlessUseless(error: unknown): null {
  if (isPlumbError(error, 'PACK_INVALID') || isPlumbError(error, 'BYTES_MISSING')) return null;
  throw error;
}
