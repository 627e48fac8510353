// Models that move together. `units` of the policy says which must; the promotion record's `with` says which did, and were decided as one.
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { Pointer, Policy, Stage } from './schema.ts';

/** The units that a model belongs to. */
export function unitsOf(policy: Pick<Policy, 'units'>, model: string): { name: string; models: readonly string[] }[] {
  return Object.entries(policy.units).flatMap(([name, models]) => (models.includes(model) ? [{ name, models }] : []));
}

/**
 * All models of a unit move, or none; those that a promotion record names move with it; and what moves together was made to go together: of one commit, and of
 * equal data wherever two of them read the same data set.
 * @param fast what moves goes back: models that are no unit may do that one by one, and models of before there was a unit need not fit
 * @returns null where nothing moves together
 */
export function judgeUnit(pointers: readonly MovedPointer[], policy: Policy | null, fast: boolean): Point | null {
  const isUnit = (model: string): boolean => policy !== null && unitsOf(policy, model).length > 0;
  const isBound = ({ place, evidence }: MovedPointer): boolean => {
    const isNamed = (evidence?.promotion?.with ?? []).length > 0;
    return isUnit(place.model) ? isNamed || !fast : isNamed && !fast;
  };
  const faults: Fault[] = [];
  const told: string[] = [];
  for (const [stage, moved] of Map.groupBy(pointers, ({ place }) => place.stage)) {
    const models = new Set(moved.map(({ place }) => place.model));
    const together = moved.filter(isBound);
    faults.push(...incompleteUnits(policy, stage, models), ...(fast ? [] : moved.flatMap((one) => withFaults(one, models))), ...fitFaults(together));
    if (together.length > 1) told.push(`${together.map(({ place }) => place.model).join(', ')} in ${stage}`);
  }
  if (told.length + faults.length === 0 && !pointers.some(({ place }) => isUnit(place.model))) return null;
  return pointOf('unit', faults, told.length === 0 ? 'whole units move' : `as one: ${told.join('; ')}`);
}

function incompleteUnits(policy: Policy | null, stage: Stage, models: ReadonlySet<string>): Fault[] {
  return Object.entries(policy?.units ?? {}).flatMap(([name, unit]) => {
    const missing = unit.filter((model) => !models.has(model));
    return missing.length === 0 || missing.length === unit.length
      ? []
      : [{ what: `the unit "${name}" moves as one, and ${missing.join(', ')} in ${stage} stays: promote ${unit.join(' ')} together` }];
  });
}

function withFaults({ place, evidence }: MovedPointer, models: ReadonlySet<string>): Fault[] {
  return (evidence?.promotion?.with ?? [])
    .filter((model) => !models.has(model))
    .map((model) => ({ what: `${nameOf(place)} was promoted together with ${model}, which does not move` }));
}

function fitFaults(together: readonly MovedPointer[]): Fault[] {
  const [first, ...rest] = together.flatMap(({ pointer }) => pointer ?? []);
  if (first === undefined) return [];
  return rest.flatMap((other) => {
    const why = misfit(first, other);
    return why === null ? [] : [{ what: `${first.model} and ${other.model} were not made to go together: ${why}` }];
  });
}

/** null: they go together */
export function misfit(a: Pick<Pointer, 'code' | 'data'>, b: Pick<Pointer, 'code' | 'data'>): string | null {
  if (a.code !== b.code) return `one comes from commit ${a.code?.slice(0, 12) ?? 'none'}, the other from ${b.code?.slice(0, 12) ?? 'none'}`;
  const other = Object.keys(a.data).find((name) => Object.hasOwn(b.data, name) && a.data[name] !== b.data[name]);
  return other === undefined ? null : `they read other versions of the data set "${other}"`;
}
