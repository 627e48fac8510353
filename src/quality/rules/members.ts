// Values that stand in other data: what `in` asks for.
import { hash } from 'node:crypto';
import type { ColumnBag } from '../columns/column-bag.ts';
import type { ValueIndex } from '../columns/value-index.ts';
import type { Members } from './row-test.ts';
import { typedCell, valueName } from './values.ts';

/** @param untyped the other data are CSV: a cell counts as text, and as the number or boolean that it looks like */
export function* valuesOfBag({ numbers, texts, others }: ColumnBag, untyped: boolean): Generator<string | number | boolean> {
  yield* numbers.values;
  for (const text of texts.keys()) {
    yield text;
    const typed = untyped ? typedCell(text) : text;
    if (typeof typed === 'number' || typeof typed === 'boolean') yield typed;
  }
  for (const name of others.keys()) if (name === 'true' || name === 'false') yield name === 'true';
}

/** Members of one column. */
export function membersOfBag(bag: ColumnBag, untyped: boolean): Members {
  const values = new Set<unknown>(valuesOfBag(bag, untyped));
  const others = new Set(bag.others.keys());
  return {
    has: ([value]) => (typeof value === 'object' && value !== null ? others.has(valueName(value)) : values.has(value === 0 ? 0 : value)),
  };
}

/** Members of several columns together. @param untyped of the other data, whose rows are texts: numbers are compared by how they are written */
export function membersOfIndex(index: ValueIndex, untyped: boolean): Members {
  const nameOf = (values: readonly unknown[]): Buffer => hash('sha256', values.map(valueName).join('\u0000'), 'buffer');
  const asText = (value: unknown): unknown => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value);
  return {
    has: (values) => index.rowsOf(nameOf(values)).length > 0 || (untyped && index.rowsOf(nameOf(values.map(asText))).length > 0),
  };
}
