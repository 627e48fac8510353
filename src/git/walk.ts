// Walking over commits the way git does, from nothing but a way to read one. For hosts without git.
import type { Commit, Oid } from './git.ts';

export type ReadCommit<C extends Commit> = (oid: Oid) => Promise<C>;

/** Commits by date, the newest first; of equal dates the one that came in first, as in git. A binary heap. */
class DateQueue<C extends Commit> {
  readonly #heap: { readonly commit: C; readonly order: number }[] = [];
  #count = 0;

  get items(): readonly C[] {
    return this.#heap.map((item) => item.commit);
  }

  push(commit: C): void {
    const heap = this.#heap;
    heap.push({ commit, order: (this.#count += 1) });
    for (let at = heap.length - 1; at > 0;) {
      const above = (at - 1) >> 1;
      if (!this.#before(at, above)) break;
      this.#swap(at, above);
      at = above;
    }
  }

  pop(): C | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) {
      heap[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const child = left + 1 < heap.length && this.#before(left + 1, left) ? left + 1 : left;
        if (child >= heap.length || !this.#before(child, at)) break;
        this.#swap(at, child);
        at = child;
      }
    }
    return first?.commit;
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    const later = one.commit.date.getTime() - other.commit.date.getTime();
    return later === 0 ? one.order < other.order : later > 0;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}

/**
 * Every commit that is reachable, once, in the order of `git log`.
 * @param shallow commits whose parents are not here
 */
export async function* walkCommits<C extends Commit>(
  read: ReadCommit<C>,
  start: Oid,
  { firstParent, shallow }: { readonly firstParent: boolean; readonly shallow: ReadonlySet<Oid> },
): AsyncGenerator<C> {
  const queue = new DateQueue<C>();
  const seen = new Set([start]);
  queue.push(await read(start));
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    yield commit;
    for (const parent of parentsOf(commit, shallow).slice(0, firstParent ? 1 : undefined)) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      queue.push(await read(parent));
    }
  }
}

function parentsOf(commit: Commit, shallow: ReadonlySet<Oid>): readonly Oid[] {
  return shallow.has(commit.oid) ? [] : commit.parents;
}

const ofA = 1;
const ofB = 2;
/** below a common ancestor that was found: common as well, and not the best */
const stale = 4;

/**
 * All common ancestors that are no ancestors of another one.
 * Source: git's commit-reach.c, paint_down_to_common and remove_redundant
 */
export async function findMergeBases<C extends Commit>(read: ReadCommit<C>, [a, b]: readonly [Oid, Oid], shallow: ReadonlySet<Oid>): Promise<C[]> {
  const paint = new Map<Oid, number>([[a, ofA]]);
  paint.set(b, (paint.get(b) ?? 0) | ofB);
  const queue = new DateQueue<C>();
  for (const oid of new Set([a, b])) queue.push(await read(oid));
  const candidates = new Map<Oid, C>();
  while (queue.items.some((commit) => ((paint.get(commit.oid) ?? 0) & stale) === 0)) {
    const commit = queue.pop();
    if (commit === undefined) break;
    let colours = paint.get(commit.oid) ?? 0;
    if ((colours & (ofA | ofB)) === (ofA | ofB)) {
      if ((colours & stale) === 0) candidates.set(commit.oid, commit);
      colours |= stale;
    }
    for (const parent of parentsOf(commit, shallow)) {
      const had = paint.get(parent) ?? 0;
      if ((had & colours) === colours) continue;
      paint.set(parent, had | colours);
      queue.push(await read(parent));
    }
  }
  // clocks that go wrong let the painting stop early: what lies below another candidate is taken out here
  const bases: C[] = [];
  for (const candidate of candidates.values()) {
    const others = [...candidates.keys()].filter((oid) => oid !== candidate.oid);
    if (!(await isReachable(read, candidate, others, shallow))) bases.push(candidate);
  }
  return bases;
}

async function isReachable<C extends Commit>(read: ReadCommit<C>, wanted: C, from: readonly Oid[], shallow: ReadonlySet<Oid>): Promise<boolean> {
  for (const start of from) {
    for await (const commit of walkCommits(read, start, { firstParent: false, shallow })) if (commit.oid === wanted.oid) return true;
  }
  return false;
}
