import { PassThrough, Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineCutter, readLines } from './lines.ts';

function cut(pieces: readonly string[], most = 1000): string[] {
  const cutter = new LineCutter(most);
  return [...pieces.flatMap((piece) => [...cutter.push(piece)]), ...cutter.end()];
}

test('however a text arrives, its lines are the same', () => {
  const character = fc.constantFrom('a', 'b', 'é', '\n', '\r', ' ');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: character, minLength: 1, maxLength: 5 }), { maxLength: 12 }), (pieces) => {
      const whole = pieces.join('');
      const lines = whole.split(/\r\n|\n|\r/);
      expect(cut(pieces)).toEqual(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    }),
  );
});

test('a line that does not end comes in pieces, and nothing of it is lost', () => {
  expect(cut(['aaaa', 'aaaa', 'a\nb'], 4)).toEqual(['aaaa', 'aaaa', 'a', 'b']);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 })), fc.integer({ min: 1, max: 9 }), (pieces, most) => {
      const got = cut(pieces, most);
      expect(got.join('')).toBe(pieces.join(''));
      expect(got.every((piece) => piece.length <= most)).toBe(true);
    }),
  );
});

test('a character that is cut between two reads comes whole', async () => {
  const lines: string[] = [];
  const bytes = Buffer.from('grün\n');
  await readLines(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]), (line) => lines.push(line), new PassThrough(), 100);
  expect(lines).toEqual(['grün']);
});

test('nothing is read on while the sink is full', async () => {
  const ends: (() => void)[] = [];
  const sink = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void ends.push(done) });
  const source = new PassThrough();
  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    sink.write(line);
  };
  const read = readLines(source, onLine, sink, 100);
  source.write('one\n');
  await sleep(10);
  source.write('two\n');
  await sleep(10);
  expect(lines).toEqual(['one']);
  ends.splice(0).forEach((end) => end());
  await sleep(10);
  expect(lines).toEqual(['one', 'two']);
  sink.destroy();
  source.end();
  await read;
});
