import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotate } from './annotations.ts';
import type { Finding } from './finding.ts';

const finding: Finding = { code: 'CONFIG_INVALID', severity: 'error', file: 'params.yaml', line: 3, column: 5, what: 'wrong', mend: 'mend it' };

test('a finding is one command, at its line', () => {
  expect(annotate([finding], 'teams/a/').lines).toEqual(['::error file=teams/a/params.yaml,line=3,col=5,title=CONFIG_INVALID::wrong%0Amend it']);
  const { line: _, column: __, ...placeless } = finding;
  expect(annotate([{ ...placeless, severity: 'warning' }], '').lines).toEqual(['::warning file=params.yaml,title=CONFIG_INVALID::wrong%0Amend it']);
});

test('no text ends its command or begins another', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a\n::error::b', '\r::set-env name=x::y', '%0A::debug::', 'x,line=9::y', '\u202e\u0085', '\ud800'),
  );
  fc.assert(
    fc.property(hostile, hostile, (what, file) => {
      const [line = ''] = annotate([{ ...finding, what, mend: what, file }], '').lines;
      expect(line).not.toMatch(/[\r\n\u2028\u2029]/);
      expect(line.isWellFormed()).toBe(true);
      // as the runner reads it: properties to the first '::' after the command, message after it
      const [, properties = '', message = ''] = /^::error ([^]*?)::([^]*)$/.exec(line) ?? [];
      expect(properties.split(',').map((property) => property.split('=')[0])).toEqual(['file', 'line', 'col', 'title']);
      expect(message.split('%0A')).toHaveLength(2);
    }),
  );
});

test('ten errors and ten warnings; the rest are left to the summary', () => {
  const many = Array.from({ length: 15 }, (_, at) => ({ ...finding, line: at + 1 }));
  const { lines, left } = annotate([...many, ...many.map((one) => ({ ...one, severity: 'warning' as const }))], '');
  expect([lines.length, left]).toEqual([20, 10]);
  expect(lines.filter((line) => line.startsWith('::error ')).at(-1)).toContain('line=10,');
});
