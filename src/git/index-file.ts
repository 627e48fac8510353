// The index of a work tree, as git writes it. Read here and not by isomorphic-git, which turns "\" in names into "/" and knows no version 4.
import { PlumbError } from '../base/errors.ts';
import type { Oid } from './git.ts';

export interface IndexEntry {
  readonly path: string;
  /** '100644', '100755', '120000', '160000' */
  readonly mode: string;
  readonly oid: Oid;
  /** 0; 1 to 3 for the sides of a merge that is not resolved */
  readonly stage: number;
  /** `git add -N`: the path is known, its content is not yet */
  readonly intentToAdd: boolean;
  /** A sparse checkout leaves the file out, or the user has told git not to look. */
  readonly notLookedAt: boolean;
}

/**
 * @param bytes of .git/index, versions 2 to 4 with SHA-1
 * @throws PlumbError GIT_UNSUPPORTED, GIT_FAILED
 * Source: gitformat-index(5)
 */
export function parseIndex(bytes: Buffer): IndexEntry[] {
  if (bytes.length < 32 || bytes.toString('latin1', 0, 4) !== 'DIRC') throw damaged();
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) throw unsupported(`version ${version}`);
  const count = bytes.readUInt32BE(8);
  const entries: IndexEntry[] = [];
  let at = 12;
  let previous: Buffer = Buffer.alloc(0);
  for (let number = 0; number < count; number += 1) {
    if (at + 62 > bytes.length) throw damaged();
    const flags = bytes.readUInt16BE(at + 60);
    const isExtended = (flags & 0x4000) !== 0;
    const more = isExtended ? bytes.readUInt16BE(at + 62) : 0;
    const start = at + (isExtended ? 64 : 62);
    const { name, end } = version === 4 ? compressedName(bytes, start, previous) : plainName(bytes, start, at);
    entries.push({
      path: name.toString('utf8'),
      mode: bytes.readUInt32BE(at + 24).toString(8),
      oid: bytes.toString('hex', at + 40, at + 60),
      stage: (flags >> 12) & 3,
      intentToAdd: (more & 0x2000) !== 0,
      notLookedAt: (flags & 0x8000) !== 0 || (more & 0x4000) !== 0,
    });
    previous = name;
    at = end;
  }
  checkExtensions(bytes, at);
  return entries;
}

/** Ended by a zero byte; entries are filled up to a multiple of eight. */
function plainName(bytes: Buffer, start: number, entry: number): { name: Buffer; end: number } {
  const zero = bytes.indexOf(0, start);
  if (zero === -1) throw damaged();
  return { name: bytes.subarray(start, zero), end: entry + ((zero - entry + 8) & ~7) };
}

/** How many bytes to drop from the end of the name before, and what to put there. */
function compressedName(bytes: Buffer, start: number, previous: Buffer): { name: Buffer; end: number } {
  let at = start;
  let byte = bytes[at] ?? 0;
  let dropped = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    at += 1;
    byte = bytes[at] ?? 0;
    dropped = ((dropped + 1) << 7) | (byte & 0x7f);
  }
  const zero = bytes.indexOf(0, at + 1);
  if (zero === -1 || dropped > previous.length) throw damaged();
  return { name: Buffer.concat([previous.subarray(0, previous.length - dropped), bytes.subarray(at + 1, zero)]), end: zero + 1 };
}

/** Those in capitals may be passed over; the others change what the entries mean. */
function checkExtensions(bytes: Buffer, start: number): void {
  for (let at = start; at + 8 <= bytes.length - 20;) {
    const name = bytes.toString('latin1', at, at + 4);
    if (!/^[A-Z]/.test(name)) throw unsupported(`the extension "${name}" (split or sparse index)`);
    at += 8 + bytes.readUInt32BE(at + 4);
  }
}

function unsupported(what: string): PlumbError {
  return new PlumbError('GIT_UNSUPPORTED', { what: `the index has ${what}, which needs the git command`, mend: 'install git' });
}

function damaged(): PlumbError {
  return new PlumbError('GIT_FAILED', { what: 'the index of this work tree is damaged', mend: 'remove .git/index and run `git reset`' });
}
