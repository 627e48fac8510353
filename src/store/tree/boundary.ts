// Where a level of a tree is cut into nodes. It is decided by the keys of the entries, never by what stands beside them, so that an edited file moves no
// boundary; and by what is near, so that an entry more or less moves the boundaries beside it and no others.
//
// An entry has a weight, about the bytes that it takes: of files 40 and the bytes of its path that the path before it on this level does not begin with
// (the first of a node: all); of rows 64. It has a mark: of a file murmur3(path), of a chunk the first four bytes of its digest, little-endian; a node
// has the mark of its last entry. A node ends behind an entry when the weights of its entries are 1,024 or more together and either
//   mix(mark + level * 0x9e3779b9) * 3,072 < weight * 2^32
// or they are 16,384 or more; a node of level > 0 not before it has two entries. murmur3 and mix are in chunk/murmur3.ts, sums are modulo 2^32.
// So nodes are about 4 KiB. The level above has an entry for each; the level that is a single node is the root.
import { mix } from '../chunk/murmur3.ts';

const min = 1024;
const target = 4096;
const max = 16_384;

export const fileWeight = 40;
export const rowWeight = 64;

/** @param node what it holds with this entry */
export function endsNode(
  level: number,
  node: { readonly entries: number; readonly weight: number },
  entry: { readonly mark: number; readonly weight: number },
): boolean {
  if (node.weight < min || (level > 0 && node.entries < 2)) return false;
  return node.weight >= max || mix((entry.mark + Math.imul(level, 0x9e3779b9)) | 0) * (target - min) < entry.weight * 2 ** 32;
}
