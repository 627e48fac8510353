// Reading a file in blocks for others to work on.
import type { FileHandle } from 'node:fs/promises';

export const blockBytes = 1 << 19;
/** Room before a block for what the block before left over; more is rare. */
const reserve = 1 << 17;
/** Size of every buffer that is handed out, save for rows of many blocks. */
export const bufferBytes: number = reserve + blockBytes;

/** A file in blocks, each in a buffer of its own behind what was left over of the one before. The next one is read while a block is at work. */
export class FileBlocks {
  readonly #handle: FileHandle;
  /** that are free again */
  readonly #buffers: ArrayBuffer[];
  #ahead: Promise<Buffer>;

  constructor(handle: FileHandle, buffers: ArrayBuffer[]) {
    this.#handle = handle;
    this.#buffers = buffers;
    this.#ahead = this.#start();
  }

  /**
   * What was left over, and the bytes of the file behind it.
   * @returns ended: the file has no more
   */
  async next(rest: Uint8Array): Promise<{ bytes: Buffer; ended: boolean }> {
    let block = await this.#take();
    if (rest.length <= reserve) {
      const bytes = Buffer.from(block.buffer, reserve - rest.length, rest.length + block.length);
      bytes.set(rest);
      return { bytes, ended: block.length < blockBytes };
    }
    // a row of many blocks: as much again is read at once, so that its bytes are copied a few times and not hundreds
    const parts: Uint8Array[] = [rest, block];
    for (let bytes = block.length; block.length === blockBytes && bytes < rest.length; bytes += block.length) {
      block = await this.#take();
      parts.push(block);
    }
    return { bytes: Buffer.concat(parts), ended: block.length < blockBytes };
  }

  async #take(): Promise<Buffer> {
    const block = await this.#ahead;
    if (block.length === blockBytes) this.#ahead = this.#start();
    return block;
  }

  #start(): Promise<Buffer> {
    const reading = this.#read();
    // it may fail before anybody waits for it
    reading.catch(() => undefined);
    return reading;
  }

  async #read(): Promise<Buffer> {
    const buffer = Buffer.from(this.#buffers.pop() ?? new ArrayBuffer(bufferBytes), reserve);
    let filled = 0;
    while (filled < blockBytes) {
      const { bytesRead } = await this.#handle.read(buffer, filled, blockBytes - filled, null);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** Waits for what is being read: then the file may be closed. */
  async stop(): Promise<void> {
    await this.#ahead.catch(() => undefined);
  }
}
