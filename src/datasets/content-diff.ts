// Rows without a key are matched by what they say: as two bags of rows. A row whose label alone changed is recognised by the rest of it.
import { createHash, hash } from 'node:crypto';
import { DigestTable } from './digest-table.ts';
import { rowText } from './row-content.ts';
import { changedColumns, Findings, Held, type RowsDiff } from './row-findings.ts';
import type { RowDiffOptions, Sides } from './row-sides.ts';
import type { Row } from './rows.ts';

interface Counts {
  rowsBefore: number;
  rowsAfter: number;
  same: number;
  relabelled: number;
}

/** @param note why not by key, for the reader */
export async function compareByContent(sides: Sides, note: string | null, options: RowDiffOptions): Promise<RowsDiff> {
  const counts: Counts = { rowsBefore: sides.alike, rowsAfter: sides.alike, same: sides.alike, relabelled: 0 };
  const digest = (row: Row): Buffer => hash('sha256', rowText(row.value, sides.asText), 'buffer');
  const order = { before: new Order(), after: new Order() };
  // content -> how many rows say it and have found no equal yet
  const open = new DigestTable(1);
  for await (const batch of sides.readBefore()) {
    for (const row of batch.rows) {
      counts.rowsBefore += 1;
      const name = digest(row);
      order.before.add(name, batch.alike);
      const { entry } = open.add(name);
      open.set(entry, 0, open.get(entry, 0) + 1);
    }
  }
  const added = new Added(sides);
  for await (const batch of sides.readAfter()) {
    for (const row of batch.rows) {
      counts.rowsAfter += 1;
      const name = digest(row);
      order.after.add(name, batch.alike);
      const entry = open.find(name);
      const left = entry === -1 ? 0 : open.get(entry, 0);
      if (left === 0) added.add(row);
      else {
        open.set(entry, 0, left - 1);
        counts.same += 1;
      }
    }
  }
  const equal = counts.same === counts.rowsBefore && counts.same === counts.rowsAfter;
  const reordered = equal && !order.before.isThatOf(order.after);
  const findings = new Findings(options.limit);
  if (counts.same < counts.rowsBefore) await readLost(sides, { open, added, findings, counts, digest });
  added.tell(findings);
  return {
    by: 'content',
    key: null,
    note,
    label: sides.label,
    rowsBefore: counts.rowsBefore,
    rowsAfter: counts.rowsAfter,
    added: counts.rowsAfter - counts.same - counts.relabelled,
    removed: counts.rowsBefore - counts.same - counts.relabelled,
    edited: counts.relabelled,
    relabelled: counts.relabelled,
    reordered,
    columns: findings.columns(),
    columnsComplete: added.complete,
    schema: sides.schemaChanges(),
    balance: sides.balanceChanges(),
    samples: findings.samples(),
  };
}

/** The order of rows that are read, and where rows that nobody reads stand among them. */
class Order {
  readonly #state = createHash('sha256');
  #alike = 0;

  add(name: Buffer, alike: number): void {
    if (alike !== this.#alike) this.#state.update(`${alike};`);
    this.#alike = alike;
    this.#state.update(name);
  }

  isThatOf(other: Order): boolean {
    return this.#state.digest().equals(other.#state.digest());
  }
}

/** Rows of the version after that have no equal before, found again by all but their label. */
class Added {
  readonly #sides: Sides;
  /** the rest of a row -> how many wait */
  readonly #waiting = new DigestTable(1);
  readonly #held = new Held();
  readonly #numbers = new Map<number, number[]>();

  constructor(sides: Sides) {
    this.#sides = sides;
  }

  get complete(): boolean {
    return this.#held.complete;
  }

  add(row: Row): void {
    const rest = this.#restOf(row);
    const { entry } = this.#waiting.add(hash('sha256', rest, 'buffer'));
    this.#waiting.set(entry, 0, this.#waiting.get(entry, 0) + 1);
    if (!this.#held.complete) return;
    this.#held.keep(row.row, row, rest.length);
    if (!this.#held.complete) return;
    const numbers = this.#numbers.get(entry);
    if (numbers === undefined) this.#numbers.set(entry, [row.row]);
    else numbers.push(row.row);
  }

  /** @returns false: no added row is this one with another label; null: one is, but it was not kept */
  takeRelabelled(before: Row): Row | null | false {
    if (this.#sides.label === null) return false;
    const entry = this.#waiting.find(hash('sha256', this.#restOf(before), 'buffer'));
    const left = entry === -1 ? 0 : this.#waiting.get(entry, 0);
    if (left === 0) return false;
    this.#waiting.set(entry, 0, left - 1);
    const number = this.#numbers.get(entry)?.shift();
    return number === undefined ? null : (this.#held.take(number) ?? null);
  }

  /** What is left was added. */
  tell(findings: Findings): void {
    const numbers = [...this.#numbers.values()].flat().toSorted((a, b) => a - b);
    for (const number of numbers) {
      if (!findings.wants('added')) return;
      const row = this.#held.take(number);
      if (row !== undefined) findings.lone('added', row, `row ${row.row}`);
    }
  }

  #restOf(row: Row): string {
    return rowText(row.value, this.#sides.asText, this.#sides.label ?? undefined);
  }
}

/** The version before once more: rows that found no equal are removed, or relabelled. */
async function readLost(
  sides: Sides,
  found: {
    readonly open: DigestTable;
    readonly added: Added;
    readonly findings: Findings;
    readonly counts: Counts;
    readonly digest: (row: Row) => Buffer;
  },
): Promise<void> {
  const { open, added, findings, counts } = found;
  for await (const batch of sides.readBefore()) {
    for (const row of batch.rows) {
      const entry = open.find(found.digest(row));
      const left = entry === -1 ? 0 : open.get(entry, 0);
      if (left === 0) continue;
      open.set(entry, 0, left - 1);
      const after = added.takeRelabelled(row);
      if (after === false) findings.lone('removed', row, `row ${row.row}`);
      else {
        counts.relabelled += 1;
        if (after !== null) findings.pair('relabelled', row, after, changedColumns(row, after, sides.asText), `row ${row.row}`);
      }
    }
  }
}
