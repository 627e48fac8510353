// The parts of a report that say what checks found in the data, at their bounds. All text of the data is masked once more: a check says kinds and places, and
// whatever slips through one does not leave here.
import { byCodeUnit } from '../base/canonical.ts';
import type { DriftColumn } from '../quality/drift/schema.ts';
import { severities } from '../quality/findings.ts';
import type { DriftPart, FindingsPart } from './schema.ts';
import { label, labelOrNull, sentence, type Shortener } from './shortener.ts';

export function boundFindings(parts: readonly FindingsPart[], list: Shortener): FindingsPart[] {
  const sorted = parts.toSorted((a, b) => byCodeUnit(a.check, b.check) || byCodeUnit(a.dataset, b.dataset));
  let room: number = list.bounds.findingKinds;
  return list.keep('checks', sorted, 'findings').map((part) => {
    const errorsFirst = part.kinds.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
    const kinds = list.keep(`kinds of ${part.check} in ${label(part.dataset)}`, errorsFirst, 'findingKinds', room);
    room -= kinds.length;
    return {
      ...part,
      dataset: label(part.dataset),
      kinds: kinds.map((kind) => ({
        ...kind,
        kind: label(kind.kind),
        column: labelOrNull(kind.column),
        sample: kind.sample.slice(0, list.bounds.findingRows).map(({ key, message, other }) => ({
          key: label(key),
          message: sentence(message),
          ...(other === undefined ? {} : { other: { data: label(other.data), key: label(other.key) } }),
        })),
      })),
      notes: part.notes.slice(0, list.bounds.findingRows).map(sentence),
      ...(part.note === undefined ? {} : { note: sentence(part.note) }),
    };
  });
}

export function boundDrift(parts: readonly DriftPart[], list: Shortener): DriftPart[] {
  const sorted = parts.toSorted((a, b) => byCodeUnit(a.dataset, b.dataset));
  let room: number = list.bounds.driftColumns;
  return list.keep('drift', sorted, 'drifts').map((part) => {
    const columns = list.keep(`columns of ${label(part.dataset)} that drifted`, part.columns, 'driftColumns', room);
    room -= columns.length;
    return {
      ...part,
      dataset: label(part.dataset),
      against: part.against.slice(0, list.bounds.driftValues).map(label),
      columns: columns.map((column) => boundColumn(column, list.bounds.driftValues)),
      ...(part.note === undefined ? {} : { note: sentence(part.note) }),
    };
  });
}

function boundColumn(column: DriftColumn, most: number): DriftColumn {
  const values = (seen: DriftColumn['come']): DriftColumn['come'] => seen.slice(0, most).map(({ value, rows }) => ({ value: label(value), rows }));
  const { plot } = column;
  return {
    ...column,
    column: label(column.column),
    come: values(column.come),
    gone: values(column.gone),
    ...(plot?.kind === 'bars' ? { plot: { ...plot, labels: plot.labels.map(label) } } : {}),
  };
}
