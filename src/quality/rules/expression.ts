// The language of conditions, as a tree: it has no loops and no names but those of columns and of the functions below, so that a tree can be turned into
// JavaScript (evaluate.ts), into DuckDB's SQL (sql.ts) and into Spark's, with the same answer. Text becomes a tree in expression-parser.ts.

export type Sign = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** `any`: a value of whatever type, told when it is seen. */
export type ExpressionType = 'number' | 'text' | 'boolean' | 'any';

interface Node {
  /** place in the text, from 0 */
  readonly at: number;
  readonly type: ExpressionType;
}

/** A condition. The outcome is true, false, or unknown where a missing value decides it. */
export type Expression = Node &
  (
    | { readonly op: 'literal'; readonly value: string | number | boolean }
    /** `type` is what its place in the expression asks for: another value there breaks the rule */
    | { readonly op: 'column'; readonly name: string }
    | { readonly op: 'and' | 'or' | 'implies'; readonly left: Expression; readonly right: Expression }
    | { readonly op: 'not' | 'negate'; readonly of: Expression }
    | { readonly op: 'compare'; readonly sign: Sign; readonly left: Expression; readonly right: Expression }
    | { readonly op: 'arithmetic'; readonly sign: '+' | '-' | '*' | '/' | '%'; readonly left: Expression; readonly right: Expression }
    | { readonly op: 'in'; readonly of: Expression; readonly values: readonly (string | number | boolean)[] }
    | { readonly op: 'missing'; readonly of: Expression }
    /** RE2, somewhere in the text; LIKE comes here as the regular expression that it is */
    | { readonly op: 'matches'; readonly of: Expression; readonly regex: string }
    | { readonly op: 'call'; readonly name: FunctionName; readonly of: readonly Expression[] }
  );

/** name -> [types of what it takes, type of what it gives] */
export const functions = {
  /** Unicode characters of a text */
  length: [['text'], 'number'],
  lower: [['text'], 'text'],
  upper: [['text'], 'text'],
  /** without white space of ASCII at the ends */
  trim: [['text'], 'text'],
  abs: [['number'], 'number'],
  floor: [['number'], 'number'],
  ceil: [['number'], 'number'],
  starts_with: [['text', 'text'], 'boolean'],
  ends_with: [['text', 'text'], 'boolean'],
  contains: [['text', 'text'], 'boolean'],
  /** days from 1970-01-01 to the day that an ISO date or time begins with; missing where it begins with none */
  days: [['text'], 'number'],
  /** number that a text is, as JSON writes numbers; missing where it is none */
  number: [['text'], 'number'],
} as const satisfies Record<string, readonly [readonly ExpressionType[], ExpressionType]>;
export type FunctionName = keyof typeof functions;

/** Each column that an expression names, once, in order. */
export function columnsOf(expression: Expression): string[] {
  return [...new Set(columnReads(expression).map(({ name }) => name))];
}

/** Each place where an expression reads a column's value, and of what type; `is missing` reads none. */
export function columnReads(expression: Expression): { name: string; type: ExpressionType; missing: boolean }[] {
  if (expression.op === 'column') return [{ name: expression.name, type: expression.type, missing: false }];
  const reads = partsOf(expression).flatMap(columnReads);
  return expression.op === 'missing' ? reads.map((read) => ({ ...read, missing: read.missing || expression.of.op === 'column' })) : reads;
}

export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.op) {
    case 'literal':
    case 'column':
      return [];
    case 'and':
    case 'or':
    case 'implies':
    case 'compare':
    case 'arithmetic':
      return [expression.left, expression.right];
    case 'call':
      return expression.of;
    default:
      return [expression.of];
  }
}
