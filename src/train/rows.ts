// From rows of a data file to texts with labels; what cannot be learned from is refused, by row.
import { PlumbError, type Where } from '../base/errors.ts';

export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

/** How messages name where the rows come from. */
export interface Columns {
  readonly data: string;
  readonly input: string;
  readonly label: string;
}

/**
 * The text and label of a row. A label may be a text, a whole number or a boolean; it is kept as text.
 * @throws PlumbError TRAIN_DATA
 */
export function toLabelledText(row: { row: number; line?: number; value: Record<string, unknown> }, columns: Columns): LabelledText {
  const where = { file: columns.data, row: row.row, ...(row.line === undefined ? {} : { line: row.line }) };
  const cell = (column: string): unknown => {
    const value = Object.hasOwn(row.value, column) ? row.value[column] : undefined;
    if (value !== undefined && value !== null) return value;
    throw trainData(
      `row ${row.row} of "${columns.data}" has no "${column}"`,
      `its columns are ${Object.keys(row.value).slice(0, 20).join(', ')}; name the right one in pipeline.yaml (with: { input, label }), or mend the row`,
      where,
    );
  };
  const text = cell(columns.input);
  if (typeof text !== 'string' || text.trim() === '') {
    const is = typeof text === 'string' ? 'is empty' : `is ${JSON.stringify(text)?.slice(0, 80)}, not a text`;
    throw trainData(`"${columns.input}" of row ${row.row} of "${columns.data}" ${is}`, 'mend the row or take it out', where);
  }
  const label = cell(columns.label);
  if (label === '' || (typeof label !== 'string' && typeof label !== 'boolean' && !Number.isSafeInteger(label))) {
    const is = label === '' ? 'is empty' : `is ${JSON.stringify(label)?.slice(0, 80)}, not a text, a whole number or a boolean`;
    throw trainData(`"${columns.label}" of row ${row.row} of "${columns.data}" ${is}`, 'mend the row or take it out', where);
  }
  return { text, label: String(label).toWellFormed() };
}

/** @throws PlumbError TRAIN_DATA when there are no rows, or all have one label */
export function checkLearnable(rows: readonly LabelledText[], columns: Columns): void {
  if (rows.length === 0) throw trainData(`"${columns.data}" holds no rows`, 'add rows', { file: columns.data });
  const labels = new Set(rows.map((row) => row.label));
  if (labels.size > 1) return;
  throw trainData(
    `all ${rows.length} rows of "${columns.data}" have the label "${[...labels][0]?.slice(0, 80)}": there is nothing to tell apart`,
    'add rows of another label, or name the right column in pipeline.yaml (with: { label })',
    { file: columns.data },
  );
}

export function trainData(what: string, mend: string, where: Where): PlumbError {
  return new PlumbError('TRAIN_DATA', { what, mend, where });
}
