// Against Presidio's own tables and the sentences of presidio-research: golden/LICENSE says where they are from.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromCodePoints, toCodePoints, withoutOverlaps, type Found } from './found.ts';
import { createRecogniser, patternEntities, usualEntities } from './recognise.ts';

interface Case {
  readonly entity: string;
  readonly text: string;
  readonly spans: readonly [number, number][];
  readonly count?: number;
  readonly scores?: number | 'max' | readonly (readonly [number | 'max', number | 'max'])[];
}

const golden = (name: string): unknown => JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8'));

/** Ours differ on purpose: quotes are no part of a URL, and a number does not begin with the blank before it. */
const onPurpose: Readonly<Record<string, [number, number][]>> = {
  '"https://presidio.dataprivacystack.org/"': [[1, 39]],
  "'https://presidio.dataprivacystack.org/'": [[1, 39]],
  'Here is my National Insurance Number YZ 61 48 68 B': [[37, 50]],
};

const inOrder = (found: readonly Found[]): Found[] => found.toSorted((a, b) => a.start - b.start);

describe("Presidio's cases", () => {
  const cases = golden('cases') as Case[];
  const byEntity = Map.groupBy(cases, ({ entity }) => entity);
  test.each([...byEntity])('%s', (entity, ofEntity) => {
    const recognise = createRecogniser([entity]);
    for (const { text, spans, count } of ofEntity) {
      const found = toCodePoints(text, inOrder(recognise(text)));
      if (count === undefined) expect(found, text).toEqual(onPurpose[text] ?? spans);
      else expect(found, text).toHaveLength(count);
    }
  });

  test('scores are as sure as its', () => {
    expect(cases.length).toBeGreaterThan(430);
    const bound = (value: number | 'max'): number => (value === 'max' ? 1 : value);
    for (const { entity, text, scores } of cases) {
      // its recognisers are asked alone, without the words around
      if (!Array.isArray(scores) || entity === 'DATE_TIME' || /[a-z]{2}/i.test(text)) continue;
      const found = inOrder(createRecogniser([entity])(text));
      for (const [at, range] of (scores as readonly unknown[]).entries()) {
        if (!Array.isArray(range)) continue;
        const [least, most] = range as [number | 'max', number | 'max'];
        expect(found[at]?.score, text).toBeGreaterThanOrEqual(bound(least));
        expect(found[at]?.score, text).toBeLessThanOrEqual(bound(most));
      }
    }
  });
});

describe('1,500 sentences with gold spans', () => {
  const sentences = golden('synth') as [string, [string, number, number][]][];
  const recognise = createRecogniser(usualEntities);
  const answers = sentences.map(([text, gold]) => {
    const found = withoutOverlaps(recognise(text).filter(({ score }) => score >= 0.4));
    const places = toCodePoints(text, found);
    return { gold, found: found.map(({ entity }, at): [string, number, number] => [entity, ...(places[at] ?? [0, 0])]) };
  });
  const measure = (entity: string, same: (a: [string, number, number], b: [string, number, number]) => boolean): { p: number; r: number } => {
    let [golds, founds, hitGolds, hitFounds] = [0, 0, 0, 0];
    for (const { gold, found } of answers) {
      const [a, b] = [gold.filter(([kind]) => kind === entity), found.filter(([kind]) => kind === entity)];
      golds += a.length;
      founds += b.length;
      hitGolds += a.filter((one) => b.some((other) => same(one, other))).length;
      hitFounds += b.filter((one) => a.some((other) => same(one, other))).length;
    }
    return { p: hitFounds / founds, r: hitGolds / golds };
  };
  const exact = (a: [string, number, number], b: [string, number, number]): boolean => a[1] === b[1] && a[2] === b[2];
  const overlap = (a: [string, number, number], b: [string, number, number]): boolean => a[1] < b[2] && b[1] < a[2];

  test.each(['EMAIL_ADDRESS', 'IBAN_CODE', 'IP_ADDRESS', 'US_SSN', 'CREDIT_CARD', 'URL'])('%s: all, and nothing else, to the character', (entity) => {
    expect(measure(entity, exact)).toEqual({ p: 1, r: 1 });
  });

  test('telephone numbers and driver licences', () => {
    const phone = measure('PHONE_NUMBER', overlap);
    expect((2 * phone.p * phone.r) / (phone.p + phone.r)).toBeGreaterThan(0.9);
    expect(measure('US_DRIVER_LICENSE', exact)).toEqual({ p: 1, r: 0.8 });
    expect(measure('DATE_TIME', exact).p).toBe(1);
  });
});

const found = (text: string, entities: readonly string[] = usualEntities): string[] =>
  withoutOverlaps(createRecogniser(entities)(text).filter(({ score }) => score >= 0.4)).map(
    ({ entity, start, end }) => `${entity} ${text.slice(start, end)}`,
  );

test('a host within an e-mail address is none, nor is the end of a sentence or a file', () => {
  expect(found('write to ada.lovelace@mail.example.com, see setup.py and main.rs. fine.It is so, e.g. here')).toEqual([
    'EMAIL_ADDRESS ada.lovelace@mail.example.com',
  ]);
  expect(found('see www.example.de/a?b=1, (https://example.org/x_y) and "http://shop.example.co.uk:8080/p".')).toEqual([
    'URL www.example.de/a?b=1',
    'URL https://example.org/x_y',
    'URL http://shop.example.co.uk:8080/p',
  ]);
});

test('e-mail addresses of people, not of files and repositories', () => {
  expect(found("jörg@bücher.example.de o'neil@example.com a+b@x.internal")).toEqual([
    'EMAIL_ADDRESS jörg@bücher.example.de',
    "EMAIL_ADDRESS o'neil@example.com",
    'EMAIL_ADDRESS a+b@x.internal',
  ]);
  expect(found('git@github.com:x/y.git logo@2x.png @ada a@b user@host')).toEqual([]);
});

test('a number needs a word before it, a check digit or a form: an order is no account', () => {
  expect(found('order 123456789 and 20261121, ticket 7654321, 1764000000 seconds, 3.14159265358979, version 10.4.2')).toEqual([]);
  expect(found('my account number is 123456789')).toEqual(['US_BANK_NUMBER 123456789']);
  expect(found("driver's license F162823540116")).toEqual(['US_DRIVER_LICENSE F162823540116']);
  expect(found('the public library, capital 123456789')).toEqual([]);
});

test('a telephone number that says its country is one, whatever check digit its last ten digits have', () => {
  const recognise = createRecogniser(usualEntities);
  const shown = (text: string): string[] => recognise(text).map(({ entity, start, end }) => `${entity} ${text.slice(start, end)}`);
  expect(shown('call +1 415 555 2671')).toEqual(['PHONE_NUMBER +1 415 555 2671']);
  expect(shown('nhs 401-023-2137')).toContain('UK_NHS 401-023-2137');
});

test('the name of a column speaks for what stands in it', () => {
  const recognise = createRecogniser(usualEntities);
  expect(recognise('123456789', 'bank_account').find(({ entity }) => entity === 'US_BANK_NUMBER')?.score).toBeCloseTo(0.4);
  expect(recognise('123456789', 'order').find(({ entity }) => entity === 'US_BANK_NUMBER')?.score).toBeCloseTo(0.05);
});

test('places are code points outside, also behind an emoji and a lone surrogate', () => {
  const text = '👩‍👧 \ud800 mail bob@example.com 🙂';
  const [one] = createRecogniser(['EMAIL_ADDRESS'])(text);
  const [span] = toCodePoints(text, one === undefined ? [] : [one]);
  expect(span).toEqual([11, 26]);
  expect([...text].slice(...(span as [number, number])).join('')).toBe('bob@example.com');
  expect(fromCodePoints(text, span as [number, number])).toEqual([one?.start, one?.end]);
  expect(fromCodePoints(text, [0, 99])).toBeNull();
  expect(fromCodePoints(text, [3, 3])).toBeNull();
});

test('code points and back, for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), fc.nat(14), fc.nat(14), (text, a, b) => {
      const points = [...text];
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      const span = fromCodePoints(text, [start, end]);
      if (start === end || end > points.length) expect(span).toBeNull();
      else expect(text.slice(...(span as [number, number]))).toBe(points.slice(start, end).join(''));
      if (span !== null) expect(toCodePoints(text, [{ start: span[0], end: span[1] }])).toEqual([[start, end]]);
    }),
  );
});

test('the surer one stays, of equal ones the longer; what is only counted gives way', () => {
  const at = (entity: string, start: number, end: number, score: number): Found => ({ entity, start, end, score });
  const [url, mail, date] = [at('URL', 0, 30, 0.5), at('EMAIL_ADDRESS', 10, 20, 1), at('DATE_TIME', 40, 50, 0.6)];
  expect(withoutOverlaps([url, mail, date])).toEqual([mail, date]);
  expect(withoutOverlaps([at('A1', 0, 5, 0.5), at('B1', 0, 9, 0.5)])).toEqual([at('B1', 0, 9, 0.5)]);
  expect(withoutOverlaps([at('URL', 0, 30, 1), mail], (entity) => entity === 'URL')).toEqual([mail]);
});

test('hostile texts cost their length', () => {
  const recognise = createRecogniser(patternEntities);
  const size = 100_000;
  const patterns = [
    '@',
    'a@',
    '1',
    '1 ',
    '1-',
    'a.',
    'a.com',
    'http://',
    '::',
    '1:',
    'f:',
    '1.1.1.',
    '+1',
    '(',
    '(1',
    'AB12',
    'AA ',
    'A-',
    'bc1q',
    '4111 ',
    '4111 1111 1111 1111 ',
    '0 ',
    'x@x.',
    'é1',
    '1_',
    '\ud83d\ude00',
    'www.',
    '+49 ',
    '555-0',
    'phone 555-01 ',
    'DE12 ',
  ];
  for (const part of patterns) {
    const text = part.repeat(Math.ceil(size / part.length)).slice(0, size);
    for (const { start, end } of recognise(text).slice(0, 3)) expect(end).toBeGreaterThan(start);
  }
});

test('finds lie within the text, whatever it is', () => {
  const recognise = createRecogniser(patternEntities);
  const alphabet = [...'019 -.:/@+()AZaz_x#é\n', 'phone ', 'www.', '.com', 'http://', 'DE89', '::', '4111', '🙂'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      for (const { start, end, score } of recognise(text)) {
        expect(start >= 0 && start < end && end <= text.length && score > 0 && score <= 1).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
