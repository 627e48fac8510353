// Text files are UTF-8. Anything else is refused where it first shows, never guessed.
import { PlumbError } from '../base/errors.ts';

/** Bytes of the byte order mark that a text begins with, 0 or 3. @throws PlumbError ROW_ENCODING for UTF-16 and UTF-32 */
export function skipByteOrderMark(start: Uint8Array, file: string): 0 | 3 {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return 3;
  const marked = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  const unmarked = start.length >= 2 && (start[0] === 0) !== (start[1] === 0);
  if (marked || unmarked) {
    throw new PlumbError('ROW_ENCODING', {
      what: `${file} is UTF-16 or UTF-32, not UTF-8`,
      where: { file, line: 1 },
      mend: 'convert the file: iconv -f UTF-16 -t UTF-8',
    });
  }
  return 0;
}

/** Offset of the first byte that begins no whole UTF-8 sequence, or -1. Source: Unicode 16, table 3-7. */
export function firstBadByte(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return at;
    at += length;
  }
  return -1;
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  const follows = (offset: number): boolean => ((bytes[at + offset] ?? 0) & 0xc0) === 0x80;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/** How many bytes at the end of a block begin a sequence that the next block ends: 0 to 3. */
export function brokenTail(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let back = 1; back <= 3 && back <= end; back += 1) {
    const byte = bytes[end - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
