import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { compileGoRegex } from './go-regex.ts';
import { boundedStart, endless, isTame } from './go-regex-shape.ts';
import { parseGoRegex, type Node } from './go-regex-syntax.ts';
import { KeywordIndex } from './keywords.ts';
import { defaultSecretRules } from './rules.ts';

const where = { file: 'rules.toml', path: 'regex' };
const { rules } = await defaultSecretRules();
const patterns = rules.flatMap(({ id, regex, keywords }) => (regex === null ? [] : [{ id, regex, keywords }]));

/** A text that the pattern matches, or nearly: repeats as long as `random` says. */
function sample(node: Node, random: () => number): string {
  switch (node.kind) {
    case 'assert':
      return '';
    case 'class': {
      const ranges = node.negated ? [[33, 126] as const] : node.ranges;
      const [from, to] = ranges[Math.floor(random() * ranges.length)] ?? [97, 97];
      return String.fromCodePoint(from + Math.floor(random() * (Math.min(to, from + 200) - from + 1)));
    }
    case 'capture':
      return sample(node.body, random);
    case 'concat':
      return node.parts.map((part) => sample(part, random)).join('');
    case 'alternate':
      return sample(node.parts[Math.floor(random() * node.parts.length)] as Node, random);
    case 'repeat': {
      const most = Math.min(node.max, node.min + 8);
      const times = node.min + Math.floor(random() * (most - node.min + 1));
      return Array.from({ length: times }, () => sample(node.body, random)).join('');
    }
  }
}

function byRe2(source: string, text: string): (string | number | null)[][] {
  const matcher = RE2JS.compile(source).matcher(text);
  const found = [];
  while (matcher.find()) found.push([matcher.start(), ...Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group))]);
  return found;
}

function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('all default rules are understood; those that backtrack into trouble go to RE2', () => {
  expect(patterns.length).toBeGreaterThan(220);
  const trees = patterns.map(({ id, regex }) => ({ id, node: parseGoRegex(regex.source) }));
  expect(trees.filter(({ node }) => node === null)).toEqual([]);
  const wild = trees.flatMap(({ id, node }) => (node !== null && !isTame(node) ? [id] : []));
  expect(wild).toEqual(['curl-auth-header', 'curl-auth-user', 'kubernetes-secret-yaml', 'sentry-org-token', 'slack-user-token']);
});

test('around its keywords every default rule finds what RE2 finds in all of the text', () => {
  const noise = ['', ' ', '\n', 'the key of a token, api: x; ', '"', "'''", '=', 'ey', 'secret '];
  let matches = 0;
  fc.assert(
    fc.property(fc.constantFrom(...patterns), fc.nat(), ({ regex, keywords }, seed) => {
      const random = numbers(seed);
      const pick = (): string => noise[Math.floor(random() * noise.length)] as string;
      const node = parseGoRegex(regex.source) as Node;
      const text = Array.from({ length: 4 }, () => pick() + (random() < 0.8 ? sample(node, random) : pick()) + pick()).join('');
      const index = new KeywordIndex(keywords.length === 0 ? ['\0'] : keywords);
      const ends = [...(index.find(text) ?? new Map<number, number[]>()).values()].flat().toSorted((a, b) => a - b);
      if (keywords.length > 0 && ends.length === 0) return;
      const expected = byRe2(regex.source, text);
      matches += expected.length;
      const found = regex
        .findAll(text, keywords.length === 0 ? null : ends)
        .map(({ start, groups }) => [start, ...groups.map((group) => group ?? null)]);
      expect(found).toEqual(expected);
    }),
    { numRuns: 1_500 },
  );
  expect(matches).toBeGreaterThan(1_000);
});

test.each([
  ['(?i)abc|d', 'xABC D d'],
  ['a(?i)b|c', 'aB C c Ab'],
  ['(?i:a)b', 'Ab AB ab'],
  ['[[:alnum:]_-]{2,}', 'ab-c d_1 \u00e9\u00e9'],
  ['[^\\w\\s]+', 'a!?b \u{1f600}c'],
  ['^\\$(?:\\d+|{\\d+})$', '${12}'],
  ['(?m)^b$', 'a\nb\r\nb\nb'],
  ['(?s:.)+?x', 'a\nx'],
  ['.x', '\nx\rx\u2028x'],
  ['(a)|(b)', 'ab'],
  ['\\x60[\\x{41}-C]', '`B'],
  ['(?:a|ab)(?:c|bcd)', 'abcd'],
  ['\\s', 'a\u00a0\u000b\t'],
  ['(?P<name>x+)y', 'xxy'],
])('%s means what it means to RE2', (source, text) => {
  const found = compileGoRegex(source, [], where).findAll(text, null);
  expect(found.map(({ start, groups }) => [start, ...groups.map((group) => group ?? null)])).toEqual(byRe2(source, text));
});

test.each(['(', 'a**', '[z-a]', '(?<=a)b', '\\1', 'x{2000}'])('%s is refused, with its place', (source) => {
  expect(() => compileGoRegex(source, [], where)).toThrow(expect.objectContaining({ code: 'SECRET_RULES', where }));
});

test('patterns that would run for ever elsewhere come to an end', () => {
  const hostile = 'a'.repeat(50_000);
  for (const source of ['(a+)+$', '(?:a|aa)+b', '(.*)*x', 'a*a*a*a*a*b', '(?:a{0,9}){0,9}b', 'a{0,900}a{0,900}a{0,900}b'])
    expect(compileGoRegex(source, [], where).findAll(`${hostile}!`, null)).toEqual([]);
});

test('what a match begins with has an end, and holds of each match', () => {
  for (const { regex } of patterns) {
    const start = boundedStart(parseGoRegex(regex.source) as Node);
    expect(endless(start.node)).toEqual([]);
  }
});

test('keywords are found in any case, within each other and at every place', () => {
  const words = fc.uniqueArray(fc.stringMatching(/^[a-c]{1,4}$/), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(words, fc.stringMatching(/^[a-dA-D]{0,60}$/), (keywords, text) => {
      const found = new KeywordIndex(keywords).find(text) ?? new Map<number, number[]>();
      for (const [at, keyword] of keywords.entries()) {
        const ends = [...text].flatMap((_, end) =>
          text
            .slice(0, end + 1)
            .toLowerCase()
            .endsWith(keyword)
            ? [end + 1]
            : [],
        );
        expect(found.get(at) ?? []).toEqual(ends);
      }
    }),
  );
});
