// What rules need of other data: each is read once, whatever rules ask of it, and remembered as any state is.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import type { ValueIndex } from '../columns/value-index.ts';
import type { DataReference } from './bounds.ts';
import type { Checks, Looked, Reference } from './checks.ts';
import { membersOfBag, membersOfIndex } from './members.ts';
import { dataText } from './plan.ts';
import type { Members } from './row-test.ts';
import type { State } from './state.ts';
import type { ReferenceBag } from './statistics.ts';

export interface ReferencedMembers extends Members {
  /** values of the column; null: several columns */
  readonly listed: ColumnBag | null;
  /** of a CSV */
  readonly untyped: boolean;
}

export interface ResolvedReferences {
  readonly members: ReadonlyMap<number, ReferencedMembers>;
  readonly bags: ReadonlyMap<number, ReferenceBag>;
  readonly rows: ReadonlyMap<number, number>;
  /** what rows are judged by: [place, digest of the file] */
  readonly contents: readonly (readonly [number, string])[];
}

export interface ReferenceWorld {
  openReference(data: DataReference): Promise<CheckedRows>;
  /** what is known of other rows */
  state(checks: Checks, rows: CheckedRows): Promise<State>;
  /** one index of them, with every row */
  index(checks: Checks, rows: CheckedRows): Promise<ValueIndex>;
}

/**
 * @param file name of the rules file, for errors
 * @throws PlumbError CONFIG_INVALID for a column that the other data do not have, and what opening them throws
 */
export async function resolveReferences({ references }: Checks, file: string, world: ReferenceWorld): Promise<ResolvedReferences> {
  const resolved = {
    members: new Map<number, ReferencedMembers>(),
    bags: new Map<number, ReferenceBag>(),
    rows: new Map<number, number>(),
    contents: [] as [number, string][],
  };
  const byData = Map.groupBy(
    references.map((reference, place) => ({ reference, place })),
    ({ reference }) => dataText(reference.data),
  );
  for (const [name, wanted] of byData) {
    const [first] = wanted;
    if (first === undefined) continue;
    const rows = await world.openReference(first.reference.data);
    const bags = wanted.flatMap((one) => bagOf(one.reference).map((bag) => ({ ...one, bag })));
    const state = await world.state(checksOf({ bags: bags.map(({ bag }) => bag) }), rows);
    for (const { reference } of wanted) requireReferenced(reference, { name, state, file });
    const untyped = rows.source.format === 'csv';
    for (const [at, { place, reference }] of bags.entries()) {
      const bag = state.bags[at] as ColumnBag;
      if (reference.kind === 'bag') resolved.bags.set(place, { bag, untyped });
      else resolved.members.set(place, { ...membersOfBag(bag, untyped), listed: bag, untyped });
    }
    for (const { place, reference } of wanted) {
      if (reference.kind === 'rows') resolved.rows.set(place, state.rows);
      if (reference.kind !== 'members') continue;
      resolved.contents.push([place, rows.content]);
      if (reference.columns.length === 1) continue;
      const index = await world.index(checksOf({ indexes: [{ columns: reference.columns, when: null, skip: 'all' }] }), rows);
      resolved.members.set(place, { ...membersOfIndex(index, untyped), listed: null, untyped });
    }
  }
  return resolved;
}

function bagOf(reference: Reference): Looked[] {
  switch (reference.kind) {
    case 'rows':
      return [];
    case 'bag':
      return [{ columns: [reference.column], when: reference.when, skip: 'any' }];
    case 'members':
      return reference.columns.length > 1 ? [] : [{ columns: reference.columns, when: null, skip: 'any' }];
  }
}

/** Checks that only gather. */
export function checksOf({ bags = [], indexes = [] }: { readonly bags?: readonly Looked[]; readonly indexes?: readonly Looked[] }): Checks {
  return { key: [], checks: [], rows: [], indexes, bags, references: [], named: new Map() };
}

function requireReferenced(reference: Reference, { name, state, file }: { name: string; state: State; file: string }): void {
  const columns = reference.kind === 'rows' ? [] : reference.kind === 'bag' ? [reference.column] : reference.columns;
  const wrong = columns.find((column) => !state.columns.includes(column));
  if (wrong === undefined || state.rows === 0) return;
  throw new PlumbError('DATASET_COLUMN', {
    what: `"${name}", which rules refer to, has no column "${wrong}".${didYouMean(wrong, state.columns)}`,
    where: { file },
    mend: `name a column of "${name}": ${listed(state.columns)}`,
  });
}
