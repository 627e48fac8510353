// What is known of the files of one folder, in one file of this machine: which version the folder is compared with, and what was found when each file
// was last hashed. Sorted by path, written and read from front to back: it is merged with a walk through the folder, and never held in memory.
//
//   head     "PLSTAT1\n"; 32 bytes: root of the version's tree, or zeros where there is no version; f64 files and f64 bytes of the version; f64 rows;
//            32 bytes: the cache's state when all objects of the version were known to be in it, or zeros; u32 CRC-32 of all this
//   blocks   u32 length, u32 CRC-32, then rows. The first row of a block shares nothing with the one before
//   row      varint UTF-16 units that its path shares with the one before, varint bytes that follow, these; u8 flags (below);
//            of the version, where it has the file: 32-byte digest, varint size;
//            of what was found: 32-byte digest, varint size, both only where they are not those of the version; then,
//            where it can be trusted: f64 mtime, f64 ctime (0: not to be compared), varint inode
//
// It may vanish, be cut off or be spoiled at any time: then files are hashed again.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { hexOf, type Digest } from '../base/digest.ts';
import type { FileStamp } from '../store/cache/cache.ts';

/** A file as a version has it, or as it stands. */
export interface FileState {
  readonly digest: Digest;
  readonly bytes: number;
  readonly executable: boolean;
}

export interface FoundFile extends FileState {
  /** null: it was written just before it was hashed, so that its stamp says nothing */
  readonly stamp: FileStamp | null;
}

export interface IndexRow {
  readonly path: string;
  /** null: the version has no such file */
  readonly version: FileState | null;
  /** null: there is no such file in the folder */
  readonly found: FoundFile | null;
}

export interface IndexHead {
  readonly version: { readonly tree: Digest; readonly files: number; readonly bytes: number } | null;
  /** 64 hex digits; null: not known to be in the cache */
  readonly cacheState: string | null;
}

export const headBytes = 8 + 32 + 3 * 8 + 32 + 4;
/** A block is full when it has so many bytes; with its last row it may have more. */
export const blockBytes = 65_536;
export const mostBlockBytes = 2 * blockBytes;
export const flag = { version: 1, versionExecutable: 2, found: 4, foundExecutable: 8, same: 16, stamped: 32 } as const;

const magic = 'PLSTAT1\n';
const noDigest = '0'.repeat(64);

export function encodeHead({ version, cacheState }: IndexHead, rows: number): Buffer {
  const head = Buffer.alloc(headBytes);
  head.write(magic, 0, 'latin1');
  head.write(version === null ? noDigest : hexOf(version.tree), 8, 'hex');
  head.writeDoubleLE(version?.files ?? 0, 40);
  head.writeDoubleLE(version?.bytes ?? 0, 48);
  head.writeDoubleLE(rows, 56);
  head.write(cacheState ?? noDigest, 64, 'hex');
  head.writeUInt32LE(crc32(head.subarray(0, headBytes - 4)), headBytes - 4);
  return head;
}

/** Reads the head of an open file. @returns null: it is none */
export function readHead(fd: number): { readonly head: IndexHead; readonly rows: number } | null {
  const bytes = Buffer.alloc(headBytes);
  if (readSync(fd, bytes, 0, headBytes, 0) !== headBytes || bytes.toString('latin1', 0, 8) !== magic) return null;
  if (crc32(bytes.subarray(0, headBytes - 4)) !== bytes.readUInt32LE(headBytes - 4)) return null;
  const tree = bytes.toString('hex', 8, 40);
  const cacheState = bytes.toString('hex', 64, 96);
  const head: IndexHead = {
    version: tree === noDigest ? null : { tree: `sha256:${tree}`, files: bytes.readDoubleLE(40), bytes: bytes.readDoubleLE(48) },
    cacheState: cacheState === noDigest ? null : cacheState,
  };
  return { head, rows: bytes.readDoubleLE(56) };
}

/** Notes in an index that is there that all objects of its version are in the cache. What cannot be noted is looked for again. */
export function noteCacheState(file: string, cacheState: string): void {
  try {
    const fd = openSync(file, 'r+');
    try {
      const known = readHead(fd);
      if (known !== null) writeSync(fd, encodeHead({ ...known.head, cacheState }, known.rows), 0, headBytes, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // not ours to write
  }
}
