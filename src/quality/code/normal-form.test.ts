import { expect, test } from 'vitest';
import type { CodeLanguage } from './grammar.ts';
import { normalFormOf } from './normal-form.ts';

async function digestsOf(language: CodeLanguage, texts: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(texts.map(async (text) => (await normalFormOf(language, text))?.digest));
}

/** per language: a text, the same with other names and layout, and one that does something else */
const cases: Record<CodeLanguage, readonly [string, string, string]> = {
  python: [
    'def area(w, h):\n    """Area."""\n    total = w * h  # plain\n    return total\n',
    'def f(a,\n      b):\n  x = a*b\n  return x',
    'def area(w, h):\n    total = w * h\n    return w\n',
  ],
  javascript: [
    'function area(w, h) { const total = w * h; return total; }',
    '// other\nfunction f(a, b) {\n  const x = a * b\n  return x\n}',
    'function area(w, h) { const total = w * h; return w; }',
  ],
  typescript: [
    'const area = (w: number, h: number): number => { let t = w * h; return t; }',
    'const f = (a: number, b: number): number => {\n let x = a * b;\n return x }',
    'const area = (w: number, h: string): number => { let t = w * h; return t; }',
  ],
  java: [
    'class A { int area(int w, int h) { int total = w * h; return total; } }',
    'class B { int f(int a, int b) { int x = a * b; /* x */ return x; } }',
    'class A { int area(int w, int h) { int total = w * h; return h; } }',
  ],
  go: [
    'package main\nfunc area(w, h int) int { total := w * h; return total }',
    'package main\n\nfunc f(a, b int) int {\n\tx := a * b\n\treturn x\n}\n',
    'package main\nfunc area(w, h int) int { total := w + h; return total }',
  ],
  c: [
    'int area(int w, int *h) { int total = w * *h; return total; }',
    'int f(int a, int *b)\n{\n  int x = a * *b; // x\n  return x;\n}',
    'int area(int w, int *h) { int total = w * *h; return w; }',
  ],
  cpp: [
    'template<typename T> T area(const T& w, T h) { auto total = w * h; return total; }',
    'template<typename T> T f(const T& a, T b) { auto x = a * b; return x; }',
    'template<typename T> T area(const T& w, T h) { auto total = w * h; return h; }',
  ],
  rust: [
    'fn area(w: u32, h: u32) -> u32 { let total = w * h; total }',
    'fn f(a: u32, b: u32) -> u32 {\n    let x = a * b;\n    x\n}',
    'fn area(w: u32, h: u32) -> u32 { let total = w * h; w }',
  ],
  php: [
    'function area($w, $h) { $total = $w * $h; return $total; }',
    '<?php\nfunction f($a, $b) {\n  $x = $a * $b;\n  return $x;\n}',
    'function area($w, $h) { $total = $w * $h; return $h; }',
  ],
  ruby: ['def area(w, h)\n  total = w * h\n  total\nend', 'def f(a, b) # f\n  x = a * b\n  x\nend', 'def area(w, h)\n  total = w * h\n  w\nend'],
};

test.each(Object.entries(cases))('%s: names, layout and comments do not count, all else does', async (language, texts) => {
  const [one, renamed, other] = await digestsOf(language as CodeLanguage, texts);
  expect(one).toMatch(/^sha256:/);
  expect(renamed).toBe(one);
  expect(other).not.toBe(one);
});

test('names that a text does not bind keep their own: another function is called', async () => {
  const [one, other] = await digestsOf('python', ['def f(a):\n    return sorted(a)', 'def f(a):\n    return reversed(a)']);
  expect(one).not.toBe(other);
  expect((await normalFormOf('python', 'def f(a):\n    return a.pop(len(a))'))?.tokens.join(' ')).toBe(
    'def v0 ( v1 ) : { return v1 . pop ( len ( v1 ) ) ; } ;',
  );
});

test('blocks and ends of lines count where a language writes them by layout', async () => {
  const [inside, behind] = await digestsOf('python', ['if a:\n    b()\n    c()', 'if a:\n    b()\nc()']);
  expect(inside).not.toBe(behind);
  const [two, one] = await digestsOf('python', ['x = 1\n-y', 'x = 1 -y']);
  expect(two).not.toBe(one);
});

test('equal names in two functions are two names', async () => {
  const [apart, alike] = await digestsOf('python', [
    'def f(a):\n    return a\n\ndef g(b):\n    return b',
    'def f(x):\n    return x\n\ndef g(x):\n    return x',
  ]);
  expect(apart).toBe(alike);
});

test('a text that is no code has tokens, and says so; one beyond the bounds has none', async () => {
  const broken = await normalFormOf('python', 'def f(:\n    return 1');
  expect(broken?.hasErrors).toBe(true);
  expect(await normalFormOf('python', 'x = 1\n'.repeat(200_000))).toBeNull();
});

test('nesting a thousand times deeper than anybody writes ends with an answer', async () => {
  const deep = await normalFormOf('javascript', `${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  expect(deep?.tokens.length).toBe(100_001);
});
