import { expect, test } from 'vitest';
import { nextCursor } from './link.ts';

test.each([
  ['<https://api.github.com/repositories/1/activity?per_page=100&after=Y3Vyc29yOjE%3D>; rel="next"', 'Y3Vyc29yOjE='],
  ['<https://a.test/x?before=A>; rel="prev", <https://a.test/x?after=B&ref=refs%2Fheads%2Fmain>; rel="next"', 'B'],
  ['<https://a.test/x?after=C>; title="x"; rel="next"', 'C'],
  ['<https://evil.test/?after=D#&after=E>; rel="next"', 'D'],
  ['<https://a.test/x?after=A>; rel="prev"', null],
  ['<https://a.test/x?page=2>; rel="next"', null],
  ['<https://a.test/x?after=%E0%A4%A>; rel="next"', null],
  ['rel="next"', null],
  ['', null],
  [undefined, null],
])('%s', (link, cursor) => {
  expect(nextCursor(link)).toBe(cursor);
});
