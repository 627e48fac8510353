// Chunks of text that end where a row ends.
//
// Whether a chunk ends behind a row is decided by the row alone: with n its bytes (the line end is one of them), it does when
//   murmur3(row) * (average - min) < n * 2^32
// and the chunk has at least `min` bytes. It ends before a row that would make it larger than `max`; a row larger than `max` is a chunk by itself.
// So a row that is edited, put in or taken out moves the cuts beside it, and after the next cut everything is as it was.
import { murmur3 } from './murmur3.ts';
import { rowChunks, type ChunkSizes } from './policy.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;

/** Cuts a text that comes in blocks. A cutter is for one text. */
export interface RowCutter {
  /**
   * @param bytes begin where the last chunk ended: what lay behind the last end comes again, at the front
   * @param ended these are the last bytes: what remains is a row, too
   * @returns where chunks end, ascending offsets behind their last bytes
   */
  cut(bytes: Uint8Array, ended: boolean): number[];
}

/** @param format quoted: rows are records of CSV, which end with LF, CRLF or CR outside of double quotes; else they are lines, which end with LF */
export function createRowCutter(format: { readonly quoted: boolean }, sizes: ChunkSizes = rowChunks): RowCutter {
  const { min, average, max } = sizes;
  const findEnds = format.quoted ? recordEnds() : lineEnds;
  // in what comes again: where the row begins that has not ended, and how far its end was looked for
  let row = 0;
  let searched = 0;

  return {
    cut(bytes, ended) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const findEnd = findEnds(bytes, ended);
      const ends: number[] = [];
      let start = 0;
      for (;;) {
        let end = findEnd(searched);
        if (end === -1) {
          if (!ended || row === bytes.length) break;
          end = bytes.length;
        }
        if (end - start > max && row > start) ends.push((start = row));
        if (end - row > max) ends.push((start = end));
        else if (end - start >= min && murmur3(view, row, end) * (average - min) < (end - row) * 2 ** 32) ends.push((start = end));
        row = searched = end;
      }
      if (ended && start < bytes.length) ends.push(bytes.length);
      searched = bytes.length - start;
      row -= start;
      return ends;
    },
  };
}

/** Looks for ends of rows in bytes. @returns where the row ends that goes on at an offset: behind its line end; or -1 */
type FindEnds = (bytes: Uint8Array, ended: boolean) => (from: number) => number;

const lineEnds: FindEnds = (bytes) => (from) => bytes.indexOf(lineFeed, from) + 1 || -1;

/** Remembers whether it stopped between quotes, and whether behind a CR that may be half of a CRLF. */
function recordEnds(): FindEnds {
  let quoted = false;
  let halfEnd = false;
  return (bytes, ended) => {
    const [nextQuote, nextFeed, nextReturn] = [finder(bytes, quote), finder(bytes, lineFeed), finder(bytes, carriageReturn)];
    return (from) => {
      if (halfEnd && from < bytes.length) {
        halfEnd = false;
        return bytes[from] === lineFeed ? from + 1 : from;
      }
      for (let at = from; ;) {
        const mark = nextQuote(at);
        const end = quoted ? bytes.length : Math.min(nextFeed(at), nextReturn(at));
        if (mark < end) {
          quoted = !quoted; // a quote within quotes is doubled: behind both it is as before
          at = mark + 1;
          continue;
        }
        if (end === bytes.length) return -1;
        if (bytes[end] === lineFeed || end + 1 < bytes.length)
          return bytes[end] === carriageReturn && bytes[end + 1] === lineFeed ? end + 2 : end + 1;
        halfEnd = !ended;
        return -1;
      }
    };
  };
}

/** Where a byte comes next, or the length of all; asked from ascending offsets, it looks through each byte once. */
function finder(bytes: Uint8Array, byte: number): (from: number) => number {
  let found = -1;
  return (from) => {
    if (found < from) {
      const at = bytes.indexOf(byte, from);
      found = at === -1 ? bytes.length : at;
    }
    return found;
  };
}
