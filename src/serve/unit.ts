// Models that one decision moved: all of them are loaded, then all are swapped in the same turn, or none.
import { PlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import { Loaded } from './loaded.ts';
import type { NamedModel } from './pointers.ts';
import type { HostWorld, Slot, Together } from './slot.ts';

export class Unit implements Together {
  readonly slots: readonly Slot[];
  readonly #world: HostWorld;
  #lookingBack: Promise<void> | null = null;

  constructor(slots: readonly Slot[], world: HostWorld) {
    this.slots = slots;
    this.#world = world;
  }

  settle(): void {
    if (this.slots.every((slot) => slot.isReady)) for (const slot of this.slots) slot.take();
  }

  blockerOf(slot: Slot): PlumbError | null {
    const other = this.slots.find((one) => one !== slot && one.trouble !== null);
    if (other === undefined) return null;
    return new PlumbError('MODEL_NOT_READY', {
      what: `"${slot.name}" moves together with "${other.name}", which cannot: ${other.trouble?.message ?? ''}`,
      mend: other.trouble?.mend ?? '',
    });
  }

  /** Those that are on their way still, without what never arrives: it was taken out for good. */
  get pending(): readonly Slot[] {
    const possible = this.slots.filter((slot) => !slot.isForbidden && !slot.isWithdrawn);
    return possible.every((slot) => slot.isAtWanted) ? [] : possible;
  }

  /** Started under a broken pointer: a server that ran before would answer with the models from before, so does this one. */
  lookBack(commit: Oid): void {
    this.#lookingBack ??= this.#back(commit).finally(() => {
      this.#lookingBack = null;
    });
  }

  get isLookingBack(): boolean {
    return this.#lookingBack !== null;
  }

  async settled(): Promise<void> {
    while (this.#lookingBack !== null) await this.#lookingBack;
  }

  async #back(commit: Oid): Promise<void> {
    try {
      const names = this.slots.filter((slot) => !slot.isAnswering).map((slot) => slot.name);
      for await (const models of this.#world.earlier({ names, commit })) if (await this.#try(models)) return;
    } catch {
      // history that cannot be read has no earlier model for us; the trouble itself has been told
    }
  }

  /** @returns whether to look no further */
  async #try(models: ReadonlyMap<string, NamedModel>): Promise<boolean> {
    const opened: { slot: Slot; loaded: Loaded }[] = [];
    const letGo = async (): Promise<void> => void (await Promise.all(opened.map(({ loaded }) => loaded.retire())));
    for (const slot of this.slots) {
      const model = models.get(slot.name);
      if (model === undefined) continue;
      const predictor = slot.allows(model) ? await this.#world.open(model).catch(() => null) : null;
      if (predictor === null) {
        await letGo();
        return false;
      }
      opened.push({ slot, loaded: new Loaded(model, predictor) });
    }
    if (opened.length === 0) return false;
    // what is wanted, or a revocation, may have come meanwhile
    if (opened.every(({ slot, loaded }) => slot.isStranded && slot.allows(loaded.model)))
      for (const { slot, loaded } of opened) slot.fallBack(loaded);
    else await letGo();
    return true;
  }
}
