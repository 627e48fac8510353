// A check of rows as a function of a row: passed by, holds, or broken.
import type { JsonValue } from '../../base/schema.ts';
import { isWithin } from './bounds.ts';
import type { RowCheck, RowTest, Scalar } from './checks.ts';
import { dateForm, isDay } from './date-format.ts';
import { evaluator, dayOfText } from './evaluate.ts';
import { dateTimeRest, isoDateTime } from './formats.ts';
import { jsonSchemaTest } from './json-schema.ts';
import { patternTest } from './pattern.ts';
import { cell, compareTexts, hasType, isMissing, lengthOf, typedCell, valueName } from './values.ts';

type Row = Readonly<Record<string, unknown>>;

export const passedBy = 0;
export const holding = 1;
export const broken = 2;
export type Outcome = typeof passedBy | typeof holding | typeof broken;

/** Values that stand in other data: one column, or several together. */
export interface Members {
  has(values: readonly unknown[]): boolean;
}

export interface RowTests {
  /** rows of CSV: "12" is a number and "true" a boolean where a check asks for one */
  readonly untyped: boolean;
  /** by place in the references of the checks */
  readonly members: ReadonlyMap<number, Members>;
}

/** @returns a function that sees rows in the order of the file */
export function rowTest(check: RowCheck, given: RowTests): (row: Row) => Outcome {
  const looks = looker(check, given);
  const { columns, test } = check;
  if (test.kind === 'expression') {
    const evaluate = evaluator(test.expression, given.untyped);
    return (row) => {
      if (!looks(row)) return passedBy;
      const verdict = evaluate(row);
      return verdict === null ? passedBy : verdict === true ? holding : broken;
    };
  }
  const [only] = columns;
  if (columns.length > 1 || only === undefined) {
    const holds = severalTest(test, given);
    return (row) => (looks(row) ? (holds(columns.map((name) => cell(row, name))) ? holding : broken) : passedBy);
  }
  const holds = singleTest(test, given);
  return (row) => (looks(row) ? (holds(cell(row, only)) ? holding : broken) : passedBy);
}

/** Does a check look at this row? */
export function looker({ columns, when, skip }: Omit<RowCheck, 'test'>, { untyped }: Pick<RowTests, 'untyped'>): (row: Row) => boolean {
  const applies = when === null ? null : evaluator(when, untyped);
  const [only] = columns;
  const sees = (row: Row): boolean => {
    if (skip === 'never') return true;
    if (columns.length === 1 && only !== undefined) return !isMissing(cell(row, only));
    const missing = columns.filter((name) => isMissing(cell(row, name))).length;
    return skip === 'any' ? missing === 0 : missing < columns.length;
  };
  return applies === null ? sees : (row) => sees(row) && applies(row) === true;
}

type Test = (value: unknown) => boolean;

function singleTest(test: RowTest, given: RowTests): Test {
  const plain = plainTest(test, given);
  // what CSV says as text may be what is asked for, or what it says as number or boolean; what is forbidden may be neither
  const reads = readsCells.has(test.kind) && !(test.kind === 'set' && !test.allowed);
  return given.untyped && reads ? (value) => plain(value) || plain(typedCell(value)) : plain;
}

const readsCells = new Set<RowTest['kind']>(['type', 'end', 'set', 'between', 'member']);

function plainTest(test: RowTest, given: RowTests): Test {
  switch (test.kind) {
    case 'missing':
      return (value) => isMissing(value) === test.wanted;
    case 'type':
      return (value) => test.types.some((type) => hasType(value, type));
    case 'end':
      return endTest(test.sign, test.end);
    case 'between':
      return (value) => typeof value === 'number' && value >= test.least && value <= test.most;
    case 'length':
      return (value) => {
        const length = lengthOf(value);
        return length !== undefined && length >= test.least && length <= test.most;
      };
    case 'set': {
      const values = new Set<unknown>(test.values);
      return test.allowed ? (value) => values.has(value) : forbids(values, given.untyped);
    }
    case 'regex':
      return regexTest(test.sources, test.mode);
    case 'date':
      return dateTest(test.format);
    case 'json':
      return jsonTest(test.schema);
    case 'member': {
      const members = given.members.get(test.reference);
      if (members === undefined) throw new Error('a check of members without its reference');
      return (value) => members.has([value]);
    }
    case 'order':
      return orderTest(test.sign, given.untyped);
    default:
      throw new Error(`a check ${test.kind} of one column`);
  }
}

/** of a cell of CSV neither what it is as text nor what it reads as */
function forbids(values: ReadonlySet<unknown>, untyped: boolean): Test {
  return (value) => !values.has(value) && !(untyped && values.has(typedCell(value)));
}

function endTest(sign: '>=' | '<=' | '>' | '<', end: number | string): Test {
  if (typeof end === 'number') return (value) => typeof value === 'number' && compares(sign, value - end, value === end);
  return (value) => typeof value === 'string' && compares(sign, compareTexts(value, end), value === end);
}

function compares(sign: '>=' | '<=' | '>' | '<', difference: number, equal: boolean): boolean {
  if (equal) return sign === '>=' || sign === '<=';
  return sign === '>=' || sign === '>' ? difference > 0 : difference < 0;
}

function regexTest(sources: readonly string[], mode: 'any' | 'all' | 'none'): Test {
  const tests = sources.map(patternTest);
  return (value) => {
    if (typeof value !== 'string') return false;
    if (mode === 'any') return tests.some((test) => test(value));
    return mode === 'all' ? tests.every((test) => test(value)) : !tests.some((test) => test(value));
  };
}

function dateTest(format: string): Test {
  if (format === isoDateTime) {
    const form = new RegExp(`^\\d{4}-\\d{2}-\\d{2}${dateTimeRest}$`);
    return (value) => typeof value === 'string' && form.test(value) && dayOfText(value) !== null;
  }
  const form = dateForm(format);
  const regex = new RegExp(form.regex, 'u');
  return (value) => {
    const groups = typeof value === 'string' ? regex.exec(value) : null;
    return groups !== null && isDay(form, groups.slice(1));
  };
}

/** The value, or the JSON that a text is. */
function jsonTest(schema: JsonValue): Test {
  const fits = jsonSchemaTest(schema);
  return (value) => {
    if (typeof value !== 'string') return fits(value);
    try {
      return fits(JSON.parse(value));
    } catch {
      return false;
    }
  };
}

/** Against the value before, of those that are there; the first has none. */
function orderTest(sign: '>=' | '<=' | '>' | '<', untyped: boolean): Test {
  let before: unknown;
  return (cellValue) => {
    const value = untyped ? typedCell(cellValue) : cellValue;
    const last = before;
    before = value;
    if (last === undefined) return typeof value === 'number' || typeof value === 'string';
    if (typeof value === 'number' && typeof last === 'number') return compares(sign, value - last, value === last);
    return typeof value === 'string' && typeof last === 'string' && compares(sign, compareTexts(value, last), value === last);
  };
}

function severalTest(test: RowTest, given: RowTests): (values: readonly unknown[]) => boolean {
  switch (test.kind) {
    case 'different':
      return (values) => {
        const there = values.filter((value) => !isMissing(value)).map((value) => nameIn(value, given.untyped));
        return new Set(there).size === there.length;
      };
    case 'equal':
      return (values) => new Set(values.map((value) => nameIn(value, given.untyped))).size === 1;
    case 'sum':
      return (values) => {
        const numbers = values.filter((value) => !isMissing(value)).map((value) => (given.untyped ? typedCell(value) : value));
        return (
          numbers.every((value) => typeof value === 'number') &&
          isWithin(
            numbers.reduce<number>((sum, value) => sum + value, 0),
            test.bounds,
          )
        );
      };
    case 'combination':
      return combinationTest(test.allowed, given.untyped);
    case 'member': {
      const members = given.members.get(test.reference);
      if (members === undefined) throw new Error('a check of members without its reference');
      return (values) => members.has(values) || (given.untyped && members.has(values.map(typedCell)));
    }
    default:
      throw new Error(`a check ${test.kind} of several columns`);
  }
}

/** Cells of CSV are equal as numbers, where they look like numbers, and else as texts. */
function nameIn(value: unknown, untyped: boolean): string {
  return valueName(untyped ? typedCell(value) : value);
}

function combinationTest(allowed: readonly (readonly (Scalar | null)[])[], untyped: boolean): (values: readonly unknown[]) => boolean {
  const matches = (wanted: Scalar | null, value: unknown): boolean =>
    wanted === null ? isMissing(value) : value === wanted || (untyped && typedCell(value) === wanted);
  return (values) => allowed.some((one) => one.every((wanted, at) => matches(wanted, values[at])));
}
