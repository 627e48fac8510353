// Packs of a remote that are mostly of no use any more: what of them is needed is copied into new packs, the receipts that named them name those, and
// then nobody names the old ones, which a gc condemns as it does any other. Objects are copied as they are stored, and verified.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { forms, type PackIndex, type PackSummary, type PackWriter } from '../store/pack/pack.ts';
import type { Receipt } from '../store/pack/receipt.ts';
import { createPack } from '../store/pack/writer.ts';
import type { PackRef, Remote } from '../store/remote.ts';
import type { Store, TransferOptions } from '../store/store.ts';
import type { DigestTable } from '../store/transfer/digest-table.ts';
import { readReceiptToReplace, writeReceipt } from '../store/transfer/receipts.ts';
import { objectsOfReceipts, PackContents, type StoredEntry } from './pack-contents.ts';

export interface RepackPlan {
  /** packs that are mostly dead, by hex */
  readonly packs: ReadonlyMap<string, PackRef>;
  /** bytes that they take, and that of these are needed */
  readonly bytes: number;
  readonly needed: number;
  /** receipts that name one of them */
  readonly receipts: readonly Receipt[];
}

export interface Repacking {
  readonly plan: RepackPlan;
  /** @returns packs that were written */
  carryOut(): Promise<{ readonly packs: number; readonly bytes: number }>;
}

const mostlyDead = 0.5;
const packBytes = 64 * 1024 * 1024;
const packObjects = 250_000;

/**
 * @param what receipts: all that stay; fixed: hex of packs that must stay as they are (those of receipts that were taken back)
 * @throws PlumbError REMOTE_FAILED, PACK_INVALID
 */
export async function planRepack(
  store: Store,
  remote: Remote,
  what: { readonly receipts: readonly Receipt[]; readonly fixed: ReadonlySet<string> },
  options: TransferOptions,
): Promise<Repacking> {
  const { needed, unknown } = await objectsOfReceipts(store, what.receipts, options);
  const fixed = new Set(what.fixed);
  const refs = new Map<string, PackRef>();
  for (const { root, packs } of what.receipts) {
    for (const pack of packs) {
      refs.set(hexOf(pack.digest), pack);
      // nobody knows what of it is needed
      if (unknown.has(root)) fixed.add(hexOf(pack.digest));
    }
  }
  const contents = new PackContents(store, remote, options);
  await contents.open(refs.values());
  await contents.addParts(needed, [...refs.keys()]);
  const packs = new Map<string, PackRef>();
  let bytes = 0;
  let live = 0;
  for (const [hex, ref] of refs) {
    if (fixed.has(hex)) continue;
    const share = liveShare(contents.pack(hex).index, needed);
    if (share >= 1 - mostlyDead) continue;
    packs.set(hex, ref);
    bytes += ref.bytes;
    live += share * ref.bytes;
  }
  const receipts = what.receipts.filter((receipt) => receipt.packs.some(({ digest }) => packs.has(hexOf(digest))));
  const plan = { packs, bytes, needed: Math.round(live), receipts };
  return { plan, carryOut: () => new Repack(remote, { plan, contents, needed, options }).run() };
}

/** Share of a pack's stored bytes that objects of a table take, 0 to 1. */
function liveShare(index: PackIndex, needed: DigestTable): number {
  let all = 0;
  let live = 0;
  for (let entry = 0; entry < index.objects; entry += 1) {
    const { frame, length } = index.locationAt(entry);
    const { stored, raw } = index.frameAt(frame);
    const bytes = raw === 0 ? 0 : (stored * length) / raw;
    all += bytes;
    if (needed.find(index.digestAt(entry)) >= 0) live += bytes;
  }
  return all === 0 ? 1 : live / all;
}

class Repack {
  readonly #remote: Remote;
  readonly #what: { readonly plan: RepackPlan; readonly contents: PackContents; readonly needed: DigestTable; readonly options: TransferOptions };

  constructor(
    remote: Remote,
    what: { readonly plan: RepackPlan; readonly contents: PackContents; readonly needed: DigestTable; readonly options: TransferOptions },
  ) {
    this.#remote = remote;
    this.#what = what;
  }

  async run(): Promise<{ packs: number; bytes: number }> {
    const { plan, options } = this.#what;
    if (plan.packs.size === 0) return { packs: 0, bytes: 0 };
    const bar = options.progress.start('repack', plan.needed, 'bytes');
    try {
      const into = await this.#copy((bytes) => bar.advance(bytes));
      for (const { root } of plan.receipts) await this.#rewrite(root, into);
      const written = new Map([...into.values()].flatMap((refs) => [...refs]).map((ref) => [ref.digest, ref]));
      return { packs: written.size, bytes: [...written.values()].reduce((sum, ref) => sum + ref.bytes, 0) };
    } finally {
      bar.end();
    }
  }

  /** @returns by hex of an old pack: where what is needed of it is now */
  async #copy(onBytes: (bytes: number) => void): Promise<Map<string, Set<PackRef>>> {
    const { plan, contents, needed } = this.#what;
    await contents.remote.notes.sweepOutgoing(new Date());
    const into = new Map([...plan.packs.keys()].map((hex) => [hex, new Set<PackRef>()]));
    const packs = new NewPack(contents.remote.notes.outgoing, async (path, summary, from) => {
      const ref = await this.#send(path, summary);
      for (const hex of from) into.get(hex)?.add(ref);
    });
    try {
      for (const hex of plan.packs.keys()) {
        const { index } = contents.pack(hex);
        const entries = Array.from({ length: index.objects }, (_, entry) => entry).filter((entry) => needed.find(index.digestAt(entry)) >= 0);
        await contents.read(hex, entries, async (entry) => {
          onBytes(entry.stored.length);
          if (entry.form === forms.bytes && digestOf(entry.stored) !== entry.digest) throw spoiled(hex, entry.digest, this.#remote.url);
          await packs.add(hex, entry);
        });
      }
      await packs.end();
    } finally {
      packs.abandon();
    }
    return into;
  }

  async #send(path: string, { digest, bytes, tail }: PackSummary): Promise<PackRef> {
    const { signal } = this.#what.options;
    try {
      await this.#remote.writePack(digest, { path, bytes, disposable: true }, { signal });
    } finally {
      await rm(path, { force: true });
    }
    return { digest, bytes, tail };
  }

  /** As it is now: somebody may have written it since. */
  async #rewrite(root: Digest, into: ReadonlyMap<string, ReadonlySet<PackRef>>): Promise<void> {
    const { signal } = this.#what.options;
    const receipt = await readReceiptToReplace(this.#remote, root, { signal });
    if (receipt === null) return;
    const packs = receipt.packs.flatMap((ref) => [...(into.get(hexOf(ref.digest)) ?? [ref])]);
    await writeReceipt(this.#remote, { ...receipt, packs }, { signal });
  }
}

/** The pack that is being written, and from which old ones it is. */
class NewPack {
  readonly #folder: string;
  readonly #done: (path: string, summary: PackSummary, from: ReadonlySet<string>) => Promise<void>;
  #open: { readonly path: string; readonly writer: PackWriter; readonly from: Set<string> } | null = null;

  constructor(folder: string, done: (path: string, summary: PackSummary, from: ReadonlySet<string>) => Promise<void>) {
    this.#folder = folder;
    this.#done = done;
  }

  /** An object that the pack has already, from another one, is passed over: it is there for both. */
  async add(from: string, { digest, bytes, role, form, stored }: StoredEntry): Promise<void> {
    const open = (this.#open ??= this.#begin());
    open.from.add(from);
    open.writer.add({ digest, bytes, role, form }, stored);
    if (open.writer.bytes >= packBytes || open.writer.objects >= packObjects) await this.end();
  }

  async end(): Promise<void> {
    if (this.#open === null) return;
    const { path, writer, from } = this.#open;
    this.#open = null;
    await this.#done(path, writer.finish(), from);
  }

  abandon(): void {
    this.#open?.writer.abandon();
    this.#open = null;
  }

  #begin(): { path: string; writer: PackWriter; from: Set<string> } {
    const path = join(this.#folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
    return { path, writer: createPack(path, { compress: true }), from: new Set() };
  }
}

function spoiled(pack: string, digest: Digest, url: string): PlumbError {
  return new PlumbError('DIGEST_MISMATCH', {
    what: `${digest} in the pack ${pack} of ${url} is not what it should be`,
    mend: 'run `plumb fsck --remote --repair`, then this command again: nothing was let go of',
    details: { digest, pack, remote: url },
  });
}
