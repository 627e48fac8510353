import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { buildReport } from './build.ts';
import { exampleParts } from './example.fixture.ts';
import { attacks, giantParts, hostileParts, hostileText } from './hostile.fixture.ts';
import { escapeHtml, markup } from './html-text.ts';
import { renderHtml } from './html.ts';

interface PageElement {
  readonly localName: string;
  readonly textContent: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getAttribute(name: string): string | null;
}

function parse(html: string): PageElement {
  return parseHTML(html).document;
}

const known = new Set(
  'html head meta title style body header main footer nav section h1 h2 h3 p ul li b a code span small div table caption thead tbody tr th td details summary figure figcaption br wbr del ins dl dt dd svg path line circle rect text polyline'.split(
    ' ',
  ),
);
const attributes =
  /^(?:lang|charset|http-equiv|content|name|class|id|href|scope|role|open|data-name|aria-[a-z]+|viewbox|d|fill|stroke|stroke-[a-z]+|x|y|x1|x2|y1|y2|cx|cy|r|rx|dy|width|height|points|text-anchor)$/i;

/** Only our elements with our attributes, and no address anywhere but #places of the page. */
function checkSelfContained(html: string): PageElement {
  const page = parse(html);
  const places = new Set([...page.querySelectorAll('[id]')].map((element) => `#${element.getAttribute('id')}`));
  const strange = [...page.querySelectorAll('*')].flatMap((element) => [
    ...(known.has(element.localName.toLowerCase()) ? [] : [element.localName]),
    ...[...element.attributes]
      .filter(({ name, value }) => !attributes.test(name) || (name === 'href' && !places.has(value)))
      .map(({ name, value }) => `${name}=${value}`),
  ]);
  expect(strange).toEqual([]);
  expect(page.querySelector('style')?.textContent).not.toMatch(/url\(|@import/);
  return page;
}

test('a page shows verdict, gate and every section, with a heading each', () => {
  const page = checkSelfContained(renderHtml(buildReport(exampleParts('bad'))));
  expect(page.querySelector('.banner')?.textContent).toContain('The gate does not hold');
  const titles = [...page.querySelectorAll('h2')].map((heading) => heading.textContent);
  expect(titles).toEqual([
    'Gate',
    'Data',
    'Hyperparameters',
    'What ran',
    'Metrics',
    'Newly broken',
    'Newly fixed',
    'Classes',
    'Confusion',
    'Calibration',
    'Training',
  ]);
  expect(
    [...page.querySelectorAll('table')].every((table) => table.querySelector('caption') !== null && table.querySelector('th[scope]') !== null),
  ).toBe(true);
  expect(
    [...page.querySelectorAll('svg')].every((chart) => chart.getAttribute('role') === 'img' || chart.getAttribute('aria-hidden') === 'true'),
  ).toBe(true);
});

test('a first model and an empty report have pages too', () => {
  const parts = exampleParts('good');
  const first = renderHtml(buildReport({ ...parts, baseline: null, baselineEvaluation: null, comparison: null }));
  expect(checkSelfContained(first).querySelector('.banner')?.textContent).toContain('first model');
  const bare = {
    ...parts,
    gate: null,
    baseline: null,
    evaluation: null,
    baselineEvaluation: null,
    comparison: null,
    data: [],
    params: [],
    stages: [],
    curves: [],
  };
  expect(checkSelfContained(renderHtml(buildReport(bare))).querySelector('.banner')?.textContent).toContain('There is no evaluation');
});

test('T22: the policy of the page allows its style sheet and nothing else', () => {
  const page = parse(renderHtml(buildReport(exampleParts('good'))));
  const digest = createHash('sha256')
    .update(page.querySelector('style')?.textContent ?? '')
    .digest('base64');
  expect(page.querySelector('meta[http-equiv]')?.getAttribute('content')).toBe(
    `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
  );
});

test('it stays under a megabyte at 100,000 cases and with everything at its bound', () => {
  expect(Buffer.byteLength(renderHtml(buildReport(exampleParts('bad', 100_000))))).toBeLessThan(300_000);
  expect(Buffer.byteLength(renderHtml(buildReport(giantParts())))).toBeLessThan(1_000_000);
  for (const filler of ['&', '_a', '\u007F', "'", '漢', '\u200Bx']) {
    expect(Buffer.byteLength(renderHtml(buildReport(hostileParts(filler.repeat(3000)))))).toBeLessThan(1_000_000);
  }
});

test('strings in a template are escaped, markup is not escaped twice', () => {
  expect(markup`<td title="${'"<&>'}">${[markup`<b>${"'`"}</b>`, null]}</td>`.html).toBe('<td title="&quot;&lt;&amp;&gt;"><b>&#39;&#96;</b></td>');
  expect(escapeHtml('a\u202Eb')).toBe('a⟨U+202E⟩b');
});

test('T22: no attack and no text becomes an element, an attribute or an address', () => {
  for (const attack of attacks) checkSelfContained(renderHtml(buildReport(hostileParts(attack))));
  fc.assert(
    fc.property(hostileText, (text) => {
      const page = checkSelfContained(renderHtml(buildReport(hostileParts(text))));
      expect(page.querySelector('body')?.textContent).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u);
    }),
    { numRuns: 25 },
  );
});

test('data is on the page as it was written', () => {
  const page = parse(renderHtml(buildReport(hostileParts('<script>alert("1 & 2")</script>'))));
  expect([...page.querySelectorAll('.facts code')].map((element) => element.textContent)).toContain('<script>alert("1 & 2")</script>');
});
