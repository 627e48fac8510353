// The language of conditions: text -> tree.
//
//   expression := or [implies expression]          or := and {or and}         and := not {and not}        not := not not | test
//   test  := sum [ (= != <> < <= > >=) sum | is [not] missing | [not] in (value, ...) | [not] between sum and sum
//                | [not] matches 'regex' | [not] like 'pattern' ]
//   sum   := product {(+ -) product}               product := sign {(* / %) sign}                          sign := - sign | value
//   value := 12.5 | 'text' | true | false | column | `any column` | function(expression, ...) | (expression)
//
// Words are written in any case; a quote in a text, and a backquote in a name, is doubled.
import { type Expression, functions, type FunctionName, type Sign } from './expression.ts';
import { ExpressionError, tokenize, type Token } from './expression-tokens.ts';
import { typed } from './expression-types.ts';
import { patternProblem, regexOfLike } from './pattern.ts';

/** A tree deeper than this is no condition that anybody reads. */
const deepest = 100;

/**
 * @throws ExpressionError with the place in the text
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokenize(text), text.length);
  const tree = parser.expression();
  parser.end();
  return typed(tree, 'boolean');
}

/** What is wrong with an expression, with place and mark, or undefined. */
export function expressionProblem(text: string): string | undefined {
  try {
    parseExpression(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `${error.message} (character ${error.at + 1}: ${JSON.stringify(text.slice(error.at, error.at + 20))})`;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  expression(): Expression {
    if ((this.#depth += 1) > deepest) throw new ExpressionError(`nested deeper than ${deepest}`, this.#at());
    let left = this.#or();
    const at = this.#at();
    if (this.#takeWord('implies')) left = { op: 'implies', left, right: this.expression(), at, type: 'boolean' };
    this.#depth -= 1;
    return left;
  }

  end(): void {
    const token = this.#tokens[this.#next];
    if (token !== undefined) throw new ExpressionError(`expected "and", "or", "implies" or the end, found ${shown(token)}`, token.at);
  }

  #or(): Expression {
    let left = this.#and();
    for (let at = this.#at(); this.#takeWord('or'); at = this.#at()) left = { op: 'or', left, right: this.#and(), at, type: 'boolean' };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    for (let at = this.#at(); this.#takeWord('and'); at = this.#at()) left = { op: 'and', left, right: this.#not(), at, type: 'boolean' };
    return left;
  }

  #not(): Expression {
    const at = this.#at();
    if (!this.#takeWord('not')) return this.#test();
    if ((this.#depth += 1) > deepest) throw new ExpressionError(`nested deeper than ${deepest}`, at);
    const of = this.#not();
    this.#depth -= 1;
    return { op: 'not', of, at, type: 'boolean' };
  }

  #test(): Expression {
    const left = this.#sum();
    const at = this.#at();
    const sign = this.#take('sign', ['=', '!=', '<>', '<', '<=', '>', '>=']);
    if (sign !== undefined) return { op: 'compare', sign: (sign === '<>' ? '!=' : sign) as Sign, left, right: this.#sum(), at, type: 'boolean' };
    if (this.#takeWord('is')) {
      const negated = this.#takeWord('not');
      if (!this.#takeWord('missing') && !this.#takeWord('null')) throw this.#expected('"missing"');
      const test: Expression = { op: 'missing', of: left, at, type: 'boolean' };
      return negated ? { op: 'not', of: test, at, type: 'boolean' } : test;
    }
    const negated = this.#takeWord('not');
    const test = this.#wordTest(left, at);
    if (test === undefined) {
      if (negated) throw this.#expected('"in", "between", "matches" or "like"');
      return left;
    }
    return negated ? { op: 'not', of: test, at, type: 'boolean' } : test;
  }

  #wordTest(of: Expression, at: number): Expression | undefined {
    if (this.#takeWord('in')) return { op: 'in', of, values: this.#values(), at, type: 'boolean' };
    if (this.#takeWord('between')) {
      const low = this.#sum();
      if (!this.#takeWord('and')) throw this.#expected('"and"');
      const compare = (sign: Sign, right: Expression): Expression => ({ op: 'compare', sign, left: of, right, at, type: 'boolean' });
      return { op: 'and', left: compare('>=', low), right: compare('<=', this.#sum()), at, type: 'boolean' };
    }
    if (this.#takeWord('matches')) return { op: 'matches', of, regex: this.#regex(), at, type: 'boolean' };
    if (this.#takeWord('like')) return { op: 'matches', of, regex: regexOfLike(this.#text('a pattern in quotes')), at, type: 'boolean' };
    return undefined;
  }

  #regex(): string {
    const at = this.#at();
    const source = this.#text('a regular expression in quotes');
    const problem = patternProblem(source);
    if (problem !== undefined) throw new ExpressionError(problem, at);
    return source;
  }

  #text(what: string): string {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'text') throw this.#expected(what);
    this.#next += 1;
    return token.value;
  }

  #values(): (string | number | boolean)[] {
    this.#require('(');
    const values: (string | number | boolean)[] = [];
    do {
      const at = this.#at();
      const value = this.#sign();
      const literal = value.op === 'negate' ? value.of : value;
      if (literal.op !== 'literal' || (value.op === 'negate' && typeof literal.value !== 'number'))
        throw new ExpressionError('expected a number, a text in quotes, true or false', at);
      values.push(value.op === 'negate' ? -(literal.value as number) : literal.value);
    } while (this.#take('sign', [',']) !== undefined);
    this.#require(')');
    return values;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let at = this.#at(), sign = this.#take('sign', ['+', '-']); sign !== undefined; at = this.#at(), sign = this.#take('sign', ['+', '-']))
      left = { op: 'arithmetic', sign: sign as '+' | '-', left, right: this.#product(), at, type: 'number' };
    return left;
  }

  #product(): Expression {
    const signs = ['*', '/', '%'];
    let left = this.#sign();
    for (let at = this.#at(), sign = this.#take('sign', signs); sign !== undefined; at = this.#at(), sign = this.#take('sign', signs))
      left = { op: 'arithmetic', sign: sign as '*' | '/' | '%', left, right: this.#sign(), at, type: 'number' };
    return left;
  }

  #sign(): Expression {
    const at = this.#at();
    if (this.#take('sign', ['-']) === undefined) return this.#value();
    if ((this.#depth += 1) > deepest) throw new ExpressionError(`nested deeper than ${deepest}`, at);
    const of = this.#sign();
    this.#depth -= 1;
    return { op: 'negate', of, at, type: 'number' };
  }

  #value(): Expression {
    const token = this.#tokens[this.#next];
    const what = 'a column, a number, a text in quotes or "("';
    if (token === undefined) throw this.#expected(what);
    const { at } = token;
    if (token.kind === 'sign' && token.value === '(') {
      this.#next += 1;
      const inner = this.expression();
      this.#require(')');
      return inner;
    }
    if (token.kind === 'sign') throw this.#expected(what);
    this.#next += 1;
    if (token.kind === 'number') return { op: 'literal', value: Number(token.value), at, type: 'number' };
    if (token.kind === 'text') return { op: 'literal', value: token.value, at, type: 'text' };
    if (token.kind === 'column') return { op: 'column', name: token.value, at, type: 'any' };
    const word = token.value.toLowerCase();
    if (word === 'true' || word === 'false') return { op: 'literal', value: word === 'true', at, type: 'boolean' };
    if (reserved.has(word)) throw new ExpressionError(`expected ${what}, found "${token.value}"; a column of that name stands in backquotes`, at);
    return this.#take('sign', ['(']) === undefined ? { op: 'column', name: token.value, at, type: 'any' } : this.#call(word, at);
  }

  #call(name: string, at: number): Expression {
    if (!Object.hasOwn(functions, name)) throw new ExpressionError(`no function "${name}" (${Object.keys(functions).join(', ')})`, at);
    const of: Expression[] = [];
    do of.push(this.expression());
    while (this.#take('sign', [',']) !== undefined);
    this.#require(')');
    const [takes, gives] = functions[name as FunctionName];
    if (of.length !== takes.length)
      throw new ExpressionError(`${name} takes ${takes.length} ${takes.length === 1 ? 'value' : 'values'}, not ${of.length}`, at);
    return { op: 'call', name: name as FunctionName, of, at, type: gives };
  }

  #at(): number {
    return this.#tokens[this.#next]?.at ?? this.#length;
  }

  #take(kind: Token['kind'], values: readonly string[]): string | undefined {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind || !values.includes(token.value)) return undefined;
    this.#next += 1;
    return token.value;
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'word' || token.value.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #require(sign: string): void {
    if (this.#take('sign', [sign]) === undefined) throw this.#expected(`"${sign}"`);
  }

  #expected(what: string): ExpressionError {
    const token = this.#tokens[this.#next];
    return new ExpressionError(`expected ${what}, found ${token === undefined ? 'the end' : shown(token)}`, this.#at());
  }
}

const reserved = new Set(['and', 'or', 'not', 'implies', 'in', 'is', 'between', 'matches', 'like', 'missing', 'null']);

function shown(token: Token): string {
  return JSON.stringify(token.value.slice(0, 30));
}
