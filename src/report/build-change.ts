// The parts of a report that say what changed: rows, hyperparameters, what the rules say of the data.
import { byCodeUnit } from '../base/canonical.ts';
import type { JsonValue } from '../base/schema.ts';
import { lengths } from './bounds.ts';
import type { DataPart, ReportParts, SampleRow } from './parts.ts';
import { rowKinds } from './row-kinds.ts';
import type { DataChange, Report, RowSample, ValidationPart } from './schema.ts';
import { label, labelOrNull, sentence, bounded, type Shortener } from './shortener.ts';

export function boundData(data: readonly DataPart[], list: Shortener): DataChange[] {
  const sorted = data.toSorted((a, b) => byCodeUnit(a.name, b.name));
  const room = { samples: list.bounds.samples, balance: list.bounds.balance, schema: list.bounds.schema };
  return list.keep('data sets', sorted, 'dataSets').map(({ brought: _, ...set }) => {
    const balance = set.balance
      .filter((entry) => entry.before !== entry.after)
      .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || byCodeUnit(a.label, b.label));
    const samples = chooseSamples(set.samples, Math.min(room.samples, list.bounds.samplesOfOneDataSet));
    const shown = list.keep(`class balance of ${set.name}`, balance, 'balance', room.balance);
    const columns = list.keep(`schema of ${set.name}`, set.schema, 'schema', room.schema);
    room.samples -= samples.length;
    room.balance -= shown.length;
    room.schema -= columns.length;
    const changed = Math.max(set.added + set.removed + set.edited, set.samples.length);
    list.note(`example rows of ${set.name}`, samples.length, changed);
    return {
      ...set,
      balance: shown.map((entry) => ({ ...entry, label: label(entry.label) })),
      schema: columns.map((entry) => ({ column: label(entry.column), before: labelOrNull(entry.before), after: labelOrNull(entry.after) })),
      ...(set.triggers === undefined ? {} : { triggers: boundTriggers(set.name, set.triggers, list) }),
      samples: samples.map((sample) => boundSample(sample, list.bounds.columns)),
    };
  });
}

function boundTriggers(name: string, triggers: NonNullable<DataPart['triggers']>, list: Shortener): NonNullable<DataChange['triggers']> {
  return list.keep(`trigger candidates of ${name}`, triggers, 'triggers').map((one) => ({
    ...one,
    words: label(one.words),
    label: label(one.label),
    sources: one.sources.map(({ source, rows }) => ({ source: label(source), rows })),
  }));
}

/** As many of each kind as there is room for, kinds taking turns, so that 5,000 added rows do not hide one relabelled row. */
function chooseSamples(samples: readonly SampleRow[], room: number): SampleRow[] {
  const byKind = rowKinds.map((kind) => samples.filter((sample) => sample.kind === kind));
  const quota = byKind.map(() => 0);
  for (let left = room; left > 0;) {
    const open = byKind.flatMap((rows, index) => ((quota[index] ?? 0) < rows.length ? [index] : []));
    if (open.length === 0) break;
    for (const index of open.slice(0, left)) quota[index] = (quota[index] ?? 0) + 1;
    left -= Math.min(left, open.length);
  }
  return byKind.flatMap((rows, index) => rows.slice(0, quota[index] ?? 0));
}

function boundSample(sample: SampleRow, columns: number): RowSample {
  const before = columnsOf(sample.before);
  const after = columnsOf(sample.after);
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = (name: string): number => (before?.[name] === after?.[name] ? 1 : 0);
  const kept = names.toSorted((a, b) => changed(a) - changed(b) || byCodeUnit(a, b)).slice(0, columns);
  const pick = (row: Record<string, string> | null, other: Record<string, string> | null): Record<string, string> | null =>
    row === null
      ? null
      : Object.fromEntries(
          kept.flatMap((name) => {
            const value = row[name];
            return value === undefined ? [] : [[label(name), beside(value, other?.[name], name)]];
          }),
        );
  return { kind: sample.kind, key: label(sample.key), before: pick(before, null), after: pick(after, before) };
}

/** A value for people. Two secrets look alike when they are masked: that it is another one must still be seen. */
function beside(value: string, before: string | undefined, name: string): string {
  const text = bounded(value, lengths.text, name);
  if (before === undefined || before === value || bounded(before, lengths.text, name) !== text) return text;
  return `${bounded(value, lengths.text - 10, name)} (another)`;
}

function columnsOf(row: JsonValue | null): Record<string, string> | null {
  if (row === null) return null;
  const columns = typeof row === 'object' && !Array.isArray(row) ? row : { value: row };
  const texts: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(columns)) texts[name] = typeof value === 'string' ? value : valueText(value);
  return texts;
}

/** JSON with sorted keys. Not canonicalJson: values may hold lone surrogates, which that refuses and this escapes. */
function valueText(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: JsonValue) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => byCodeUnit(a, b)))
      : inner,
  );
}

export function boundParams(params: ReportParts['params'], list: Shortener): Report['params'] {
  const text = (value: JsonValue | undefined): string | null => (value === undefined ? null : valueText(value));
  const texts = params
    .map((entry) => ({ key: entry.key, before: text(entry.before), after: text(entry.after) }))
    .toSorted((a, b) => byCodeUnit(a.key, b.key));
  // changed ones first into the bound
  const changed = texts.filter((entry) => entry.before !== entry.after);
  const same = texts.filter((entry) => entry.before === entry.after);
  return list
    .keep('hyperparameters', [...changed, ...same], 'params')
    .toSorted((a, b) => byCodeUnit(a.key, b.key))
    .map(({ key, before, after }) => ({
      key: label(key),
      before: before === null ? null : bounded(before, lengths.text, key),
      after: after === null ? null : beside(after, before ?? undefined, key),
    }));
}

export function boundValidation(parts: readonly ValidationPart[], list: Shortener): ValidationPart[] {
  const sorted = parts.toSorted((a, b) => byCodeUnit(a.dataset, b.dataset) || byCodeUnit(a.rules, b.rules));
  let room: number = list.bounds.brokenChecks;
  return list.keep('validations', sorted, 'validations').map((part) => {
    const checks = list.keep(`broken rules of ${label(part.dataset)}`, part.checks, 'brokenChecks', room);
    room -= checks.length;
    return {
      ...part,
      dataset: label(part.dataset),
      rules: label(part.rules),
      checks: checks.map((check) => ({
        ...check,
        what: sentence(check.what),
        rows: check.rows.slice(0, list.bounds.brokenRows).map((row) => ({ key: label(row.key), value: failingValue(row.value) })),
      })),
      ...(part.note === undefined ? {} : { note: sentence(part.note) }),
    };
  });
}

/** validation/1 cuts values at 200 characters, and what began near that end may be half a secret: it goes. */
function failingValue(value: string): string {
  const isCut = value.length >= 198 && value.endsWith('...');
  return bounded(isCut ? `${value.slice(0, 140)}…` : value, lengths.text);
}
