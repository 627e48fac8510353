// A node of a tree, byte for byte.
//
//   "PLTREE1\n"      8 bytes
//   u8 kind          1 files, 2 rows
//   u8 level         0 a leaf; a node of level n has children of level n - 1; at most 31
//   u16 entries      little-endian; 0 only in the one node of an empty tree
//   digests          32 bytes an entry: of the file, of the chunk's bytes, or (level > 0) of the child node
//   numbers          a varint an entry: files, level 0: 1 where the file is executable, else 0; files, level > 0: files below, at least 1;
//                    rows: rows of the chunk, or below
//   sizes            a varint an entry: bytes of the file, of the chunk, or of all below; of rows at least 1
//   keys             files: a text an entry: the path of the file, or the last path below. They ascend by their bytes.
//                    rows: an entry is 0 where no row has a key; else 1 and two texts: smallest and largest key of the chunk, or of all below, by their
//                    bytes. A key is cut to whole characters, at most 32 bytes
//
// and nothing behind it. A varint is LEB128: 7 bits a byte, the lowest first, 0x80 set where another byte follows; in as few bytes as it takes, at most
// 2^53 - 1. A text is a varint: bytes that it has in common with the beginning of the text before it in this node, as many as there are (the first
// has none before it); a varint: bytes that remain, and these. It is UTF-8. A path is as isTreePath (keys.ts) says. A node has at most 65,536 bytes.
//
// There is one way to write a node. Where a level is cut into nodes is said in boundary.ts; a reader need not know.
import { isAscii, isUtf8 } from 'node:buffer';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { compareUtf8, isTreePath, keyBytes, pathBytes } from './keys.ts';
import type { FileEntry, RowChunk } from './tree.ts';

export const magic = 'PLTREE1\n';
export const headBytes = 12;
export const kinds = { files: 1, rows: 2 } as const;
export const maxNodeBytes = 65_536;
export const maxLevel = 31;

/** Some files, or a node of them. */
export interface FileChild {
  /** of the node */
  readonly digest: Digest;
  /** the last of them */
  readonly path: string;
  readonly count: number;
  /** of all files */
  readonly bytes: number;
}

/** Chunks that lie one behind the other; digest: of the node. */
export type RowChild = RowChunk;

export interface TreeNode<Entry, Child> {
  /** of this node in the store, bytes */
  readonly size: number;
  readonly level: number;
  /** level 0 */
  readonly entries: readonly Entry[];
  /** level > 0 */
  readonly children: readonly Child[];
}

export type FileNode = TreeNode<FileEntry, FileChild> & { readonly kind: 'files' };
export type RowNode = TreeNode<RowChunk, RowChild> & { readonly kind: 'rows' };

/** @throws PlumbError MANIFEST_INVALID: it is no node. Never reads beyond it, nor allocates more than a small multiple of what it could rightly hold */
export function decodeNode(bytes: Uint8Array): FileNode | RowNode {
  const node = new NodeBytes(bytes);
  return node.kind === kinds.files ? node.files() : node.rows();
}

/** @throws PlumbError MANIFEST_INVALID, also where it is a node of rows */
export function decodeFileNode(bytes: Uint8Array): FileNode {
  const node = decodeNode(bytes);
  if (node.kind !== 'files') throw badNode('it is of rows, not of files');
  return node;
}

/** @throws PlumbError MANIFEST_INVALID, also where it is a node of files */
export function decodeRowNode(bytes: Uint8Array): RowNode {
  const node = decodeNode(bytes);
  if (node.kind !== 'rows') throw badNode('it is of files, not of rows');
  return node;
}

/** What a node of rows says but for the keys, which are not looked at: for whoever compares two trees. */
export interface RowPlaces {
  /** of this node in the store, bytes */
  readonly size: number;
  readonly level: number;
  /** digests of chunks, or of nodes one level down: their 32 bytes as latin1 */
  readonly names: readonly string[];
  readonly rows: readonly number[];
  readonly bytes: readonly number[];
}

/** @throws PlumbError MANIFEST_INVALID: it is no node of rows, as far as it is looked at */
export function decodeRowPlaces(bytes: Uint8Array): RowPlaces {
  const node = new NodeBytes(bytes);
  if (node.kind !== kinds.rows) throw badNode('it is of files, not of rows');
  return node.places();
}

export function badNode(reason: string): PlumbError {
  return new PlumbError('MANIFEST_INVALID', {
    what: `an object that should be a node of a data set's tree is none: ${reason}`,
    mend: 'whoever wrote it did so wrongly, or on purpose: do not trust where it came from, and add the data again',
  });
}

/** The text that was read last, of all nodes in turn: decoding a node waits for nothing. */
const text = Buffer.alloc(maxNodeBytes);

class NodeBytes {
  readonly kind: number;
  readonly #bytes: Buffer;
  readonly #level: number;
  readonly #count: number;
  #at = headBytes;
  #length = 0;
  #ascii: boolean | null = null;

  constructor(bytes: Uint8Array) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (buffer.length < headBytes || buffer.toString('latin1', 0, magic.length) !== magic) throw badNode('it does not begin as one');
    if (buffer.length > maxNodeBytes) throw badNode(`it has ${buffer.length} bytes`);
    this.#bytes = buffer;
    this.kind = buffer.readUInt8(8);
    this.#level = buffer.readUInt8(9);
    this.#count = buffer.readUInt16LE(10);
    if (this.kind !== kinds.files && this.kind !== kinds.rows) throw badNode(`its kind is ${this.kind}`);
    if (this.#level > maxLevel) throw badNode(`its level is ${this.#level}`);
    if (this.#count === 0 && this.#level > 0) throw badNode('it holds nothing');
    if (headBytes + this.#count * 32 > buffer.length) throw badNode('it is cut off');
    this.#at += this.#count * 32;
  }

  files(): FileNode {
    const entries: FileEntry[] = [];
    const children: FileChild[] = [];
    const numbers = this.#varints();
    const sizes = this.#varints();
    for (let at = 0; at < this.#count; at += 1) {
      const digest = this.#digest(at);
      const number = numbers[at] as number;
      const bytes = sizes[at] as number;
      const path = this.#path();
      if (this.#level > 0) {
        if (number === 0) throw badNode('a child holds nothing');
        children.push({ digest, path, count: number, bytes });
      } else {
        if (number > 1) throw badNode('a file is neither executable nor not');
        entries.push({ path, digest, bytes, executable: number === 1 });
      }
    }
    this.#end();
    return { kind: 'files', size: this.#bytes.length, level: this.#level, entries, children };
  }

  rows(): RowNode {
    const chunks: RowChunk[] = [];
    const rows = this.#varints();
    const sizes = this.#varints();
    for (let at = 0; at < this.#count; at += 1) {
      const bytes = sizes[at] as number;
      if (bytes === 0) throw badNode('a chunk has no bytes');
      chunks.push({ digest: this.#digest(at), bytes, rows: rows[at] as number, keys: this.#keys() });
    }
    this.#end();
    const leaf = this.#level === 0;
    return { kind: 'rows', size: this.#bytes.length, level: this.#level, entries: leaf ? chunks : [], children: leaf ? [] : chunks };
  }

  places(): RowPlaces {
    const names: string[] = [];
    for (let at = 0; at < this.#count; at += 1) names.push(this.#bytes.toString('latin1', headBytes + at * 32, headBytes + (at + 1) * 32));
    const rows = this.#varints();
    const bytes = this.#varints();
    if (bytes.includes(0)) throw badNode('a chunk has no bytes');
    return { size: this.#bytes.length, level: this.#level, names, rows, bytes };
  }

  #digest(entry: number): Digest {
    const start = headBytes + entry * 32;
    return `sha256:${this.#bytes.toString('hex', start, start + 32)}`;
  }

  #varints(): number[] {
    const values: number[] = [];
    for (let at = 0; at < this.#count; at += 1) values.push(this.#varint());
    return values;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw badNode('it is cut off');
      value += (byte & 0x7f) * factor;
      if (byte >= 0x80) continue;
      if (byte === 0 && factor > 1) throw badNode('a number is not as short as it could be');
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw badNode('a number is too large');
  }

  #path(): string {
    const before = this.#length;
    const shared = this.#text();
    const next = text[shared] as number;
    // the byte that the path before had there was kept by #text
    if (this.#length === shared || (shared < before && next <= this.#replaced)) throw badNode('its paths do not ascend');
    if (this.#length > pathBytes) throw badNode('a path is too long');
    const path = this.#string();
    if (!isTreePath(path)) throw badNode(`${JSON.stringify(path.slice(0, 200))} is no path`);
    return path;
  }

  #keys(): RowChunk['keys'] {
    const has = this.#bytes[this.#at++];
    if (has === 0) return null;
    if (has !== 1) throw badNode('a chunk neither has keys nor has none');
    const first = this.#key();
    const last = this.#key();
    if (compareUtf8(first, last) > 0) throw badNode('a range of keys ends before it begins');
    return { first, last };
  }

  #key(): string {
    this.#text();
    if (this.#length > keyBytes) throw badNode('a key is too long');
    return this.#string();
  }

  /** byte of the text before, where the text that was read last goes another way */
  #replaced = 0;

  /** Reads the next text into `text`. @returns bytes that it has in common with the one before */
  #text(): number {
    const shared = this.#varint();
    const rest = this.#varint();
    const end = this.#at + rest;
    if (shared > this.#length) throw badNode('a text shares more than there is');
    if (end > this.#bytes.length || shared + rest > text.length) throw badNode('it is cut off');
    this.#replaced = text[shared] as number;
    if (rest > 0 && shared < this.#length && this.#bytes[this.#at] === this.#replaced) throw badNode('a text shares less than it could');
    this.#bytes.copy(text, shared, this.#at, end);
    this.#at = end;
    this.#length = shared + rest;
    return shared;
  }

  #string(): string {
    if ((this.#ascii ??= isAscii(this.#bytes.subarray(headBytes + this.#count * 32)))) return text.toString('latin1', 0, this.#length);
    if (!isUtf8(text.subarray(0, this.#length))) throw badNode('a text is not UTF-8');
    return text.toString('utf8', 0, this.#length);
  }

  #end(): void {
    if (this.#at !== this.#bytes.length) throw badNode('something stands behind it');
  }
}
