// The rows of a suite as questions: which column is asked, which holds the right answer, and what a case is called.
import { PlumbError } from '../base/errors.ts';
import { digestOf } from '../base/digest.ts';
import { didYouMean } from '../base/names.ts';
import { type Question, sortById } from './cases.ts';
import type { Suite } from './schema.ts';

/** A row as the readers of `datasets/` give it. */
export interface SuiteRow {
  /** counts from 1 */
  readonly row: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Reads a suite's rows into questions, sorted by id.
 *
 * A case is called by the suite's id column. Without one, it is called by the SHA-256 of its input ('sha256:...'); rows with the same input follow as
 * '#2', '#3', ..., ordered by their expected answer. So a name depends on the rows' content and never on their order.
 * @param source names for messages: the suite file and the data that it asks
 * @throws PlumbError SUITE_DATA for a row without input or expected answer, ROW_KEY for a missing or repeated id, DATASET_EMPTY
 * Cost: n log n in the rows; all questions are in memory.
 */
export async function readQuestions(
  rows: AsyncIterable<SuiteRow> | Iterable<SuiteRow>,
  suite: Suite,
  source: { readonly suite: string; readonly data: string },
): Promise<Question[]> {
  const { id } = suite;
  const questions: Question[] = [];
  const firstRow = new Map<string, number>();
  for await (const { row, value } of rows) {
    const cell = { ...source, row, value };
    const input = inputOf(cell, suite.input);
    const expected = labelOf(cell, suite.expected);
    if (id === undefined) {
      questions.push({ id: digestOf(input), input, expected });
      continue;
    }
    const name = idOf(cell, id);
    const earlier = firstRow.get(name);
    if (earlier !== undefined) throw refuse('ROW_KEY', cell, id, `has the id ${shown(name)} of row ${earlier}`, 'give every case an id of its own');
    firstRow.set(name, row);
    questions.push({ id: name, input, expected });
  }
  if (questions.length === 0) {
    throw new PlumbError('DATASET_EMPTY', {
      what: `${source.data} holds no rows to ask`,
      where: { file: source.suite, path: 'data' },
      mend: 'name data with at least one row',
    });
  }
  return id === undefined ? sortById(numberRepeats(questions)) : sortById(questions);
}

/** Repeats of an input become '#2', '#3', ... in the order of their expected answers; equal ones are the same question, in any order. */
function numberRepeats(questions: readonly Question[]): Question[] {
  const groups = Map.groupBy(questions, (question) => question.id);
  return [...groups].flatMap(([id, group]) =>
    group.length === 1
      ? group
      : group
          .toSorted((a, b) => (a.expected < b.expected ? -1 : a.expected > b.expected ? 1 : 0))
          .map((question, at) => (at === 0 ? question : { ...question, id: `${id}#${at + 1}` })),
  );
}

interface Cell extends SuiteRow {
  readonly suite: string;
  readonly data: string;
}

function inputOf(cell: Cell, column: string): string {
  const value = valueOf(cell, column, 'input');
  // a lone surrogate has no bytes: the model reads it as U+FFFD, and so does the case that is written down
  if (typeof value === 'string') return value.toWellFormed();
  throw refuse(
    'SUITE_DATA',
    cell,
    column,
    `has ${shown(value)} where "${column}" should be text`,
    'make it text, or name another column as `input:` of the suite',
  );
}

/** As the trainer reads labels: text, a whole number or a boolean, kept as text. */
function labelOf(cell: Cell, column: string): string {
  const value = valueOf(cell, column, 'expected');
  if ((typeof value === 'string' && value !== '') || typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value).toWellFormed();
  throw refuse(
    'SUITE_DATA',
    cell,
    column,
    `has ${shown(value)} where "${column}" should be a label`,
    'give the row its right answer, or name another column as `expected:` of the suite',
  );
}

function idOf(cell: Cell, column: string): string {
  const value = valueOf(cell, column, 'id');
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text === 'string' && text !== '' && text.isWellFormed()) return text;
  throw refuse(
    'ROW_KEY',
    cell,
    column,
    `has ${shown(value)} where "${column}" should be an id`,
    'give the row an id, or leave `id:` out of the suite',
  );
}

function valueOf(cell: Cell, column: string, key: 'input' | 'expected' | 'id'): unknown {
  const value = Object.hasOwn(cell.value, column) ? cell.value[column] : undefined;
  if (value !== undefined && value !== null) return value;
  const columns = Object.keys(cell.value).slice(0, 20);
  throw refuse(
    key === 'id' ? 'ROW_KEY' : 'SUITE_DATA',
    cell,
    column,
    `has no "${column}", which ${cell.suite} names as ${key}`,
    `the row has ${columns.map((name) => shown(name)).join(', ') || 'no columns'}.${didYouMean(column, columns)}`,
  );
}

function refuse(code: 'SUITE_DATA' | 'ROW_KEY', cell: Cell, column: string, what: string, mend: string): PlumbError {
  return new PlumbError(code, { what: `row ${cell.row} of ${cell.data} ${what}`, where: { file: cell.data, row: cell.row, path: column }, mend });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
