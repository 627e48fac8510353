// Packs on their way to the remote, some at once, while the next is built. Only a few wait: they lie on the disk of this machine.
import { rm } from 'node:fs/promises';
import type { PackSummary } from '../pack/pack.ts';
import type { PackRef } from '../remote.ts';
import { moving, type Line } from './frames.ts';
import type { Slot } from './known.ts';
import type { Journal } from './notes.ts';

const mostWaiting = 2;

export interface FinishedPack extends PackSummary {
  readonly path: string;
  /** bytes of the objects that are on their way with it */
  readonly raw: number;
}

export class Uploads {
  /** bytes that travelled */
  bytes = 0;
  readonly #line: Line;
  readonly #journal: Journal;
  readonly #onBytes: (bytes: number) => void;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  /** @param to onBytes: told of bytes of objects, as the packs that hold them move */
  constructor(line: Line, to: { readonly journal: Journal; readonly onBytes: (bytes: number) => void }) {
    this.#line = line;
    this.#journal = to.journal;
    this.#onBytes = to.onBytes;
  }

  /** Takes a pack over; its file is gone when it was sent, or when that failed. Returns as soon as the next may be built. @throws what an earlier one met */
  async send(pack: FinishedPack, slots: readonly Slot[]): Promise<void> {
    const sending = this.#sendOne(pack, slots)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
    while (this.#underWay.size >= this.#line.lanes.width + mostWaiting) await Promise.race(this.#underWay);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** All was sent when this returns. */
  async drain(): Promise<void> {
    await this.settle();
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Nothing is under way any more when this returns. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #sendOne({ path, digest, bytes, tail, raw }: FinishedPack, slots: readonly Slot[]): Promise<void> {
    const ref: PackRef = { digest, bytes, tail };
    const line = this.#line;
    let shown = 0;
    try {
      const moved = await line.lanes.run(async () => {
        if (this.#failure !== null) throw this.#failure.error;
        const told = moving(line);
        const onBytes = (some: number): Promise<void> | void => {
          shown += some;
          this.#onBytes((some / bytes) * raw);
          return told.onBytes(some);
        };
        return line.remote.writePack(digest, { path, bytes, disposable: true }, { ...told, onBytes });
      });
      this.bytes += moved;
      this.#onBytes((1 - shown / bytes) * raw);
      await this.#journal.sent(ref);
      for (const slot of slots) slot.is(ref);
    } finally {
      await rm(path, { force: true });
    }
  }
}
