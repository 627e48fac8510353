// The table of docs/security.md against the tests: each of the 29 attacks has a row, and each row leads to a test that is called by its number.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const attacks = Array.from({ length: 29 }, (_, at) => `T${at + 1}`);

interface Row {
  readonly attack: string;
  readonly files: readonly string[];
}

const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
const table: Row[] = [...page.matchAll(/^\| (T\d+) \|.*\| ([^|]*) \|$/gm)].map(([, attack = '', tests = '']) => ({
  attack,
  files: [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
}));

/** Numbers that names of tests in a file begin with: its own, and those of tables of cases that it imports. */
function attacksIn(file: string): Set<string> {
  const text = readFileSync(join(root, file), 'utf8');
  const cases = [...text.matchAll(/from '(\.[^']*\.(?:fixture|contract)\.ts)'/g)].map(([, path = '']) =>
    relative(root, join(root, dirname(file), path)),
  );
  const names = [text, ...cases.map((path) => readFileSync(join(root, path), 'utf8'))].flatMap((one) => [
    ...one.matchAll(/['"`](T\d+(?:, T\d+)*): /g),
  ]);
  return new Set(names.flatMap(([, numbers = '']) => numbers.split(', ')));
}

test.each(attacks)('%s has a row, and each of its rows a test that is called so', (attack) => {
  const rows = table.filter((row) => row.attack === attack);
  expect(rows.length).toBeGreaterThan(0);
  for (const { files } of rows) {
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !file.endsWith('.test.ts') || !existsSync(join(root, file)))).toEqual([]);
    expect(files.filter((file) => !attacksIn(file).has(attack))).toEqual([]);
  }
});

test('there is no attack of another number', () => {
  expect(table.filter(({ attack }) => !attacks.includes(attack))).toEqual([]);
  expect(attacksIn('tests/doctor.test.ts').size).toBeGreaterThan(5);
});
