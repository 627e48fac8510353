// Lists and texts at their bounds. What leaves in a text is masked before it is cut.
import { maskSensitive } from '../quality/sensitive.ts';
import { lengths, type Bounds } from './bounds.ts';
import type { Report } from './schema.ts';
import { cut } from './visible.ts';

/** Cuts lists and remembers which. */
export class Shortener {
  readonly bounds: Bounds;
  readonly #cuts: Report['shortened'] = [];

  constructor(limits: Bounds) {
    this.bounds = limits;
  }

  keep<T>(what: string, items: readonly T[], bound: keyof Bounds, room: number = this.bounds[bound]): T[] {
    this.note(what, Math.min(items.length, room), items.length);
    return items.slice(0, room);
  }

  note(what: string, shown: number, of: number): void {
    if (shown < of) this.#cuts.push({ what, shown, of });
  }

  /** The lists that were cut: the first hundred. */
  said(): Report['shortened'] {
    return this.#cuts.slice(0, 100);
  }
}

/** @param name of the column or key whose value it is */
export function bounded(text: string, limit: number, name?: string): string {
  return cut(maskSensitive(text, name), limit);
}

export function label(text: string): string {
  return bounded(text, lengths.label);
}

export function labelOrNull(text: string | null): string | null {
  return text === null ? null : label(text);
}

export function sentence(text: string): string {
  return bounded(text, lengths.sentence);
}
