// Two lists of digests side by side: what stands in both, in the same order.

/** Items a to a + length of the one are items b to b + length of the other. */
export interface Run {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/**
 * Runs that two lists have in common, ascending in both. Not the most that there could be: what stands once in each list is found by its digest, in the
 * order that keeps most of it; what stands several times only beside that, and at both ends.
 * Source: patience diff (B. Cohen), with the longest ascending sequence by binary search (Fredman 1975)
 */
export function align(a: readonly string[], b: readonly string[]): Run[] {
  let front = 0;
  while (front < a.length && front < b.length && a[front] === b[front]) front += 1;
  let back = 0;
  while (back < a.length - front && back < b.length - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back += 1;
  const end = { a: a.length - back, b: b.length - back };
  const runs: Run[] = front === 0 ? [] : [{ a: 0, b: 0, length: front }];
  let past = { a: front, b: front };
  for (const pair of longestAscending(uniquePairs(a.slice(front, end.a), b.slice(front, end.b), front))) {
    if (pair.a < past.a) continue; // the run before has it
    const start = { ...pair };
    while (start.a > past.a && start.b > past.b && a[start.a - 1] === b[start.b - 1]) {
      start.a -= 1;
      start.b -= 1;
    }
    past = { a: pair.a + 1, b: pair.b + 1 };
    while (past.a < end.a && past.b < end.b && a[past.a] === b[past.b]) {
      past.a += 1;
      past.b += 1;
    }
    runs.push({ ...start, length: past.a - start.a });
  }
  if (back > 0) runs.push({ ...end, length: back });
  return runs;
}

interface Pair {
  readonly a: number;
  readonly b: number;
}

/** Places of what stands once in each list, in the order of a. */
function uniquePairs(a: readonly string[], b: readonly string[], offset: number): Pair[] {
  const inA = placesOf(a);
  const inB = placesOf(b);
  const pairs: Pair[] = [];
  for (const [digest, at] of inA) {
    const other = inB.get(digest);
    if (at !== null && other !== undefined && other !== null) pairs.push({ a: at + offset, b: other + offset });
  }
  return pairs.toSorted((x, y) => x.a - y.a);
}

/** null: it stands there more than once */
function placesOf(list: readonly string[]): Map<string, number | null> {
  const places = new Map<string, number | null>();
  list.forEach((digest, at) => places.set(digest, places.has(digest) ? null : at));
  return places;
}

/** @param pairs ascending in a. @returns the most of them that ascend in b, too */
function longestAscending(pairs: readonly Pair[]): Pair[] {
  /** tails[n]: where the sequence of length n + 1 ends that ends lowest in b */
  const tails: number[] = [];
  const before = new Array<number>(pairs.length).fill(-1);
  pairs.forEach(({ b }, at) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tails[middle] as number] as Pair).b < b) low = middle + 1;
      else high = middle;
    }
    before[at] = low > 0 ? (tails[low - 1] as number) : -1;
    tails[low] = at;
  });
  const found: Pair[] = [];
  for (let at = tails.at(-1) ?? -1; at !== -1; at = before[at] as number) found.push(pairs[at] as Pair);
  return found.toReversed();
}
