/** Bytes that may be held in memory at once by all who work in parallel: who wants more waits until others have let go. */
export class Budget {
  #left: number;
  readonly #all: number;
  readonly #waiting: { bytes: number; go: () => void }[] = [];

  constructor(bytes: number) {
    this.#left = bytes;
    this.#all = bytes;
  }

  /** Waits its turn. Hold one share at a time: who holds one and waits for another can wait for ever. @returns lets go, once */
  async take(bytes: number): Promise<() => void> {
    // more than there is would never come
    const share = Math.min(bytes, this.#all);
    if (this.#waiting.length > 0 || this.#left < share) await new Promise<void>((go) => this.#waiting.push({ bytes: share, go }));
    else this.#left -= share;
    return () => this.#give(share);
  }

  #give(share: number): void {
    this.#left += share;
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#left; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#left -= next.bytes;
      next.go();
    }
  }
}
