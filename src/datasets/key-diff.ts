// Rows with a key are matched by it. The table holds the rows of the version before in their order.
import { hash } from 'node:crypto';
import { DigestTable } from './digest-table.ts';
import { keyText } from './keys.ts';
import { rowText, valueText } from './row-content.ts';
import { changedColumns, Findings, Held, type RowsDiff } from './row-findings.ts';
import type { RowDiffOptions, Sides } from './row-sides.ts';
import type { Row } from './rows.ts';

// words beside the key of a row before: 64 bits of its content, 64 of its label, whether it was met in the version after, and how many rows that
// both versions have, and that are not read, stand before it
const content = 0;
const labelled = 2;
const met = 4;
const alike = 5;
const words = 6;

/** The note says why rows cannot be matched by this key. */
export type KeyResult = { readonly diff: RowsDiff } | { readonly note: string };

/** Compares by key; a row without one, or a key that stands twice, ends it. */
export async function compareByKey(sides: Sides, key: string, options: RowDiffOptions): Promise<KeyResult> {
  const table = new DigestTable(words);
  for await (const batch of sides.readBefore()) {
    for (const row of batch.rows) {
      const fault = enter(table, row, { key, sides, alike: batch.alike });
      if (fault !== null) return { note: `${fault} before` };
    }
  }
  const findings = new Findings(options.limit);
  const meeting = new Meeting({ table, key, sides, findings });
  for await (const batch of sides.readAfter()) {
    for (const row of batch.rows) {
      const fault = meeting.meet(row, batch.alike);
      if (fault !== null) return { note: `${fault} after` };
    }
  }
  const columnsComplete = meeting.held.complete;
  await readChanged(sides, table, meeting.held, { findings, key, removed: meeting.counts.removed });
  const diff: RowsDiff = {
    by: 'key',
    key,
    note: null,
    label: sides.label,
    ...meeting.counts,
    columns: findings.columns(),
    columnsComplete,
    schema: sides.schemaChanges(),
    balance: sides.balanceChanges(),
    samples: findings.samples(),
  };
  return { diff };
}

/** The rows of the version after, one by one, meet those of the version before. */
class Meeting {
  /** changed rows, for the second look at the version before */
  readonly held = new Held();
  readonly #table: DigestTable;
  readonly #key: string;
  readonly #sides: Sides;
  readonly #findings: Findings;
  readonly #added = new DigestTable(0);
  #rowsAfter = 0;
  #met = 0;
  #edited = 0;
  #relabelled = 0;
  #last = -1;
  #reordered = false;

  constructor(parts: { table: DigestTable; key: string; sides: Sides; findings: Findings }) {
    this.#table = parts.table;
    this.#key = parts.key;
    this.#sides = parts.sides;
    this.#findings = parts.findings;
  }

  /** @returns what is wrong with the key of the row, or null */
  meet(row: Row, before: number): string | null {
    this.#rowsAfter += 1;
    const text = keyText(row.value[this.#key]);
    if (text === null) return `row ${row.row} has no "${this.#key}"`;
    const name = hash('sha256', text, 'buffer');
    const entry = this.#table.find(name);
    const twice = entry === -1 ? !this.#added.add(name).isNew : this.#table.get(entry, met) === 1;
    if (twice) return `"${this.#key}" of row ${row.row} stands twice`;
    if (entry === -1) this.#findings.lone('added', row, text);
    else this.#compare(entry, row, before);
    return null;
  }

  #compare(entry: number, row: Row, before: number): void {
    this.#table.set(entry, met, 1);
    this.#met += 1;
    // it passed a row that it met, or rows that nobody reads
    this.#reordered ||= entry < this.#last || this.#table.get(entry, alike) !== before;
    this.#last = entry;
    const said = rowText(row.value, this.#sides.asText);
    if (isSame(this.#table, entry, content, hash('sha256', said, 'buffer'))) return;
    this.#edited += 1;
    if (!isSame(this.#table, entry, labelled, labelDigest(row, this.#sides))) this.#relabelled += 1;
    this.held.keep(entry, row, said.length);
  }

  get counts(): Pick<RowsDiff, 'rowsBefore' | 'rowsAfter' | 'added' | 'removed' | 'edited' | 'relabelled' | 'reordered'> {
    return {
      rowsBefore: this.#table.size + this.#sides.alike,
      rowsAfter: this.#rowsAfter + this.#sides.alike,
      added: this.#added.size,
      removed: this.#table.size - this.#met,
      edited: this.#edited,
      relabelled: this.#relabelled,
      reordered: this.#reordered,
    };
  }
}

/** @returns what is wrong with the key of the row, or null */
function enter(table: DigestTable, row: Row, at: { readonly key: string; readonly sides: Sides; readonly alike: number }): string | null {
  const { key, sides } = at;
  const text = keyText(row.value[key]);
  if (text === null) return `row ${row.row} has no "${key}"`;
  const { entry, isNew } = table.add(hash('sha256', text, 'buffer'));
  if (!isNew) return `"${key}" of row ${row.row} stands twice`;
  keep(table, entry, content, hash('sha256', rowText(row.value, sides.asText), 'buffer'));
  keep(table, entry, labelled, labelDigest(row, sides));
  table.set(entry, alike, at.alike);
  return null;
}

function labelDigest(row: Row, sides: Sides): Buffer {
  return hash('sha256', sides.label === null ? '' : (valueText(row.value[sides.label], sides.asText) ?? ''), 'buffer');
}

function keep(table: DigestTable, entry: number, word: number, digest: Buffer): void {
  table.set(entry, word, digest.readUInt32LE(0));
  table.set(entry, word + 1, digest.readUInt32LE(4));
}

function isSame(table: DigestTable, entry: number, word: number, digest: Buffer): boolean {
  return table.get(entry, word) === digest.readUInt32LE(0) && table.get(entry, word + 1) === digest.readUInt32LE(4);
}

/** The version before once more, as far as needed: entries of the table are its rows in order. */
async function readChanged(
  sides: Sides,
  table: DigestTable,
  held: Held,
  found: { readonly findings: Findings; readonly key: string; readonly removed: number },
): Promise<void> {
  let entry = -1;
  let removedToSee = found.removed;
  if (held.size === 0 && removedToSee === 0) return;
  for await (const batch of sides.readBefore()) {
    for (const row of batch.rows) {
      entry += 1;
      const text = keyText(row.value[found.key]) ?? '';
      if (table.get(entry, met) === 0) {
        removedToSee -= 1;
        found.findings.lone('removed', row, text);
      } else {
        const after = held.take(entry);
        if (after === undefined) continue;
        const columns = changedColumns(row, after, sides.asText);
        found.findings.pair(sides.label !== null && columns.includes(sides.label) ? 'relabelled' : 'edited', row, after, columns, text);
      }
    }
    if (held.size === 0 && (removedToSee === 0 || !found.findings.wants('removed'))) return;
  }
}
