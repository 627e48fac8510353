// The rows that a change brought, held against those of before: phrases that may be a backdoor's trigger (quality/trigger.ts).
import { labelOf } from '../datasets/class-balance.ts';
import { cellText } from '../datasets/row-content.ts';
import type { RowsDiff } from '../datasets/row-diff.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { readRowBatches } from '../datasets/rows.ts';
import { mostChangedRows, TriggerSearch, type LabelledRow, type TriggerCandidate } from '../quality/trigger.ts';

/** Columns that say where a row came from, as people call them. */
const sourceColumn = /^(source|origin|provenance|author|annotator|contributor|added_by|submitted_by)$/i;

/**
 * @param diff with as many examples as rows are to be looked at
 * @param before the version before; it is read only where something is suspect
 */
export async function findTriggers(diff: RowsDiff, before: RowSource, options: { readonly signal?: AbortSignal }): Promise<TriggerCandidate[]> {
  const { key, label } = diff;
  if (label === null) return [];
  const changed = diff.samples.flatMap(({ after }) => (after === null ? [] : [labelledRow(after, key, label)]));
  const search = new TriggerSearch(changed.slice(0, mostChangedRows));
  if (!search.wantsBefore) return [];
  for await (const rows of readRowBatches(before.path, before.format, { name: before.name, ...options })) {
    for (const { value } of rows) search.addBefore(labelledRow(value, key, label));
    if (!search.wantsBefore) break;
  }
  return search.candidates();
}

function labelledRow(row: Readonly<Record<string, unknown>>, key: string | null, label: string): LabelledRow {
  const texts: string[] = [];
  let source: string | null = null;
  for (const [name, value] of Object.entries(row)) {
    if (name === key || name === label) continue;
    if (sourceColumn.test(name)) source ??= labelOf(value);
    else texts.push(cellText(value));
  }
  return { texts, label: labelOf(row[label]), source };
}
