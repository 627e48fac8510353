// Reads all that a remote has: every pack, every receipt, and whether each version can be put together from the packs that its receipt names.
import { hexOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Receipt } from '../store/pack/receipt.ts';
import { eachInParallel } from '../store/parallel.ts';
import type { PackRef, Remote } from '../store/remote.ts';
import type { Store, TransferOptions } from '../store/store.ts';
import { RemoteStore } from '../store/transfer/remote-store.ts';
import { Marks } from './mark.ts';
import { checkPack, noPack, type CheckedPack } from './pack-check.ts';
import { surveyRemote, type Survey } from './remote-survey.ts';

/** What a check of a remote found. */
export interface Findings {
  readonly survey: Survey;
  /** by hex; all that are there, and all that receipts name */
  readonly packs: ReadonlyMap<string, CheckedPack>;
  /** roots whose receipt is none, or that cannot be put together: why */
  readonly broken: ReadonlyMap<Digest, string>;
}

const packsAtOnce = 4;

/** @throws PlumbError REMOTE_FAILED, REMOTE_DENIED, DISK_FULL; what is wrong is in the findings */
export function readRemote(store: Store, remote: Remote, options: TransferOptions): Promise<Findings> {
  return new RemoteReading(store, remote, options).run();
}

class RemoteReading {
  readonly #store: Store;
  readonly #remote: Remote;
  readonly #options: TransferOptions;
  readonly #broken = new Map<Digest, string>();

  constructor(store: Store, remote: Remote, options: TransferOptions) {
    this.#store = store;
    this.#remote = remote;
    this.#options = options;
  }

  async run(): Promise<Findings> {
    const survey = await surveyRemote(this.#remote, this.#options);
    for (const { key, error } of survey.spoiled) if (/^[0-9a-f]{64}$/.test(key)) this.#broken.set(`sha256:${key}`, error.message);
    const packs = await this.#readPacks(survey);
    const receipts = [...survey.receipts.values()].map(({ receipt }) => receipt).filter((receipt) => receipt.packs.length > 0);
    const bar = this.#options.progress.start('versions', receipts.length, 'steps');
    for (const receipt of receipts) {
      const why = await this.#faultOf(receipt, packs);
      if (why !== null) this.#broken.set(receipt.root, why);
      bar.advance(1);
    }
    bar.end();
    return { survey, packs, broken: this.#broken };
  }

  async #readPacks({ packs, condemned, receipts }: Survey): Promise<Map<string, CheckedPack>> {
    const wanted = new Map<string, number>();
    for (const { key, bytes } of [...packs.values(), ...condemned.values()]) wanted.set(key, bytes);
    for (const { receipt } of receipts.values())
      for (const { digest, bytes } of receipt.packs) wanted.set(hexOf(digest), wanted.get(hexOf(digest)) ?? bytes);
    const bar = this.#options.progress.start(
      'check',
      [...wanted.values()].reduce((sum, bytes) => sum + bytes, 0),
      'bytes',
    );
    const opened = new RemoteStore(this.#remote, this.#store.cache);
    const line = opened.line(this.#options);
    line.tally.show(bar);
    await opened.notes.sweepOutgoing(new Date());
    const checked = new Map<string, CheckedPack>();
    try {
      await eachInParallel(wanted.keys(), { width: packsAtOnce, signal: this.#options.signal }, async (hex) => {
        checked.set(hex, await checkPack(line, `sha256:${hex}`, opened.notes.outgoing));
      });
    } finally {
      line.tally.end();
    }
    return checked;
  }

  /** @returns why a version cannot be put together; null: it can */
  async #faultOf({ root, packs }: Receipt, checked: ReadonlyMap<string, CheckedPack>): Promise<string | null> {
    const own = packs.map((ref) => ({ ref, pack: checked.get(hexOf(ref.digest)) ?? noPack }));
    const wrong = own.find(({ ref, pack }) => pack.index !== null && !isAsReceiptSays(ref, pack));
    if (wrong !== undefined) return `its receipt says of the pack ${wrong.ref.digest.slice(7, 19)} what it is not`;
    const parts = new Parts(own.map(({ pack }) => pack));
    if (!parts.has(root)) return 'its own object is in none of its packs';
    const marks = new Marks(this.#store, this.#options.signal);
    try {
      await this.#store.openRoots([root], this.#options);
      await marks.add(root);
    } catch (error) {
      if (!isPlumbError(error) || error.code.startsWith('REMOTE_')) throw error;
      return error.message;
    }
    for (let at = 0; at < marks.objects.size; at += 1) {
      const lost = parts.lacking(marks.objects.digestAt(at));
      if (lost !== null) return `${lost} is in none of its packs, or not whole`;
    }
    return null;
  }
}

function isAsReceiptSays(ref: PackRef, { index, bytes }: CheckedPack): boolean {
  return ref.bytes === bytes && ref.tail === index?.tail;
}

/** The packs of one version. */
class Parts {
  readonly #packs: readonly CheckedPack[];

  constructor(packs: readonly CheckedPack[]) {
    this.#packs = packs;
  }

  has(digest: Digest): boolean {
    return this.lacking(digest) === null;
  }

  /** @param depth a version of rows is made of an older one, and that of chunks. @returns what is missing of an object */
  lacking(digest: Digest, depth = 0): Digest | null {
    let lost: Digest = digest;
    for (const { index, bad, parts } of this.#packs) {
      const entry = index?.find(digest) ?? -1;
      if (entry === -1 || bad.has(entry)) continue;
      const named = parts.get(entry);
      if (named === undefined) return null;
      const missing = depth < 2 ? this.#lackingOf(named, depth) : digest;
      if (missing === null) return null;
      lost = missing;
    }
    return lost;
  }

  #lackingOf(named: { readonly size: number; digestAt(number: number): Digest }, depth: number): Digest | null {
    for (let at = 0; at < named.size; at += 1) {
      const missing = this.lacking(named.digestAt(at), depth + 1);
      if (missing !== null) return missing;
    }
    return null;
  }
}
