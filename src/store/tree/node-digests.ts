// What a node names, without reading the rest of it: for whoever marks a million objects, and has no use for their paths.
import { badNode, headBytes, kinds, magic, maxLevel } from './node.ts';

export interface NodeDigests {
  readonly kind: 'files' | 'rows';
  /** 0: the digests are of files, or of chunks of rows; else of nodes one level down */
  readonly level: number;
  readonly count: number;
  /** where the first of them is in the node, 32 bytes each */
  readonly start: number;
}

/** @throws PlumbError MANIFEST_INVALID: it does not begin as a node, or is cut off. Nothing else is checked */
export function digestsOfNode(node: Buffer): NodeDigests {
  if (node.length < headBytes || node.toString('latin1', 0, magic.length) !== magic) throw badNode('it does not begin as one');
  const kind = node.readUInt8(8);
  const level = node.readUInt8(9);
  const count = node.readUInt16LE(10);
  if ((kind !== kinds.files && kind !== kinds.rows) || level > maxLevel) throw badNode(`its kind is ${kind}, its level ${level}`);
  if (headBytes + count * 32 > node.length) throw badNode('it is cut off');
  return { kind: kind === kinds.files ? 'files' : 'rows', level, count, start: headBytes };
}
