// Clusters of near duplicates: going through the rows in order, each joins the earliest kept one that it is truly alike, or is kept itself. So every row
// that goes has a kept one alike at least by the threshold, which chains of neighbours (connected components) would not give.
import type { RowSource } from '../../datasets/row-source.ts';
import type { CheckWorld } from '../checked-rows.ts';
import { jaccardOf, ShingleSets } from '../text/jaccard.ts';
import { readRowsAt } from '../text/rows-at.ts';
import type { RowIndex } from '../text/row-index.ts';
import type { ReadDocument } from '../text/view.ts';
import { record, type Entries } from '../text/entries.ts';
import type { KnownScores } from './known.ts';

export interface Clusters {
  /** entry -> the entry that is kept for it: itself, or an earlier one */
  readonly kept: Int32Array;
  /** entry -> Jaccard index with the kept one; 1 for itself */
  readonly scores: Float64Array;
}

interface Asked {
  readonly index: RowIndex;
  readonly entries: Entries;
  readonly source: RowSource;
  readonly world: CheckWorld;
  readonly read: ReadDocument;
  readonly shingle: number;
  readonly threshold: number;
}

/** Shingles that are held at once: some 8 bytes each, and as much again while they are made. */
const mostShingles = 6_000_000;

/**
 * @param pairs candidates, as candidatePairs gives them
 * @param known scores that need no reading; what is found is added
 */
export async function clusterEntries(pairs: Float64Array, known: KnownScores, asked: Asked): Promise<Clusters> {
  const { entries, threshold, world } = asked;
  const kept = new Int32Array(entries.count);
  for (let entry = 0; entry < entries.count; entry += 1) kept[entry] = entry;
  const scores = new Float64Array(entries.count).fill(1);
  const bar = world.progress.start('compare', pairs.length, 'rows');
  try {
    for (let from = 0; from < pairs.length;) {
      const { end, wanted } = batchOf(pairs, from, { ...asked, known, kept });
      const sets = await readSets(wanted, asked);
      for (let at = from; at < end; at += 1) {
        const code = pairs[at] as number;
        const [later, earlier] = [Math.floor(code / entries.count), code % entries.count];
        if (kept[later] !== later || kept[earlier] !== earlier) continue;
        const score = known.get(code) ?? jaccardOf(setIn(sets, later), setIn(sets, earlier));
        known.add(code, score);
        if (score < threshold) continue;
        kept[later] = earlier;
        scores[later] = score;
      }
      bar.advance(end - from);
      from = end;
    }
  } finally {
    bar.end();
  }
  return { kept, scores };
}

/** Pairs that are looked at together, and the entries whose texts that takes. */
function batchOf(
  pairs: Float64Array,
  from: number,
  { entries, index, known, kept }: Asked & { readonly known: KnownScores; readonly kept: Int32Array },
): { end: number; wanted: Set<number> } {
  const wanted = new Set<number>();
  let shingles = 0;
  let end = from;
  for (; end < pairs.length && (shingles < mostShingles || end === from); end += 1) {
    const code = pairs[end] as number;
    const [later, earlier] = [Math.floor(code / entries.count), code % entries.count];
    if (kept[later] !== later || kept[earlier] !== earlier || known.get(code) !== undefined) continue;
    for (const entry of [later, earlier]) {
      if (wanted.has(entry)) continue;
      wanted.add(entry);
      shingles += index.records[(entries.first[entry] as number) * index.width + record.size] as number;
    }
  }
  return { end, wanted };
}

async function readSets(wanted: ReadonlySet<number>, { entries, source, world, read, shingle }: Asked): Promise<Map<number, Float64Array>> {
  const sets = new Map<number, Float64Array>();
  const shingles = new ShingleSets(shingle);
  const rows = Uint32Array.from(wanted, (entry) => (entries.first[entry] as number) + 1).toSorted();
  for await (const { row, value } of readRowsAt(source, rows, world)) sets.set(entries.of[row - 1] as number, shingles.setOf(await read(value)));
  return sets;
}

function setIn(sets: ReadonlyMap<number, Float64Array>, entry: number): Float64Array {
  const set = sets.get(entry);
  if (set === undefined) throw new Error(`entry ${entry} was not read`);
  return set;
}
