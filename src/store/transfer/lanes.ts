// How many requests are under way at once: more while that brings more bytes, half as many when the remote has trouble (AIMD, as TCP does).
import { isPlumbError } from '../../base/errors.ts';

const first = 4;
const most = 16;
/** throughput is looked at this often */
const windowMs = 500;

export class Lanes {
  /** how many may be under way */
  width: number = first;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #clock: () => number;
  #windowStart: number;
  #moved = 0;
  #best = 0;
  #failures = 0;

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#windowStart = clock();
  }

  /** Bytes moved: the lanes learn from it. */
  told(bytes: number): void {
    this.#moved += bytes;
    const ms = this.#clock() - this.#windowStart;
    if (ms < windowMs) return;
    const rate = this.#moved / ms;
    // one more lane is worth trying as long as the last one brought something, and while all are busy
    if (rate > this.#best * 1.05 && this.#underWay >= this.width) this.#widen(2);
    this.#best = Math.max(this.#best * 0.98, rate);
    this.#moved = 0;
    this.#windowStart = this.#clock();
  }

  /** Does something in a lane, once one is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch (error) {
      if (isPlumbError(error, 'REMOTE_FAILED')) this.#narrow();
      throw error;
    } finally {
      this.#leave();
    }
  }

  /** Requests failed one after the other, and none came through between: the remote is gone, and what is left need not be tried. */
  get isHopeless(): boolean {
    return this.#failures >= 3 * first;
  }

  #widen(by: number): void {
    for (this.width = Math.min(most, this.width + by); this.#underWay < this.width; this.#underWay += 1) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }

  #narrow(): void {
    this.#failures += 1;
    this.width = Math.max(1, Math.floor(this.width / 2));
    this.#best = 0;
  }

  /** The lane goes to who waits longest, unless there are too many by now. */
  #leave(): void {
    const next = this.#underWay <= this.width ? this.#waiting.shift() : undefined;
    if (next === undefined) this.#underWay -= 1;
    else next();
  }
}
