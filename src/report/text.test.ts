import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildReport } from './build.ts';
import { exampleParts } from './example.fixture.ts';
import { hostileParts, hostileText } from './hostile.fixture.ts';
import { renderText } from './text.ts';

test('the terminal reads verdict, gate, changes, metrics and the first broken cases', async () => {
  await expect(renderText(buildReport(exampleParts('bad', 770)))).toMatchFileSnapshot('golden/bad.txt');
});

test('paint is only around our words and the data in it', () => {
  const tag = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const text = renderText(buildReport(exampleParts('good')), {
    paint: { bold: tag('bold'), dim: tag('dim'), red: tag('red'), green: tag('green'), yellow: tag('yellow') },
  });
  expect(text).toContain('<green><bold>✓ The gate holds</bold></green>');
});

test('no line is wider than the terminal for plain data', () => {
  for (const width of [80, 120]) {
    const lines = renderText(buildReport(exampleParts('bad')), { width }).split('\n');
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  }
});

test('no data moves the cursor, paints or starts a line', () => {
  const lines = (text: string): number => renderText(buildReport(hostileParts(text))).split('\n').length;
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(renderText(buildReport(hostileParts(text)))).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 60 },
  );
  expect(lines('x\ny')).toBe(lines('x y'));
});
