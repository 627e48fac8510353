// Which rows stand at the beginning of a row, through all steps that rewrote it. Lineages are small: only rewritten rows have a line.
import type { Digest } from '../../base/digest.ts';
import type { LineageRow } from './lineage.ts';

/** A way back of one step. */
export interface Rewriting {
  readonly from: readonly Digest[];
  readonly by: string;
}

export class LineageIndex {
  readonly #made = new Map<Digest, Rewriting[]>();

  get size(): number {
    return this.#made.size;
  }

  add({ row, from, by }: LineageRow): void {
    const known = this.#made.get(row);
    if (known === undefined) this.#made.set(row, [{ from, by }]);
    else if (!known.some((one) => one.by === by && one.from.length === from.length && one.from.every((digest, at) => digest === from[at])))
      known.push({ from, by });
  }

  /** What it was made of, step by step; none: nobody rewrote it. */
  rewritingsOf(row: Digest): readonly Rewriting[] {
    return this.#made.get(row) ?? [];
  }

  /** It and all rows before it, each once, the row itself first. A lineage that leads in a circle ends there. */
  ancestorsOf(row: Digest): Digest[] {
    const seen = new Set<Digest>([row]);
    for (const one of seen) for (const { from } of this.rewritingsOf(one)) for (const digest of from) seen.add(digest);
    return [...seen];
  }

  /** Those of them that nobody rewrote; of a row that nobody rewrote, itself. */
  rootsOf(row: Digest): Digest[] {
    return this.ancestorsOf(row).filter((digest) => this.rewritingsOf(digest).length === 0);
  }

  /** All that was made of these rows, the rows themselves among them. */
  descendantsOf(rows: Iterable<Digest>): Set<Digest> {
    const children = new Map<Digest, Digest[]>();
    for (const [row, rewritings] of this.#made)
      for (const { from } of rewritings) for (const digest of from) children.set(digest, [...(children.get(digest) ?? []), row]);
    const seen = new Set<Digest>(rows);
    for (const one of seen) for (const child of children.get(one) ?? []) seen.add(child);
    return seen;
  }
}
