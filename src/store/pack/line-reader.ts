// Makes an object from a recipe of lines. The result is made window by window: the pieces of a window are sorted by where they come from, so that a file
// whose million rows were shuffled is read in some passes from front to back, not in a million reads. Memory, whatever the size: a window (64 MiB), 9
// bytes a run, 6 bytes a line of the sources; less than 250 MiB at the limits of recipe.ts.
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { packInvalid } from './frame.ts';
import { blocksOf, withFile } from './line-scan.ts';
import { decodeLines, lineLimits, type LineRecipe, type LineRuns, type LineSource } from './recipe.ts';

const usualWindow = 64 * 1024 * 1024;
const windowPieces = 2 ** 18;
/** Source, line and piece fit the 53 bits of a number: 5 + 24 + 18. */
const lineRoom = 2 ** 24;
const readBytes = 4 * 1024 * 1024;
/** Reading this much over takes as long as another read. */
const smallGap = 16 * 1024;

/** An object that is to be made of lines. */
export interface LineJob {
  /** paths of the recipe's sources, in its order */
  readonly sources: readonly string[];
  /** of the object */
  readonly digest: Digest;
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** that are made at once; a smaller window takes less memory and, where rows were shuffled, more time. Default: 64 MiB */
  readonly windowBytes?: number;
}

/**
 * Writes the object that a recipe of lines describes.
 * @param write gets the bytes in order; a buffer is used again as soon as it is done
 * @throws PlumbError PACK_INVALID, DIGEST_MISMATCH (at the end: what was written is not to be used), FILE_MISSING, FILE_UNREADABLE; AbortError
 */
export async function applyLines(what: LineJob & { readonly recipe: Uint8Array }, write: (bytes: Buffer) => void | Promise<void>): Promise<void> {
  await applyRuns({ ...what, recipe: decodeLines(what.recipe) }, write);
}

/** The same for a recipe that is decoded. */
export async function applyRuns(what: LineJob & { readonly recipe: LineRecipe }, write: (bytes: Buffer) => void | Promise<void>): Promise<void> {
  const { recipe, bytes, digest, signal } = what;
  if (what.sources.length !== recipe.sources.length)
    throw new Error(`${recipe.sources.length} sources are needed, ${what.sources.length} were given`);
  const state = createHash('sha256');
  let written = 0;
  await withFiles(what.sources, async (files) => {
    const sources: IndexedSource[] = [];
    for (const [number, file] of files.entries()) {
      const needed = linesNeeded(recipe.runs, number);
      const { bytes: size } = recipe.sources[number] as LineSource;
      sources.push({ file: file.fd, lines: await indexLines(file, { bytes: size, needed }, signal) });
    }
    const memory = new ArrayBuffer(Math.min(what.windowBytes ?? usualWindow, bytes));
    try {
      for (const window of windowsOf(recipe.runs, sources, { window: Buffer.from(memory), bytes })) {
        state.update(window);
        written += window.length;
        await write(window);
        await setImmediate();
        signal.throwIfAborted();
      }
    } finally {
      // now, not with the next collection: who builds or fetches several versions would hold several
      memory.transfer(0);
    }
  });
  const actual: Digest = `sha256:${state.digest('hex')}`;
  if (written === bytes && actual === digest) return;
  throw new PlumbError('DIGEST_MISMATCH', {
    what: `rows of earlier versions should make ${digest} (${bytes} bytes) and make ${actual} (${written} bytes)`,
    mend: 'the bytes are not used; push that version again from a machine that has it',
    details: { expected: digest, actual },
  });
}

async function withFiles<T>(
  paths: readonly string[],
  use: (files: readonly FileHandle[]) => Promise<T>,
  opened: readonly FileHandle[] = [],
): Promise<T> {
  const [path, ...rest] = paths;
  return path === undefined ? use(opened) : withFile(path, (file) => withFiles(rest, use, [...opened, file]));
}

function linesNeeded(runs: LineRuns, source: number): number {
  let most = 0;
  for (let run = 0; run < runs.length; run += 1) {
    if (runs.source[run] === source) most = Math.max(most, (runs.line[run] as number) + (runs.count[run] as number));
  }
  return most;
}

/** Where the lines of a source begin, in 6 bytes each. */
interface LineStarts {
  readonly low: Uint32Array;
  readonly high: Uint16Array;
}

interface IndexedSource {
  readonly file: number;
  readonly lines: LineStarts;
}

/** Where the first `needed` lines of a file begin, and where the last of them ends. */
async function indexLines(file: FileHandle, source: { readonly bytes: number; readonly needed: number }, signal: AbortSignal): Promise<LineStarts> {
  const { size } = await file.stat();
  if (size !== source.bytes) throw packInvalid(`a source of a recipe has ${size} bytes, the recipe says ${source.bytes}`);
  // every line has a byte: a recipe that names lines no file of this size has is refused before anything is allocated
  if (source.needed > size || source.needed > lineLimits.lines) throw noSuchLine(source.needed, size);
  const lines = { low: new Uint32Array(source.needed + 1), high: new Uint16Array(source.needed + 1) };
  let found = 0;
  let offset = 0;
  if (source.needed > 0) {
    for await (const block of blocksOf(file, signal)) {
      for (let end = block.indexOf(10) + 1; end > 0 && found < source.needed; end = block.indexOf(10, end) + 1)
        setStart(lines, (found += 1), offset + end);
      offset += block.length;
      if (found === source.needed) return lines;
    }
    // the last line may lack its end
    if (found === source.needed - 1 && startOf(lines, found) < size) setStart(lines, (found += 1), size);
  }
  if (found < source.needed) throw noSuchLine(source.needed, found);
  return lines;
}

function noSuchLine(needed: number, there: number): PlumbError {
  return packInvalid(`a recipe names line ${needed} of a source that has ${there} lines or bytes`);
}

function setStart({ low, high }: LineStarts, line: number, offset: number): void {
  low[line] = offset % 2 ** 32;
  high[line] = offset / 2 ** 32;
}

function startOf({ low, high }: LineStarts, line: number): number {
  return (low[line] as number) + (high[line] as number) * 2 ** 32;
}

/** Pieces of a window as columns: from where in which source, how many bytes, to where in the window. */
interface Pieces {
  count: number;
  /** source, line in it, number of the piece, in one number: its order is that of the sources */
  readonly key: Float64Array;
  readonly source: Uint8Array;
  readonly from: Float64Array;
  readonly bytes: Uint32Array;
  readonly to: Uint32Array;
}

/** The result, window by window; stops where more would come than the object has. */
function* windowsOf(
  runs: LineRuns,
  sources: readonly IndexedSource[],
  { window, bytes }: { readonly window: Buffer; readonly bytes: number },
): Generator<Buffer> {
  const room = Math.min(windowPieces, runs.length);
  const pieces: Pieces = {
    count: 0,
    key: new Float64Array(room),
    source: new Uint8Array(room),
    from: new Float64Array(room),
    bytes: new Uint32Array(room),
    to: new Uint32Array(room),
  };
  const gather = new Gather(Math.min(readBytes, bytes));
  let run = 0;
  let done = 0;
  for (let left = bytes; run < runs.length && left > 0;) {
    pieces.count = 0;
    let used = 0;
    for (; run < runs.length && used < window.length && used < left && pieces.count < room;) {
      const source = runs.source[run] as number;
      const { lines } = sources[source] as IndexedSource;
      const line = runs.line[run] as number;
      const from = startOf(lines, line) + done;
      const rest = startOf(lines, line + (runs.count[run] as number)) - from;
      const taken = Math.min(rest, window.length - used, left - used);
      pieces.key[pieces.count] = (source * lineRoom + line) * windowPieces + pieces.count;
      pieces.source[pieces.count] = source;
      pieces.from[pieces.count] = from;
      pieces.bytes[pieces.count] = taken;
      pieces.to[pieces.count] = used;
      pieces.count += 1;
      used += taken;
      done = taken === rest ? 0 : done + taken;
      if (taken === rest) run += 1;
    }
    gather.fill(window, pieces, sources);
    yield window.subarray(0, used);
    left -= used;
  }
  if (run < runs.length) throw packInvalid(`a recipe makes more than the ${bytes} bytes of its object`);
}

/** Reads the pieces of a window in the order of the sources, those that lie close together at once. */
class Gather {
  readonly #buffer: Buffer;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
  }

  fill(window: Buffer, pieces: Pieces, sources: readonly IndexedSource[]): void {
    const order = Uint32Array.from(pieces.key.subarray(0, pieces.count).toSorted(), (key) => key % windowPieces);
    for (let first = 0; first < order.length;) {
      const piece = order[first] as number;
      const source = pieces.source[piece] as number;
      const { file } = sources[source] as IndexedSource;
      const start = pieces.from[piece] as number;
      let end = start + (pieces.bytes[piece] as number);
      let behind = first + 1;
      for (; behind < order.length; behind += 1) {
        const next = order[behind] as number;
        const from = pieces.from[next] as number;
        const to = Math.max(end, from + (pieces.bytes[next] as number));
        // the rest of a run that the window before began lies behind its first line, by which it was sorted: then `from` is before `start`
        if (pieces.source[next] !== source || from < start || from > end + smallGap || to - start > this.#buffer.length) break;
        end = to;
      }
      if (behind === first + 1) {
        const to = pieces.to[piece] as number;
        readFully(file, window, to, end - start, start);
      } else {
        readFully(file, this.#buffer, 0, end - start, start);
        for (let at = first; at < behind; at += 1) {
          const each = order[at] as number;
          const from = (pieces.from[each] as number) - start;
          this.#buffer.copy(window, pieces.to[each], from, from + (pieces.bytes[each] ?? 0));
        }
      }
      first = behind;
    }
  }
}

function readFully(file: number, into: Buffer, at: number, length: number, position: number): void {
  for (let done = 0; done < length;) {
    const count = readSync(file, into, at + done, length - done, position + done);
    if (count === 0)
      throw new PlumbError('FILE_CHANGED', { what: 'a source of a recipe became shorter while it was read', mend: 'run the command again' });
    done += count;
  }
}
