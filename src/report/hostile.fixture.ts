// Text that wants out: of its table cell, its code span, its attribute; up to a mention, a link, a script, the cursor.
import fc from 'fast-check';
import { branchParts, exampleParts } from './example.fixture.ts';
import type { DriftColumn } from '../quality/drift/schema.ts';
import type { ReportParts } from './parts.ts';

export const attacks: readonly string[] = [
  '@octocat @org/team ping',
  'fixes #123, GH-45, org/repo#7, ABC-99',
  '6dcb09b5b57875f334f61aebed695e2e4193db5e',
  '![](https://evil.example/x.png)',
  '[click](javascript:alert(1))',
  '[ref]: https://evil.example "x"\n\n[ref]',
  'https://evil.example www.evil.example evil@evil.example <https://evil.example>',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onmouseover='alert(1)",
  '</details></table></style></script><!-- -->',
  '<!-- hidden -->&lt;b&gt;&#64;octocat',
  '```\n# heading\n```',
  '`` ` ``` `',
  '`</code>`@octocat`',
  '| a | b |\n| --- | --- |\n| c | d |',
  '\\| \\\\| \\`@octocat\\`',
  '\n\n## ✅ The gate holds\n\n',
  '\r\n> [!NOTE]\r\n> approved',
  '- [x] approved\n1. one',
  '~~gone~~ **bold** __bold__ *it* _it_ $x$ $$y$$ :tada: [^1] ^^ ==',
  '\u202Egnp.exe\u202C \u2066x\u2069 a\u200Bb\u200Dc\uFEFFd\u00ADe',
  '\u{E0041}\u{E0042} \uFE0F x\u{E0100} \u3164\u115F\u2800',
  'Z̷̢̧̛̗͓̗̼̫̞̘͂̽͌̑̈́̈́͘a̸̛̛l̶g̷o̵',
  '\u001B[2J\u001B]8;;https://evil.example\u0007click\u001B]8;;\u0007 \u009B31m',
  '\uD800 lone \uDFFF',
  '\u2028\u2029\u0085\u000B\u000C\u0000',
  '   ',
  '',
  'x'.repeat(5000),
  '`'.repeat(999),
  '|'.repeat(999),
  '👩‍💻❤️🇩🇪'.repeat(200),
  '= =\n---\n***',
  '*/} body{background:url(https://evil.example)}',
];

/** Attacks, glued to each other and to any characters at all. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...attacks),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(' ', '\n', '`', '|', '\\', '@a', '#1', '<b>'),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));

/** A report's parts with the text in every place that takes any. */
export function hostileParts(text: string): ReportParts {
  const parts = branchParts('bad', 400);
  const { evaluation, comparison, baselineEvaluation } = parts;
  if (evaluation === null || comparison === null || baselineEvaluation === null) throw new Error('the example is compared');
  const row = { id: text, text, [text]: text, n: { [text]: [text] } };
  const spoil = <T extends { label: string }>(entries: readonly T[]): T[] =>
    entries.map((entry, index) => (index < 3 ? { ...entry, label: `${text}${index}` } : entry));
  const cases = comparison.broken.map((entry, index) => ({
    ...entry,
    id: `${text}${index}`,
    input: text,
    expected: text,
    before: text,
    after: `${text}!`,
  }));
  return {
    ...parts,
    title: { revision: text, branch: text, base: text },
    baseline: parts.baseline === null ? null : { ...parts.baseline, what: text },
    gate: {
      gate: 'default',
      holds: false,
      checks: [{ check: text, holds: false, applies: true, why: `recall of "${text}" fell`, labels: [text, `${text}2`] }],
    },
    data: parts.data.map((set) => ({
      ...set,
      balance: spoil(set.balance),
      schema: [{ column: text, before: text, after: null }],
      samples: [
        { kind: 'relabelled', key: text, before: row, after: { ...row, text: `${text} and more` } },
        { kind: 'added', key: text, before: null, after: text },
      ],
    })),
    params: [
      { key: text, before: text, after: { [text]: text } },
      { key: `${text}2`, before: undefined, after: [text] },
    ],
    stages: [
      { stage: text, state: 'ran', why: [text, `param ${text}: 1 -> 2`], seconds: 1 },
      { stage: text, state: 'cached', why: [text], seconds: 1, origin: text },
      { stage: text, state: 'cached', why: [], seconds: 1, origin: text },
    ],
    change: { since: text, relevant: true, why: [text] },
    validation: (['holds', 'broken', 'not looked at'] as const).map((state) => ({
      dataset: text,
      rules: text,
      state,
      rows: 9,
      errors: 1,
      warnings: 0,
      checks: state === 'broken' ? [{ rule: 1, what: text, severity: 'error', failing: 3, rows: [{ key: text, value: JSON.stringify(text) }] }] : [],
      note: text,
    })),
    findings: (['holds', 'broken', 'not looked at'] as const).map((state) => ({
      check: 'secrets',
      dataset: text,
      state,
      rows: 9,
      flagged: 1,
      kinds: [{ kind: text, severity: 'error', column: text, rows: 1, sample: [{ key: text, message: text, other: { data: text, key: text } }] }],
      notes: [text],
      note: text,
    })),
    drift: (parts.drift ?? []).flatMap((part) => [
      { ...part, dataset: text, against: [text, text], columns: part.columns.map((column) => hostileColumn(column, text)) },
      { ...part, dataset: text, state: 'not looked at', columns: [], note: text },
    ]),
    ...(parts.mergeBase === undefined ? {} : { mergeBase: { ...parts.mergeBase, commit: text } }),
    evaluation: {
      ...evaluation,
      suite: text,
      classes: spoil(evaluation.classes),
      confusion: [{ expected: text, got: `${text}!`, cases: 9 }, ...evaluation.confusion],
    },
    baselineEvaluation,
    comparison: { ...comparison, classes: spoil(comparison.classes), broken: cases, fixed: cases },
    curves: [{ stage: text, name: text, points: [0, 1, 2].map((x) => ({ x, y: { [text]: x * x } })) }],
    cost: { seconds: 1, measured: { [text]: 1 } },
    warnings: [text, `forced: ${text}`],
  };
}

function hostileColumn(column: DriftColumn, text: string): DriftColumn {
  const { plot } = column;
  const values = [{ value: text, rows: 3 }];
  return {
    ...column,
    column: text,
    come: values,
    gone: values,
    ...(plot?.kind === 'bars' ? { plot: { ...plot, labels: plot.labels.map(() => text) } } : {}),
  };
}

/** Every list far over its bound, every text long: the largest report that there can be. */
export function giantParts(): ReportParts {
  return (giant ??= makeGiant());
}

let giant: ReportParts | undefined;

function makeGiant(): ReportParts {
  const long = (index: number): string => `${index}${'@漢"<`|\n'.repeat(200)}`;
  const many = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, index) => make(index));
  const parts = exampleParts('bad', 400);
  const { evaluation, comparison } = parts;
  if (evaluation === null || comparison === null) throw new Error('the example is compared');
  const cases = many(2000, (index) => ({
    id: long(index),
    input: long(index),
    expected: long(index % 300),
    before: long(index),
    after: long(index + 1),
  }));
  const huge = {
    ...evaluation,
    classes: many(1000, (index) => ({ label: long(index), support: 9, precision: 1, recall: 1, f1: 1 })),
    confusion: many(3000, (index) => ({ expected: long(index), got: long(index + 1), cases: 1 + (index % 7) })),
  };
  const names = many(12, long);
  const row = Object.fromEntries(many(40, (index) => [long(index), long(index)]));
  return {
    ...parts,
    gate: {
      gate: 'default',
      holds: false,
      checks: many(200, (index) => ({ check: long(index), holds: index % 2 === 0, applies: true, why: long(index), labels: many(300, long) })),
    },
    data: many(80, (index) => ({
      name: `set${index}`,
      before: null,
      after: parts.candidate?.artifact ?? null,
      rowsBefore: 1e6,
      rowsAfter: 2e6,
      added: 1e6,
      removed: 0,
      edited: 9,
      relabelled: 9,
      balance: many(300, (label) => ({ label: long(label), before: 0, after: label + 1 })),
      schema: many(100, (column) => ({ column: long(column), before: null, after: long(column) })),
      samples: many(60, (sample) => ({
        kind: sample % 2 === 0 ? ('added' as const) : ('edited' as const),
        key: long(sample),
        before: sample % 2 === 0 ? null : { ...row, x: sample },
        after: row,
      })),
    })),
    params: many(500, (index) => ({ key: long(index), before: long(index), after: long(index + 1) })),
    stages: many(500, (index) => ({ stage: long(index), state: 'ran', why: many(20, long), seconds: 1 })),
    evaluation: huge,
    baselineEvaluation: huge,
    comparison: {
      ...comparison,
      classes: many(1000, (index) => ({ label: long(index), cases: 9, gained: 1, lost: 2, before: 0.5, after: 0.4, p: 1, adjusted: 1 })),
      broken: cases,
      fixed: cases,
    },
    curves: many(20, (index) => ({
      stage: long(index),
      name: long(index),
      points: many(400, (x) => ({ x, y: Object.fromEntries(names.map((name, series) => [name, x * series])) })),
    })),
    cost: { seconds: 1e7, measured: Object.fromEntries(many(500, (index) => [long(index), index])) },
    warnings: many(100, long),
    change: { since: long(0), relevant: true, why: many(500, long) },
    validation: many(60, (index) => ({
      dataset: long(index),
      rules: long(index),
      state: 'broken',
      rows: 9,
      errors: 200,
      warnings: 0,
      checks: many(5, (rule) => ({
        rule: rule + 1,
        what: long(rule),
        severity: 'error',
        failing: 9,
        rows: many(6, (at) => ({ key: long(at), value: long(at) })),
      })),
      note: long(index),
    })),
    findings: many(60, (index) => ({
      check: 'code',
      dataset: long(index),
      state: 'broken',
      rows: 9,
      flagged: 9,
      kinds: many(9, (kind) => ({
        kind: long(kind),
        severity: 'warning',
        column: long(kind),
        rows: 9,
        sample: many(10, (at) => ({ key: long(at), message: long(at), other: { data: long(at), key: long(at) } })),
      })),
      notes: many(9, long),
    })),
    drift: many(30, (index) => ({
      dataset: long(index),
      against: many(40, long),
      state: 'drifted',
      severity: 'error',
      rows: { before: 9, after: 9 },
      compared: 300,
      columns: many(50, (at) =>
        giantColumn(
          long(at),
          many(20, (value) => ({ value: long(value), rows: 9 })),
        ),
      ),
    })),
    links: [{ name: 'run', url: `https://example.test/${'x'.repeat(5000)}` }],
  };
}

function giantColumn(column: string, come: DriftColumn['come']): DriftColumn {
  const counts = come.map((_, at) => at + 1);
  return {
    column,
    kind: 'category',
    label: false,
    state: 'drifted',
    missing: { before: 1, after: 2 },
    distinct: { before: 20, after: 20 },
    measures: { jensen_shannon: 0.123456789 },
    aspects: [
      {
        aspect: 'values',
        effect: { measure: 'jensen_shannon', value: 0.123456789, threshold: 0.1 },
        test: { name: 'chi-square', statistic: 12.3456789, p: 1e-9, adjusted: 1e-8 },
        drifted: true,
      },
    ],
    come,
    gone: come,
    plot: { kind: 'bars', labels: come.map(({ value }) => value), before: counts, after: counts.toReversed(), others: { before: 0, after: 0 } },
  };
}
