// The normal form of code: what is left of it when layout, comments and docstrings go and the names that it binds itself are numbered in the order in
// which they appear. Two texts that differ in nothing else have equal tokens and an equal digest: the alpha-renamed hash.
import type { TreeCursor } from 'web-tree-sitter';
import { canonicalJson } from '../../base/canonical.ts';
import { digestOf, type Digest } from '../../base/digest.ts';
import { openGrammar, type CodeLanguage } from './grammar.ts';
import { bindingOf, isIdentifier, isMember, opensScope, type Binding } from './names.ts';

export interface NormalForm {
  readonly language: CodeLanguage;
  /** Tokens in their order: bound names are `v0`, `v1`, ...; `;` ends a statement, `{` and `}` hold a block of Python. */
  readonly tokens: readonly string[];
  /** of language and tokens */
  readonly digest: Digest;
  /** the text is no valid code of that language; the tokens are those that were understood */
  readonly hasErrors: boolean;
}

/**
 * Cost: 1.3 MB of code a CPU second, 7,000 snippets of MBPP.
 * @returns null: longer than `longestParse`, or too hard to parse (grammar.ts)
 */
export async function normalFormOf(language: CodeLanguage, text: string): Promise<NormalForm | null> {
  const grammar = await openGrammar(language);
  return grammar.parse(text, (tree, source) => normalFormOfTree(language, tree.walk(), source, tree.rootNode.hasError));
}

/** @param cursor at the root; it is freed. @param source what was parsed */
export function normalFormOfTree(language: CodeLanguage, cursor: TreeCursor, source: string, hasErrors: boolean): NormalForm {
  try {
    const tokens = numberNames(readLeaves(cursor, source, language));
    return { language, tokens, digest: digestOf(canonicalJson([language, tokens])), hasErrors };
  } finally {
    cursor.delete();
  }
}

interface Scope {
  readonly outside: Scope | null;
  /** name -> its number; -1: bound, not met yet */
  readonly names: Map<string, number>;
}

interface Leaf {
  readonly text: string;
  /** null: not a name */
  readonly scope: Scope | null;
}

interface Place {
  readonly type: string;
  readonly binding: Binding;
  readonly scope: Scope;
  /** what ends it: the end of a statement, of a block */
  readonly end: readonly Leaf[];
}

const statementEnd: Leaf = { text: ';', scope: null };
const opening: Leaf = { text: '{', scope: null };
const closing: Leaf = { text: '}', scope: null };
const blocks =
  /^(module|program|source_file|translation_unit|block|statement_block|statement_list|compound_statement|body_statement|block_body|class_body|then|else|do|declaration_list|field_declaration_list)$/;

/** Walks without recursion: code may be nested as deep as its author likes. */
function readLeaves(cursor: TreeCursor, source: string, language: CodeLanguage): Leaf[] {
  const leaves: Leaf[] = [];
  const root: Scope = { outside: null, names: new Map() };
  const path: Place[] = [{ type: '', binding: null, scope: root, end: [] }];
  for (;;) {
    const above = path.at(-1) as Place;
    const place = enter(cursor, above, language);
    if (place !== null && cursor.gotoFirstChild()) {
      if (place.end[0] === closing) leaves.push(opening);
      path.push(place);
      continue;
    }
    if (place !== null) {
      addLeaf(leaves, cursor, above, place, source);
      leaves.push(...place.end);
    }
    while (!cursor.gotoNextSibling()) {
      if (!cursor.gotoParent()) return leaves;
      leaves.push(...(path.pop() as Place).end);
    }
  }
}

/** @returns null: what is below says nothing to a machine */
function enter(cursor: TreeCursor, above: Place, language: CodeLanguage): Place | null {
  const type = cursor.nodeType;
  if (type.includes('comment') || type === 'php_tag' || isDocstring(cursor, type, above.type)) return null;
  const named = cursor.nodeIsNamed;
  const binding = named ? bindingOf(above.type, cursor.currentFieldName, above.binding) : null;
  const scope = opensScope(type) ? { outside: above.scope, names: new Map<string, number>() } : above.scope;
  const end = [...(language === 'python' && type === 'block' ? [closing] : []), ...(named && blocks.test(above.type) ? [statementEnd] : [])];
  return { type, binding, scope, end };
}

/** A statement that is a text and nothing else: Python's documentation. */
function isDocstring(cursor: TreeCursor, type: string, above: string): boolean {
  if (type !== 'expression_statement' || (above !== 'block' && above !== 'module')) return false;
  if (!cursor.gotoFirstChild()) return false;
  const alone = cursor.nodeType === 'string' && !cursor.gotoNextSibling();
  cursor.gotoParent();
  return alone;
}

function addLeaf(leaves: Leaf[], cursor: TreeCursor, above: Place, { type, binding, scope }: Place, source: string): void {
  const text = source.slice(cursor.startIndex, cursor.endIndex);
  if (text === '' || (text === ';' && above.type !== 'for_statement')) return;
  if (!cursor.nodeIsNamed || !isIdentifier(type)) {
    if ((text === ']' || text === '}') && leaves.at(-1)?.text === ',') leaves.pop();
    leaves.push({ text: type === 'string_start' || text === "'" ? plainQuote(text) : type === 'string_end' ? '"' : text, scope: null });
    return;
  }
  const inPhpVariable = above.type === 'variable_name' && text !== 'this';
  const bound = inPhpVariable ? 'inner' : binding;
  const holder = bound === 'outer' ? (above.scope.outside ?? above.scope) : scope;
  if (bound !== null && !holder.names.has(text)) holder.names.set(text, -1);
  leaves.push({ text, scope: isMember(type, above.type, cursor.currentFieldName) ? rootOf(scope) : holder });
}

/** `'`, `"""` and `R"` differ in nothing but style, or in their letter. */
function plainQuote(text: string): string {
  return `${text.replace(/['"]+$/, '').toLowerCase()}"`;
}

function rootOf(scope: Scope): Scope {
  let root = scope;
  while (root.outside !== null) root = root.outside;
  return root;
}

/** All names are known only at the end: a function may be used above its definition. */
function numberNames(leaves: readonly Leaf[]): string[] {
  let count = 0;
  return leaves.map(({ text, scope }) => {
    let holder = scope;
    while (holder !== null && !holder.names.has(text)) holder = holder.outside;
    if (holder === null) return text;
    const known = holder.names.get(text) as number;
    const number = known === -1 ? count++ : known;
    if (known === -1) holder.names.set(text, number);
    return `v${number}`;
  });
}
