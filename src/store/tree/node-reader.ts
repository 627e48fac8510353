// Reads nodes, some of them before they are asked for, and holds a child to what its parent says of it.
import type { Digest } from '../../base/digest.ts';
import { badNode, decodeFileNode, decodeRowNode, type FileChild, type RowChild, type TreeNode } from './node.ts';
import { joinKeys } from './row-builder.ts';
import type { FileEntry, ReadNode, RowChunk } from './tree.ts';

/** Nodes that may be on their way. A node is 4 KiB: what this costs is requests, not memory. */
const mostAhead = 16;

/**
 * Entries in nodes that were read before. Rows that repeat give equal nodes, and a hostile tree of five nodes names each other a thousand times: 10^15
 * chunks, and nobody who walks over them would come to an end. This is some 30 GB of rows that stood in the file before.
 */
const mostRepeated = 1 << 22;

/** What reading needs to know of a kind of tree. */
export interface Shape<Entry, Child> {
  decode(bytes: Uint8Array): TreeNode<Entry, Child>;
  /** Does the parent say of a node what the node says? */
  agrees(child: Child, node: TreeNode<Entry, Child>): boolean;
  /** The last path of an entry or of all below a child; null where entries have no order of their own. */
  pathOf(item: Entry | Child): string | null;
  countOf(item: Entry | Child): number;
}

export const fileShape: Shape<FileEntry, FileChild> = {
  decode: decodeFileNode,
  agrees({ path, count, bytes }, { level, entries, children }) {
    const below = level === 0 ? entries.length : sum(children, (child) => child.count);
    const items: readonly { path: string; bytes: number }[] = level === 0 ? entries : children;
    return below === count && sum(items, (item) => item.bytes) === bytes && items.at(-1)?.path === path;
  },
  pathOf: ({ path }) => path,
  countOf: (item) => ('count' in item ? item.count : 1),
};

export const rowShape: Shape<RowChunk, RowChild> = {
  decode: decodeRowNode,
  agrees({ rows, bytes, keys }, { level, entries, children }) {
    const items = level === 0 ? entries : children;
    const range = items.reduce<RowChunk['keys']>((joined, item) => joinKeys(joined, item.keys), null);
    const same = range === null || keys === null ? range === keys : range.first === keys.first && range.last === keys.last;
    return same && sum(items, (item) => item.rows) === rows && sum(items, (item) => item.bytes) === bytes;
  },
  pathOf: () => null,
  countOf: ({ rows }) => rows,
};

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

export class NodeReader<Entry, Child extends { readonly digest: Digest }> {
  readonly shape: Shape<Entry, Child>;
  readonly #read: ReadNode;
  readonly #ahead = new Map<Digest, Promise<Uint8Array>>();
  readonly #seen = new Set<Digest>();
  readonly #most: number;
  #repeated = 0;

  /** @param most entries in nodes that were read before */
  constructor(read: ReadNode, shape: Shape<Entry, Child>, most: number = mostRepeated) {
    this.#read = read;
    this.#most = most;
    this.shape = shape;
  }

  /** Begins to read a node that will probably be asked for. */
  ahead(digest: Digest): void {
    if (this.#ahead.size >= mostAhead || this.#ahead.has(digest)) return;
    const bytes = this.#read(digest);
    bytes.catch(() => undefined); // told to whoever asks for it; nobody may
    this.#ahead.set(digest, bytes);
  }

  /** It will not be asked for. */
  forget(digest: Digest): void {
    this.#ahead.delete(digest);
  }

  async root(digest: Digest): Promise<TreeNode<Entry, Child>> {
    return this.shape.decode(await this.#bytesOf(digest));
  }

  /** @param level of the child. @throws PlumbError MANIFEST_INVALID: the child is not what its parent says */
  async child(child: Child, level: number): Promise<TreeNode<Entry, Child>> {
    const node = this.shape.decode(await this.#bytesOf(child.digest));
    if (node.level !== level || !this.shape.agrees(child, node)) throw badNode('it is not what the node above says of it');
    if (this.#seen.has(child.digest)) this.#repeated += node.entries.length + node.children.length;
    if (this.#repeated > this.#most) throw badNode('the same nodes stand in its tree too often');
    this.#seen.add(child.digest);
    return node;
  }

  #bytesOf(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#ahead.get(digest) ?? this.#read(digest);
    this.#ahead.delete(digest);
    return bytes;
  }
}
