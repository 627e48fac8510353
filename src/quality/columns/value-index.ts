// Which rows have which value, for values of any length: the first 128 bits of a digest and the number of the row, 20 bytes a row, sorted by digest. What it
// says of a bag of rows does not depend on how the bag came about; two of them are joined by adding.

const words = 4;

/** Rows whose value stands in another row too, by number, each with the first other row of that value. */
export interface Duplicates {
  readonly rows: Uint32Array;
  readonly others: Uint32Array;
}

/** What is known of entries that are sorted: different values, and where those begin that stand in several rows. */
interface Runs {
  readonly distinct: number;
  readonly starts: Uint32Array;
}

const noRuns: Runs = { distinct: 0, starts: new Uint32Array() };
const headBytes = 12;

/** What is asked of an index, wherever it lies. */
export interface Values {
  /** rows with a value */
  readonly size: number;
  /** how many different values there are */
  readonly distinct: number;
  /** Each value that stands in several rows: its digest (16 bytes, as latin1) and the rows, rising. */
  groups(): Iterable<{ readonly name: string; readonly rows: readonly number[] }>;
  /** Rows of a value, rising. */
  rowsOf(name: Buffer): number[];
}

export class ValueIndex implements Values {
  #names: Uint32Array;
  #rows: Uint32Array;
  #size = 0;
  /** null: they have to be sorted */
  #runs: Runs | null = noRuns;

  constructor(capacity = 256) {
    this.#names = new Uint32Array(capacity * words);
    this.#rows = new Uint32Array(capacity);
  }

  /** rows with a value */
  get size(): number {
    return this.#size;
  }

  /** @param name digest of the value, at least 16 bytes @param row number from 1 */
  add(name: Buffer, row: number): void {
    this.#reserve(this.#size + 1);
    for (let word = 0; word < words; word += 1) this.#names[this.#size * words + word] = name.readUInt32LE(word * 4);
    this.#rows[this.#size++] = row;
    this.#runs = null;
  }

  /** Takes in the rows of another part. @param rowsBefore how many rows stand before that part */
  join(other: ValueIndex, rowsBefore: number): void {
    this.#reserve(this.#size + other.#size);
    this.#names.set(other.#names.subarray(0, other.#size * words), this.#size * words);
    for (let at = 0; at < other.#size; at += 1) this.#rows[this.#size + at] = (other.#rows[at] as number) + rowsBefore;
    this.#size += other.#size;
    this.#runs = null;
  }

  /** How many different values there are. */
  get distinct(): number {
    return this.#sorted().distinct;
  }

  /** Each value that stands in several rows: its digest (16 bytes, as latin1) and the rows, rising. */
  *groups(): Generator<{ readonly name: string; readonly rows: number[] }> {
    for (const start of this.#sorted().starts) {
      let end = start + 1;
      while (end < this.#size && this.#isSame(start, end)) end += 1;
      yield { name: this.#nameAt(start), rows: this.#rowsFrom(start, end) };
    }
  }

  /** Rows of a value, rising. */
  rowsOf(name: Buffer): number[] {
    this.#sorted();
    const wanted = Uint32Array.from({ length: words }, (_, word) => name.readUInt32LE(word * 4));
    let [low, high] = [0, this.#size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, wanted) < 0) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < this.#size && this.#compare(end, wanted) === 0) end += 1;
    return this.#rowsFrom(low, end);
  }

  /** Entries sorted by digest, five words each: its first four, and the row. */
  entries(): Uint32Array {
    this.#sorted();
    const each = words + 1;
    const entries = new Uint32Array(this.#size * each);
    for (let at = 0; at < this.#size; at += 1) {
      for (let word = 0; word < words; word += 1) entries[at * each + word] = this.#names[at * words + word] as number;
      entries[at * each + words] = this.#rows[at] as number;
    }
    return entries;
  }

  encode(): Buffer {
    const { distinct, starts } = this.#sorted();
    const head = Buffer.alloc(headBytes);
    [this.#size, distinct, starts.length].forEach((number, at) => head.writeUInt32LE(number, at * 4));
    return Buffer.concat([head, bytesOf(this.#names.subarray(0, this.#size * words)), bytesOf(this.#rows.subarray(0, this.#size)), bytesOf(starts)]);
  }

  /** @param bytes as `encode` gave them */
  static decode(bytes: Buffer): ValueIndex {
    const [size, distinct, runs] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
    const [names, rows] = [headBytes + size * words * 4, headBytes + size * (words + 1) * 4];
    if (bytes.length !== rows + runs * 4) throw new Error('an index of values that was cut');
    const index = new ValueIndex(0);
    index.#names = wordsOf(bytes.subarray(headBytes, names));
    index.#rows = wordsOf(bytes.subarray(names, rows));
    index.#runs = { distinct, starts: wordsOf(bytes.subarray(rows)) };
    index.#size = size;
    return index;
  }

  #nameAt(entry: number): string {
    return Buffer.from(this.#names.buffer, this.#names.byteOffset + entry * words * 4, words * 4).toString('latin1');
  }

  #reserve(size: number): void {
    if (size <= this.#rows.length) return;
    const capacity = Math.max(size, this.#rows.length * 2, 256);
    this.#names = grown(this.#names, capacity * words);
    this.#rows = grown(this.#rows, capacity);
  }

  #isSame(a: number, b: number): boolean {
    for (let word = 0; word < words; word += 1) if (this.#names[a * words + word] !== this.#names[b * words + word]) return false;
    return true;
  }

  #compare(entry: number, wanted: Uint32Array): number {
    for (let word = 0; word < words; word += 1) {
      const difference = (this.#names[entry * words + word] as number) - (wanted[word] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #rowsFrom(start: number, end: number): number[] {
    return [...this.#rows.subarray(start, end)].toSorted((a, b) => a - b);
  }

  /** Sorts by the first word in the engine's own sort of 64-bit numbers, (word, entry) in each; what is equal there is rare, and sorted by all words. */
  #sorted(): Runs {
    return (this.#runs ??= this.#sort());
  }

  #sort(): Runs {
    const size = this.#size;
    const pairs = new BigUint64Array(size);
    const halves = new Uint32Array(pairs.buffer);
    for (let at = 0; at < size; at += 1) {
      halves[at * 2] = at;
      halves[at * 2 + 1] = this.#names[at * words] as number;
    }
    pairs.sort();
    const order = Uint32Array.from({ length: size }, (_, at) => halves[at * 2] as number);
    for (let start = 0; start < size;) {
      let end = start + 1;
      while (end < size && halves[end * 2 + 1] === halves[start * 2 + 1]) end += 1;
      if (end - start > 1) order.subarray(start, end).sort((a, b) => this.#compareEntries(a, b));
      start = end;
    }
    const [names, rows] = [new Uint32Array(size * words), new Uint32Array(size)];
    for (let at = 0; at < size; at += 1) {
      const entry = order[at] as number;
      for (let word = 0; word < words; word += 1) names[at * words + word] = this.#names[entry * words + word] as number;
      rows[at] = this.#rows[entry] as number;
    }
    this.#names = names;
    this.#rows = rows;
    return this.#findRuns();
  }

  #findRuns(): Runs {
    const starts: number[] = [];
    let distinct = 0;
    for (let start = 0; start < this.#size;) {
      let end = start + 1;
      while (end < this.#size && this.#isSame(start, end)) end += 1;
      if (end - start > 1) starts.push(start);
      distinct += 1;
      start = end;
    }
    return { distinct, starts: Uint32Array.from(starts) };
  }

  #compareEntries(a: number, b: number): number {
    for (let word = 1; word < words; word += 1) {
      const difference = (this.#names[a * words + word] as number) - (this.#names[b * words + word] as number);
      if (difference !== 0) return difference;
    }
    return (this.#rows[a] as number) - (this.#rows[b] as number);
  }
}

export function duplicatesIn(values: Values): Duplicates {
  const found: { row: number; other: number }[] = [];
  for (const { rows } of values.groups()) {
    const [first, second] = rows;
    for (const row of rows) found.push({ row, other: (row === first ? second : first) as number });
  }
  return duplicatesOf(found);
}

/** Sorted by row. */
export function duplicatesOf(found: readonly { readonly row: number; readonly other: number }[]): Duplicates {
  const sorted = found.toSorted((a, b) => a.row - b.row);
  return { rows: Uint32Array.from(sorted, ({ row }) => row), others: Uint32Array.from(sorted, ({ other }) => other) };
}

function grown(array: Uint32Array, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}

function bytesOf(array: Uint32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function wordsOf(bytes: Buffer): Uint32Array {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return new Uint32Array(new Uint8Array(bytes).buffer);
}
