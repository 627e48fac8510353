// What a comparison of rows finds, and what it keeps of it: counts, and a bounded number of examples.
import { byCodeUnit } from '../base/canonical.ts';
import type { ClassChange } from './class-balance.ts';
import { sampleCells, valueText } from './row-content.ts';
import type { Row } from './rows.ts';

export interface RowSample {
  readonly kind: 'added' | 'removed' | 'edited' | 'relabelled';
  /** text of the key; without one, 'row 17' */
  readonly key: string;
  /** row numbers, from 1; null where the row is not there */
  readonly rows: { readonly before: number | null; readonly after: number | null };
  /** column -> value as text, cut at 1,000 characters; changed columns first; at most 50 */
  readonly before: Readonly<Record<string, string>> | null;
  readonly after: Readonly<Record<string, string>> | null;
  /** columns whose value changed; empty for an added or removed row */
  readonly columns: readonly string[];
}

export interface RowsDiff {
  /** how rows were matched; content: an edited row counts as removed and added, unless only its label changed */
  readonly by: 'key' | 'content';
  /** the key column, when matched by it */
  readonly key: string | null;
  /** why rows were matched by content although a key is named */
  readonly note: string | null;
  readonly label: string | null;
  readonly rowsBefore: number;
  readonly rowsAfter: number;
  readonly added: number;
  readonly removed: number;
  /** rows of one key with other content, the relabelled ones among them */
  readonly edited: number;
  /** rows whose label changed */
  readonly relabelled: number;
  /** the rows that are on both sides stand in another order */
  readonly reordered: boolean;
  /** in edited rows: column -> how many rows changed in it; most first */
  readonly columns: readonly { readonly column: string; readonly rows: number }[];
  /** false: there are so many edited rows that `columns` counts only the first of them */
  readonly columnsComplete: boolean;
  /** columns that came, went or changed type; null: not there */
  readonly schema: readonly { readonly column: string; readonly before: string | null; readonly after: string | null }[];
  /** labels whose number of rows changed, largest change first; null: no label column, or more than 10,000 labels */
  readonly balance: readonly ClassChange[] | null;
  /** examples: relabelled, edited, removed, added; at most `limit` of each */
  readonly samples: readonly RowSample[];
}

/** Columns of two rows whose values differ, sorted. */
export function changedColumns(before: Row, after: Row, asText: boolean): string[] {
  const names = new Set([...Object.keys(before.value), ...Object.keys(after.value)]);
  return [...names].filter((name) => valueText(before.value[name], asText) !== valueText(after.value[name], asText)).toSorted(byCodeUnit);
}

/** Examples of each kind, up to a limit, and the counts of changed columns. */
export class Findings {
  readonly #limit: number;
  readonly #samples: Record<RowSample['kind'], RowSample[]> = { relabelled: [], edited: [], removed: [], added: [] };
  readonly #columns = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  wants(kind: RowSample['kind']): boolean {
    return this.#samples[kind].length < this.#limit;
  }

  lone(kind: 'added' | 'removed', row: Row, key: string): void {
    if (!this.wants(kind)) return;
    const cells = sampleCells(row.value, []);
    const sample =
      kind === 'added'
        ? { rows: { before: null, after: row.row }, before: null, after: cells }
        : { rows: { before: row.row, after: null }, before: cells, after: null };
    this.#samples[kind].push({ kind, key, ...sample, columns: [] });
  }

  pair(kind: 'edited' | 'relabelled', before: Row, after: Row, columns: readonly string[], key: string): void {
    for (const column of columns) this.#columns.set(column, (this.#columns.get(column) ?? 0) + 1);
    if (!this.wants(kind)) return;
    const rows = { before: before.row, after: after.row };
    this.#samples[kind].push({ kind, key, rows, before: sampleCells(before.value, columns), after: sampleCells(after.value, columns), columns });
  }

  columns(): RowsDiff['columns'] {
    return [...this.#columns].map(([column, rows]) => ({ column, rows })).toSorted((a, b) => b.rows - a.rows || byCodeUnit(a.column, b.column));
  }

  samples(): RowSample[] {
    const { relabelled, edited, removed, added } = this.#samples;
    return [...relabelled, ...edited, ...removed, ...added];
  }
}

/** Changed rows of the version after that wait for their counterparts: bounded. */
export class Held {
  readonly #rows = new Map<number, Row>();
  #characters = 0;
  #complete = true;

  get complete(): boolean {
    return this.#complete;
  }

  get size(): number {
    return this.#rows.size;
  }

  keep(entry: number, row: Row, characters: number): void {
    if (this.#rows.size >= 200_000 || this.#characters + characters > 32_000_000) {
      this.#complete = false;
      return;
    }
    this.#characters += characters;
    this.#rows.set(entry, row);
  }

  take(entry: number): Row | undefined {
    const row = this.#rows.get(entry);
    this.#rows.delete(entry);
    return row;
  }
}
