import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildReport } from './build.ts';
import { branchParts, exampleParts } from './example.fixture.ts';
import { renderFailure } from './failure.ts';
import { attacks, giantParts, hostileParts, hostileText } from './hostile.fixture.ts';
import { code, linkTarget, prose } from './markdown-text.ts';
import { renderMarkdown } from './markdown.ts';

const bytes = (text: string): number => Buffer.byteLength(text);

test('the reports of a bad and of a first model read as the golden files say', async () => {
  await expect(renderMarkdown(buildReport(exampleParts('bad', 770)))).toMatchFileSnapshot('golden/bad.markdown.txt');
  const first = { ...exampleParts('good', 770), baseline: null, baselineEvaluation: null, comparison: null };
  await expect(renderMarkdown(buildReport(first))).toMatchFileSnapshot('golden/first.markdown.txt');
  await expect(renderMarkdown(buildReport(branchParts('bad', 770)))).toMatchFileSnapshot('golden/branch.markdown.txt');
});

test('the first line says whether the gate holds, the next why', () => {
  const [line, , why] = renderMarkdown(buildReport(exampleParts('bad'))).split('\n');
  expect(line).toBe('## ⛔ `intents`: the gate does not hold, worse than production');
  expect(why).toMatch(/^\*\*Worse: accuracy .*\(and 1 more check\)\.\*\*$/);
});

test('newly broken cases come before newly fixed ones, and both before the classes', () => {
  const text = renderMarkdown(buildReport(exampleParts('bad')));
  const places = ['### Data', '### Hyperparameters', '### What ran', '### Metrics', 'Newly broken', 'Newly fixed', 'Classes that changed'].map(
    (title) => text.indexOf(title),
  );
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test('it fits the limit whatever comes in, and says how many rows it left out', () => {
  const giant = buildReport(giantParts());
  expect(bytes(renderMarkdown(giant))).toBeLessThanOrEqual(60_000);
  expect(renderMarkdown(giant, { limitBytes: 40_000 })).toMatch(/\*\d+ more [a-z ]+ in the report\*/);
  const report = buildReport(exampleParts('bad', 100_000));
  for (const limitBytes of [2000, 3000, 5000, 10_000, 20_000, 60_000]) {
    const text = renderMarkdown(report, { limitBytes });
    expect(bytes(text)).toBeLessThanOrEqual(limitBytes);
    expect(text.startsWith('## ⛔')).toBe(true);
    checkSafe(text);
  }
});

test('sections that do not fit are counted, not forgotten', () => {
  expect(renderMarkdown(buildReport(giantParts()), { limitBytes: 2000 })).toMatch(/\n\*\d+ more sections in the report\*\n/);
});

test('a row is in whole or not at all', () => {
  const report = buildReport(exampleParts('bad'));
  const whole = new Set(renderMarkdown(report, { limitBytes: 10_000_000 }).split('\n'));
  const lines = renderMarkdown(report, { limitBytes: 9000 }).split('\n');
  expect(lines.filter((line) => !whole.has(line) && !/^\*\d+ more .* in the report\*$/.test(line))).toEqual([]);
});

test('plain words stay plain, all else goes into code spans', () => {
  expect(prose('recall of card_arrival fell to 0.35, see @octocat or #12')).toBe('recall of `card_arrival` fell to 0.35, see `@octocat` or `#12`');
  expect(prose('1. one')).toBe('`1`. one');
  expect(prose('Accuracy 90.00 % (95 %: −0.10 to +0.20)')).toBe('Accuracy 90.00 % (95 %: −0.10 to +0.20)');
  expect(prose('commit 6dcb09b5b57 and www.evil.example')).toBe('commit `6dcb09b5b57` and `www.evil.example`');
  expect(prose('run `plumb run`, then @you; or `x` `y`.')).toBe('run `plumb run`, then `@you`; or `x` `y`.');
  expect(prose('one ` two')).toBe('one `ˋ` two');
  expect(code('a`b|c')).toBe('`aˋb│c`');
  expect(code(' ')).toBe('*empty*');
});

test('a link to the report is an address of the web and nothing else', () => {
  expect(linkTarget('https://example.test/a b>(c)|')).toBe('<https://example.test/a%20b%3E(c)%7C>');
  expect(() => linkTarget('javascript:alert(1)')).toThrow('http');
});

/**
 * What every report must keep: code spans closed on their line, and outside of them nothing but our own words and tags.
 * The rules are for our output, not for Markdown at large: a data backtick never survives, so a code span is ` to `.
 */
function checkSafe(markdown: string): void {
  expect(markdown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
  for (const line of markdown.split('\n')) {
    expect({ line, closed: line.split('`').length % 2 === 1 }).toEqual({ line, closed: true });
    const outside = line
      .replace(/`[^`]+`/g, '')
      .replace(/<\/?(?:details(?: open)?|summary|b|sub|br|code)>/g, '')
      .replaceAll(/(?<=\S) [<=] (?=\S)/g, ' ')
      .replace(/^#{2,3} /, '')
      .replace(/^\|(?: :?-+:? \|)+$/, '')
      .replaceAll(/\[(?:The whole report|CI run)\]\(<https:[^<>\s]*>\)/g, '');
    expect(outside).not.toMatch(/[@#<>[\]!\\$~_^&]|https?|www\.|:\w+:|[0-9a-f]{7,}|GH-\d/i);
    if (line.startsWith('|')) expect(outside.startsWith('|') && outside.trimEnd().endsWith('|')).toBe(outside !== '');
  }
}

/** Every row of a table has as many cells as its head. */
function checkTables(markdown: string): void {
  let cells = 0;
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) cells = 0;
    else if (cells === 0) cells = line.split('|').length;
    else expect({ line, cells: line.split('|').length }).toEqual({ line, cells });
  }
}

test('T22: no attack gets out of its cell', () => {
  for (const attack of attacks) {
    const markdown = renderMarkdown(buildReport(hostileParts(attack)));
    checkSafe(markdown);
    checkTables(markdown);
  }
});

test('T22: no text at all gets out of its cell', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const markdown = renderMarkdown(buildReport(hostileParts(text)));
      checkSafe(markdown);
      checkTables(markdown);
      expect(bytes(markdown)).toBeLessThanOrEqual(60_000);
    }),
    { numRuns: 150 },
  );
});

test('a failure is as safe as a report, and names the line', () => {
  const failure = { code: 'YAML_SYNTAX', what: 'it does not parse', mend: 'mend it', where: { file: 'params.yaml', line: 3 } };
  expect(renderFailure(failure, 'https://example.test/runs/42')).toBe(
    '## ⛔ There is no report for this commit\n\n`params.yaml:3`: **it does not parse**\n\nmend it (`YAML_SYNTAX`)\n\n<sub>[CI run](<https://example.test/runs/42>) · Plumbline</sub>\n',
  );
  expect(renderFailure({ ...failure, what: 'the value is jane@example.com' }, null)).not.toContain('jane');
  fc.assert(
    fc.property(hostileText, (text) => {
      const markdown = renderFailure({ code: text, what: text, mend: text, where: { file: text } }, null);
      checkSafe(markdown);
      expect(bytes(markdown)).toBeLessThan(8000);
    }),
  );
});

test('what matters most stays when room is short: cases that broke before rows of many data sets', () => {
  const parts = branchParts('bad', 770);
  const [set] = parts.data;
  if (set === undefined) throw new Error('the example has data');
  const data = Array.from({ length: 40 }, (_, index) => ({ ...set, name: `set-${index}` }));
  const text = renderMarkdown(buildReport({ ...parts, data }), { limitBytes: 12_000 });
  const broken = text.slice(text.indexOf('Newly broken'), text.indexOf('</details>', text.indexOf('Newly broken')));
  expect(broken.match(/^\| `t/gm)).toHaveLength(8);
  expect(text).toMatch(/### Validation\n[^#]*rule 3/);
  expect(text).toMatch(/\*\d+ more (rows|classes|sections) in the report\*/);
});

const github = spawnSync('cmark-gfm', ['--version']).status === 0;

test.skipIf(!github)("GitHub's own parser finds no link, image, heading or tag that is not ours", () => {
  const tagsOf = (markdown: string): Map<string, number> => {
    const html = spawnSync('cmark-gfm', ['--unsafe', '-e', 'table', '-e', 'autolink', '-e', 'strikethrough', '-e', 'tasklist'], {
      input: markdown,
      encoding: 'utf8',
    }).stdout;
    const counts = new Map<string, number>();
    for (const [, tag = ''] of html.matchAll(/<([a-z0-9]+)/gi)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    for (const tag of ['code', 'em', 'br']) counts.delete(tag);
    return counts;
  };
  const calm = tagsOf(renderMarkdown(buildReport(hostileParts('calm'))));
  expect(calm.get('table')).toBeGreaterThan(5);
  expect(calm.get('a')).toBe(2);
  for (const attack of attacks.filter((text) => text !== '')) {
    // columns that two rows share have one name: rows and cells may differ in number, kinds of tags may not
    const found = tagsOf(renderMarkdown(buildReport(hostileParts(attack)), { limitBytes: 1_000_000 }));
    const strange = [...found.keys()].filter((tag) => !calm.has(tag));
    expect({ attack, strange }).toEqual({ attack, strange: [] });
    for (const tag of ['a', 'h2', 'h3', 'table', 'details', 'ul'])
      expect({ attack, tag, times: found.get(tag) }).toEqual({ attack, tag, times: calm.get(tag) });
  }
});
