// The models that answer: a slot a model name, and which of them move together.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Predictor } from '../train/predictor.ts';
import type { PointerReading } from './pointers.ts';
import { Slot, type Answering, type HostWorld, type SlotState } from './slot.ts';
import { Unit } from './unit.ts';

export type { Answering, HostEvent, HostWorld, SlotState } from './slot.ts';

export interface Host {
  /** Makes what answers equal to what was read: at once where the models are warm, as soon as they are loaded where not. Never waits. */
  follow(reading: PointerReading, noticedMs: number): void;
  /** What was taken out for good does not answer any more, whatever was read; all that ever was, not only what is new. */
  forbid(revoked: ReadonlySet<Digest>): void;
  /**
   * Runs work with the model that answers now. The model stays open until the work has ended, whatever is promoted meanwhile.
   * @throws PlumbError MODEL_UNKNOWN, MODEL_NOT_READY, MODEL_REVOKED
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
  let units: readonly Unit[] = [];
  let revoked: ReadonlySet<Digest> = new Set();
  const slotOf = (name: string): Slot => {
    let slot = slots.get(name);
    if (slot === undefined) {
      slots.set(name, (slot = new Slot(name, world)));
      slot.forbid(revoked);
    }
    return slot;
  };
  const forbid = (all: ReadonlySet<Digest>): void => {
    revoked = all;
    for (const slot of slots.values()) slot.forbid(all);
  };
  return {
    forbid,
    follow(reading, noticedMs) {
      forbid(reading.revoked);
      units = arrange(groupsOf(reading, units), units, (members) => new Unit(members.map(slotOf), world));
      for (const unit of units) for (const slot of unit.slots) slot.together = unit;
      for (const model of reading.named.values()) slotOf(model.name).want(model, noticedMs);
      for (const [name, error] of reading.broken) slotOf(name).refuse(error, reading.commit);
      for (const [name, slot] of slots) if (!reading.named.has(name) && !reading.broken.has(name)) slot.withdraw();
      for (const unit of units) unit.settle();
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
    async settled() {
      while ([...slots.values()].some((slot) => slot.isLoading) || units.some((unit) => unit.isLookingBack))
        await Promise.all([...slots.values(), ...units].map((one) => one.settled()));
    },
    close: async () => void (await Promise.all([...slots.values()].map((slot) => slot.close()))),
  };
}

/** Which names are swapped together: those that moved together, and, until they have arrived, those that an earlier move tied to one of them. */
function groupsOf(reading: PointerReading, before: readonly Unit[]): Set<string>[] {
  const names = new Set([...reading.named.keys(), ...reading.broken.keys()]);
  const groups = [...names].map((name) => new Set([name]));
  const tied = [...reading.units, ...before.map((unit) => unit.pending.map((slot) => slot.name))];
  for (const members of tied) {
    const joined = new Set(members.filter((name) => names.has(name)));
    if (joined.size < 2) continue;
    for (let at = groups.length - 1; at >= 0; at -= 1) {
      const group = groups[at] ?? joined;
      if (group.isDisjointFrom(joined)) continue;
      for (const name of group) joined.add(name);
      groups.splice(at, 1);
    }
    groups.push(joined);
  }
  return groups;
}

/** A unit of the same members goes on as it is: it may be at work. */
function arrange(groups: readonly Set<string>[], before: readonly Unit[], make: (members: readonly string[]) => Unit): Unit[] {
  return groups.map((group) => {
    const same = before.find((unit) => unit.slots.length === group.size && unit.slots.every((slot) => group.has(slot.name)));
    return same ?? make([...group].toSorted(byCodeUnit));
  });
}

function unknownModel(name: string): PlumbError {
  return new PlumbError('MODEL_UNKNOWN', { what: `no model "${name.slice(0, 100)}" is served here`, mend: 'GET /v1/models lists the models' });
}
