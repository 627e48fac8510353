// A place in a tree, on its way from the first entry to the last. What comes next is an entry, or a whole node of them that can be entered or
// skipped: all that walks or compares trees is built of these two steps.
import type { Digest } from '../../base/digest.ts';
import { compareUtf8 } from './keys.ts';
import { badNode, type TreeNode } from './node.ts';
import type { NodeReader } from './node-reader.ts';

/** Nodes beside the one that is entered which are read with it. */
const siblingsAhead = 8;

interface Frame<Entry, Child> {
  readonly node: TreeNode<Entry, Child>;
  at: number;
  digests: Set<Digest> | null;
}

export interface CursorOptions<Child> {
  /** Will a node that comes be entered? Then it is read ahead. @param before last path of what lies before it, in the same node */
  readonly likely?: (child: Child, before: string | null) => boolean;
  /** told of every node that is read */
  readonly onNode?: (digest: Digest, size: number) => void;
}

export class Cursor<Entry, Child extends { readonly digest: Digest; readonly bytes: number }> {
  /** files or rows, bytes, and the last path, of what lies behind */
  passed = 0;
  passedBytes = 0;
  last: string | null = null;
  readonly #reader: NodeReader<Entry, Child>;
  readonly #options: CursorOptions<Child>;
  readonly #frames: Frame<Entry, Child>[] = [];

  private constructor(reader: NodeReader<Entry, Child>, options: CursorOptions<Child>) {
    this.#reader = reader;
    this.#options = options;
  }

  /** @param root null: a tree of nothing */
  static async open<Entry extends { readonly bytes: number }, Child extends { readonly digest: Digest; readonly bytes: number }>(
    reader: NodeReader<Entry, Child>,
    root: Digest | null,
    options: CursorOptions<Child> = {},
  ): Promise<Cursor<Entry, Child>> {
    const cursor = new Cursor(reader, options);
    if (root !== null) cursor.#push(root, await reader.root(root));
    return cursor;
  }

  get done(): boolean {
    return this.#frames.length === 0;
  }

  /** Level of the node that comes next; -1: an entry, or nothing. */
  get level(): number {
    return (this.#frames.at(-1)?.node.level ?? 0) - 1;
  }

  /** The node that comes next; null: an entry comes, or nothing. */
  get child(): Child | null {
    const frame = this.#frames.at(-1);
    return frame?.node.children[frame.at] ?? null;
  }

  /** The entry that comes next; null: a node comes, or nothing. */
  get entry(): Entry | null {
    const frame = this.#frames.at(-1);
    return frame?.node.entries[frame.at] ?? null;
  }

  /** Passes over what comes next, an entry or a node. */
  skip(): void {
    const frame = this.#frames.at(-1);
    const item = frame?.node.children[frame.at] ?? frame?.node.entries[frame.at];
    if (frame === undefined || item === undefined) throw new Error('the cursor is at the end');
    if (frame.node.level > 0) this.#reader.forget((item as Child).digest);
    this.passed += this.#reader.shape.countOf(item);
    this.passedBytes += (item as Child).bytes;
    this.last = this.#reader.shape.pathOf(item);
    frame.at += 1;
    this.#pop();
  }

  /** Goes down into the node that comes next. @throws PlumbError MANIFEST_INVALID */
  async enter(): Promise<void> {
    const frame = this.#frames.at(-1);
    const child = this.child;
    if (frame === undefined || child === null) throw new Error('no node comes');
    this.#readAhead(frame);
    const node = await this.#reader.child(child, frame.node.level - 1);
    const first = this.#reader.shape.pathOf((node.children[0] ?? node.entries[0]) as Entry | Child);
    if (this.last !== null && first !== null && compareUtf8(this.last, first) >= 0) throw badNode('its paths do not ascend from those before it');
    frame.at += 1;
    this.#push(child.digest, node);
  }

  /** Does a node of that digest stand beside the one that comes next, or above it? */
  holds(digest: Digest): boolean {
    return this.#frames.some((frame) => (frame.digests ??= new Set(frame.node.children.map((child) => child.digest))).has(digest));
  }

  #readAhead({ node, at }: Frame<Entry, Child>): void {
    const likely = this.#options.likely ?? (() => true);
    for (let next = at + 1; next <= Math.min(at + siblingsAhead, node.children.length - 1); next += 1) {
      const child = node.children[next] as Child;
      if (likely(child, this.#reader.shape.pathOf(node.children[next - 1] as Child))) this.#reader.ahead(child.digest);
    }
  }

  #push(digest: Digest, node: TreeNode<Entry, Child>): void {
    this.#options.onNode?.(digest, node.size);
    this.#frames.push({ node, at: 0, digests: null });
    this.#pop();
  }

  /** Leaves the nodes that are behind. */
  #pop(): void {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      if (frame.at < frame.node.children.length + frame.node.entries.length) return;
      this.#frames.pop();
    }
  }
}
