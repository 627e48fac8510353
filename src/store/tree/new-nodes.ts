// What a tree is made of, as objects of the store: for a push and for gc.
import type { Digest } from '../../base/digest.ts';
import type { ObjectRef } from '../store.ts';
import { compareTrees } from './file-diff.ts';
import { badNode, decodeNode } from './node.ts';
import { compareSequences } from './row-diff.ts';
import type { ReadNode } from './tree.ts';

/**
 * Nodes (role meta) and what the leaves name (role data: files, or chunks of rows) that a tree has and a base has not. Nodes that both have are not read.
 * A few that the base has may be among them, and one that stands twice in the tree may come twice.
 * @param base null: all of the tree
 * @returns nodes before what is below them; a file that was changed with what it was in the base, as `like`
 * @throws PlumbError MANIFEST_INVALID, and what `read` throws
 */
export async function* newObjects(read: ReadNode, root: Digest, base: Digest | null, kind: 'files' | 'rows'): AsyncGenerator<ObjectRef> {
  let nodes: ObjectRef[] = [];
  const onNode = (digest: Digest, bytes: number): void => void nodes.push({ digest, bytes, role: 'meta' });
  const entries = kind === 'files' ? newFiles(read, root, base, onNode) : newChunks(read, root, base, onNode);
  for await (const entry of entries) {
    if (nodes.length > 0) {
      yield* nodes;
      nodes = [];
    }
    yield entry;
  }
  yield* nodes;
}

type OnNode = (digest: Digest, size: number) => void;

async function* newFiles(read: ReadNode, root: Digest, base: Digest | null, onNode: OnNode): AsyncGenerator<ObjectRef> {
  for await (const { before, after } of compareTrees(read, base, root, onNode)) {
    if (after === null || after.digest === before?.digest) continue;
    yield { digest: after.digest, bytes: after.bytes, role: 'data', ...(before === null ? {} : { like: before.digest }) };
  }
}

async function* newChunks(read: ReadNode, root: Digest, base: Digest | null, onNode: OnNode): AsyncGenerator<ObjectRef> {
  for await (const { before, after } of compareSequences(read, base, root, onNode)) {
    const had = new Set(before.map((chunk) => chunk.digest));
    for (const { digest, bytes } of after) if (!had.has(digest)) yield { digest, bytes, role: 'data' };
  }
}

/** Digests of all nodes of a tree of either kind, the root first. Leaves are not read; one may come twice. @throws PlumbError MANIFEST_INVALID, and what `read` throws */
export async function* nodesOf(read: ReadNode, root: Digest): AsyncGenerator<Digest> {
  yield root;
  // few (one for some 10,000 files); without it a hostile tree whose nodes name one child many times would never end
  const entered = new Set<Digest>();
  const waiting = [{ digest: root, level: null as number | null }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const node = decodeNode(await read(next.digest));
    if (next.level !== null && node.level !== next.level) throw badNode('its level is not that of its place');
    for (const { digest } of node.children) {
      if (entered.has(digest)) continue;
      yield digest;
      if (node.level === 1) continue;
      entered.add(digest);
      waiting.push({ digest, level: node.level - 1 });
    }
  }
}
