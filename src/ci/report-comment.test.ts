import { expect, test } from 'vitest';
import { headLine, headOfReport, reportMarker } from './report-comment.ts';

const head = 'a'.repeat(40);
const marker = reportMarker({ place: '.', model: null, stage: 'production' });

test('each subject has a marker of its own, in which no name is written out', () => {
  const markers = [
    marker,
    reportMarker({ place: '-->', model: null, stage: 'production' }),
    reportMarker({ place: '.', model: 'intents', stage: 'production' }),
    reportMarker({ place: '.', model: null, stage: 'staging' }),
  ];
  expect(new Set(markers).size).toBe(4);
  for (const one of markers) expect(one).toMatch(/^<!-- plumbline report [0-9a-f]{16} -->$/);
});

test('the commit of a report is read back, and from the second line only', () => {
  expect(headOfReport(`${marker}\n${headLine(head)}\n## text`)).toBe(head);
  expect(headOfReport(`${marker}\r\n${headLine(head)}\r\n## text`)).toBe(head);
  expect(headOfReport(`${marker}\n## text\n${headLine(head)}`)).toBeNull();
  expect(headOfReport(`hello\n${headLine(head)}`)).toBeNull();
  expect(headOfReport('')).toBeNull();
  expect(() => headLine('HEAD -->')).toThrow('no commit');
});
