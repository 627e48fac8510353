import { byCodeUnit } from '../base/canonical.ts';
import { cellText } from './row-content.ts';

/** Rows that have a label, before and after. */
export interface ClassChange {
  readonly label: string;
  readonly before: number;
  readonly after: number;
}

const mostLabels = 10_000;

/** Counts labels on both sides. A column with more than 10,000 values is no label: then there is no answer. */
export class ClassBalance {
  #counts: Map<string, { before: number; after: number }> | null = new Map();

  add(side: 'before' | 'after', value: unknown): void {
    if (this.#counts === null) return;
    const label = cellText(value).slice(0, 200);
    let count = this.#counts.get(label);
    if (count === undefined) {
      if (this.#counts.size >= mostLabels) {
        this.#counts = null;
        return;
      }
      count = { before: 0, after: 0 };
      this.#counts.set(label, count);
    }
    count[side] += 1;
  }

  /** Labels whose count changed, largest change first. */
  changes(): ClassChange[] | null {
    if (this.#counts === null) return null;
    return [...this.#counts]
      .filter(([, count]) => count.before !== count.after)
      .map(([label, count]) => ({ label, ...count }))
      .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || byCodeUnit(a.label, b.label));
  }
}
