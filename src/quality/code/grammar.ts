// The languages that code is parsed in, and their parsers: tree-sitter, compiled to WebAssembly (vendor/grammars). A parse is bounded in length and in
// steps, not in time: what cannot be parsed within the bounds is told as such, and the same text gives the same answer on every machine.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Parser, Tree } from 'web-tree-sitter';

export const codeLanguages = ['python', 'javascript', 'typescript', 'java', 'go', 'c', 'cpp', 'rust', 'php', 'ruby'] as const;
export type CodeLanguage = (typeof codeLanguages)[number];

const aliases: Readonly<Record<string, CodeLanguage>> = {
  py: 'python',
  python3: 'python',
  js: 'javascript',
  jsx: 'javascript',
  node: 'javascript',
  ts: 'typescript',
  golang: 'go',
  'c++': 'cpp',
  cc: 'cpp',
  cxx: 'cpp',
  h: 'c',
  hpp: 'cpp',
  rs: 'rust',
  rb: 'ruby',
  php5: 'php',
  php7: 'php',
  php8: 'php',
};

/** The language that a column or a file's extension names, in any case: "Python", "py", "C++"; null: none that is parsed here. */
export function languageOfName(name: string): CodeLanguage | null {
  const plain = name.trim().toLowerCase();
  return codeLanguages.find((language) => language === plain) ?? (Object.hasOwn(aliases, plain) ? (aliases[plain] ?? null) : null);
}

/** Code units; a longer text is not parsed. A tree takes some 100 bytes of memory for each. */
export const longestParse = 1_000_000;
/** The parser asks after each hundred of its operations. Code takes about one such step for 50 code units, the worst text that we know 1 for 15. */
const stepsAllowed = (codeUnits: number): number => 2_000 + codeUnits / 4;

/** Parses texts of one language, one at a time. */
export interface Grammar {
  readonly language: CodeLanguage;
  /**
   * @param use gets what was parsed beside the tree: the text, behind `<?php ` where a snippet of PHP leaves that out. It must not keep the tree:
   *   it is freed when it returns. Places in the tree are UTF-16 code units
   * @returns what `use` returns; null: the text is beyond the bounds
   */
  parse<T>(text: string, use: (tree: Tree, source: string) => T): T | null;
}

const folder = new URL('../../../vendor/grammars/', import.meta.url);
const opened = new Map<CodeLanguage, Promise<Grammar>>();

/** Loaded once a process: 1 to 15 ms a language. */
export function openGrammar(language: CodeLanguage): Promise<Grammar> {
  const known = opened.get(language);
  if (known !== undefined) return known;
  const grammar = loadGrammar(language);
  opened.set(language, grammar);
  return grammar;
}

async function loadGrammar(language: CodeLanguage): Promise<Grammar> {
  const { Language, Parser: TreeSitter } = await import('web-tree-sitter');
  await TreeSitter.init();
  const parser = new TreeSitter();
  parser.setLanguage(await Language.load(await readFile(fileURLToPath(new URL(`${language}.wasm`, folder)))));
  return {
    language,
    parse(text, use) {
      const source = openingOf(language, text) + text;
      const tree = text.length > longestParse ? null : parseBounded(parser, source);
      if (tree === null) return null;
      try {
        return use(tree, source);
      } finally {
        tree.delete();
      }
    },
  };
}

/** Without its tag PHP is text; rows of a data set mostly leave it out. */
function openingOf(language: CodeLanguage, text: string): string {
  return language === 'php' && !text.includes('<?') ? '<?php ' : '';
}

function parseBounded(parser: Parser, text: string): Tree | null {
  let steps = 0;
  const most = stepsAllowed(text.length);
  const tree = parser.parse(text, null, { progressCallback: () => (steps += 1) > most });
  if (tree === null) parser.reset();
  return tree;
}
