// Which training entries may hold what an evaluation entry says: those with its name, and those that share a run of words. The smaller side, evaluation,
// stands in a table; the larger one goes by once. A run that stands in very many rows is boilerplate: the first of those rows stand for all, so that
// the cost is linear in both sides.
import { record, type Entries } from '../text/entries.ts';
import { NumberFilter } from '../text/number-filter.ts';
import type { RowIndex } from '../text/row-index.ts';
import type { Side } from './side.ts';

export interface Candidates {
  /** evaluation entry -> the training entry with the same name; -1: none */
  readonly equal: Int32Array;
  /** evaluation entry -> training entries that share most runs with it, most first */
  readonly alike: ReadonlyMap<number, readonly number[]>;
}

/** Of the training entries that share a run with an entry, so many are compared with it. */
const mostAlike = 16;
/** A run that stands in d evaluation entries is followed into so many training entries: the first of them. */
const mostFollowed = (d: number): number => Math.max(4, Math.floor(32 / d));

type Indexed = Pick<Side, 'index' | 'entries'>;

export function findCandidates(train: Indexed, asked: Indexed): Candidates {
  return { equal: equalNames(train, asked), alike: alikeEntries(train, asked) };
}

function equalNames(train: Indexed, asked: Indexed): Int32Array {
  const equal = new Int32Array(asked.entries.count).fill(-1);
  const byName = new Map<number, number[]>();
  // most names of training are none of evaluation, and looking into a map takes longer
  const names = new NumberFilter(asked.entries.count);
  for (let entry = 0; entry < asked.entries.count; entry += 1) {
    const name = wordOf(asked, entry, record.name);
    names.add(name);
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [entry]);
    else known.push(entry);
  }
  for (let entry = 0; entry < train.entries.count; entry += 1) {
    const name = wordOf(train, entry, record.name);
    if (!names.mayHave(name)) continue;
    for (const other of byName.get(name) ?? [])
      if ([1, 2, 3].every((word) => wordOf(train, entry, word) === wordOf(asked, other, word))) equal[other] = entry;
  }
  return equal;
}

function wordOf({ index, entries }: Indexed, entry: number, word: number): number {
  return index.records[(entries.first[entry] as number) * index.width + word] as number;
}

/** Runs of words -> entries that have them. */
class RunTable {
  readonly #mask: number;
  readonly #filter: NumberFilter;
  /** slot -> run, and where its entries begin + 1; 0: free */
  readonly #runs: Uint32Array;
  readonly #starts: Uint32Array;
  readonly counts: Uint32Array;
  readonly #entries: Uint32Array;

  constructor({ index, entries }: Indexed) {
    const all = runsOf(index, entries);
    const capacity = 2 ** Math.ceil(Math.log2(all * 2 + 2));
    this.#mask = capacity - 1;
    this.#filter = new NumberFilter(all);
    this.#runs = new Uint32Array(capacity);
    this.#starts = new Uint32Array(capacity);
    this.counts = new Uint32Array(capacity);
    this.#entries = new Uint32Array(all);
    const slotOf = (run: number): number => this.#slotOf(run);
    for (let entry = 0; entry < entries.count; entry += 1)
      for (const run of listOf(index, entries, entry)) {
        const slot = slotOf(run);
        this.#runs[slot] = run;
        this.#starts[slot] = 1;
        this.counts[slot] = (this.counts[slot] as number) + 1;
        this.#filter.add(run);
      }
    let next = 1;
    for (let slot = 0; slot < capacity; slot += 1) {
      if (this.counts[slot] === 0) continue;
      this.#starts[slot] = next;
      next += this.counts[slot] as number;
      this.counts[slot] = 0;
    }
    for (let entry = 0; entry < entries.count; entry += 1)
      for (const run of listOf(index, entries, entry)) {
        const slot = slotOf(run);
        const [start, count] = [(this.#starts[slot] as number) - 1, this.counts[slot] as number];
        // a run that an entry repeats counts once
        if (count > 0 && this.#entries[start + count - 1] === entry) continue;
        this.#entries[start + count] = entry;
        this.counts[slot] = count + 1;
      }
  }

  /** @returns its slot, or -1 */
  find(run: number): number {
    if (!this.#filter.mayHave(run)) return -1;
    const slot = this.#slotOf(run);
    return this.#starts[slot] === 0 ? -1 : slot;
  }

  /** Entries that have the run of a slot. */
  entriesAt(slot: number): Uint32Array {
    const start = (this.#starts[slot] as number) - 1;
    return this.#entries.subarray(start, start + (this.counts[slot] as number));
  }

  #slotOf(run: number): number {
    const mask = this.#mask;
    let slot = Math.imul(run, 0x9e3779b1) & mask;
    while (this.#starts[slot] !== 0 && this.#runs[slot] !== run) slot = (slot + 1) & mask;
    return slot;
  }
}

function listOf(index: RowIndex, { first }: Entries, entry: number): Uint32Array {
  const row = first[entry] as number;
  return index.tail.subarray(index.startOf(row), index.startOf(row + 1));
}

function runsOf(index: RowIndex, entries: Entries): number {
  let all = 0;
  for (let entry = 0; entry < entries.count; entry += 1) all += listOf(index, entries, entry).length;
  return all;
}

function alikeEntries(train: Indexed, asked: Indexed): Map<number, number[]> {
  const table = new RunTable(asked);
  const followed = new Uint32Array(table.counts.length);
  const limits = table.counts.map(mostFollowed);
  /** evaluation entry -> training entry -> runs that they share */
  const shared = new Map<number, Map<number, number>>();
  const { tail } = train.index;
  for (let entry = 0; entry < train.entries.count; entry += 1) {
    const row = train.entries.first[entry] as number;
    const end = train.index.startOf(row + 1);
    for (let at = train.index.startOf(row); at < end; at += 1) {
      const slot = table.find(tail[at] as number);
      if (slot === -1 || (followed[slot] as number) >= (limits[slot] as number)) continue;
      followed[slot] = (followed[slot] as number) + 1;
      for (const other of table.entriesAt(slot)) {
        const counts = shared.get(other) ?? new Map<number, number>();
        if (counts.size === 0) shared.set(other, counts);
        counts.set(entry, (counts.get(entry) ?? 0) + 1);
      }
    }
  }
  return new Map([...shared].map(([entry, counts]) => [entry, mostShared(counts)]));
}

function mostShared(counts: ReadonlyMap<number, number>): number[] {
  return [...counts]
    .toSorted(([a, many], [b, few]) => few - many || a - b)
    .slice(0, mostAlike)
    .map(([entry]) => entry);
}
