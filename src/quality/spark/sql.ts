// Checks as SQL of Spark. A column comes as a struct c0, c1, ... of what it is: n a number, t a text that is not empty, b a boolean, j the JSON of a list or
// an object; NULL where it is missing. Names of columns stand in no query, and texts in literals only.
import type { Looked, RowCheck, RowTest, Scalar } from '../rules/checks.ts';
import { dateForm } from '../rules/date-format.ts';
import { columnReads, type Expression, type ExpressionType } from '../rules/expression.ts';
import { dateTimeRest, isoDateTime } from '../rules/formats.ts';
import { numberPattern } from '../rules/values.ts';
import { javaRegex } from './regex.ts';
import { refuseOnSpark } from './refusal.ts';

/** A text as a literal: each code unit of doubt as an escape, whatever the session says of backslashes. */
export function sparkText(text: string): string {
  if (!text.isWellFormed()) return refuseOnSpark('half a character in a text');
  // as UTF-8 in hexadecimal digits: nothing in it has a meaning for a parser
  return /^[\w .,:;/@#%&()[\]{}<>=+*?!|^~-]*$/.test(text) ? `'${text}'` : `decode(X'${Buffer.from(text).toString('hex')}', 'UTF-8')`;
}

function numberText(number: number): string {
  return `CAST('${number}' AS DOUBLE)`;
}

export function literal(value: Scalar): string {
  return typeof value === 'string' ? sparkText(value) : typeof value === 'number' ? numberText(value) : String(value);
}

/** Does it match somewhere? A text that is NULL gives NULL. */
function matches(text: string, regex: string): string {
  return `(${text} RLIKE ${sparkText(javaRegex(regex))})`;
}

const whole = (number: string): string => `(abs(${number}) >= 9007199254740992D OR ${number} = CAST(CAST(${number} AS BIGINT) AS DOUBLE))`;

/** The number that a text looks like. */
export function numberOfTextSql(text: string): string {
  return `(CASE WHEN ${matches(text, numberPattern)} AND abs(try_cast(${text} AS DOUBLE)) < CAST('Infinity' AS DOUBLE) THEN try_cast(${text} AS DOUBLE) END)`;
}

/** Where each column stands, and whether its cells are those of a CSV. */
export interface SparkColumns {
  readonly places: ReadonlyMap<string, number>;
  readonly untyped: boolean;
}

class Column {
  readonly struct: string;
  readonly missing: string;
  readonly t: string;
  readonly j: string;
  readonly #untyped: boolean;

  constructor(name: string, { places, untyped }: SparkColumns) {
    const place = places.get(name);
    if (place === undefined) throw new Error(`a column that was not asked for: ${name}`);
    this.struct = `c${place}`;
    this.missing = `(${this.struct} IS NULL)`;
    this.t = `${this.struct}.t`;
    this.j = `${this.struct}.j`;
    this.#untyped = untyped;
  }

  /** of a cell what it reads as */
  get n(): string {
    return this.#untyped ? numberOfTextSql(this.t) : `${this.struct}.n`;
  }

  get b(): string {
    return this.#untyped ? `(CASE ${this.t} WHEN 'true' THEN true WHEN 'false' THEN false END)` : `${this.struct}.b`;
  }

  as(type: ExpressionType): string {
    return type === 'number' ? this.n : type === 'boolean' ? this.b : this.t;
  }
}

/** A check as two conditions, neither ever NULL. @throws NotOnSpark */
export function sparkCheck(
  check: RowCheck,
  columns: SparkColumns,
  members: (reference: number) => readonly Scalar[],
): { looked: string; broken: string } {
  const looks = sparkLooked(check, columns);
  if (check.test.kind === 'expression') {
    const { expression } = check.test;
    const mismatch = mismatchSql(expression, columns);
    const holds = expressionSql(expression, columns);
    return {
      looked: `(${looks} AND (${mismatch} OR (${holds}) IS NOT NULL))`,
      broken: `(${looks} AND (${mismatch} OR NOT coalesce(${holds}, true)))`,
    };
  }
  const holds = check.columns.length > 1 ? severalSql(check, columns) : singleSql(check.columns[0] ?? '', check.test, columns, members);
  return { looked: looks, broken: `(${looks} AND NOT coalesce(${holds}, false))` };
}

/** @throws NotOnSpark */
export function sparkLooked({ columns: names, when, skip }: Looked, columns: SparkColumns): string {
  const missing = names.map((name) => new Column(name, columns).missing);
  const there = skip === 'never' || names.length === 0 ? [] : [`NOT (${missing.join(skip === 'any' ? ' OR ' : ' AND ')})`];
  const applies = when === null ? [] : [`NOT ${mismatchSql(when, columns)}`, `coalesce(${expressionSql(when, columns)}, false)`];
  return `(${[...there, ...applies].map((part) => `(${part})`).join(' AND ') || 'true'})`;
}

/** Has a column a value of another type than the expression asks for? */
function mismatchSql(expression: Expression, columns: SparkColumns): string {
  const reads = columnReads(expression).filter(({ type, missing }) => type !== 'any' && !missing);
  const parts = new Set(
    reads.map(({ name, type }) => {
      const column = new Column(name, columns);
      return `(NOT ${column.missing} AND ${column.as(type)} IS NULL)`;
    }),
  );
  return parts.size === 0 ? 'false' : `(${[...parts].join(' OR ')})`;
}

function expressionSql(tree: Expression, columns: SparkColumns): string {
  const inner = (part: Expression): string => expressionSql(part, columns);
  switch (tree.op) {
    case 'literal':
      return literal(tree.value);
    case 'column':
      return tree.type === 'any' ? refuseOnSpark('a column of any type in a formula') : new Column(tree.name, columns).as(tree.type);
    case 'missing':
      return tree.of.op === 'column' ? new Column(tree.of.name, columns).missing : `((${inner(tree.of)}) IS NULL)`;
    case 'not':
      return `(NOT ${inner(tree.of)})`;
    case 'and':
    case 'or':
      return `(${inner(tree.left)} ${tree.op.toUpperCase()} ${inner(tree.right)})`;
    case 'implies':
      return `(NOT ${inner(tree.left)} OR ${inner(tree.right)})`;
    case 'negate':
      return `(- ${inner(tree.of)})`;
    case 'matches':
      return matches(inner(tree.of), tree.regex);
    case 'in':
      return `(${inner(tree.of)} IN (${tree.values.map(literal).join(', ')}))`;
    case 'compare':
      return compareSql(tree, columns);
    case 'arithmetic':
      return arithmeticSql(tree.sign, inner(tree.left), inner(tree.right));
    case 'call':
      return callSql(tree.name, tree.of.map(inner));
  }
}

function compareSql({ sign, left, right }: Extract<Expression, { op: 'compare' }>, columns: SparkColumns): string {
  if (left.type !== 'any' || right.type !== 'any') return `(${expressionSql(left, columns)} ${sign} ${expressionSql(right, columns)})`;
  if (left.op !== 'column' || right.op !== 'column') return refuseOnSpark('a comparison of values of any type');
  return comparedSql(sign, new Column(left.name, columns), new Column(right.name, columns));
}

/** Two values of any type: cells as numbers where both look like numbers, else as texts. */
function comparedSql(sign: string, a: Column, b: Column): string {
  const equal = sign === '=' || sign === '!=';
  const compared = (['n', 't'] as const).map((part) => `(${a[part]} ${sign} ${b[part]})`);
  if (equal) compared.push(`(${a.b} ${sign} ${b.b})`, `(${a.j} ${sign} ${b.j})`);
  return `(CASE WHEN ${a.missing} OR ${b.missing} THEN NULL ELSE coalesce(${compared.join(', ')}, ${sign === '!='}) END)`;
}

function finite(number: string): string {
  return `(CASE WHEN abs(${number}) < CAST('Infinity' AS DOUBLE) THEN ${number} END)`;
}

function arithmeticSql(sign: '+' | '-' | '*' | '/' | '%', a: string, b: string): string {
  return finite(sign === '/' || sign === '%' ? `(${a} ${sign} nullif(${b}, 0D))` : `(${a} ${sign} ${b})`);
}

function callSql(name: string, [first = '', second = '']: readonly string[]): string {
  switch (name) {
    case 'length':
      return `CAST(char_length(${first}) AS DOUBLE)`;
    case 'abs':
      return `abs(${first})`;
    case 'floor':
    case 'ceil':
      // beyond 2^53 a double has no fraction
      return `(CASE WHEN abs(${first}) < 9007199254740992D THEN CAST(${name}(${first}) AS DOUBLE) ELSE ${first} END)`;
    case 'trim':
      return `trim(BOTH ${sparkText(' \t\n\v\f\r')} FROM ${first})`;
    case 'starts_with':
      return `startswith(${first}, ${second})`;
    case 'ends_with':
      return `endswith(${first}, ${second})`;
    case 'contains':
      return `contains(${first}, ${second})`;
    case 'number':
      return numberOfTextSql(first);
    case 'days':
      return `CAST(unix_date(${daySql(first)}) AS DOUBLE)`;
    default:
      return refuseOnSpark(`${name}(): each engine has a Unicode of its own`);
  }
}

/** The day that a text begins with. */
function daySql(text: string): string {
  return `(CASE WHEN ${matches(text, '^[0-9]{4}-[0-9]{2}-[0-9]{2}')} THEN try_cast(left(${text}, 10) AS DATE) END)`;
}

function singleSql(name: string, test: RowTest, columns: SparkColumns, members: (reference: number) => readonly Scalar[]): string {
  const column = new Column(name, columns);
  switch (test.kind) {
    case 'missing':
      return test.wanted ? column.missing : `NOT ${column.missing}`;
    case 'type':
      return test.types.map((type) => `coalesce(${typeSql(column, type)}, false)`).join(' OR ');
    case 'end':
      return `${typeof test.end === 'number' ? column.n : column.t} ${test.sign} ${literal(test.end)}`;
    case 'between':
      return `${column.n} BETWEEN ${numberText(test.least)} AND ${numberText(test.most)}`;
    case 'length': {
      const length = `(CASE WHEN ${column.t} IS NOT NULL THEN char_length(${column.t}) ELSE json_array_length(${column.j}) END)`;
      return `${length} >= ${test.least}${Number.isFinite(test.most) ? ` AND ${length} <= ${test.most}` : ''}`;
    }
    case 'set':
      return test.allowed ? amongSql(column, test.values) : `NOT ${amongSql(column, test.values)}`;
    case 'regex': {
      const tests = test.sources.map((source) => matches(column.t, source));
      return test.mode === 'none' ? `NOT (${tests.join(' OR ')})` : `(${tests.join(test.mode === 'any' ? ' OR ' : ' AND ')})`;
    }
    case 'date':
      return dateSql(column.t, test.format);
    case 'member':
      return amongSql(column, members(test.reference));
    case 'order':
      return refuseOnSpark('rows come in no order there: increasing and decreasing are for one machine');
    case 'json':
      return refuseOnSpark('its reader of JSON takes other texts than ours');
    default:
      return refuseOnSpark(`${test.kind} of one column`);
  }
}

function typeSql(column: Column, type: string): string {
  switch (type) {
    case 'string':
      return `${column.t} IS NOT NULL`;
    case 'number':
      return `${column.n} IS NOT NULL`;
    case 'integer':
      return whole(column.n);
    case 'boolean':
      return `${column.b} IS NOT NULL`;
    case 'list':
      return `startswith(${column.j}, '[')`;
    default:
      return `startswith(${column.j}, '{')`;
  }
}

/** of a cell as text, and as what it reads as */
function amongSql(column: Column, values: readonly Scalar[]): string {
  const parts = (['string', 'number', 'boolean'] as const).flatMap((type) => {
    const some = values.filter((value) => typeof value === type);
    const of = type === 'string' ? column.t : type === 'number' ? column.n : column.b;
    return some.length === 0 ? [] : [`coalesce(${of} IN (${some.map(literal).join(', ')}), false)`];
  });
  return parts.length === 0 ? '(false)' : `(${parts.join(' OR ')})`;
}

function dateSql(text: string, format: string): string {
  if (format === isoDateTime) return `${matches(text, `^[0-9]{4}-[0-9]{2}-[0-9]{2}${dateTimeRest}$`)} AND ${daySql(text)} IS NOT NULL`;
  const { regex, parts } = dateForm(format);
  if (parts.length === 0) return matches(text, regex);
  const java = sparkText(javaRegex(regex));
  const part = (name: (typeof parts)[number]): string => `regexp_extract(${text}, ${java}, ${parts.indexOf(name) + 1})`;
  if (parts.length !== 3 || !(['year', 'month', 'day'] as const).every((name) => parts.includes(name)))
    return refuseOnSpark(`the date format ${JSON.stringify(format)}: only those of year, month and day`);
  const iso = `concat(${part('year')}, '-', lpad(${part('month')}, 2, '0'), '-', lpad(${part('day')}, 2, '0'))`;
  return `(CASE WHEN ${matches(text, regex)} THEN try_cast(${iso} AS DATE) IS NOT NULL ELSE false END)`;
}

function severalSql({ columns: names, test, skip }: RowCheck, columns: SparkColumns): string {
  const all = names.map((name) => new Column(name, columns));
  const pairs = all.flatMap((a, at) => all.slice(at + 1).map((b) => [a, b] as const));
  switch (test.kind) {
    case 'different':
      return pairs.map(([a, b]) => `NOT coalesce(${comparedSql('=', a, b)}, false)`).join(' AND ');
    case 'equal':
      return pairs
        .map(([a, b]) => {
          const same = `coalesce(${comparedSql('=', a, b)}, false)`;
          return skip === 'any' ? same : `(${same} OR (${a.missing} AND ${b.missing}))`;
        })
        .join(' AND ');
    case 'sum': {
      const { min, max, above, below } = test.bounds;
      const sum = `(${all.map((column) => `(CASE WHEN ${column.missing} THEN 0D ELSE ${column.n} END)`).join(' + ')})`;
      const ends = [
        ['>=', min],
        ['<=', max],
        ['>', above],
        ['<', below],
      ] as const;
      return ends.flatMap(([sign, end]) => (end === undefined ? [] : [`${sum} ${sign} ${numberText(end)}`])).join(' AND ');
    }
    case 'combination':
      return test.allowed
        .map(
          (one) => `(${one.map((value, at) => (value === null ? (all[at] as Column).missing : amongSql(all[at] as Column, [value]))).join(' AND ')})`,
        )
        .join(' OR ');
    default:
      return refuseOnSpark(`${test.kind} of several columns`);
  }
}
