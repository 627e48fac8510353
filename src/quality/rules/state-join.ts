// States of parts of the rows, in their order, as the state of all of them.
import { byCodeUnit } from '../../base/canonical.ts';
import { BagCounter } from '../columns/column-bag.ts';
import { ValueIndex } from '../columns/value-index.ts';
import type { KeptState } from './state-file.ts';
import type { BrokenRow } from './state.ts';

/** @param parts of the same checks; at least one */
export function joinStates(parts: readonly KeptState[]): KeptState {
  const [first] = parts;
  if (first === undefined) throw new Error('no parts to put together');
  const entries = new Map<number, BrokenRow>();
  const values = first.values.map(() => new ValueIndex());
  const bags = first.bags.map(() => new BagCounter());
  const looked = first.looked.map(() => 0);
  const broken = first.broken.map((_, at) => new Uint32Array(parts.reduce((sum, part) => sum + (part.broken[at] as Uint32Array).length, 0)));
  const filled = first.broken.map(() => 0);
  let rows = 0;
  for (const part of parts) {
    for (const [number, entry] of part.entries) entries.set(number + rows, entry);
    values.forEach((index, at) => index.join(part.values[at] as ValueIndex, rows));
    bags.forEach((bag, at) => bag.join(part.bags[at] as KeptState['bags'][number]));
    part.looked.forEach((count, at) => (looked[at] = (looked[at] as number) + count));
    part.broken.forEach((numbers, at) => {
      const start = filled[at] as number;
      (broken[at] as Uint32Array).set(rows === 0 ? numbers : numbers.map((number) => number + rows), start);
      filled[at] = start + numbers.length;
    });
    rows += part.rows;
  }
  return { rows, ...columnsOf(parts), looked, broken, entries, values, bags: bags.map((bag) => bag.bag()) };
}

/** As one run would have met them: those of the first row of all, then the others, sorted. */
function columnsOf(parts: readonly KeptState[]): Pick<KeptState, 'columns' | 'leading'> {
  const first = parts.find(({ rows }) => rows > 0);
  const leading = (first?.columns ?? []).slice(0, first?.leading ?? 0);
  const others = new Set(parts.flatMap(({ columns }) => columns));
  for (const name of leading) others.delete(name);
  return { columns: [...leading, ...[...others].toSorted(byCodeUnit)], leading: leading.length };
}
