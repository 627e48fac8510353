// One person at work on a queue: what can be done with a row, whatever shows it. Terminal and page are views of this.
import { PlumbError } from '../base/errors.ts';
import { nearest } from '../base/names.ts';
import { editDecision, labelOf, type RowEdit, type RowShape } from './change.ts';
import type { Journal } from './journal.ts';
import type { Queue, QueueItem } from './queue.ts';
import type { Decision } from './schema.ts';

export interface SittingParts {
  readonly queue: Queue;
  readonly journal: Journal;
  readonly shape: RowShape;
  /** labels that the data set has; empty: any */
  readonly labels: readonly string[];
  now(): Date;
}

/** Where the sitting is. */
export interface Standing {
  /** from 0; as many as there are items: the end */
  readonly at: number;
  readonly items: number;
  readonly decided: number;
  /** rows that wait beyond this sitting */
  readonly more: number;
}

export class Sitting {
  readonly #parts: SittingParts;
  /** what was decided of an item, by its place */
  readonly #decided = new Map<number, Decision>();
  /** places in the order in which they were decided */
  readonly #order: number[] = [];
  readonly #notes = new Map<number, string>();
  #at = 0;

  constructor(parts: SittingParts) {
    this.#parts = parts;
  }

  get standing(): Standing {
    const { items, waiting } = this.#parts.queue;
    return { at: this.#at, items: items.length, decided: this.#decided.size, more: waiting - items.length };
  }

  get labels(): readonly string[] {
    return this.#parts.labels;
  }

  get shape(): RowShape {
    return this.#parts.shape;
  }

  /** null: behind the last one */
  get item(): QueueItem | null {
    return this.#parts.queue.items[this.#at] ?? null;
  }

  get decision(): Decision | null {
    return this.#decided.get(this.#at) ?? null;
  }

  get note(): string {
    return this.#notes.get(this.#at) ?? '';
  }

  accept(): Promise<Decision> {
    const item = this.#require();
    return this.#decide({ action: 'accept', ...labelOf(item.value, this.#parts.shape) });
  }

  reject(): Promise<Decision> {
    this.#require();
    return this.#decide({ action: 'reject' });
  }

  /** What changes nothing is an accept. @throws PlumbError DATASET_COLUMN, ROW_ENCODING */
  edit(edit: RowEdit): Promise<Decision> {
    const decision = editDecision(this.#require().value, edit, this.#parts.shape);
    return decision === null ? this.accept() : this.#decide({ action: 'edit', ...decision });
  }

  /**
   * @param text the whole label; of a column of numbers or booleans one of those that are there
   * @throws PlumbError USAGE where there is no label column, or the label is not among those that the data set has
   */
  label(text: string): Promise<Decision> {
    const { shape, labels } = this.#parts;
    const { value } = this.#require();
    if (shape.label === null)
      throw new PlumbError('USAGE', { what: 'the data set has no label column', mend: 'edit the row, or `plumb add --label COLUMN` first' });
    const label = text.trim();
    if (label === '' || (labels.length > 0 && !labels.includes(label))) throw unknownLabel(label, labels);
    const decision = editDecision(value, { [shape.label]: labelLike(value[shape.label], label) }, shape);
    return decision === null ? this.accept() : this.#decide({ action: 'label', ...decision });
  }

  /** Kept with the decision that comes, or with the one that is there. */
  async annotate(text: string): Promise<void> {
    this.#require();
    const note = text.trim().toWellFormed().slice(0, 10_000);
    if (note === '') this.#notes.delete(this.#at);
    else this.#notes.set(this.#at, note);
    const decision = this.decision;
    if (decision === null) return;
    const { at: _, note: __, ...rest } = decision;
    await this.#add(rest);
  }

  skip(): void {
    if (this.#at < this.#parts.queue.items.length) this.#at += 1;
  }

  back(): void {
    if (this.#at > 0) this.#at -= 1;
  }

  /** Takes the last decision back and shows its row. @returns false: there is none */
  async undo(): Promise<boolean> {
    const place = this.#order.pop();
    if (place === undefined) return false;
    await this.#parts.journal.undo();
    const before = this.#order.includes(place)
      ? this.#parts.journal.decisions.findLast(({ row }) => row === this.#parts.queue.items[place]?.digest)
      : undefined;
    if (before === undefined) this.#decided.delete(place);
    else this.#decided.set(place, before);
    this.#at = place;
    return true;
  }

  #require(): QueueItem {
    const { item } = this;
    if (item !== null) return item;
    throw new PlumbError('USAGE', { what: 'there is no row here any more', mend: 'q ends the sitting, u takes the last decision back' });
  }

  async #decide(decision: Omit<Decision, 'row' | 'why' | 'at' | 'note'>): Promise<Decision> {
    const { digest, why } = this.#require();
    const made = await this.#add({ ...decision, row: digest, why: [...why] });
    this.#at += 1;
    return made;
  }

  async #add(decision: Omit<Decision, 'at'>): Promise<Decision> {
    const place = this.#at;
    const note = this.#notes.get(place);
    const made = await this.#parts.journal.add({ ...decision, ...(note === undefined ? {} : { note }) }, this.#parts.now());
    this.#decided.set(place, made);
    this.#order.push(place);
    return made;
  }
}

function unknownLabel(label: string, labels: readonly string[]): PlumbError {
  const near = nearest(label, labels);
  return new PlumbError('USAGE', {
    what: `${JSON.stringify(label).slice(0, 120)} is none of the ${labels.length} labels.${near === undefined ? '' : ` Did you mean "${near}"?`}`,
    mend: `write a whole label${labels.length > 20 ? '' : `: ${labels.join(', ')}`}; one that is new: --new-labels`,
  });
}

/** A label is written as text; where the column holds numbers or booleans, it becomes one. */
function labelLike(before: unknown, text: string): string | number | boolean {
  if (typeof before === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (typeof before === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
