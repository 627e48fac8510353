import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCsvText } from './csv-text.ts';
import { readRows } from './rows.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-csv-'));

/** What csv.ts makes of a text: header and rows as lists of fields; null: it refuses it. */
async function reference(text: string): Promise<string[][] | null> {
  const path = join(folder, 'x.csv');
  await writeFile(path, text);
  const records: string[][] = [];
  try {
    const onHead = (_end: number, columns: readonly string[] | null): void => void records.push([...(columns ?? [])]);
    for await (const row of readRows(path, 'csv', { onHead })) records.push(Object.values(row.value) as string[]);
  } catch {
    return null;
  }
  return records;
}

const piece = fc.constantFrom('a', 'bc', ',', '"', '""', '\n', '\r\n', '\r', ' ', 'é', '1');

test('the fast reader of CSV reads what the exact one reads, and nothing that it refuses', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 14 }), fc.constantFrom('x,y\n', 'x\n', '"x\n1",y\r\n'), async (pieces, header) => {
      const text = header + pieces.join('');
      const records = parseCsvText(text);
      const columns = records?.[0]?.length;
      const fast = records !== null && records.every((record) => record.length === columns) ? records : null;
      expect(fast).toEqual(await reference(text));
      if (fast !== null && fast.length > 1) read += 1;
    }),
    { numRuns: 1500 },
  );
  expect(read).toBeGreaterThan(100);
});

test('quotes are taken off, doubled ones are one, and commas and line ends stay within them', () => {
  expect(parseCsvText('a,"b ""x"", c"\r\n"two\nlines",\n\n""\n')).toEqual([['a', 'b "x", c'], ['two\nlines', ''], ['']]);
  for (const bad of ['a"b\n', '"a"b\n', '"a\n', '"a""\n']) expect(parseCsvText(bad)).toBeNull();
});
