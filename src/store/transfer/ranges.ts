// Which bytes of a pack to ask for: as few requests as can be, without reading much that nobody wants.
import type { FrameLocation } from '../pack/pack.ts';
import type { ByteRange } from '../remote.ts';

/** A request for less than this costs as much as reading it over. */
export const smallGap: number = 256 * 1024;
const nearlyAll = 0.8;

export interface PlannedRange extends ByteRange {
  /** numbers of the frames that are wanted of it, by their place in the file; they do not overlap */
  readonly frames: readonly number[];
}

/**
 * Ranges of a pack that hold the wanted frames.
 * @param wanted numbers of frames, in any order, each once
 * @param pack size of the part that holds data frames: a pack that is wanted for the most part is read in one go
 */
export function planRanges(wanted: readonly number[], frameAt: (frame: number) => FrameLocation, pack: { readonly bytes: number }): PlannedRange[] {
  const frames = wanted.map((number) => ({ number, ...frameAt(number) })).toSorted((a, b) => a.offset - b.offset);
  const needed = frames.reduce((sum, frame) => sum + frame.stored, 0);
  const gap = needed > nearlyAll * pack.bytes ? Number.POSITIVE_INFINITY : smallGap;
  const ranges: { start: number; end: number; frames: number[] }[] = [];
  for (const { number, offset, stored } of frames) {
    const last = ranges.at(-1);
    // frames of an honest pack do not overlap; those of another are read each on its own
    if (last !== undefined && offset >= last.end && offset - last.end < gap) {
      last.end = offset + stored;
      last.frames.push(number);
    } else {
      ranges.push({ start: offset, end: offset + stored, frames: [number] });
    }
  }
  return ranges;
}
