// What Argilla and Label Studio have in common, as far as reviews go: rows, and what people said of them by answering questions.
//
//   decision       accept or reject
//   the label      a question of its own (--question; as a rule it is called as the label column): its answer is the label
//   edit_<column>  a text: the new value of a column
//   note           a text, kept with the decision
import { hash } from 'node:crypto';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { JsonValue } from '../../base/schema.ts';
import type { RowShape } from '../change.ts';
import type { QueueItem } from '../queue.ts';
import type { Annotator } from '../schema.ts';
import { personOf, type Decided } from '../settled.ts';

/** A row on its way out, with what people here have said of it. */
export interface OutgoingRow extends QueueItem {
  readonly decisions: readonly Decided[];
}

/** A row that comes back. */
export interface IncomingRow {
  /** null: the file was not made here, and the row is found by what it says */
  readonly row: Digest | null;
  /** columns and their values, as the other tool has them */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly answers: readonly Answers[];
}

/** What one person answered about one row. */
export interface Answers {
  readonly who: Who;
  /** question -> answer */
  readonly values: Readonly<Record<string, JsonValue>>;
  /** null: the file does not say */
  readonly at: string | null;
}

/** id: of the other tool's user. */
export interface Who extends Partial<Annotator> {
  readonly id: string;
}

export const editPrefix = 'edit_';

/** The id that a person of ours has in a file for Argilla, which wants UUIDs: made of the address, so that it is recognised when it comes back. */
export function uuidOf(annotator: Annotator): string {
  const hex = hash('sha256', `plumbline annotator ${personOf(annotator)}`, 'hex');
  // version 8: custom, RFC 9562
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A decision as answers. */
export function answersOf({ action, edit = {}, label, note }: Decided, shape: RowShape, question: string): Record<string, JsonValue> {
  const answers: Record<string, JsonValue> = { decision: action === 'reject' ? 'reject' : 'accept' };
  if (action !== 'reject' && label !== undefined) answers[question] = label;
  for (const [column, value] of Object.entries(edit)) if (column !== shape.label) answers[editPrefix + column] = value;
  if (note !== undefined) answers['note'] = note;
  return answers;
}

/** @param place in the file, for the message: 'record 3' */
export function importFault(file: string, place: string, what: string): PlumbError {
  return new PlumbError('REVIEW_IMPORT', {
    what: `${place} of ${file} ${what}`,
    where: { file },
    mend: 'export it anew: Argilla by `dataset.records(...).to_json(path)`, Label Studio as JSON',
  });
}

/** @throws PlumbError REVIEW_IMPORT */
export function listOf(text: string, file: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (jsonError) {
    // a record a line is what the Hub and many scripts write
    try {
      value = text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as unknown);
    } catch {
      throw importFault(file, 'the text', `is neither JSON nor JSON lines: ${(jsonError as Error).message}`);
    }
  }
  return Array.isArray(value) ? value : [value];
}
