// Rows with a key are matched by it. The table holds the rows of the version before in their order.
import { hash } from 'node:crypto';
import { DigestTable } from './digest-table.ts';
import { keyText } from './keys.ts';
import { rowText, valueText } from './row-content.ts';
import { changedColumns, Findings, Held, type RowsDiff } from './row-findings.ts';
import type { RowDiffOptions, Sides } from './row-sides.ts';
import type { Row } from './rows.ts';

// words beside the key of a row before: 64 bits of its content, 64 of its label, whether it was met in the version after
const content = 0;
const labelled = 2;
const met = 4;

/** The note says why rows cannot be matched by this key. */
export type KeyResult = { readonly diff: RowsDiff } | { readonly note: string };

/** Compares by key; a row without one, or a key that stands twice, ends it. */
export async function compareByKey(sides: Sides, key: string, options: RowDiffOptions): Promise<KeyResult> {
  const table = new DigestTable(5);
  for await (const batch of sides.readBefore()) {
    for (const row of batch) {
      const fault = enter(table, row, key, sides);
      if (fault !== null) return { note: `${fault} before` };
    }
  }
  const findings = new Findings(options.limit);
  const held = new Held();
  const added = new DigestTable(0);
  const counts = { rowsAfter: 0, met: 0, edited: 0, relabelled: 0 };
  let reordered = false;
  let last = -1;
  for await (const batch of sides.readAfter()) {
    for (const row of batch) {
      counts.rowsAfter += 1;
      const text = keyText(row.value[key]);
      if (text === null) return { note: `row ${row.row} has no "${key}" after` };
      const name = hash('sha256', text, 'buffer');
      const entry = table.find(name);
      if (entry === -1) {
        if (!added.add(name).isNew) return { note: `"${key}" of row ${row.row} stands twice after` };
        findings.lone('added', row, text);
        continue;
      }
      if (table.get(entry, met) === 1) return { note: `"${key}" of row ${row.row} stands twice after` };
      table.set(entry, met, 1);
      counts.met += 1;
      reordered ||= entry < last;
      last = entry;
      const said = rowText(row.value, sides.asText);
      if (isSame(table, entry, content, hash('sha256', said, 'buffer'))) continue;
      counts.edited += 1;
      if (!isSame(table, entry, labelled, labelDigest(row, sides))) counts.relabelled += 1;
      held.keep(entry, row, said.length);
    }
  }
  const columnsComplete = held.complete;
  await readChanged(sides, table, held, { findings, key, removed: table.size - counts.met });
  const diff: RowsDiff = {
    by: 'key',
    key,
    note: null,
    label: sides.label,
    rowsBefore: table.size,
    rowsAfter: counts.rowsAfter,
    added: added.size,
    removed: table.size - counts.met,
    edited: counts.edited,
    relabelled: counts.relabelled,
    reordered,
    columns: findings.columns(),
    columnsComplete,
    schema: sides.schemaChanges(),
    balance: sides.balance?.changes() ?? null,
    samples: findings.samples(),
  };
  return { diff };
}

/** @returns what is wrong with the key of the row, or null */
function enter(table: DigestTable, row: Row, key: string, sides: Sides): string | null {
  const text = keyText(row.value[key]);
  if (text === null) return `row ${row.row} has no "${key}"`;
  const { entry, isNew } = table.add(hash('sha256', text, 'buffer'));
  if (!isNew) return `"${key}" of row ${row.row} stands twice`;
  keep(table, entry, content, hash('sha256', rowText(row.value, sides.asText), 'buffer'));
  keep(table, entry, labelled, labelDigest(row, sides));
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
    for (const row of batch) {
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
