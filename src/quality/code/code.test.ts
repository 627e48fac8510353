import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chatFaults } from './chat.ts';
import { codeSchema, type ChatColumn, type TextColumn } from './config.ts';
import { docFaults } from './docs.ts';
import { formFaults } from './form.ts';
import { functionsOf } from './functions.ts';
import { codeLanguages, languageOfName, openGrammar, type CodeLanguage } from './grammar.ts';
import { isCopyleft, licenceFaults } from './licence.ts';
import { proseFaults } from './prose.ts';
import { syntaxFault } from './syntax.ts';
import { openTokenizer } from './tokenizer.ts';

const vendored = fileURLToPath(new URL('../../../vendor/grammars/', import.meta.url));

test('every vendored grammar is the one that its manifest names, with a licence beside it', () => {
  const { grammars } = JSON.parse(readFileSync(`${vendored}manifest.json`, 'utf8')) as { grammars: Record<string, string>[] };
  expect(grammars.map(({ language }) => language)).toEqual([...codeLanguages].toSorted());
  for (const { language, file, sha256, license } of grammars) {
    expect(
      createHash('sha256')
        .update(readFileSync(`${vendored}${file}`))
        .digest('hex'),
    ).toBe(sha256);
    expect(license).toBe('MIT');
    expect(readFileSync(`${vendored}${language}.LICENSE`, 'utf8')).toMatch(/MIT License|Permission is hereby granted/);
  }
});

async function syntaxOf(language: CodeLanguage, text: string): Promise<string | null | undefined> {
  const grammar = await openGrammar(language);
  return grammar.parse(text, (tree, source) => syntaxFault(tree, language, text, source.length - text.length)?.message ?? null);
}

test.each([
  ['python', 'def f(a):\n    return a\n', 'def f(a:\n    return a\n', 1],
  ['javascript', 'const f = (a) => a?.b;', 'const f = (a => a.b;\nlet', 1],
  ['typescript', 'type A<T> = { x: T };', 'type A<T = { x: T;\n', 1],
  ['java', 'class A { int f() { return 1; } }', 'class A {\n int f() { return 1 } }', 2],
  ['go', 'package a\nfunc f() int { return 1 }', 'package a\nfunc f( int { return 1 }', 2],
  ['c', 'int f(void) { return 1; }', 'int f(void) {\n return 1 }', 2],
  ['cpp', 'auto f() -> int { return 1; }', 'auto f() -> int { return (1; }', 1],
  ['rust', 'fn f() -> u8 { 1 }', 'fn f() -> u8 {\n let = 1; 1 }', 2],
  ['php', 'function f() { return $a; }', 'function f() {\n return $a }', 2],
  ['ruby', 'def f\n  1\nend', 'def f(\n  1\nend', 1],
] as const)('%s: right code is right, and a mistake has its place', async (language, right, wrong, line) => {
  expect(await syntaxOf(language, right)).toBeNull();
  expect(await syntaxOf(language, wrong)).toMatch(new RegExp(`^${language}, line ${line}, column \\d+: `));
});

test('a column of a mistake counts code points, and no opening that was put before it', async () => {
  expect(await syntaxOf('php', 'f("\u{1f600}")) ;')).toBe('php, line 1, column 7: this is not understood');
});

test('what takes a parser too long is not parsed: nobody says that it is wrong', async () => {
  expect(await syntaxOf('python', `x = ${'a'.repeat(1_000_001)}`)).toBeNull();
  const grammar = await openGrammar('python');
  expect(grammar.parse('a'.repeat(1_000_001), () => 'parsed')).toBeNull();
  // each mistake makes the parser try again from several places
  for (const hostile of ['(['.repeat(20_000), 'def f(:\n'.repeat(5_000), '"""', '{('.repeat(10_000), 'if x:\n '.repeat(500)])
    expect(['parsed', null]).toContain(grammar.parse(hostile, () => 'parsed'));
  expect(await syntaxOf('python', 'x = 1')).toBeNull();
});

test.each([
  ['Python', 'python'],
  ['C++', 'cpp'],
  ['ts', 'typescript'],
  [' golang ', 'go'],
  ['constructor', null],
  ['cobol', null],
])('%s is %s', (name, language) => {
  expect(languageOfName(name)).toBe(language);
});

async function docsOf(language: CodeLanguage, code: string): Promise<string[] | null> {
  const grammar = await openGrammar(language);
  return grammar.parse(code, (tree) => docFaults(functionsOf(tree, language)).map(({ kind, message }) => `${kind}: ${message}`));
}

test('docstrings of Python: Google, NumPy and Sphinx, right and wrong', async () => {
  const google =
    'def f(a, b=1, *args, **kw):\n    """Adds.\n\n    Args:\n        a (int): one.\n            more of it: here.\n        b: two.\n        *args: more.\n        **kw: named.\n\n    Returns:\n        the sum.\n    """\n    return a + b\n';
  expect(await docsOf('python', google)).toEqual([]);
  const numpy =
    'def f(x, y):\n    """Adds.\n\n    Parameters\n    ----------\n    x, y : int\n        numbers\n    z : int\n        old\n\n    Returns\n    -------\n    int\n    """\n    print(x)\n';
  expect(await docsOf('python', numpy)).toEqual([
    'doc-unknown-parameter: f: its documentation names z, which it does not take',
    'doc-unknown-return: f: its documentation promises a value, and it returns none',
  ]);
  const sphinx = 'class A:\n    def f(self, x, y):\n        """Adds.\n\n        :param int x: one\n        """\n        return x\n';
  expect(await docsOf('python', sphinx)).toEqual([
    'doc-missing-parameter: f: its documentation leaves out y',
    'doc-missing-return: f: its documentation says nothing of what it returns',
  ]);
  expect(await docsOf('python', 'def f(a):\n    """Says: a lot, of b: nothing."""\n')).toEqual([]);
});

test.each([
  [
    'javascript',
    '/**\n * @param {Map<string, {a: number}>} a - x\n * @param [b=1] y\n * @returns {number} z\n */\nexport function f(a, b = 1) { return a; }',
    [],
  ],
  ['typescript', '/** @param c x */\nexport const f = (a: number) => a;', ['names c', 'leaves out a', 'says nothing']],
  ['javascript', '/** @param a x\n * @return y */\nconst f = a => a;', []],
  ['java', 'class A {\n  /**\n   * @param a x\n   * @param gone y\n   */\n  void f(int a) { }\n}', ['names gone']],
  ['php', '/**\n * @param int $a x\n * @return int\n */\nfunction f($a, $b) { return $a; }', ['leaves out b']],
  ['cpp', '/// \\param[in] a x\n/// \\return y\nint f(const int& a) { return a; }', []],
  ['ruby', '# @param a [Integer] x\n# @param c [Integer] x\ndef f(a)\n  a\nend', ['names c']],
] as const)('documentation of %s', async (language, code, expected) => {
  const found = await docsOf(language, code);
  expect(found).toHaveLength(expected.length);
  expected.forEach((words, at) => expect(found?.[at]).toContain(words));
});

test.each([
  ['// SPDX-License-Identifier: GPL-2.0-or-later', 'licence-copyleft', 'GPL-2.0-or-later'],
  ['# SPDX-License-Identifier: MIT OR GPL-3.0-only', 'licence', 'MIT OR GPL-3.0-only'],
  ['/* Licensed under the Apache License, Version 2.0 */', 'licence', 'Apache-2.0'],
  ['# This is free software under the GNU Affero General Public License', 'licence-copyleft', 'AGPL'],
])('%s', (code, kind, name) => {
  expect(licenceFaults(code)).toMatchObject([{ kind, message: `the code says that its licence is ${name}` }]);
});

test('copyleft: who may choose other terms is free of it', () => {
  expect([isCopyleft('(MIT AND LGPL-2.1-only)'), isCopyleft('GPL-2.0-only WITH Classpath-exception-2.0'), isCopyleft('BSD-2-Clause')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(licenceFaults('x = 1')).toEqual([]);
});

test('what no person wrote, what is too short or too long', () => {
  const column = { column: 'code', language: 'python', min_characters: 5, max_characters: 5_000 } as const;
  const kinds = (code: string): string[] => formFaults(code, column).map(({ kind }) => kind);
  expect(kinds('  \n')).toEqual(['no-code']);
  expect(kinds('x')).toEqual(['too-short']);
  expect(kinds('x = 1\n'.repeat(1_000))).toEqual(['too-long']);
  expect(kinds('# Code generated by protoc. DO NOT EDIT.\nx = 1')).toEqual(['generated']);
  expect(kinds(`x=${'1+'.repeat(600)}1`)).toEqual(['minified']);
  expect(kinds(`${'y'.repeat(120)}\n`.repeat(10))).toEqual(['minified']);
  expect(kinds('def f():\n    return 1\n')).toEqual([]);
});

const chat: ChatColumn = { column: 'messages', roles: ['system', 'user', 'assistant', 'tool'], tokens_per_message: 0 };
const say = (role: string, content: string): object => ({ role, content });
const call = { role: 'assistant', content: null, tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } }] };

test.each([
  ['right', [say('system', 's'), say('user', 'q'), say('assistant', 'a'), say('user', 'q'), say('assistant', 'a')], []],
  ['a call and its answer', [say('user', 'q'), call, say('tool', '1'), say('tool', '2'), say('assistant', 'a')], []],
  ['JSON text', JSON.stringify([say('user', 'q'), say('assistant', 'a')]), []],
  ['no list', { role: 'user' }, ['chat-form']],
  ['JSON that is cut', '[{"role": "us', ['chat-form']],
  ['none', [], ['chat-empty']],
  ['a message without a role', [{ content: 'x' }], ['chat-form']],
  ['another role', [say('user', 'q'), say('bot', 'a')], ['chat-role', 'chat-end']],
  ['an empty turn', [say('user', ' '), say('assistant', 'a')], ['chat-empty']],
  ['twice in a row', [say('user', 'q'), say('user', 'q'), say('assistant', 'a')], ['chat-order']],
  ['system in the middle', [say('user', 'q'), say('system', 's'), say('assistant', 'a')], ['chat-order', 'chat-order']],
  ['nobody asked', [say('assistant', 'a')], ['chat-order']],
  ['no answer', [say('user', 'q')], ['chat-end']],
  ['a tool that nobody called', [say('user', 'q'), say('tool', '1'), say('assistant', 'a')], ['chat-order']],
  [
    'arguments that do not parse',
    [say('user', 'q'), { ...call, tool_calls: [{ function: { name: 'f', arguments: '{a: 1}' } }] }, say('tool', 'x'), say('assistant', 'a')],
    ['chat-tool-call'],
  ],
])('a conversation: %s', (_, messages, kinds) => {
  expect(chatFaults(messages, chat, null).map(({ kind }) => kind)).toEqual(kinds);
});

const speak = (from: string, value: unknown): object => ({ from, value });
test.each([
  ['as it is to be', [speak('system', 's'), speak('human', 'q'), speak('gpt', 'a')], []],
  ['twice in a row', [speak('human', 'q'), speak('human', 'q'), speak('gpt', 'a')], ['chat-order']],
  ['a speaker that nobody knows', [speak('human', 'q'), speak('bing', 'a')], ['chat-role', 'chat-end']],
  ['an empty turn', [speak('human', 'q'), speak('gpt', '')], ['chat-empty']],
  [
    'a tool that is called',
    [speak('human', 'q'), speak('function_call', '{"name": "f", "arguments": {}}'), speak('observation', '1'), speak('gpt', 'a')],
    [],
  ],
  ['a call that is none', [speak('human', 'q'), speak('function_call', 'f()'), speak('observation', '1'), speak('gpt', 'a')], ['chat-tool-call']],
  ['neither form', [{ speaker: 'human', text: 'q' }], ['chat-form']],
])("a conversation in ShareGPT's form: %s", (_, messages, kinds) => {
  expect(chatFaults(messages, chat, null).map(({ kind }) => kind)).toEqual(kinds);
});

test('tokens are counted by the tokenizer of the model', async () => {
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: { '[UNK]': 0, a: 1, b: 2 }, unk_token: '[UNK]' },
  };
  const count = await openTokenizer(JSON.stringify(tokenizer), 'tokenizer.json');
  const messages = [say('user', 'a b a'), say('assistant', 'b b')];
  const column = { ...chat, context_length: 8, tokens_per_message: 2 };
  expect(chatFaults(messages, column, count)).toMatchObject([{ kind: 'chat-too-long', message: '9 tokens, and the model reads 8' }]);
  expect(chatFaults(messages, { ...column, context_length: 9 }, count)).toEqual([]);
  await expect(openTokenizer('{}', 'tokenizer.json')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

const prose = (filters: TextColumn['filters']): TextColumn => ({ column: 'text', filters });
const good = Array.from(
  { length: 12 },
  (_, at) => `Sentence ${at} of the page says something else that people have to read, and ends with number ${at * 7}.`,
).join('\n');

test("Gopher's filters of quality and of repetition, C4's of pages", () => {
  expect(proseFaults('The quick brown fox has to be in the woods with that dog, of course. '.repeat(1), prose(['gopher-quality']))).toMatchObject([
    { message: 'the number of words is 15, outside 50 to 100000' },
  ]);
  expect(proseFaults(good, prose(['gopher-quality', 'c4']))).toEqual([]);
  const bullets = Array.from({ length: 60 }, (_, at) => `- the thingamajig ${at} of mine`).join('\n');
  expect(proseFaults(bullets, prose(['gopher-quality'])).map(({ message }) => message)).toEqual([
    'the share of lines that begin with a bullet is 1, outside 0 to 0.9',
    'the share of words with a letter is 0.667, outside 0.8 to 1',
  ]);
  const again = proseFaults('one line of words that comes again\n'.repeat(10), prose(['gopher-repetition'])).map(({ message }) => message);
  expect(again).toContain('the share of lines that stand there again is 0.9, above 0.3');
  expect(again.some((message) => message.startsWith('the share of characters in runs of 5 words'))).toBe(true);
  expect(proseFaults('Lorem ipsum dolor {sit}.', prose(['c4']))).toHaveLength(3);
  expect(proseFaults('x'.repeat(1_000_001), prose(['c4']))).toMatchObject([{ kind: 'too-long' }]);
});

test('a configuration that says too little or too much is refused', () => {
  const parse = (value: object): boolean => codeSchema.safeParse({ version: 1, ...value }).success;
  expect(parse({ code: [{ column: 'a', language: 'python' }] })).toBe(true);
  expect(parse({ code: [{ column: 'a' }] })).toBe(false);
  expect(parse({ code: [{ column: 'a', language: 'python', language_column: 'b' }] })).toBe(false);
  expect(parse({ severities: { mistake: 'error' } })).toBe(false);
});
