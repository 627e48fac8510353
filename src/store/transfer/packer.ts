// Where packs are built: in a thread of their own when there is much to pack, else here.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PlumbError, type ErrorCode, type ErrorText } from '../../base/errors.ts';
import { partsOf, restored, type Batch } from './batch.ts';
import { PackBuilder, type BuiltPack } from './pack-builder.ts';

/** To the thread. */
export type Order = Batch | 'end' | 'abandon';

export interface Packed {
  /** the pack that is full now */
  readonly built: BuiltPack | null;
  /** the batch, which is done with: its room can be used again */
  readonly batch: Batch | null;
}

/** From the thread: one answer for each order. */
export type Answer = Packed | { readonly failure: { readonly code: ErrorCode; readonly text: ErrorText } } | { readonly thrown: unknown };

export interface Packer {
  /** @throws PlumbError DISK_FULL */
  take(batch: Batch): Promise<Packed>;
  /** Finishes the last pack. */
  end(): Promise<Packed>;
  /** Takes away what is not finished, and ends the thread. */
  close(): Promise<void>;
}

/** In the source tree Node runs TypeScript; the package has JavaScript. A bundle has neither beside it, and does without a thread. */
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './pack-worker.ts' : './pack-worker.js', import.meta.url);

/** @param how isMuch: worth the 50 ms that a thread takes to start */
export function startPacker(folder: string, how: { readonly isMuch: boolean }): Packer {
  return how.isMuch && existsSync(fileURLToPath(workerUrl)) ? new ThreadPacker(folder) : new PlainPacker(folder);
}

class PlainPacker implements Packer {
  readonly #builder: PackBuilder;

  constructor(folder: string) {
    this.#builder = new PackBuilder(folder);
  }

  async take(batch: Batch): Promise<Packed> {
    return { built: this.#builder.take(batch), batch };
  }

  async end(): Promise<Packed> {
    return { built: this.#builder.end(), batch: null };
  }

  async close(): Promise<void> {
    this.#builder.abandon();
  }
}

class ThreadPacker implements Packer {
  readonly #worker: Worker;
  /** who waits for an answer, in the order of the orders */
  readonly #waiting: { readonly resolve: (packed: Packed) => void; readonly reject: (error: unknown) => void }[] = [];
  #lost: unknown = null;

  constructor(folder: string) {
    // the flags of whoever started us (a debugger, a test runner) are not for threads
    this.#worker = new Worker(workerUrl, { workerData: folder, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    this.#worker.on('message', (answer: Answer) => this.#hear(answer));
    this.#worker.on('error', (error) => this.#lose(error));
    this.#worker.on('exit', (code) => this.#lose(new Error(`the thread that builds packs ended with ${code}`)));
  }

  take(batch: Batch): Promise<Packed> {
    return this.#ask(batch, partsOf(batch));
  }

  end(): Promise<Packed> {
    return this.#ask('end', []);
  }

  async close(): Promise<void> {
    await this.#ask('abandon', []).catch(() => undefined);
    this.#lost = new Error('the thread that builds packs was ended');
    await this.#worker.terminate();
  }

  #ask(order: Order, parts: ArrayBuffer[]): Promise<Packed> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(order, parts);
    });
  }

  #hear(answer: Answer): void {
    const first = this.#waiting.shift();
    if ('built' in answer) return first?.resolve({ ...answer, batch: answer.batch === null ? null : restored(answer.batch) });
    first?.reject('thrown' in answer ? answer.thrown : new PlumbError(answer.failure.code, answer.failure.text));
  }

  #lose(error: unknown): void {
    this.#lost ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
