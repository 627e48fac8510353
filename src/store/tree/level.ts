// A tree grows from its leaves: a level is cut into nodes as entries come, and a node that is done is an entry of the level above.
import type { Digest } from '../../base/digest.ts';
import { endsNode } from './boundary.ts';
import { maxLevel, type kinds } from './node.ts';
import { NodeWriter } from './node-writer.ts';
import type { KeepNode } from './tree.ts';

/** What the two kinds of trees do in different ways. */
export interface KeyRule<Keys> {
  readonly kind: keyof typeof kinds;
  /** Writes the keys of an entry. @returns the entry's weight */
  write(writer: NodeWriter, keys: Keys): number;
  /** The mark of the entry of a leaf whose keys were just written. */
  mark(writer: NodeWriter, digest: Digest): number;
  /** Keys of a node that had these so far. @param before null: none */
  join(before: Keys | null, next: Keys): Keys;
}

export interface LevelEntry<Keys> {
  readonly digest: Digest;
  /** what stands in the column of numbers */
  readonly number: number;
  /** files, or rows */
  readonly count: number;
  readonly bytes: number;
  readonly keys: Keys;
}

export class Level<Keys> {
  readonly #rule: KeyRule<Keys>;
  readonly #level: number;
  readonly #keep: KeepNode;
  readonly #writer: NodeWriter;
  #above: Level<Keys> | null = null;
  // of the open node
  #weight = 0;
  #count = 0;
  #bytes = 0;
  #keys: Keys | null = null;
  #mark = 0;
  /** the node that ended last */
  #ended: Digest | null = null;

  constructor(rule: KeyRule<Keys>, keep: KeepNode, level = 0) {
    if (level > maxLevel) throw new Error('a tree cannot be that high');
    this.#rule = rule;
    this.#level = level;
    this.#keep = keep;
    this.#writer = new NodeWriter(rule.kind, level);
  }

  /** @param mark of a node below; a leaf's entry has its own */
  add(entry: LevelEntry<Keys>, mark?: number): void {
    this.#writer.add(entry.digest, entry.number, entry.bytes);
    const weight = this.#rule.write(this.#writer, entry.keys);
    this.#mark = mark ?? this.#rule.mark(this.#writer, entry.digest);
    this.#weight += weight;
    this.#count += entry.count;
    this.#bytes += entry.bytes;
    this.#keys = this.#rule.join(this.#keys, entry.keys);
    const { entries } = this.#writer;
    if (endsNode(this.#level, { entries, weight: this.#weight }, { mark: this.#mark, weight })) this.#endNode();
  }

  /** Ends what is open, here and above. @returns the digest of the root: the one node of the highest level */
  finish(): Digest {
    if (this.#above === null) return this.#keep(this.#writer.finish());
    if (this.#writer.entries > 0) this.#endNode();
    return this.#above.#isOneNode() ? (this.#ended as Digest) : this.#above.finish();
  }

  /** Is the level below a single node? */
  #isOneNode(): boolean {
    return this.#above === null && this.#writer.entries === 1;
  }

  #endNode(): void {
    const digest = this.#keep(this.#writer.finish());
    const entry = { digest, number: this.#count, count: this.#count, bytes: this.#bytes, keys: this.#keys as Keys };
    this.#ended = digest;
    this.#weight = this.#count = this.#bytes = 0;
    this.#keys = null;
    this.#above ??= new Level(this.#rule, this.#keep, this.#level + 1);
    this.#above.add(entry, this.#mark);
  }
}
