// The place of one model name: the model that answers, the one before it, kept warm so that a revert is instant, and one that is loaded and waits for
// those that move with it.
import type { Digest } from '../base/digest.ts';
import { shortDigest } from '../base/digest.ts';
import { isPlumbError, PlumbError, type ErrorCode } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { Stage } from '../registry/schema.ts';
import type { Predictor } from '../train/predictor.ts';
import { Loaded } from './loaded.ts';
import { isRevoked, type NamedModel } from './pointers.ts';

/** Which model answered: what every answer carries. */
export interface Answering {
  readonly name: string;
  readonly stage: Stage;
  readonly digest: Digest;
  /** newest commit of the followed ref that is known to name this model */
  readonly commit: Oid;
}

export interface SlotState {
  readonly name: string;
  /** what the pointer wants; null where the pointer is broken or gone */
  readonly wanted: Digest | null;
  readonly answering: Answering | null;
  readonly labels: readonly string[];
  /** when the answering model took over here */
  readonly since: Date | null;
  /** kept warm for a revert */
  readonly previous: Digest | null;
  /** why what answers is not what the ref wants; null when all is as it should be, or when the wanted model is being loaded */
  readonly trouble: PlumbError | null;
  readonly withdrawn: boolean;
}

export type HostEvent =
  | { readonly event: 'swap'; readonly model: Answering; readonly from: Digest | null; readonly seconds: number; readonly warm: boolean }
  | { readonly event: 'broken'; readonly name: string; readonly error: PlumbError; readonly answering: Answering | null }
  | { readonly event: 'mended'; readonly name: string; readonly answering: Answering }
  | { readonly event: 'revoked'; readonly name: string; readonly digest: Digest }
  | { readonly event: 'withdrawn'; readonly name: string };

export interface HostWorld {
  /** Fetches, verifies, opens and warms a model. */
  open(model: NamedModel): Promise<Predictor>;
  /** What these models were before, as they stood together, newest first; for a server that starts under a broken pointer. */
  earlier(models: { readonly names: readonly string[]; readonly commit: Oid }): AsyncIterable<ReadonlyMap<string, NamedModel>>;
  tell(event: HostEvent): void;
  now(): Date;
  /** milliseconds of a clock that never goes back */
  clock(): number;
  readonly retryMs: { readonly first: number; readonly most: number };
}

/** Those that a slot moves with. */
export interface Together {
  /** Swaps all of them, if all are ready. */
  settle(): void;
  /** Looks for what they were before, for those that have nothing to answer with. */
  lookBack(commit: Oid): void;
  /** What keeps a slot that is ready from being swapped; null: nothing but time. */
  blockerOf(slot: Slot): PlumbError | null;
}

/** These do not go away by waiting: the next commit mends them. */
const lasting: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['POINTER_INVALID', 'MODEL_INVALID']);

/** More loads than this at once for one model would be pointers that move faster than models load; the newest is what counts. */
const loadsAtOnce = 2;

export class Slot {
  readonly name: string;
  /** set by whoever follows, before anything is wanted */
  together: Together | null = null;
  readonly #world: HostWorld;
  #wanted: NamedModel | null = null;
  #noticedMs = 0;
  #current: Loaded | null = null;
  #standby: Loaded | null = null;
  #previous: Loaded | null = null;
  #answering: Answering | null = null;
  #since: Date | null = null;
  #trouble: PlumbError | null = null;
  #revoked: ReadonlySet<Digest> = new Set();
  #loads = new Map<Digest, Promise<void>>();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;
  isWithdrawn = false;

  constructor(name: string, world: HostWorld) {
    this.name = name;
    this.#world = world;
  }

  want(model: NamedModel, noticedMs: number): void {
    if (this.#closed) return;
    const other = this.#wanted?.digest !== model.digest;
    this.isWithdrawn = false;
    this.#wanted = model;
    if (other) {
      this.#noticedMs = noticedMs;
      this.#failures = 0;
      clearTimeout(this.#retry);
      if (this.#standby !== null && this.#standby.model.digest !== model.digest) this.#letGo('standby');
    }
    if (this.isForbidden) {
      if (this.isAtWanted && this.#current !== null) this.#current.model = model;
      return this.forbid(this.#revoked);
    }
    // another model came in the place of one that was taken out
    if (this.#trouble?.code === 'MODEL_REVOKED') this.#trouble = null;
    if (this.isAtWanted) this.#confirm(model);
    else if (other) this.#load();
  }

  refuse(error: PlumbError, commit: Oid): void {
    if (this.#closed) return;
    this.isWithdrawn = false;
    this.#wanted = null;
    clearTimeout(this.#retry);
    this.#fail(error, commit);
  }

  withdraw(): void {
    if (this.isWithdrawn) return;
    this.isWithdrawn = true;
    this.#wanted = null;
    this.#trouble = null;
    this.#answering = null;
    clearTimeout(this.#retry);
    this.#letGo('standby');
    // kept warm: a revert of the withdrawal may follow
    if (this.#current !== null) {
      void this.#previous?.retire();
      this.#previous = this.#current;
      this.#current = null;
    }
    this.#world.tell({ event: 'withdrawn', name: this.name });
  }

  /** From now on nothing of this answers, whatever names it: not even what was asked before. */
  forbid(revoked: ReadonlySet<Digest>): void {
    this.#revoked = revoked;
    const answered = this.#current;
    for (const place of ['current', 'standby', 'previous'] as const) {
      const loaded = this.#at(place);
      if (loaded !== null && !this.allows(loaded.model)) this.#letGo(place, revokedError(loaded.model));
    }
    if (answered !== null && this.#current === null) {
      this.#answering = null;
      this.#since = null;
      this.#world.tell({ event: 'revoked', name: this.name, digest: answered.model.digest });
    }
    if (this.#wanted !== null && this.isForbidden) this.#refuseRevoked(this.#wanted);
  }

  /** What is wanted was taken out for good. */
  get isForbidden(): boolean {
    return this.#wanted !== null && !this.allows(this.#wanted);
  }

  get isAtWanted(): boolean {
    return this.#wanted !== null && this.#current?.model.digest === this.#wanted.digest;
  }

  get isAnswering(): boolean {
    return this.#answering !== null;
  }

  /** What is wanted could be swapped in at once, or answers already. */
  get isReady(): boolean {
    return !this.#closed && !this.isForbidden && this.#wanted !== null && this.#holds(this.#wanted.digest);
  }

  /** Nothing answers here, and not for want of time alone. */
  get isStranded(): boolean {
    const why = this.#trouble ?? this.together?.blockerOf(this) ?? null;
    return !this.#closed && !this.isWithdrawn && this.#current === null && why !== null && why.code !== 'MODEL_REVOKED';
  }

  /** Of its own, not of those that it moves with. */
  get trouble(): PlumbError | null {
    return this.#trouble;
  }

  /** Swaps in what is wanted; to be called when it is ready. */
  take(): void {
    const wanted = this.#wanted;
    if (wanted === null || this.isAtWanted) return;
    const standby = this.#standby;
    if (standby?.model.digest === wanted.digest) {
      this.#standby = null;
      this.#swap(standby, wanted, false);
    } else if (this.#previous?.model.digest === wanted.digest) this.#swap(this.#previous, wanted, true);
  }

  /** Answers with an earlier model while the trouble lasts. */
  fallBack(loaded: Loaded): void {
    const trouble = this.#trouble;
    this.#swap(loaded, loaded.model, false);
    this.#trouble = trouble;
  }

  /** Whether a model may be answered with at all. */
  allows(model: NamedModel): boolean {
    return !isRevoked(model, this.#revoked);
  }

  async use<T>(work: (predictor: Predictor, answering: Answering) => Promise<T>): Promise<T> {
    const model = this.#current;
    const answering = this.#answering;
    if (model === null || answering === null) {
      if (this.#trouble?.code === 'MODEL_REVOKED') throw this.#trouble;
      throw new PlumbError('MODEL_NOT_READY', {
        what: `the model "${this.name}" is not loaded yet`,
        mend: 'ask again in a moment; GET /readyz says what it waits for',
      });
    }
    return model.use((predictor) => work(predictor, answering));
  }

  state(): SlotState {
    return {
      name: this.name,
      wanted: this.#wanted?.digest ?? null,
      answering: this.#answering,
      labels: this.#current?.predictor.labels ?? [],
      since: this.#since,
      previous: this.#previous?.model.digest ?? null,
      trouble: this.#trouble ?? (this.isAtWanted || this.isWithdrawn ? null : (this.together?.blockerOf(this) ?? null)),
      withdrawn: this.isWithdrawn,
    };
  }

  get isLoading(): boolean {
    return this.#loads.size > 0;
  }

  async settled(): Promise<void> {
    while (this.isLoading) await Promise.all(this.#loads.values());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.settled();
    await Promise.all([this.#current?.retire(), this.#standby?.retire(), this.#previous?.retire()]);
  }

  #holds(digest: Digest): boolean {
    return [this.#current, this.#standby, this.#previous].some((loaded) => loaded?.model.digest === digest);
  }

  #at(place: 'current' | 'standby' | 'previous'): Loaded | null {
    return place === 'current' ? this.#current : place === 'standby' ? this.#standby : this.#previous;
  }

  #letGo(place: 'current' | 'standby' | 'previous', why?: PlumbError): void {
    const loaded = this.#at(place);
    if (place === 'current') this.#current = null;
    else if (place === 'standby') this.#standby = null;
    else this.#previous = null;
    void (why === undefined ? loaded?.retire() : loaded?.forbid(why));
  }

  #load(): void {
    const model = this.#wanted;
    if (this.#closed || model === null || this.isForbidden || this.#holds(model.digest)) return;
    if (this.#loads.has(model.digest) || this.#loads.size >= loadsAtOnce) return;
    const load = this.#open(model).finally(() => {
      this.#loads.delete(model.digest);
      // what is wanted may have moved on while both places were taken; what failed waits for its retry
      if (this.#wanted?.digest !== model.digest) this.#load();
    });
    this.#loads.set(model.digest, load);
  }

  async #open(model: NamedModel): Promise<void> {
    let loaded: Loaded;
    try {
      loaded = new Loaded(model, await this.#world.open(model));
    } catch (error) {
      if (this.#wanted?.digest === model.digest && !this.isForbidden) this.#failLoad(error, model);
      return;
    }
    const isWanted = this.#wanted?.digest === model.digest && !this.isForbidden;
    if (this.#closed || !isWanted || this.#holds(model.digest)) return loaded.retire();
    this.#standby = loaded;
    // what could not be loaded before is here now
    this.#trouble = null;
    this.together?.settle();
  }

  #swap(next: Loaded, model: NamedModel, warm: boolean): void {
    const before = this.#current;
    const spare = this.#previous;
    next.model = model;
    this.#current = next;
    // a withdrawn model comes back from `previous` and leaves nothing there
    this.#previous = before ?? (spare === next ? null : spare);
    if (before !== null && spare !== null && spare !== next) void spare.retire();
    this.#answering = { name: model.name, stage: model.stage, digest: model.digest, commit: model.commit };
    this.#since = this.#world.now();
    this.#trouble = null;
    const seconds = Math.max(0, this.#world.clock() - this.#noticedMs) / 1000;
    this.#world.tell({ event: 'swap', model: this.#answering, from: before?.model.digest ?? null, seconds, warm });
  }

  /** The ref names what answers already. */
  #confirm(model: NamedModel): void {
    const answering = { name: model.name, stage: model.stage, digest: model.digest, commit: model.commit };
    this.#answering = answering;
    if (this.#current !== null) this.#current.model = model;
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#world.tell({ event: 'mended', name: this.name, answering });
  }

  #refuseRevoked(model: NamedModel): void {
    clearTimeout(this.#retry);
    this.#letGo('standby');
    this.#setTrouble(revokedError(model));
  }

  #failLoad(error: unknown, model: NamedModel): void {
    const known = isPlumbError(error)
      ? error
      : new PlumbError('MODEL_INVALID', { what: `the model cannot be opened: ${String(error)}`, mend: 'promote another model', cause: error });
    if (!lasting.has(known.code)) {
      const { first, most } = this.#world.retryMs;
      this.#retry = setTimeout(() => this.#load(), Math.min(most, first * 2 ** this.#failures)).unref();
      this.#failures += 1;
    }
    this.#fail(known, model.commit);
  }

  #fail(error: PlumbError, commit: Oid): void {
    if (this.#setTrouble(error) && this.#current === null) this.together?.lookBack(commit);
  }

  /** @returns whether it was not told before */
  #setTrouble(error: PlumbError): boolean {
    const told = this.#trouble?.code === error.code && this.#trouble.message === error.message;
    this.#trouble = error;
    if (!told) this.#world.tell({ event: 'broken', name: this.name, error, answering: this.#answering });
    return !told;
  }
}

/** Of a model that a revocation takes out, itself or by one of its parts. */
export function revokedError(model: NamedModel): PlumbError {
  return new PlumbError('MODEL_REVOKED', {
    what: `${model.name} ${shortDigest(model.digest)} was taken out for good, and git names no other model for ${model.stage}`,
    mend: `move the pointer to another model: \`plumb rollback ${model.name}\`, or promote a new one`,
  });
}
