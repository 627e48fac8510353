// How many rows have which label.
import { byCodeUnit } from '../base/canonical.ts';
import { cellText } from './row-content.ts';

/** Rows that have a label, before and after. */
export interface ClassChange {
  readonly label: string;
  readonly before: number;
  readonly after: number;
}

/** A column with more values than this is no label. */
export const mostLabels = 10_000;
const mostCharacters = 200;

/** A value as a label: its text, cut at 200 characters. */
export function labelOf(value: unknown): string {
  const text = cellText(value);
  return text.length <= mostCharacters ? text : text.slice(0, mostCharacters).toWellFormed();
}

/** Counts labels until there are more than 10,000. */
export class ClassCounts {
  #counts: Map<string, number> | null = new Map();

  add(label: string, rows: number): void {
    if (this.#counts === null) return;
    const count = this.#counts.get(label);
    if (count === undefined && this.#counts.size >= mostLabels) this.#counts = null;
    else this.#counts.set(label, (count ?? 0) + rows);
  }

  /** null: they are too many */
  get counts(): LabelCounts | null {
    return this.#counts;
  }
}

/** Labels as numbers, for rows that keep a word each, and how many rows have which. */
export class LabelNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #rows: number[] = [];
  #tooMany = false;

  /** @returns the number of each, in their order */
  numbersOf(labels: readonly string[]): Uint32Array {
    return Uint32Array.from(labels, (label) => this.#numberOf(label));
  }

  #numberOf(label: string): number {
    const known = this.#numbers.get(label);
    if (known !== undefined || this.#tooMany) return known ?? 0;
    this.#numbers.set(label, this.#rows.length);
    // as many again may be labels of an earlier version that no row has any more
    if (this.#numbers.size > 2 * mostLabels) this.#tooMany = true;
    return this.#rows.push(0) - 1;
  }

  /** Counts rows. @param rows places in `numbers` @returns the labels' own numbers */
  count(rows: Uint32Array, numbers: Uint32Array): Uint32Array {
    return rows.map((place) => {
      const number = numbers[place] as number;
      this.#rows[number] = (this.#rows[number] as number) + 1;
      return number;
    });
  }

  /** in the order of their numbers */
  get texts(): string[] {
    return [...this.#numbers.keys()];
  }

  /** Labels that rows have; null: they are too many. */
  get counts(): LabelCounts | null {
    const counts = new Map(
      [...this.#numbers].map(([label, number]) => [label, this.#rows[number] as number] as const).filter(([, rows]) => rows > 0),
    );
    return this.#tooMany || counts.size > mostLabels ? null : counts;
  }
}

/** label -> rows */
export type LabelCounts = ReadonlyMap<string, number>;

/** Labels whose count changed, largest change first. */
export function balanceChanges(before: LabelCounts, after: LabelCounts): ClassChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((label) => ({ label, before: before.get(label) ?? 0, after: after.get(label) ?? 0 }))
    .filter((change) => change.before !== change.after)
    .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || byCodeUnit(a.label, b.label));
}
