// The functions of a tree: what they are called, what they take, whether they give something back, what is written about them.
import type { Node, Tree } from 'web-tree-sitter';
import type { CodeLanguage } from './grammar.ts';
import { bindingOf, isIdentifier, opensScope, type Binding } from './names.ts';

export interface CodeFunction {
  readonly name: string;
  /** without self, cls, this and those that begin with _ */
  readonly parameters: readonly string[];
  /** null: the language gives back without saying so, or there is no body */
  readonly returns: boolean | null;
  /** null: nothing is written about it */
  readonly doc: string | null;
  /** where its name stands, in code units of what was parsed */
  readonly start: number;
  readonly end: number;
}

/** Beyond that a text is a program, and one finding of a kind says enough. */
const mostFunctions = 200;
const deepestPattern = 50;
const implicit: readonly CodeLanguage[] = ['rust', 'ruby'];

export function functionsOf(tree: Tree, language: CodeLanguage): CodeFunction[] {
  const found: CodeFunction[] = [];
  const waiting: Node[] = [tree.rootNode];
  for (let node = waiting.pop(); node !== undefined && found.length < mostFunctions; node = waiting.pop()) {
    if (opensScope(node.type)) {
      const one = functionOf(node, language);
      if (one !== null) found.push(one);
    }
    // what is written is code as far as it was understood; within a mistake names mean nothing
    for (const child of node.namedChildren.toReversed()) if (child !== null && !child.isError) waiting.push(child);
  }
  return found;
}

function functionOf(node: Node, language: CodeLanguage): CodeFunction | null {
  const declarator = declaratorOf(node);
  const holder = node.parent?.type === 'variable_declarator' ? node.parent : null;
  const name = node.childForFieldName('name') ?? declarator?.childForFieldName('declarator') ?? holder?.childForFieldName('name') ?? null;
  const parameters = (declarator ?? node).childForFieldName('parameters') ?? node.childForFieldName('parameter');
  if (name === null) return null;
  const body = node.childForFieldName('body');
  return {
    name: name.text.slice(0, 100),
    parameters: parameters === null ? [] : boundNames(parameters).filter((one) => !/^(self|cls|this|_.*)$/.test(one)),
    returns: body === null || implicit.includes(language) ? null : givesBack(body),
    doc: language === 'python' ? docstringOf(body) : commentAbove(holder ?? node),
    start: name.startIndex,
    end: name.endIndex,
  };
}

/** C and C++ wrap name and parameters. */
function declaratorOf(node: Node): Node | null {
  let inner = node.childForFieldName('declarator');
  while (inner !== null && inner.type !== 'function_declarator') inner = inner.childForFieldName('declarator');
  return inner;
}

function boundNames(list: Node): string[] {
  const names: string[] = [];
  const walk = (node: Node, above: Binding, depth: number): void => {
    if (depth > deepestPattern) return;
    node.children.forEach((child, at) => {
      if (child === null || !child.isNamed) return;
      const binding = bindingOf(node.type, node.fieldNameForChild(at), above);
      if (binding !== null && isIdentifier(child.type)) names.push(child.text);
      else if (binding !== null || /param|pattern|declarator/.test(child.type)) walk(child, binding, depth + 1);
    });
  };
  // x => x
  if (isIdentifier(list.type)) return [list.text];
  walk(list, null, 0);
  return names;
}

/** A return with a value, or a yield, that is not one of a function within. */
function givesBack(body: Node): boolean {
  const waiting: Node[] = [body];
  // an arrow function whose body is a value
  if (!/block|statement|body|suite/.test(body.type)) return true;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type.startsWith('return') && node.namedChildren.some((child) => child !== null && !child.type.includes('comment'))) return true;
    if (node.type.includes('yield')) return true;
    for (const child of node.namedChildren) if (child !== null && !opensScope(child.type)) waiting.push(child);
  }
  return false;
}

function docstringOf(body: Node | null): string | null {
  const first = body?.namedChildren[0];
  const text = first?.type === 'expression_statement' ? first.namedChildren[0] : null;
  return text?.type === 'string' ? text.text : null;
}

/** The comment right above it, or above what it is part of: `export`, a decorator, `const f =`. */
function commentAbove(node: Node): string | null {
  let top: Node = node;
  while (top.parent !== null && top.previousNamedSibling === null && /export|decorated|declarat|template|modifiers/.test(top.parent.type))
    top = top.parent;
  const lines: string[] = [];
  for (let above = top.previousNamedSibling; above !== null && above.type.includes('comment'); above = above.previousNamedSibling) {
    lines.unshift(above.text);
    if (above.text.startsWith('/*') || lines.length > 100) break;
  }
  return lines.length === 0 ? null : lines.join('\n');
}
