// Brings a remote in order from what is good: of its own packs, and of the cache of this machine. A version that is broken is sent anew as a whole, in new
// packs; a bad pack goes when all that needed it was sent. As long as a version is on its way its old receipt is kept among those that were taken back.
import { hexOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { pushRootOf } from '../datasets/manifest.ts';
import { runRoot } from '../pipeline/reachable.ts';
import type { Project } from '../project/open.ts';
import { receiptText, type Receipt } from '../store/pack/receipt.ts';
import type { Remote } from '../store/remote.ts';
import type { PushRoot, Store, TransferOptions } from '../store/store.ts';
import { readReceipt, writeReceipt } from '../store/transfer/receipts.ts';
import { RemoteStore } from '../store/transfer/remote-store.ts';
import type { Findings } from './remote-reading.ts';
import { whatIs } from './mark.ts';
import { hexOfTakenBack, takenBackKey } from './remote-survey.ts';

/** @returns hex of packs and digests of roots that are in order now. @throws PlumbError REMOTE_FAILED, REMOTE_READ_ONLY, DISK_FULL */
export async function repairRemote(project: Project, remote: Remote, findings: Findings, options: TransferOptions): Promise<ReadonlySet<string>> {
  return new Repair(project, remote, findings, options).run();
}

class Repair {
  readonly #project: Project;
  readonly #store: Store;
  readonly #remote: Remote;
  readonly #findings: Findings;
  readonly #options: TransferOptions;

  constructor(project: Project, remote: Remote, findings: Findings, options: TransferOptions) {
    this.#project = project;
    this.#store = project.store;
    this.#remote = remote;
    this.#findings = findings;
    this.#options = options;
  }

  async run(): Promise<ReadonlySet<string>> {
    const repaired = new Set<string>();
    const bad = [...this.#findings.packs].flatMap(([hex, { fault }]) => (fault === null ? [] : [hex]));
    const affected = this.#affected(new Set(bad));
    for (const { key } of this.#findings.survey.spoiled) {
      // what it named is not known, and nobody was told that it is there
      if (hexOfTakenBack(key) === null) continue;
      await this.#remote.remove('names', key, this.#options);
      repaired.add(key);
    }
    if (affected.size === 0 && bad.length === 0) return repaired;
    // what was learnt of packs may be what is wrong
    const { notes } = new RemoteStore(this.#remote, this.#store.cache);
    for (const hex of bad) await notes.forgetIndex(`sha256:${hex}`);
    const whole = new Map<Digest, PushRoot>();
    for (const root of affected) {
      const complete = await this.#bring(root);
      if (complete !== null) whole.set(root, complete);
    }
    // a pack that somebody else still needs keeps what is good of it
    const needed = new Set([...affected].filter((root) => !whole.has(root)).flatMap((root) => this.#packsOf(root)));
    const leaving = bad.filter((hex) => !needed.has(hex));
    if (whole.size > 0 || leaving.length > 0) await this.#forgetSnapshots();
    for (const root of whole.keys()) await this.#takeBack(root);
    for (const hex of leaving) await this.#removePack(hex);
    for (const [digest, root] of whole) await this.#send(digest, root);
    for (const hex of leaving) repaired.add(hex);
    for (const root of whole.keys()) repaired.add(root);
    return repaired;
  }

  /** Versions that are broken, and those that name a bad pack: what they need of it may be good, but it goes. */
  #affected(bad: ReadonlySet<string>): Set<Digest> {
    const roots = new Set(this.#findings.broken.keys());
    for (const { receipt } of this.#findings.survey.receipts.values()) {
      if (receipt.packs.some(({ digest }) => bad.has(hexOf(digest)))) roots.add(receipt.root);
    }
    return roots;
  }

  #packsOf(root: Digest): string[] {
    return this.#receiptOf(root)?.packs.map(({ digest }) => hexOf(digest)) ?? [];
  }

  #receiptOf(root: Digest): Receipt | null {
    return this.#findings.survey.receipts.get(hexOf(root))?.receipt ?? null;
  }

  /** Gets into the cache what can be had of a version. @returns how it is sent; null when not all of it is here */
  async #bring(root: Digest): Promise<PushRoot | null> {
    const store = this.#store;
    try {
      await store.openRoots([root], this.#options).catch(unlessLost);
      const found = await this.#rootOf(root);
      if (found === null) return null;
      const missing: Digest[] = [];
      for await (const { digest } of found.objects(null)) if (!(await store.cache.has(digest))) missing.push(digest);
      if (missing.length > 0) await store.fetch(missing, { ...this.#options, within: [root] }).catch(unlessLost);
      for (const digest of missing) if (!(await store.cache.has(digest))) return null;
      return found;
    } catch (error) {
      unlessLost(error);
      return null;
    }
  }

  async #rootOf(digest: Digest): Promise<PushRoot | null> {
    const store = this.#store;
    const named = await whatIs(store, digest);
    if (named.kind === 'absent') return null;
    if (named.kind === 'dataset') return pushRootOf(store, digest, async () => []);
    if (named.kind === 'run') return runRoot({ digest, record: named.record }, store);
    const bytes = (await store.cache.sizeOf(digest)) ?? 0;
    return {
      digest,
      bases: async () => [],
      async *objects() {
        yield { digest, bytes, role: 'data' };
      },
    };
  }

  /** Else a push would be told that all is there. */
  async #forgetSnapshots(): Promise<void> {
    for (const [hex, { receipt }] of this.#findings.survey.receipts) {
      if (receipt.packs.length === 0) await this.#remote.remove('receipts', hex, this.#options);
    }
  }

  async #takeBack(root: Digest): Promise<void> {
    const receipt = this.#receiptOf(root);
    if (receipt !== null) {
      const text = Buffer.from(receiptText(receipt));
      await this.#remote.write('names', takenBackKey(hexOf(root)), text, { ifAbsent: false, packs: [] }, this.#options);
    }
    await this.#remote.remove('receipts', hexOf(root), this.#options);
  }

  async #removePack(hex: string): Promise<void> {
    // a registry drops what no receipt names by itself, and takes a pack of that name only with the right bytes
    if (this.#remote.dropsPacks === true) return;
    await this.#remote.remove('packs', hex, this.#options);
    await this.#remote.remove('condemned', hex, this.#options);
  }

  async #send(digest: Digest, root: PushRoot): Promise<void> {
    // with a memory of its own: that of the store knows packs that are gone
    const remote = new RemoteStore(this.#remote, this.#store.cache);
    const repository = this.#project.config.repository ?? null;
    await remote.push({ roots: [root], names: [], repository }, this.#options);
    const old = this.#receiptOf(digest);
    const fresh = await readReceipt(this.#remote, digest, this.#options);
    if (old !== null && fresh !== null && old.repositories.some((name) => !fresh.repositories.includes(name))) {
      await writeReceipt(this.#remote, { ...fresh, repositories: [...fresh.repositories, ...old.repositories] }, this.#options);
    }
    await this.#remote.remove('names', takenBackKey(hexOf(digest)), this.#options);
  }
}

const losses = new Set(['BYTES_MISSING', 'DIGEST_MISMATCH', 'MANIFEST_INVALID', 'RECEIPT_INVALID', 'PACK_INVALID']);

function unlessLost(error: unknown): void {
  if (!isPlumbError(error) || !losses.has(error.code)) throw error;
}
