// Counts as bytes, for a check's memory: "PLCOUNT1", u32 length of the head, head: JSON with all but the numbers, then each column's bags of numbers
// (values as f64, counts as u32, little-endian) in the order of the head. Equal counts are equal bytes.
import { noNumbers, type ColumnCounts, type RowsCounts } from './column-counts.ts';
import type { CategoryCounts, NumberCounts } from './statistics/counts.ts';

const magic = Buffer.from('PLCOUNT1');

interface HeadColumn {
  readonly name: string;
  readonly kinds: ColumnCounts['kinds'];
  readonly trues: number;
  /** how many distinct numbers, digests and lengths follow */
  readonly sizes: readonly [numbers: number, digests: number, lengths: number];
  readonly textRows: number;
  readonly values: readonly (readonly [string, number])[] | null;
  readonly words: readonly (readonly [string, number])[] | null;
}

export function encodeCounts({ rows, columns }: RowsCounts): Buffer {
  const head: { rows: number; columns: HeadColumn[] } = { rows, columns: [] };
  const bodies: Buffer[] = [];
  for (const [name, { kinds, trues, numbers, texts }] of columns) {
    const bags = [numbers, texts.digests, texts.lengths];
    head.columns.push({
      name,
      kinds,
      trues,
      sizes: [numbers.values.length, texts.digests.values.length, texts.lengths.values.length],
      textRows: texts.rows,
      values: sorted(texts.values),
      words: sorted(texts.words),
    });
    for (const { values, counts } of bags) bodies.push(bytesOf(values), bytesOf(counts));
  }
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([magic, length, text, ...bodies]);
}

/** @returns null for anything else than what `encodeCounts` wrote */
export function decodeCounts(bytes: Buffer): RowsCounts | null {
  try {
    if (!bytes.subarray(0, magic.length).equals(magic)) return null;
    let at = magic.length + 4 + bytes.readUInt32LE(magic.length);
    const head = JSON.parse(bytes.toString('utf8', magic.length + 4, at)) as { rows: number; columns: HeadColumn[] };
    const bag = (size: number): NumberCounts => {
      if (size === 0) return noNumbers;
      const values = new Float64Array(copyOf(bytes, at, size * 8));
      const counts = new Uint32Array(copyOf(bytes, at + size * 8, size * 4));
      at += size * 12;
      return { values, counts };
    };
    const columns = new Map<string, ColumnCounts>();
    for (const { name, kinds, trues, sizes, textRows, values, words } of head.columns) {
      const [numbers, digests, lengths] = [bag(sizes[0]), bag(sizes[1]), bag(sizes[2])];
      columns.set(name, {
        kinds,
        trues,
        numbers,
        texts: { rows: textRows, digests, values: values === null ? null : new Map(values), lengths, words: words === null ? null : new Map(words) },
      });
    }
    return at === bytes.length ? { rows: head.rows, columns } : null;
  } catch (error) {
    // memory is disposable: what does not read as it was written is as good as not there
    if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

function sorted(counts: CategoryCounts | null): readonly (readonly [string, number])[] | null {
  return counts === null ? null : [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function bytesOf(array: Float64Array | Uint32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function copyOf(bytes: Buffer, from: number, length: number): ArrayBuffer {
  if (from + length > bytes.length) throw new RangeError('the file ends early');
  // numbers of 8 bytes must lie at a multiple of 8
  return Uint8Array.from(bytes.subarray(from, from + length)).buffer;
}
