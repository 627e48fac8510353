// Checks as DuckDB's SQL: the same answer as evaluate.ts and row-test.ts give, for columns whose kind is known. Names and values of others come in as quoted
// identifiers and literals only; what SQL cannot say the same way is null, and whoever asks takes the other engine.
import type { RowCheck, RowTest, Looked, Scalar } from './checks.ts';
import { dateForm } from './date-format.ts';
import { isoDateTime, dateTimeRest } from './formats.ts';
import { columnReads, type Expression } from './expression.ts';
import { NotInSql, numberOf, quoteNumber, quoteText, type ColumnKind, type SqlColumns } from './sql-columns.ts';

/** A check as two conditions, each true or not: false and NULL are the same to whoever asks. */
export interface SqlCheck {
  readonly looked: string;
  readonly broken: string;
}

/** @param members place of a reference -> name of the table of its values, with columns t, n and b */
export function sqlCheck(check: RowCheck, columns: SqlColumns, members: ReadonlyMap<number, string>): SqlCheck | null {
  return orNull(() => {
    const looks = lookedSql(check, columns);
    if (check.test.kind === 'expression') {
      const { expression } = check.test;
      const mismatch = mismatchSql(expression, columns);
      const holds = expressionSql(expression, columns);
      if (mismatch === 'false') return { looked: all([looks, `(${holds}) IS NOT NULL`]), broken: all([looks, `NOT ${holds}`]) };
      return {
        looked: all([looks, `(${mismatch} OR (${holds}) IS NOT NULL)`]),
        broken: all([looks, `(${mismatch} OR NOT coalesce(${holds}, true))`]),
      };
    }
    const holds = testSql(check, columns, members);
    // what is looked at is of the type that the test asks for: then the test is never NULL
    return { looked: looks, broken: all([looks, neverNull(check, columns) ? `NOT (${holds})` : `NOT coalesce(${holds}, false)`]) };
  });
}

/** Which rows an index or a bag looks at, or null. */
export function sqlLooked(wish: Looked, columns: SqlColumns): string | null {
  return orNull(() => lookedSql(wish, columns));
}

function all(conditions: readonly string[]): string {
  return conditions.filter((condition) => condition !== 'true').join(' AND ') || 'true';
}

function neverNull({ columns: [name = '', ...others], test }: RowCheck, columns: SqlColumns): boolean {
  if (others.length > 0) return false;
  const kind = columns.kind(name);
  switch (test.kind) {
    case 'missing':
    case 'set':
      return true;
    case 'regex':
    case 'length':
      return kind === 'text' || kind === 'cell';
    case 'end':
      return typeof test.end === 'number' ? kind === 'number' : kind === 'text' || kind === 'cell';
    case 'between':
      return kind === 'number';
    default:
      return false;
  }
}

function orNull<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof NotInSql) return null;
    throw error;
  }
}

function lookedSql({ columns: names, when, skip }: Looked, columns: SqlColumns): string {
  const there = names.map((name) => columns.there(name));
  const seen = skip === 'never' ? [] : skip === 'any' ? there : [`(${there.join(' OR ')})`];
  const mismatch = when === null ? 'false' : mismatchSql(when, columns);
  const applies = when === null ? [] : [mismatch === 'false' ? 'true' : `NOT ${mismatch}`, `(${expressionSql(when, columns)})`];
  return all([...seen, ...applies]);
}

/** Does a column have a value of another type than the expression asks for? */
function mismatchSql(expression: Expression, columns: SqlColumns): string {
  const reads = columnReads(expression).filter(({ type, missing }) => type !== 'any' && !missing);
  const parts = reads.map(({ name, type }) => {
    const value = type === 'number' ? columns.number(name) : type === 'text' ? columns.text(name) : columns.boolean(name);
    return alwaysFits(columns.kind(name), type) ? 'false' : `(NOT ${columns.missing(name)} AND ${value} IS NULL)`;
  });
  const some = [...new Set(parts)].filter((part) => part !== 'false');
  return some.length === 0 ? 'false' : `(${some.join(' OR ')})`;
}

function alwaysFits(kind: ColumnKind, type: string): boolean {
  if (type === 'text') return kind === 'text' || kind === 'cell' || kind === 'instant';
  return kind === type;
}

/** @param asDouble the place is one of arithmetic */
function expressionSql(tree: Expression, columns: SqlColumns, asDouble = false): string {
  const inner = (part: Expression): string => expressionSql(part, columns);
  const double = (part: Expression): string => expressionSql(part, columns, true);
  switch (tree.op) {
    case 'literal':
      return asDouble && typeof tree.value === 'number' ? `${quoteNumber(tree.value)}::DOUBLE` : literalSql(tree.value);
    case 'column':
      return asDouble && tree.type === 'number' ? columns.double(tree.name) : columnSql(tree.name, tree.type, columns);
    case 'missing':
      return tree.of.op === 'column' ? columns.missing(tree.of.name) : `((${inner(tree.of)}) IS NULL)`;
    case 'not':
      return `(NOT ${inner(tree.of)})`;
    case 'and':
    case 'or':
      return `(${inner(tree.left)} ${tree.op.toUpperCase()} ${inner(tree.right)})`;
    case 'implies':
      return `(NOT ${inner(tree.left)} OR ${inner(tree.right)})`;
    case 'negate':
      return `(- ${double(tree.of)})`;
    case 'matches':
      return matchSql(inner(tree.of), tree.regex);
    case 'in':
      return `(${inner(tree.of)} IN (${tree.values.map(literalSql).join(', ')}))`;
    case 'compare':
      return compareSql(tree, columns);
    case 'arithmetic':
      return arithmeticSql(tree.sign, double(tree.left), double(tree.right));
    case 'call':
      return callSql(tree, columns);
  }
}

function literalSql(value: Scalar): string {
  return typeof value === 'string' ? quoteText(value) : typeof value === 'number' ? quoteNumber(value) : String(value);
}

function columnSql(name: string, type: Expression['type'], columns: SqlColumns): string {
  switch (type) {
    case 'number':
      return columns.number(name);
    case 'boolean':
      return columns.boolean(name);
    case 'text':
      return `nullif(${columns.text(name)}, '')`;
    case 'any':
      throw new NotInSql('a column of any type');
  }
}

function compareSql({ sign, left, right }: Extract<Expression, { op: 'compare' }>, columns: SqlColumns): string {
  if (left.type !== 'any' || right.type !== 'any') return `(${expressionSql(left, columns)} ${sign} ${expressionSql(right, columns)})`;
  if (left.op !== 'column' || right.op !== 'column') throw new NotInSql('a comparison of no columns');
  return columns.compare(sign, left.name, right.name);
}

function arithmeticSql(sign: '+' | '-' | '*' | '/' | '%', a: string, b: string): string {
  const result = sign === '/' ? `(${a} / nullif(${b}, 0))` : sign === '%' ? `(${a} % nullif(${b}, 0))` : `(${a} ${sign} ${b})`;
  return `(CASE WHEN isfinite(${result}) THEN ${result} END)`;
}

function callSql(tree: Extract<Expression, { op: 'call' }>, columns: SqlColumns): string {
  const of = tree.of.map((part) => expressionSql(part, columns, true));
  const [first = '', second = ''] = of;
  switch (tree.name) {
    case 'length':
    case 'abs':
    case 'floor':
    case 'ceil':
      return `${tree.name}(${first})::DOUBLE`;
    case 'trim':
      return `trim(${first}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))`;
    case 'starts_with':
    case 'ends_with':
    case 'contains':
      return `${tree.name}(${first}, ${second})`;
    case 'number':
      return numberOf(first);
    case 'days':
      return `(${daySql(first)} - DATE '1970-01-01')::DOUBLE`;
    case 'lower':
    case 'upper':
      // each engine has a Unicode of its own
      throw new NotInSql(tree.name);
  }
}

/** The day that a text begins with. */
function daySql(text: string): string {
  return `(CASE WHEN regexp_matches(${text}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN try_cast(left(${text}, 10) AS DATE) END)`;
}

function testSql({ columns: names, test, skip }: RowCheck, columns: SqlColumns, members: ReadonlyMap<number, string>): string {
  const [name = ''] = names;
  if (names.length > 1) return severalSql(names, test, skip, columns);
  switch (test.kind) {
    case 'missing':
      return test.wanted ? columns.missing(name) : `NOT ${columns.missing(name)}`;
    case 'type':
      return test.types.map((type) => typeSql(name, type, columns)).join(' OR ');
    case 'end':
      return typeof test.end === 'number'
        ? `${columns.number(name)} ${test.sign} ${quoteNumber(test.end)}`
        : `${columns.text(name)} ${test.sign} ${quoteText(test.end)}`;
    case 'between':
      return `${columns.number(name)} BETWEEN ${quoteNumber(test.least)} AND ${quoteNumber(test.most)}`;
    case 'length':
      return `length(${columns.text(name)}) >= ${test.least}${Number.isFinite(test.most) ? ` AND length(${columns.text(name)}) <= ${test.most}` : ''}`;
    case 'set': {
      const among = test.values.length === 0 ? 'false' : setSql(name, test.values, columns);
      return test.allowed ? among : `NOT ${among}`;
    }
    case 'regex':
      return regexSql(columns.text(name), test);
    case 'date':
      return dateSql(columns.text(name), test.format);
    case 'member': {
      const table = members.get(test.reference);
      if (table === undefined) throw new NotInSql('several columns of other data');
      return memberSql(name, table, columns);
    }
    default:
      throw new NotInSql(test.kind);
  }
}

function typeSql(name: string, type: string, columns: SqlColumns): string {
  switch (type) {
    case 'string':
      return `${columns.text(name)} IS NOT NULL`;
    case 'number':
      return `${columns.number(name)} IS NOT NULL`;
    case 'integer':
      return `${columns.number(name)} = trunc(${columns.number(name)})`;
    case 'boolean':
      return `${columns.boolean(name)} IS NOT NULL`;
    default:
      return 'false';
  }
}

function setSql(name: string, values: readonly Scalar[], columns: SqlColumns): string {
  const parts = (
    [
      ['string', columns.text(name)],
      ['number', columns.number(name)],
      ['boolean', columns.boolean(name)],
    ] as const
  ).flatMap(([type, column]) => {
    const some = values.filter((value) => typeof value === type);
    return some.length === 0 || column.startsWith('NULL') ? [] : [some.length > longestList ? columns.inTable(some, column) : inList(column, some)];
  });
  if (parts.length === 0) return 'false';
  if (parts.length === 1 && columns.holdsOnly(name, values)) return parts[0] as string;
  return `(${parts.map((part) => `coalesce(${part}, false)`).join(' OR ')})`;
}

/** A longer list is a table: what is compared one by one, takes its time. */
const longestList = 64;

/** Of texts by a function: DuckDB asks it once for each entry of a dictionary, where IN is asked for each row. */
function inList(column: string, values: readonly Scalar[]): string {
  if (typeof values[0] === 'string') return `list_contains([${values.map(literalSql).join(', ')}], ${column})`;
  return `${column} IN (${values.map(literalSql).join(', ')})`;
}

/** A pattern that is bound to both ends matches the whole text or nothing, which is asked more cheaply. */
function matchSql(text: string, source: string): string {
  return `${isBound(source) ? 'regexp_full_match' : 'regexp_matches'}(${text}, ${quoteText(source)})`;
}

function isBound(source: string): boolean {
  if (!source.startsWith('^') || !/[^\\]\$$/.test(source) || /\(\?(?!:)/.test(source)) return false;
  let depth = 0;
  for (const [part] of source.matchAll(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|./gsu)) {
    if (part === '(') depth += 1;
    else if (part === ')') depth -= 1;
    else if (part === '|' && depth === 0) return false;
  }
  return true;
}

function regexSql(text: string, { sources, mode }: Extract<RowTest, { kind: 'regex' }>): string {
  const tests = sources.map((source) => matchSql(text, source));
  return mode === 'none' ? `NOT (${tests.join(' OR ')})` : `(${tests.join(mode === 'any' ? ' OR ' : ' AND ')})`;
}

function dateSql(text: string, format: string): string {
  if (format === isoDateTime)
    return `regexp_matches(${text}, ${quoteText(`^[0-9]{4}-[0-9]{2}-[0-9]{2}${dateTimeRest}$`)}) AND ${daySql(text)} IS NOT NULL`;
  const { regex, parts } = dateForm(format);
  const matches = `regexp_matches(${text}, ${quoteText(regex)})`;
  if (parts.length === 0) return matches;
  const part = (name: (typeof parts)[number]): string => `regexp_extract(${text}, ${quoteText(regex)}, ${parts.indexOf(name) + 1})`;
  if (parts.length === 3 && ['year', 'month', 'day'].every((name) => parts.includes(name as 'year'))) {
    const iso = `${part('year')} || '-' || lpad(${part('month')}, 2, '0') || '-' || lpad(${part('day')}, 2, '0')`;
    return `(CASE WHEN ${matches} THEN try_cast(${iso} AS DATE) IS NOT NULL ELSE false END)`;
  }
  throw new NotInSql('a date that is said in another way');
}

function memberSql(name: string, table: string, columns: SqlColumns): string {
  const parts = [
    `coalesce(${columns.text(name)} IN (SELECT t FROM ${table} WHERE t IS NOT NULL), false)`,
    `coalesce(${columns.number(name)} IN (SELECT n FROM ${table} WHERE n IS NOT NULL), false)`,
    `coalesce(${columns.boolean(name)} IN (SELECT b FROM ${table} WHERE b IS NOT NULL), false)`,
  ];
  return `(${parts.filter((part) => !part.includes('coalesce(NULL')).join(' OR ')})`;
}

function severalSql(names: readonly string[], test: RowTest, skip: Looked['skip'], columns: SqlColumns): string {
  const pairs = names.flatMap((a, at) => names.slice(at + 1).map((b) => [a, b] as const));
  switch (test.kind) {
    case 'different':
      return pairs.map(([a, b]) => `NOT coalesce(${columns.compare('=', a, b)}, false)`).join(' AND ');
    case 'equal':
      return pairs
        .map(([a, b]) => {
          const same = `coalesce(${columns.compare('=', a, b)}, false)`;
          return skip === 'any' ? same : `(${same} OR (${columns.missing(a)} AND ${columns.missing(b)}))`;
        })
        .join(' AND ');
    case 'sum': {
      const { min, max, above, below } = test.bounds;
      const sum = names.map((name) => `(CASE WHEN ${columns.missing(name)} THEN 0 ELSE ${columns.double(name)} END)`).join(' + ');
      const ends = [
        ['>=', min],
        ['<=', max],
        ['>', above],
        ['<', below],
      ] as const;
      return ends.flatMap(([sign, end]) => (end === undefined ? [] : [`(${sum}) ${sign} ${quoteNumber(end)}`])).join(' AND ');
    }
    case 'combination':
      return test.allowed
        .map(
          (one) =>
            `(${one.map((value, at) => (value === null ? columns.missing(names[at] as string) : setSql(names[at] as string, [value], columns))).join(' AND ')})`,
        )
        .join(' OR ');
    default:
      throw new NotInSql(test.kind);
  }
}
