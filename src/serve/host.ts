// The models that answer. One slot a model name; in it the model that answers, and the one before it, kept warm so that a revert is instant.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError, type ErrorCode } from '../base/errors.ts';
import { byCodeUnit } from '../base/canonical.ts';
import type { Oid } from '../git/git.ts';
import type { Stage } from '../registry/schema.ts';
import type { Predictor } from '../train/predictor.ts';
import type { NamedModel, PointerReading } from './pointers.ts';

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
  | { readonly event: 'withdrawn'; readonly name: string };

export interface HostWorld {
  /** Fetches, verifies, opens and warms a model. */
  open(model: NamedModel): Promise<Predictor>;
  /** What the pointer named before, newest first; for a server that starts under a broken pointer. */
  earlier(model: { readonly name: string; readonly commit: Oid }): AsyncIterable<NamedModel>;
  tell(event: HostEvent): void;
  now(): Date;
  /** milliseconds of a clock that never goes back */
  clock(): number;
  readonly retryMs: { readonly first: number; readonly most: number };
}

export interface Host {
  /** Makes what answers equal to what was read: at once where the model is warm, as soon as it is loaded where not. Never waits. */
  follow(reading: PointerReading, noticedMs: number): void;
  /**
   * Runs work with the model that answers now. The model stays open until the work has ended, whatever is promoted meanwhile.
   * @throws PlumbError MODEL_UNKNOWN, MODEL_NOT_READY
   */
  use<T>(name: string, work: (predictor: Predictor, answering: Answering) => Promise<T>): Promise<T>;
  /** sorted by name; models that were withdrawn are not listed */
  states(): SlotState[];
  /** Resolves when nothing is being loaded: each model answers or has its trouble told. */
  settled(): Promise<void>;
  /** Closes every model once the work with it has ended. */
  close(): Promise<void>;
}

export function createHost(world: HostWorld): Host {
  const slots = new Map<string, Slot>();
  const slotOf = (name: string): Slot => {
    let slot = slots.get(name);
    if (slot === undefined) slots.set(name, (slot = new Slot(name, world)));
    return slot;
  };
  return {
    follow(reading, noticedMs) {
      for (const model of reading.named.values()) slotOf(model.name).want(model, noticedMs);
      for (const [name, error] of reading.broken) slotOf(name).refuse(error, reading.commit);
      for (const [name, slot] of slots) if (!reading.named.has(name) && !reading.broken.has(name)) slot.withdraw();
    },
    async use(name, work) {
      const slot = slots.get(name);
      if (slot === undefined || slot.isWithdrawn) throw unknownModel(name);
      return slot.use(work);
    },
    states: () =>
      [...slots.values()]
        .filter((slot) => !slot.isWithdrawn)
        .map((slot) => slot.state())
        .toSorted((a, b) => byCodeUnit(a.name, b.name)),
    settled: async () => void (await Promise.all([...slots.values()].map((slot) => slot.settled()))),
    close: async () => void (await Promise.all([...slots.values()].map((slot) => slot.close()))),
  };
}

function unknownModel(name: string): PlumbError {
  return new PlumbError('MODEL_UNKNOWN', { what: `no model "${name.slice(0, 100)}" is served here`, mend: 'GET /v1/models lists the models' });
}

/** These do not go away by waiting: the next commit mends them. */
const lasting: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['POINTER_INVALID', 'MODEL_INVALID']);

/** More loads than this at once for one model would be pointers that move faster than models load; the newest is what counts. */
const loadsAtOnce = 2;

class Slot {
  readonly #name: string;
  readonly #world: HostWorld;
  #wanted: NamedModel | null = null;
  #noticedMs = 0;
  #current: Loaded | null = null;
  #answering: Answering | null = null;
  #since: Date | null = null;
  #previous: Loaded | null = null;
  #trouble: PlumbError | null = null;
  #loads = new Map<Digest, Promise<void>>();
  #lookingBack: Promise<void> | null = null;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;
  isWithdrawn = false;

  constructor(name: string, world: HostWorld) {
    this.#name = name;
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
    }
    if (this.#current?.digest === model.digest) this.#confirm(model);
    else if (this.#previous?.digest === model.digest) this.#swap(this.#previous, model, true);
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
    // kept warm: a revert of the withdrawal may follow
    if (this.#current !== null) {
      void this.#previous?.retire();
      this.#previous = this.#current;
      this.#current = null;
    }
    this.#world.tell({ event: 'withdrawn', name: this.#name });
  }

  async use<T>(work: (predictor: Predictor, answering: Answering) => Promise<T>): Promise<T> {
    const model = this.#current;
    const answering = this.#answering;
    if (model === null || answering === null) {
      throw new PlumbError('MODEL_NOT_READY', {
        what: `the model "${this.#name}" is not loaded yet`,
        mend: 'ask again in a moment; GET /readyz says what it waits for',
      });
    }
    return model.use((predictor) => work(predictor, answering));
  }

  state(): SlotState {
    return {
      name: this.#name,
      wanted: this.#wanted?.digest ?? null,
      answering: this.#answering,
      labels: this.#current?.predictor.labels ?? [],
      since: this.#since,
      previous: this.#previous?.digest ?? null,
      trouble: this.#trouble,
      withdrawn: this.isWithdrawn,
    };
  }

  async settled(): Promise<void> {
    while (this.#loads.size > 0 || this.#lookingBack !== null) await Promise.all([...this.#loads.values(), this.#lookingBack]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.settled();
    await Promise.all([this.#current?.retire(), this.#previous?.retire()]);
  }

  #load(): void {
    const model = this.#wanted;
    if (this.#closed || model === null || model.digest === this.#current?.digest) return;
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
      loaded = new Loaded(model.digest, await this.#world.open(model));
    } catch (error) {
      if (this.#wanted?.digest === model.digest) this.#failLoad(error, model);
      return;
    }
    const wanted = this.#wanted;
    if (!this.#closed && wanted?.digest === loaded.digest && this.#current?.digest !== loaded.digest) this.#swap(loaded, wanted, false);
    else await loaded.retire();
  }

  #swap(next: Loaded, model: NamedModel, warm: boolean): void {
    const before = this.#current;
    const spare = this.#previous;
    this.#current = next;
    // a withdrawn model comes back from `previous` and leaves nothing there
    this.#previous = before ?? (spare === next ? null : spare);
    if (before !== null && spare !== null && spare !== next) void spare.retire();
    this.#answering = { name: model.name, stage: model.stage, digest: model.digest, commit: model.commit };
    this.#since = this.#world.now();
    this.#trouble = null;
    const seconds = Math.max(0, this.#world.clock() - this.#noticedMs) / 1000;
    this.#world.tell({ event: 'swap', model: this.#answering, from: before?.digest ?? null, seconds, warm });
  }

  /** The ref names what answers already. */
  #confirm(model: NamedModel): void {
    const answering = { name: model.name, stage: model.stage, digest: model.digest, commit: model.commit };
    this.#answering = answering;
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#world.tell({ event: 'mended', name: this.#name, answering });
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
    const told = this.#trouble?.code === error.code && this.#trouble.message === error.message;
    this.#trouble = error;
    if (!told) this.#world.tell({ event: 'broken', name: this.#name, error, answering: this.#answering });
    if (this.#current === null && !told) {
      this.#lookingBack ??= this.#lookBack(commit).finally(() => {
        this.#lookingBack = null;
      });
    }
  }

  /** Started under a broken pointer: a server that ran before would answer with the model from before, so does this one. */
  async #lookBack(commit: Oid): Promise<void> {
    try {
      for await (const model of this.#world.earlier({ name: this.#name, commit })) {
        const predictor = await this.#world.open(model).catch(() => null);
        if (predictor === null) continue;
        const loaded = new Loaded(model.digest, predictor);
        const trouble = this.#trouble;
        if (this.#closed || this.isWithdrawn || this.#current !== null || trouble === null) return await loaded.retire();
        this.#swap(loaded, model, false);
        this.#trouble = trouble;
        return;
      }
    } catch {
      // history that cannot be read has no earlier model for us; the trouble itself has been told
    }
  }
}

/** An opened model and how many requests are in it. */
class Loaded {
  readonly digest: Digest;
  readonly predictor: Predictor;
  #users = 0;
  #retired = false;
  #closing: Promise<void> | null = null;
  readonly #idle = Promise.withResolvers<void>();

  constructor(digest: Digest, predictor: Predictor) {
    this.digest = digest;
    this.predictor = predictor;
  }

  async use<T>(work: (predictor: Predictor) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work(this.predictor);
    } finally {
      this.#users -= 1;
      if (this.#retired && this.#users === 0) this.#idle.resolve();
    }
  }

  /** Closes the model when the last request in it has ended. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#users === 0) this.#idle.resolve();
    this.#closing ??= this.#idle.promise.then(() => this.predictor.close());
    await this.#closing;
  }
}
