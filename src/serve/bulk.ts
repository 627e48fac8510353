// A model over many rows: a batch in memory at a time, answers in the order of the rows.
import { PlumbError } from '../base/errors.ts';
import type { Row } from '../datasets/rows.ts';
import type { Predictor } from '../train/predictor.ts';
import { showPrediction } from './request.ts';

/** Rows that go through the model together. */
const batchRows = 256;

export interface BulkOptions {
  /** column that holds the text */
  readonly input: string;
  /** name this many labels for each text */
  readonly top?: number;
  /** how messages name the file of the rows */
  readonly file: string;
  readonly signal: AbortSignal;
}

/**
 * Each row as a line of JSON with a field `predicted` added: {label, score, top?}. Lines end in a newline and come in pieces of up to 256 rows.
 * @throws PlumbError ROW_SYNTAX when a row has no text in that column, or has a field `predicted` already; INTERRUPTED
 */
export async function* predictRows(
  batches: AsyncIterable<readonly Row[]>,
  predictor: Predictor,
  options: BulkOptions,
): AsyncGenerator<{ rows: number; lines: string }> {
  for await (const rows of batches) {
    for (let at = 0; at < rows.length; at += batchRows) {
      options.signal.throwIfAborted();
      const some = rows.slice(at, at + batchRows);
      const texts = some.map((row) => textOf(row, options));
      const predictions = await predictor.predict(texts, { top: options.top ?? 1 });
      const lines = some.map((row, index) => {
        const prediction = predictions[index];
        if (prediction === undefined) throw new Error('the model gave fewer predictions than it got texts');
        return `${JSON.stringify({ ...row.value, predicted: showPrediction(prediction, options.top) })}\n`;
      });
      yield { rows: some.length, lines: lines.join('') };
    }
  }
}

function textOf(row: Row, options: BulkOptions): string {
  const refuse = (what: string, mend: string): PlumbError =>
    new PlumbError('ROW_SYNTAX', {
      what: `row ${row.row} of ${options.file} ${what}`,
      where: { file: options.file, row: row.row, ...(row.line === undefined ? {} : { line: row.line }) },
      mend,
    });
  if (Object.hasOwn(row.value, 'predicted')) throw refuse('has a field "predicted" already', 'rename the field, or predict from the file before');
  const text = Object.hasOwn(row.value, options.input) ? row.value[options.input] : undefined;
  if (typeof text === 'string') return text;
  const columns = Object.keys(row.value).slice(0, 10).join(', ').slice(0, 200);
  throw text === undefined
    ? refuse(`has no field "${options.input}"`, `name the column of the text with --input; this row has: ${columns}`)
    : refuse(`has no text in "${options.input}"`, 'name the column of the text with --input');
}
