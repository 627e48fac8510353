import { expect, test } from 'vitest';
import { decideRelevance } from './relevance.ts';

const reads = new Map([
  ['rules/intents.yaml', 'stage "check"'],
  ['src', 'stage "train"'],
  ['data/intents.jsonl', 'data set "intents"'],
]);

test('what a model comes out of, or is judged by, is relevant; the rest is not', () => {
  const why = (...changed: string[]): readonly string[] => decideRelevance(changed, { prefix: '', reads }).why;
  expect(why('params.yaml')).toEqual(['hyperparameters changed']);
  expect(why('datasets.lock', 'policy.yaml')).toEqual(['data sets changed', 'the policy changed']);
  expect(why('src/deep/model.py')).toEqual(['src/deep/model.py changed, which stage "train" reads']);
  expect(why('rules/intents.yaml')).toEqual(['rules/intents.yaml changed, which stage "check" reads']);
  expect(why('data/intents.jsonl')).toEqual(['data/intents.jsonl changed, which data set "intents" reads']);
  expect(why('models/intents/production.json')).toEqual([expect.stringContaining('promoted')]);
  expect(
    why(
      'README.md',
      'docs/src/x.md',
      'srcs/a',
      'src.md',
      'rules/other.yaml',
      '.github/workflows/pr.yml',
      'a/params.yaml',
      '__proto__',
      'constructor',
    ),
  ).toEqual([]);
  expect(decideRelevance([], { prefix: '', reads })).toEqual({ relevant: false, why: [] });
});

test('in a project of a sub-folder, paths of others are theirs', () => {
  const at = (path: string): boolean => decideRelevance([path], { prefix: 'teams/a/', reads }).relevant;
  expect([at('teams/a/params.yaml'), at('teams/b/params.yaml'), at('params.yaml'), at('teams/a/src/x'), at('src/x')]).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});

test('ten thousand changed files are a few reasons', () => {
  const { why } = decideRelevance(
    Array.from({ length: 10_000 }, (_, at) => `src/${at}.py`),
    { prefix: '', reads },
  );
  expect(why).toHaveLength(21);
  expect(why.at(-1)).toBe('and 9980 more');
});
