import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameClashes } from './name-clashes.ts';
import { NameList } from './name-list.ts';
import { PackedNames } from './packed-names.ts';
import { sortPaths } from './path-order.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const name = fc.constantFrom('a', 'a-', 'a.', 'a0', 'ab', 'b', 'é', '\ufffd', '\ue000', '\u{1f600}');

test('very many names come in the order of their bytes, as often as they are gone through', () => {
  const some = ['b', 'a', 'é', '\ufffd', '\u{1f600}', 'B', 'a.b'];
  const numbers = Array.from({ length: 150_000 }, (_, at) => `a-${String((at * 7919) % 150_000).padStart(6, '0')}`);
  const names = new PackedNames([...numbers, ...some]);
  const expected = ['B', 'a', ...numbers.toSorted(), 'a.b', 'b', 'é', '\ufffd', '\u{1f600}'];
  expect(names.count).toBe(150_007);
  expect([...names]).toEqual(expected);
  expect([...names]).toEqual(expected);
  expect([...new PackedNames([])]).toEqual([]);
});

test('a name that is put back comes in its place among the rest', () => {
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      for (const sorted of [sortPaths(names), new PackedNames(names)]) {
        const list = new NameList(sorted);
        const came: string[] = [];
        for (let next = list.next(); next !== undefined; next = list.next()) {
          if (next.endsWith('/')) came.push(next);
          else list.putBack(`${next}/`);
        }
        expect(came).toEqual(names.map((one) => `${one}/`).toSorted(byBytes));
      }
    }),
  );
});

test('two names that are one elsewhere are found among very many, and no others', () => {
  const clashes = new NameClashes();
  const names = Array.from({ length: 80_000 }, (_, at) => `File-${at}`);
  clashes.look('x/', new PackedNames(names));
  expect(clashes.found).toEqual([]);
  clashes.look('x/', new PackedNames(['file-69999', ...names]));
  expect(clashes.found).toEqual([['x/File-69999', 'x/file-69999']]);
});
