import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold, foldedText, isFoldable } from './fold.ts';
import { createCellRecogniser } from './scan.ts';
import { usualEntities } from './recognise.ts';

const recognise = createCellRecogniser({ entities: usualEntities.filter((entity) => entity !== 'URL'), regions: null });

const hidden: readonly (readonly [text: string, entity: string, value: string])[] = [
  ['card ４１１１ １１１１ １１１１ １１１１ it was', 'CREDIT_CARD', '４１１１ １１１１ １１１１ １１１１'],
  ['card 𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏', 'CREDIT_CARD', '𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏'],
  ['card ٤١١١ ١١١١ ١١١١ ١١١١', 'CREDIT_CARD', '٤١١١ ١١١١ ١١١١ ١١١١'],
  ['card 4111\u200b1111\u200b1111\u200b1111.', 'CREDIT_CARD', '4111\u200b1111\u200b1111\u200b1111'],
  ['card 4111\u00a01111\u00a01111\u00a01111', 'CREDIT_CARD', '4111\u00a01111\u00a01111\u00a01111'],
  ['card 4111\t1111\t1111\t1111', 'CREDIT_CARD', '4111\t1111\t1111\t1111'],
  ['card 4111.1111.1111.1111', 'CREDIT_CARD', '4111.1111.1111.1111'],
  ['abc\u200b4111111111111111', 'CREDIT_CARD', '4111111111111111'],
  ['write to ada＠example．com', 'EMAIL_ADDRESS', 'ada＠example．com'],
  ['write to a\u200bda@exam\u00adple.com, please', 'EMAIL_ADDRESS', 'a\u200bda@exam\u00adple.com'],
  ['write to ada&#64;example&period;com', 'EMAIL_ADDRESS', 'ada&#64;example&period;com'],
  ['write to ada&#x40;example.com', 'EMAIL_ADDRESS', 'ada&#x40;example.com'],
  ['{"mail":"ada\\u0040example.com"}', 'EMAIL_ADDRESS', 'ada\\u0040example.com'],
  ['?to=ada%40example.com&x=1', 'EMAIL_ADDRESS', 'ada%40example.com'],
  ['_ada@example.com_', 'EMAIL_ADDRESS', '_ada@example.com'],
  ['ssn 536–90‑4399', 'US_SSN', '536–90‑4399'],
  ['DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000', 'IBAN_CODE', 'DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000'],
];

test.each(hidden)('%j is found as it is read, and has its place as it is written', (text, entity, value) => {
  const found = (recognise(text, 'text') ?? []).filter((one) => one.entity === entity);
  expect(found.map(({ start, end }) => text.slice(start, end))).toEqual([value]);
});

test('what stands as it is read is left alone', () => {
  for (const text of ['', 'plain & simple', 'Jörg aß 3½ Käse', '日本語', 'a&b;c', '100%', '\\n'])
    expect([fold(text)?.text ?? text, text]).toEqual([text, text]);
  expect(isFoldable('plain')).toBe(false);
});

test('places lie within the text, whatever it is, and what is not folded keeps its letters', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom('&#64;', '&commat;', '%40', '\\u0040', '４', '𝟒', '\u200b', '\u00ad', '\u00a0', 'ﬁ', '٣', '\ud800', '&#x110000;', 'a', '1'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), fc.nat(), fc.nat(), (pieces, a, b) => {
      const text = pieces.join('');
      const folded = fold(text);
      if (folded === null) return;
      const start = a % (folded.text.length + 1);
      const end = start + (b % (folded.text.length - start + 1));
      if (end === start) return;
      const [from, to] = folded.place(start, end);
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeGreaterThan(from);
      expect(to).toBeLessThanOrEqual(text.length);
      expect(foldedText(text.slice(from, to))).toContain(folded.text.slice(start, end));
    }),
  );
});

test('a text of such characters costs its length', () => {
  for (const unit of ['\u200b', '４', '&#64;', '%40', '&#', '\\u0040', '&', '\\u', '𝟒 ', 'a\u00ad@b.']) {
    const begin = process.cpuUsage();
    recognise(unit.repeat(Math.ceil(300_000 / unit.length)), 'text');
    const { user, system } = process.cpuUsage(begin);
    expect({ unit, quick: (user + system) / 1e6 < 3 }).toEqual({ unit, quick: true });
  }
});
