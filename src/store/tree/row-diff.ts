// Two trees of rows, compared by walking only what differs.
//
// Rows have no order of their own, so that what is alike is found by its place in the sequence: two lists of nodes are aligned by their digests, the
// nodes between aligned ones are opened, their children are aligned, and so on down to the chunks. What is aligned is never read. A step for each
// level, each a generator that reads the one above: no list is longer than a few nodes' children, save where little is alike.
import type { Digest } from '../../base/digest.ts';
import { align } from './align.ts';
import { decodeRowPlaces, type TreeNode } from './node.ts';
import { NodeReader, type Shape } from './node-reader.ts';
import type { PlacedChunk, ReadNode } from './tree.ts';

/** A chunk, but for its keys: comparing has no use for them. */
export type ComparedChunk = Omit<PlacedChunk, 'keys'>;

/** Chunks that stand in place of others: of a only, of b only. Groups that follow each other with nothing alike between them are possible. */
export interface ChunkGroup {
  readonly before: readonly ComparedChunk[];
  readonly after: readonly ComparedChunk[];
}

/** A chunk (level -1) or a node, and where its bytes begin. There are as many as two versions have chunks in nodes that differ: nothing else is kept of one. */
class Item {
  /** bytes of its digest as latin1: what stands in both versions is found by it */
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly level: number;
  offset = 0;
  row = 0;

  constructor(name: string, bytes: number, rows: number, level: number) {
    this.name = name;
    this.bytes = bytes;
    this.rows = rows;
    this.level = level;
  }

  get digest(): Digest {
    return `sha256:${Buffer.from(this.name, 'latin1').toString('hex')}`;
  }

  placed(): ComparedChunk {
    const { digest, bytes, rows, offset, row } = this;
    return { digest, bytes, rows, offset, row };
  }
}

/** A place where two sequences differ. open: the next one follows with nothing between them. */
interface Gap {
  readonly before: readonly Item[];
  readonly after: readonly Item[];
  readonly open: boolean;
}

const itemShape: Shape<Item, Item> = {
  decode(bytes) {
    const { size, level, names, rows, bytes: sizes } = decodeRowPlaces(bytes);
    const items = names.map((name, at) => new Item(name, sizes[at] as number, rows[at] as number, level - 1));
    return { size, level, entries: level === 0 ? items : [], children: level === 0 ? [] : items };
  },
  agrees({ rows, bytes }, { entries, children }) {
    for (const item of [...entries, ...children]) {
      rows -= item.rows;
      bytes -= item.bytes;
    }
    return rows === 0 && bytes === 0;
  },
  pathOf: () => null,
  countOf: ({ rows }) => rows,
};

/** Nodes of one side that are opened together, and chunks of a group. */
const mostNodes = 64;
const mostChunks = 4096;
/** Items of both sides that wait for an open gap's next part, to be aligned with it. */
const mostWaiting = 16_384;

/**
 * Where the chunks of two files differ, in order: taking `before` out of a and putting `after` in its place, group by group, gives b. Right, and small
 * where the change is; not always the smallest. A chunk that moved is in the `before` of one group and in the `after` of another.
 * @param a null: there was nothing; b likewise
 * @throws PlumbError MANIFEST_INVALID, and what `read` throws
 */
export function diffRowTrees(read: ReadNode, a: Digest | null, b: Digest | null): AsyncGenerator<ChunkGroup> {
  return compareSequences(read, a, b);
}

/** @param onNode told of every node of b that is read: a has none of them in its place */
export async function* compareSequences(
  read: ReadNode,
  a: Digest | null,
  b: Digest | null,
  onNode?: (digest: Digest, size: number) => void,
): AsyncGenerator<ChunkGroup> {
  if (a === b) return;
  const reader = new NodeReader(read, itemShape);
  const before = a === null ? [] : await openRoot(reader, a);
  const after = b === null ? [] : await openRoot(reader, b, onNode);
  let gaps: AsyncIterable<Gap> = only({ before, after, open: false });
  const height = Math.max(-1, ...[...before, ...after].map((item) => item.level));
  // the roots' children are not aligned yet: a step with nothing to open does that
  for (let level = height + 1; level >= 0; level -= 1) gaps = alignBelow(reader, level, gaps, onNode);
  for await (const gap of gaps) yield { before: gap.before.map((item) => item.placed()), after: gap.after.map((item) => item.placed()) };
}

type Reader = NodeReader<Item, Item>;
type OnNode = ((digest: Digest, size: number) => void) | undefined;

async function openRoot(reader: Reader, root: Digest, onNode?: OnNode): Promise<readonly Item[]> {
  const node = await reader.root(root);
  onNode?.(root, node.size);
  return itemsOf(node, { offset: 0, row: 0 });
}

/** One step down: opens the nodes of a level and aligns what is in them. */
async function* alignBelow(reader: Reader, level: number, gaps: AsyncIterable<Gap>, onNode: OnNode): AsyncGenerator<Gap> {
  const most = level === 0 ? mostChunks : mostNodes;
  let before: Item[] = [];
  let after: Item[] = [];
  for await (const gap of gaps) {
    const [below, belowAfter] = await Promise.all([openAll(reader, level, gap.before), openAll(reader, level, gap.after, onNode)]);
    before = before.concat(below);
    after = after.concat(belowAfter);
    let [x, y] = [0, 0];
    for (const run of align(before.map(nameOf), after.map(nameOf))) {
      yield* inParts({ before: before.slice(x, run.a), after: after.slice(y, run.b), open: false }, most);
      [x, y] = [run.a + run.length, run.b + run.length];
    }
    before = before.slice(x);
    after = after.slice(y);
    if (gap.open && before.length + after.length < mostWaiting) continue;
    yield* inParts({ before, after, open: gap.open }, most);
    before = [];
    after = [];
  }
}

function nameOf(item: Item): string {
  return item.name;
}

/** Nodes of that level are replaced by what is in them; what is lower (the other tree is higher) stays. */
async function openAll(reader: Reader, level: number, items: readonly Item[], onNode?: OnNode): Promise<Item[]> {
  const opened = items.map(async (item) => {
    if (item.level !== level) return [item];
    const node = await reader.child(item, level);
    onNode?.(item.digest, node.size);
    return itemsOf(node, item);
  });
  return (await Promise.all(opened)).flat();
}

function itemsOf(node: TreeNode<Item, Item>, start: { readonly offset: number; readonly row: number }): readonly Item[] {
  let { offset, row } = start;
  const items = node.level === 0 ? node.entries : node.children;
  for (const item of items) {
    item.offset = offset;
    item.row = row;
    offset += item.bytes;
    row += item.rows;
  }
  return items;
}

/** A gap as several, of which none has more than `most` of either side; as none where it is empty. */
function* inParts({ before, after, open }: Gap, most: number): Generator<Gap> {
  const parts = Math.ceil(Math.max(before.length, after.length) / most);
  const part = (items: readonly Item[], at: number): readonly Item[] =>
    items.slice(Math.floor((items.length * at) / parts), Math.floor((items.length * (at + 1)) / parts));
  for (let at = 0; at < parts; at += 1) yield { before: part(before, at), after: part(after, at), open: open || at < parts - 1 };
}

async function* only(gap: Gap): AsyncGenerator<Gap> {
  yield gap;
}
