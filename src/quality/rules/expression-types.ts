// Which type each part of an expression has: a column has none of its own, its place says what is asked of it.
import { functions, type Expression, type ExpressionType } from './expression.ts';
import { ExpressionError } from './expression-tokens.ts';

/**
 * The tree with a type on each column.
 * @param asked what the place of the expression asks for
 * @throws ExpressionError for a text where a number is asked, and the like
 */
export function typed(tree: Expression, asked: ExpressionType): Expression {
  switch (tree.op) {
    case 'column':
      return { ...tree, type: asked };
    case 'literal':
      return fitting(tree, asked);
    case 'and':
    case 'or':
    case 'implies':
      return fitting({ ...tree, left: typed(tree.left, 'boolean'), right: typed(tree.right, 'boolean') }, asked);
    case 'not':
      return fitting({ ...tree, of: typed(tree.of, 'boolean') }, asked);
    case 'negate':
      return fitting({ ...tree, of: typed(tree.of, 'number') }, asked);
    case 'arithmetic':
      return fitting({ ...tree, left: typed(tree.left, 'number'), right: typed(tree.right, 'number') }, asked);
    case 'matches':
      return fitting({ ...tree, of: typed(tree.of, 'text') }, asked);
    case 'missing':
      return fitting({ ...tree, of: typed(tree.of, 'any') }, asked);
    case 'call': {
      const [takes] = functions[tree.name];
      return fitting({ ...tree, of: tree.of.map((part, at) => typed(part, takes[at] as ExpressionType)) }, asked);
    }
    case 'in': {
      const types = new Set(tree.values.map(typeOfLiteral));
      if (types.size > 1) throw new ExpressionError('the values of a list are of one type', tree.at);
      return fitting({ ...tree, of: typed(tree.of, [...types][0] ?? 'any') }, asked);
    }
    case 'compare': {
      const type = tree.left.type === 'any' ? tree.right.type : tree.left.type;
      return fitting({ ...tree, left: typed(tree.left, type), right: typed(tree.right, type) }, asked);
    }
  }
}

function fitting<T extends Expression>(tree: T, asked: ExpressionType): T {
  if (asked === 'any' || asked === tree.type) return tree;
  const names = { number: 'a number', text: 'a text', boolean: 'a condition', any: 'a value' };
  throw new ExpressionError(`expected ${names[asked]}, found ${names[tree.type]}`, tree.at);
}

export function typeOfLiteral(value: string | number | boolean): 'number' | 'text' | 'boolean' {
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'boolean';
}
