// Frames of packs as they come over the line: each is decoded as soon as its last byte is there, and let go as soon as it was used.
import type { Digest } from '../../base/digest.ts';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import type { ProgressBar } from '../../base/progress.ts';
import type { FrameLocation, PackIndex } from '../pack/pack.ts';
import type { ByteRange, PackRef, Remote } from '../remote.ts';
import type { Budget } from './budget.ts';
import type { Lanes } from './lanes.ts';
import type { PlannedRange } from './ranges.ts';
import type { Meter } from './rate.ts';

/** A remote as a transfer uses it: so many requests at once, so many bytes a second, so much in memory. */
export interface Line {
  readonly remote: Remote;
  readonly lanes: Lanes;
  readonly meter: Meter;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** Bytes that moved in a transfer, and the bar that shows them. */
export class Tally {
  moved = 0;
  #bar: ProgressBar | null = null;

  add(bytes: number): void {
    this.moved += bytes;
    this.#bar?.advance(bytes);
  }

  show(bar: ProgressBar): void {
    this.end();
    this.#bar = bar;
  }

  end(): void {
    this.#bar?.end();
    this.#bar = null;
  }
}

/** Options of a request that moves bytes. */
export function moving(line: Line): { signal: AbortSignal; onBytes: (bytes: number) => Promise<void> | void } {
  return {
    signal: line.signal,
    onBytes: (bytes) => {
      line.lanes.told(bytes);
      line.tally.add(bytes);
      return line.meter(bytes);
    },
  };
}

/** Bytes of a pack, whole in memory: for its end. @throws PlumbError BYTES_MISSING, REMOTE_FAILED */
export async function readRange(line: Line, pack: Digest, range: ByteRange): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(range.end - range.start);
  let at = 0;
  for await (const piece of line.remote.readPack(pack, range, { ...moving(line), isBrief: true }))
    at += Buffer.from(piece.buffer, piece.byteOffset, piece.length).copy(bytes, at);
  if (at < bytes.length) throw new ShortAnswer(line.remote, pack);
  return bytes;
}

/** What became of a frame: were its bytes right? A function tells it later, when the rest of the range was read. */
export type Verdict = boolean | (() => Promise<boolean>);

/** Of a range. What comes late has been handed on by then: objects are landed by the megabyte. */
const mostOpen = 256;

/** Tries of one range. The backend tries again by itself: these are for answers that end too early, or are wrong. */
const tries = 3;

/**
 * Reads the frames of a range, in the order of the file; after a cut it goes on behind the last whole frame.
 * @param use the stored bytes, which are its own only until it is done. Where they are wrong they are read once more
 * @throws PlumbError BYTES_MISSING, REMOTE_FAILED
 */
export async function readFrames(
  line: Line,
  pack: { readonly ref: PackRef; readonly index: PackIndex },
  range: PlannedRange,
  use: (frame: number, stored: Buffer, isLastTry: boolean) => Promise<Verdict>,
): Promise<void> {
  let left = range.frames;
  for (let trial = 1; left.length > 0; trial += 1) {
    const isLast = trial === tries;
    try {
      left = await line.lanes.run(() => readOnce(line, pack, left, (frame, stored) => use(frame, stored, isLast)));
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (isLast || line.lanes.isHopeless || !isPlumbError(error.cause, 'REMOTE_FAILED')) throw error.cause;
      left = error.left;
    }
    if (isLast) return;
  }
}

/** A range that ended early: what of it was not used yet. */
class Interrupted extends PlumbError {
  readonly left: readonly number[];

  constructor(cause: unknown, left: readonly number[]) {
    super('REMOTE_FAILED', { what: 'a range was cut', mend: 'read the rest of it', cause });
    this.left = left;
  }
}

/** @returns frames whose bytes were wrong */
async function readOnce(
  line: Line,
  { ref, index }: { readonly ref: PackRef; readonly index: PackIndex },
  frames: readonly number[],
  use: (frame: number, stored: Buffer) => Promise<Verdict>,
): Promise<number[]> {
  const places = frames.map((frame) => index.frameAt(frame));
  const range = { start: (places[0] as FrameLocation).offset, end: endOf(places.at(-1) as FrameLocation) };
  const verdicts = new Verdicts();
  let next = 0;
  let gathering: Gathering | null = null;
  const room = { bytes: Buffer.alloc(0) };
  let position = range.start;
  try {
    for await (const bytes of line.remote.readPack(ref.digest, range, { ...moving(line), isBrief: true })) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < piece.length && next < frames.length;) {
        const place = places[next] as FrameLocation;
        if (position < place.offset) {
          const skipped = Math.min(place.offset - position, piece.length - at);
          at += skipped;
          position += skipped;
          continue;
        }
        // what is held: the stored bytes, and soon the raw ones beside them
        gathering ??= new Gathering(place.stored, room, await line.budget.take(place.stored + place.raw));
        const taken = gathering.take(piece.subarray(at));
        at += taken;
        position += taken;
        const whole = gathering.whole();
        if (whole === null) continue;
        const frame = frames[next] as number;
        const verdict = await use(frame, whole);
        gathering.release();
        gathering = null;
        next += 1;
        await verdicts.add(frame, verdict);
      }
    }
    if (next < frames.length) throw new ShortAnswer(line.remote, ref.digest);
  } catch (error) {
    if (!isPlumbError(error, 'REMOTE_FAILED')) throw error;
    throw new Interrupted(error, [...(await verdicts.wrong()), ...frames.slice(next)]);
  } finally {
    gathering?.release();
  }
  return verdicts.wrong();
}

/** Verdicts of a range that are not known yet: each keeps what it takes to tell, a kilobyte, so they may not be as many as its frames. */
class Verdicts {
  readonly #wrong: number[] = [];
  readonly #open: { readonly frame: number; readonly verdict: () => Promise<boolean> }[] = [];

  async add(frame: number, verdict: Verdict): Promise<void> {
    if (typeof verdict === 'function') this.#open.push({ frame, verdict });
    else if (!verdict) this.#wrong.push(frame);
    if (this.#open.length >= mostOpen) await this.#settle(mostOpen / 2);
  }

  /** Frames whose bytes were wrong, in the order of the file; all is known then. */
  async wrong(): Promise<number[]> {
    await this.#settle(this.#open.length);
    return this.#wrong.toSorted((a, b) => a - b);
  }

  async #settle(count: number): Promise<void> {
    for (const { frame, verdict } of this.#open.splice(0, count)) if (!(await verdict())) this.#wrong.push(frame);
  }
}

/** The bytes of one frame, until all are there; a piece that holds them all is used where it lies. */
class Gathering {
  readonly release: () => void;
  readonly #size: number;
  readonly #room: { bytes: Buffer };
  #bytes: Buffer | null = null;
  #have = 0;

  /** @param room for the bytes: one frame after the other uses it */
  constructor(size: number, room: { bytes: Buffer }, release: () => void) {
    this.#size = size;
    this.#room = room;
    this.release = release;
  }

  /** @returns how many of these bytes belong to the frame */
  take(piece: Buffer): number {
    const taken = Math.min(piece.length, this.#size - this.#have);
    if (taken === this.#size) this.#bytes = piece.subarray(0, taken);
    else piece.copy((this.#bytes ??= this.#makeRoom()), this.#have, 0, taken);
    this.#have += taken;
    return taken;
  }

  whole(): Buffer | null {
    return this.#have === this.#size ? this.#bytes : null;
  }

  #makeRoom(): Buffer {
    if (this.#room.bytes.length < this.#size) this.#room.bytes = Buffer.allocUnsafeSlow(this.#size);
    return this.#room.bytes.subarray(0, this.#size);
  }
}

function endOf(frame: FrameLocation): number {
  return frame.offset + frame.stored;
}

/** A pack gave less than was asked for. A connection that was cut is told by the backend; but there are servers that do not say how much will come. */
export class ShortAnswer extends PlumbError {
  constructor(remote: Remote, pack: Digest) {
    super('REMOTE_FAILED', {
      what: `the remote ${remote.url} ended its answer for pack ${pack} too early`,
      mend: 'run the command again: what came is kept',
      details: { pack },
    });
  }
}
