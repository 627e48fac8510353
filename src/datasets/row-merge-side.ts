// One version of a merge, in memory: who its rows are, what they say, and where they stand. No rows.
import { hash } from 'node:crypto';
import { DigestTable } from './digest-table.ts';
import { keyText } from './keys.ts';
import { rowText } from './row-content.ts';
import type { RowSource } from './row-source.ts';
import { readRowBatches } from './rows.ts';

export interface Version {
  readonly source: RowSource;
  /** where the first row begins, and the header's names in a CSV; null: it has no header, or nothing at all */
  readonly head: number;
  readonly columns: readonly string[] | null;
  readonly rows: number;
  /** offset behind each row and its line end */
  readonly ends: Float64Array;
  /** which of the names each row has, by its number in `names` */
  readonly entries: Uint32Array;
  /** keys, or contents where there is no key; beside a key, 64 bits of how its row is written */
  readonly names: DigestTable;
  /** a row without a key, or one whose key stands twice, for the reader; then nothing else counts */
  readonly note: string | null;
}

export interface MergeVersions {
  readonly base: Version | null;
  readonly ours: Version;
  readonly theirs: Version;
}

/** Reads a version once. @param options key: column that names rows; null: rows are named by what they say */
export async function readVersion(source: RowSource, options: { readonly key: string | null; readonly signal?: AbortSignal }): Promise<Version> {
  const { key, signal } = options;
  const names = new DigestTable(key === null ? 0 : 2);
  const ends = new Growing((length) => new Float64Array(length));
  const entries = new Growing((length) => new Uint32Array(length));
  let head = 0;
  let columns: readonly string[] | null = null;
  let note: string | null = null;
  const onHead = (end: number, found: readonly string[] | null): void => {
    head = end;
    columns = found;
  };
  for await (const batch of readRowBatches(source.path, source.format, { name: source.name, ends: true, onHead, ...(signal ? { signal } : {}) })) {
    for (const row of batch) {
      ends.push(row.end as number);
      if (key === null) {
        entries.push(names.add(hash('sha256', rowText(row.value, false), 'buffer')).entry);
        continue;
      }
      // rows that are written alike say the same; of those that are not, whoever compares them looks at both
      const said = hash('sha256', row.text ?? rowText(row.value, false), 'buffer');
      const text = keyText(row.value[key]);
      const { entry, isNew } = names.add(hash('sha256', text ?? '', 'buffer'));
      if (text === null) note ??= `row ${row.row} of ${source.name} has no "${key}"`;
      else if (!isNew) note ??= `"${key}" of row ${row.row} of ${source.name} stands twice`;
      names.set(entry, 0, said.readUInt32LE(0));
      names.set(entry, 1, said.readUInt32LE(4));
      entries.push(entry);
    }
    if (note !== null) break;
  }
  return { source, head, columns, rows: ends.length, ends: ends.done(), entries: entries.done(), names, note };
}

/** A typed array that grows. */
class Growing<A extends Float64Array | Uint32Array> {
  readonly #make: (length: number) => A;
  #array: A;
  length = 0;

  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#array = make(1024);
  }

  push(value: number): void {
    if (this.length === this.#array.length) {
      const larger = this.#make(this.length * 2);
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array[this.length] = value;
    this.length += 1;
  }

  done(): A {
    return this.#array.subarray(0, this.length) as A;
  }
}
