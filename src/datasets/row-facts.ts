// What a chunk of rows says, as far as a check of the whole file needs it: read once, then kept beside the chunk's digest (facts-file.ts). Runs in
// threads. It only says that something is wrong; what, and where, is for the reader of rows to say, from the beginning of the file.
import { isUtf8 } from 'node:buffer';
import { labelOf } from './class-balance.ts';
import { parseCsvText } from './csv-text.ts';
import { skipByteOrderMark } from './encoding.ts';
import { KeyRange, writeFingerprint } from './key-fingerprint.ts';
import { parseLine } from './jsonl.ts';
import { keyText } from './keys.ts';
import { SchemaInference } from './schema-inference.ts';

/** How rows of one file are read. Facts of a chunk hold for every file that is read the same way. */
export interface RowsContext {
  readonly format: 'jsonl' | 'csv';
  /** column that names a row */
  readonly key: string | null;
  /** column whose values are counted */
  readonly label: string | null;
  /** of the header of a CSV; null: rows name their columns */
  readonly columns: readonly string[] | null;
}

/** Facts of several chunks, one behind the other. */
export interface Facts {
  /** rows of each chunk */
  readonly rows: readonly number[];
  /** of each chunk, see SchemaInference.summary; '' in a CSV, where the header says all */
  readonly schemas: readonly string[];
  /** of each chunk; null where rows have no key, and in a chunk without rows */
  readonly keys: readonly ({ readonly first: string; readonly last: string } | null)[];
  /** two words a row, rows of all chunks one behind the other; empty without a key */
  readonly fingerprints: Uint32Array;
  /** labels of these rows, each once, and for each row which it has; empty without a label column */
  readonly labels: readonly string[];
  readonly labelled: Uint32Array;
}

/**
 * Reads chunks of whole rows.
 * @param ends where each chunk begins and ends in `bytes`
 * @param first the first chunk begins its file: a byte order mark, and the header of a CSV
 * @returns null: not all is as it should be in them
 */
export function readFacts(
  bytes: Buffer,
  ends: readonly (readonly [start: number, end: number])[],
  context: RowsContext,
  first: boolean,
): Facts | null {
  const collected = new Collected(context);
  try {
    for (const [at, [start, end]] of ends.entries()) {
      const chunk = bytes.subarray(start, end);
      const begins = first && at === 0;
      if (!isUtf8(chunk)) return null;
      const text = chunk.toString('utf8', begins ? skipByteOrderMark(chunk, '') : 0);
      const good = context.columns === null ? readJsonl(text, collected) : readCsv(text, context.columns, begins, collected);
      if (!good) return null;
      collected.endChunk();
    }
  } catch {
    return null; // whatever it is, the reader of rows meets it again, and says it
  }
  return collected;
}

const nowhere = { file: '', line: 0, row: 0 };

function readJsonl(text: string, collected: Collected): boolean {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const line = text.charCodeAt(start) === 0x7b ? text.slice(start, end) : text.slice(start, end).trim();
    start = end + 1;
    if (line === '') continue;
    const value = parseLine(line, nowhere);
    collected.schema.add(value);
    if (!collected.row(value)) return false;
  }
  return true;
}

function readCsv(text: string, columns: readonly string[], begins: boolean, collected: Collected): boolean {
  const records = parseCsvText(text);
  if (records === null) return false;
  for (let index = begins ? 1 : 0; index < records.length; index += 1) {
    const record = records[index] as readonly string[];
    if (record.length !== columns.length || !collected.record(record, columns)) return false;
  }
  return true;
}

class Collected implements Facts {
  readonly rows: number[] = [];
  readonly schemas: string[] = [];
  readonly keys: ({ first: string; last: string } | null)[] = [];
  schema = new SchemaInference();
  readonly #context: RowsContext;
  readonly #labels = new Map<string, number>();
  #words = new Uint32Array(2048);
  #labelled = new Uint32Array(1024);
  #allRows = 0;
  #chunkRows = 0;
  #range = new KeyRange();

  constructor(context: RowsContext) {
    this.#context = context;
  }

  get fingerprints(): Uint32Array {
    return this.#words.subarray(0, this.#context.key === null ? 0 : this.#allRows * 2);
  }

  get labels(): string[] {
    return [...this.#labels.keys()];
  }

  get labelled(): Uint32Array {
    return this.#labelled.subarray(0, this.#context.label === null ? 0 : this.#allRows);
  }

  /** @returns false: the row has no key, and should */
  row(value: Readonly<Record<string, unknown>>): boolean {
    const { key, label } = this.#context;
    return this.#take(key === null ? undefined : value[key], label === null ? undefined : value[label]);
  }

  record(fields: readonly string[], columns: readonly string[]): boolean {
    const { key, label } = this.#context;
    return this.#take(key === null ? undefined : fields[columns.indexOf(key)], label === null ? undefined : fields[columns.indexOf(label)]);
  }

  #take(keyValue: unknown, labelValue: unknown): boolean {
    this.#chunkRows += 1;
    this.#allRows += 1;
    if (this.#context.label !== null) this.#label(labelOf(labelValue));
    if (this.#context.key === null) return true;
    const key = keyText(keyValue);
    if (key === null) return false;
    if (this.#allRows * 2 > this.#words.length) this.#words = grown(this.#words);
    const { isAscii } = writeFingerprint(key, this.#words, this.#allRows * 2 - 2);
    this.#range.add(key, isAscii);
    return true;
  }

  #label(label: string): void {
    let id = this.#labels.get(label);
    if (id === undefined) this.#labels.set(label, (id = this.#labels.size));
    if (this.#allRows > this.#labelled.length) this.#labelled = grown(this.#labelled);
    this.#labelled[this.#allRows - 1] = id;
  }

  endChunk(): void {
    this.rows.push(this.#chunkRows);
    this.schemas.push(this.schema.rows === 0 ? '' : this.schema.summary());
    this.keys.push(this.#range.keys);
    this.#chunkRows = 0;
    this.#range = new KeyRange();
    this.schema = new SchemaInference();
  }
}

function grown(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}
