// The two versions of a comparison, as both ways of comparing read them.
import { byCodeUnit } from '../base/canonical.ts';
import { ClassBalance } from './class-balance.ts';
import type { RowsDiff } from './row-findings.ts';
import { readRowBatches, type Row } from './rows.ts';
import type { RowFormat } from './schema.ts';
import { SchemaInference } from './schema-inference.ts';

/** A file of rows, and what is known of it. */
export interface RowSource {
  /** absolute */
  readonly path: string;
  readonly format: RowFormat;
  readonly key?: string;
  readonly label?: string;
  /** for messages */
  readonly name: string;
}

export interface RowDiffOptions {
  /** examples of each kind */
  readonly limit: number;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Both files with what is gathered while they are read. */
export interface Sides {
  readonly label: string | null;
  /** compare by text: one side is CSV and the other is not */
  readonly asText: boolean;
  readonly balance: ClassBalance | null;
  /** each call reads the file; what it says of schema and classes is counted in the first reading only */
  readBefore(): AsyncGenerator<Row[]>;
  readAfter(): AsyncGenerator<Row[]>;
  schemaChanges(): RowsDiff['schema'];
}

/** @returns sides that nobody has read yet, as often as called */
export function createSides(before: RowSource, after: RowSource, options: RowDiffOptions): () => Sides {
  const label = after.label ?? before.label ?? null;
  const asText = before.format !== after.format && (before.format === 'csv' || after.format === 'csv');
  return () => {
    const balance = label === null ? null : new ClassBalance();
    const schemas = { before: new SchemaInference(), after: new SchemaInference() };
    const read = (source: RowSource, which: 'before' | 'after'): (() => AsyncGenerator<Row[]>) => {
      let first = true;
      return async function* () {
        const counting = first;
        first = false;
        const reading = {
          name: source.name,
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.onBytes ? { onBytes: options.onBytes } : {}),
        };
        for await (const batch of readRowBatches(source.path, source.format, reading)) {
          for (const row of counting ? batch : []) {
            schemas[which].add(row.value);
            if (label !== null) balance?.add(which, row.value[label]);
          }
          yield batch;
        }
      };
    };
    return {
      label,
      asText,
      balance,
      readBefore: read(before, 'before'),
      readAfter: read(after, 'after'),
      schemaChanges: () => schemaChanges(schemas.before.schema(), schemas.after.schema()),
    };
  };
}

function schemaChanges(before: Record<string, string>, after: Record<string, string>): RowsDiff['schema'] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted(byCodeUnit);
  const typeIn = (schema: Record<string, string>, name: string): string | null => (Object.hasOwn(schema, name) ? (schema[name] ?? null) : null);
  return names
    .map((column) => ({ column, before: typeIn(before, column), after: typeIn(after, column) }))
    .filter((change) => change.before !== change.after);
}
