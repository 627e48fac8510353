import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** Files that are written in pieces, in any order: as many of them as there are, but only some open at once. */
export class PiecewiseFiles {
  readonly #most: number;
  /** path -> descriptor, the one used longest ago first */
  readonly #open = new Map<string, number>();

  constructor(most: number = 64) {
    this.#most = most;
  }

  /** @param path of a file that is there or is made. @throws what the system throws: ENOSPC and the like */
  write(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.#descriptor(path);
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, offset + done);
  }

  close(path: string): void {
    const file = this.#open.get(path);
    this.#open.delete(path);
    if (file !== undefined) closeSync(file);
  }

  closeAll(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }

  #descriptor(path: string): number {
    const known = this.#open.get(path);
    this.#open.delete(path);
    const file = known ?? openSync(path, constants.O_RDWR | constants.O_CREAT);
    this.#open.set(path, file);
    const [oldest] = this.#open.keys();
    if (this.#open.size > this.#most && oldest !== undefined) this.close(oldest);
    return file;
  }
}
