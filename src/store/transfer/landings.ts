// Objects that become files, and pieces of larger ones, on their way into the cache: gathered, then verified and written by threads. Whether they were
// what they should be is known a moment later; what they came in can be used for others at once.
import type { Digest } from '../../base/digest.ts';
import type { Landing, Piece } from '../cache/cache.ts';
import type { Intake } from './intake.ts';

const batchBytes = 1024 * 1024;
/** From here on threads are worth the 50 ms that they take to start. */
const muchBytes = 8 * 1024 * 1024;
/** Batches that threads have, or that wait for one. */
const mostUnderWay = 4;

interface OpenBatch {
  readonly room: Buffer;
  length: number;
  readonly objects: Landing[];
  /** places of those that are wrong */
  readonly landed: PromiseWithResolvers<ReadonlySet<number>>;
}

/** Tells whether the bytes were those of the object, once that is known. @throws what writing them met */
export type Verdict = () => Promise<boolean>;

export class Landings {
  readonly #intake: Intake;
  readonly #signal: AbortSignal;
  #bytes = 0;
  #open: OpenBatch | null = null;
  readonly #rooms: Buffer[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(intake: Intake, signal: AbortSignal) {
    this.#intake = intake;
    this.#signal = signal;
  }

  /**
   * Takes an object in; the bytes are copied. Waits while too many are being written.
   * @param what isWhole: it becomes a file of its own; pieces: where it belongs in the files of others
   */
  async add(what: { readonly digest: Digest; readonly isWhole: boolean; readonly pieces: readonly Piece[] }, bytes: Uint8Array): Promise<Verdict> {
    while (this.#underWay.size >= mostUnderWay) await Promise.race(this.#underWay);
    // from here on nobody else has a turn
    if (this.#open !== null && this.#open.length + bytes.length > this.#open.room.length) this.#handOn();
    const batch = (this.#open ??= this.#begin(bytes.length));
    const place = batch.objects.push({ ...what, at: batch.length, length: bytes.length }) - 1;
    batch.room.set(bytes, batch.length);
    batch.length += bytes.length;
    this.#bytes += bytes.length;
    if (batch.length >= batchBytes) this.#handOn();
    return async () => {
      if (this.#open === batch) this.#handOn();
      return !(await batch.landed.promise).has(place);
    };
  }

  /** Nothing is under way any more when this returns. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #begin(bytes: number): OpenBatch {
    const room = this.#rooms.pop();
    const landed = Promise.withResolvers<ReadonlySet<number>>();
    // told to whoever asks; nobody may
    landed.promise.catch(() => undefined);
    const isRoomy = room !== undefined && room.length >= bytes;
    return { room: isRoomy ? room : Buffer.allocUnsafeSlow(Math.max(bytes, batchBytes + batchBytes / 4)), length: 0, objects: [], landed };
  }

  #handOn(): void {
    const batch = this.#open;
    if (batch === null) return;
    this.#open = null;
    const landing = this.#land(batch).finally(() => this.#underWay.delete(landing));
    this.#underWay.add(landing);
  }

  async #land({ room, objects, landed }: OpenBatch): Promise<void> {
    try {
      const { bytes, wrong } = await this.#intake.land(room, objects, { signal: this.#signal, isMuch: this.#bytes > muchBytes });
      this.#rooms.push(Buffer.from(bytes.buffer));
      landed.resolve(new Set(wrong));
    } catch (error) {
      landed.reject(error);
    }
  }
}
