// Expressions in JavaScript: tree -> function of a row. Unknown is null, as in SQL; what a function gives for a missing value is unknown.
import { columnReads, type Expression, type ExpressionType, type Sign } from './expression.ts';
import { patternTest } from './pattern.ts';
import { cell, compareTexts, isMissing, lengthOf, numberOfText, typedCell, valueName } from './values.ts';

type Row = Readonly<Record<string, unknown>>;
type Outcome = string | number | boolean | object | null;
type Evaluate = (row: Row) => Outcome;

/** true, false, null (unknown), or 'mismatch': a column has a value of another type than the expression asks for. */
export type Verdict = boolean | null | 'mismatch';

/** @param untyped rows of CSV: texts that are read as what the expression asks for */
export function evaluator(expression: Expression, untyped: boolean): (row: Row) => Verdict {
  const reads = columnReads(expression).filter(({ type, missing }) => type !== 'any' && !missing);
  const evaluate = compile(expression, untyped);
  return (row) => {
    for (const { name, type } of reads) {
      const value = cell(row, name);
      if (!isMissing(value) && readAs(value, type, untyped) === null) return 'mismatch';
    }
    return evaluate(row) as boolean | null;
  };
}

function readAs(value: unknown, type: ExpressionType, untyped: boolean): Outcome {
  if (isMissing(value)) return null;
  if (type === 'any') return value as Outcome;
  const read = untyped && type !== 'text' ? typedCell(value) : value;
  return typeof read === (type === 'text' ? 'string' : type) ? (read as Outcome) : null;
}

function compile(tree: Expression, untyped: boolean): Evaluate {
  const inner = (part: Expression): Evaluate => compile(part, untyped);
  switch (tree.op) {
    case 'literal':
      return () => tree.value;
    case 'column':
      return (row) => readAs(cell(row, tree.name), tree.type, untyped);
    case 'missing': {
      const of = inner(tree.of);
      return (row) => of(row) === null;
    }
    case 'not': {
      const of = inner(tree.of);
      return (row) => negated(of(row) as boolean | null);
    }
    case 'and':
      return both(inner(tree.left), inner(tree.right));
    case 'or':
      return either(inner(tree.left), inner(tree.right));
    case 'implies': {
      const left = inner(tree.left);
      return either((row) => negated(left(row) as boolean | null), inner(tree.right));
    }
    case 'negate':
      return withValue(inner(tree.of), (value) => -(value as number));
    case 'matches': {
      const test = patternTest(tree.regex);
      return withValue(inner(tree.of), (value) => test(value as string));
    }
    case 'in': {
      const values = new Set<unknown>(tree.values);
      return withValue(inner(tree.of), (value) => values.has(value));
    }
    case 'compare':
      return withBoth(inner(tree.left), inner(tree.right), comparison(tree.sign, untyped && tree.left.type === 'any' && tree.right.type === 'any'));
    case 'arithmetic':
      return withBoth(inner(tree.left), inner(tree.right), (a, b) => calculate(tree.sign, a as number, b as number));
    case 'call': {
      const [first, second] = tree.of.map(inner);
      if (first === undefined) throw new Error('a function without a value');
      if (second === undefined) return withValue(first, one[tree.name as keyof typeof one] as (value: Outcome) => Outcome);
      return withBoth(first, second, two[tree.name as keyof typeof two] as (a: Outcome, b: Outcome) => Outcome);
    }
  }
}

function negated(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

function both(left: Evaluate, right: Evaluate): Evaluate {
  return (row) => {
    const first = left(row);
    if (first === false) return false;
    const second = right(row);
    return second === false ? false : first === null || second === null ? null : true;
  };
}

function either(left: Evaluate, right: Evaluate): Evaluate {
  return (row) => {
    const first = left(row);
    if (first === true) return true;
    const second = right(row);
    return second === true ? true : first === null || second === null ? null : false;
  };
}

function withValue(of: Evaluate, give: (value: Outcome) => Outcome): Evaluate {
  return (row) => {
    const value = of(row);
    return value === null ? null : give(value);
  };
}

function withBoth(left: Evaluate, right: Evaluate, give: (a: Outcome, b: Outcome) => Outcome): Evaluate {
  return (row) => {
    const a = left(row);
    if (a === null) return null;
    const b = right(row);
    return b === null ? null : give(a, b);
  };
}

/** @param cells both are cells of CSV: numbers if both look like numbers */
function comparison(sign: Sign, cells: boolean): (a: Outcome, b: Outcome) => boolean {
  return (a, b) => {
    const [x, y] = cells ? asNumbers(a, b) : [a, b];
    if (typeof x === 'number' && typeof y === 'number') return holds(sign, x - y, x === y);
    if (typeof x === 'string' && typeof y === 'string') return holds(sign, compareTexts(x, y), x === y);
    const equal = valueName(x) === valueName(y);
    return sign === '=' ? equal : sign === '!=' ? !equal : false;
  };
}

function asNumbers(a: Outcome, b: Outcome): [Outcome, Outcome] {
  const [x, y] = [numberOfText(a as string), numberOfText(b as string)];
  return x === null || y === null ? [a, b] : [x, y];
}

function holds(sign: Sign, difference: number, equal: boolean): boolean {
  switch (sign) {
    case '=':
      return equal;
    case '!=':
      return !equal;
    case '<':
      return difference < 0;
    case '<=':
      return equal || difference < 0;
    case '>':
      return difference > 0;
    case '>=':
      return equal || difference > 0;
  }
}

function calculate(sign: '+' | '-' | '*' | '/' | '%', a: number, b: number): number | null {
  if ((sign === '/' || sign === '%') && b === 0) return null;
  const result = sign === '+' ? a + b : sign === '-' ? a - b : sign === '*' ? a * b : sign === '/' ? a / b : a % b;
  return Number.isFinite(result) ? result : null;
}

const one = {
  length: (text: string) => lengthOf(text) as number,
  lower: (text: string) => text.toLowerCase(),
  upper: (text: string) => text.toUpperCase(),
  trim: (text: string) => text.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, ''),
  abs: (number: number) => Math.abs(number),
  floor: (number: number) => Math.floor(number),
  ceil: (number: number) => Math.ceil(number),
  days: (text: string) => dayOfText(text),
  number: (text: string) => numberOfText(text),
};

const two = {
  starts_with: (text: string, part: string) => text.startsWith(part),
  ends_with: (text: string, part: string) => text.endsWith(part),
  contains: (text: string, part: string) => text.includes(part),
};

/** Days from 1970-01-01 to the day that a text begins with, or null. */
export function dayOfText(text: string): number | null {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? [];
  if (year === undefined) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day) ? Math.round(date.getTime() / 86_400_000) : null;
}
