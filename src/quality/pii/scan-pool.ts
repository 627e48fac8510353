// Threads that look for patterns, for scans of all rows of large files. A batch goes to the thread that has least to do.
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { Found } from './found.ts';
import { mayHold, type PatternScanner, type ScanSettings } from './scan.ts';

/** Below it a thread would start for longer than it helps. */
const worthBytes = 64 << 20;

/** @param most at least 1 */
export async function threadsFor(path: string, most: number): Promise<number> {
  return (await stat(path)).size < worthBytes ? 1 : most;
}

/** Flat, so that a batch is sent as one array: text, name, text, name. */
export type ScanQuestion = readonly string[];
export type ScanAnswer = readonly (readonly [at: number, found: readonly Found[]])[];

export function openPool(settings: ScanSettings, threads: number): PatternScanner {
  const members = Array.from({ length: threads }, () => new Member(settings));
  return {
    async scan(texts) {
      const free = members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
      const answers: (Found[] | null)[] = texts.map(() => null);
      const places: number[] = [];
      const question: string[] = [];
      for (const [at, [text, name]] of texts.entries()) {
        if (!mayHold(text)) continue;
        places.push(at);
        question.push(text, name);
      }
      for (const [nth, found] of await free.ask(question)) answers[places[nth] ?? 0] = [...found];
      return answers;
    },
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

class Member {
  readonly #worker: Worker;
  readonly #open: { resolve(answer: ScanAnswer): void; reject(error: unknown): void }[] = [];
  #fault: Error | null = null;

  constructor(settings: ScanSettings) {
    // compiled, this file and the worker end in .js
    const file = new URL(`./scan-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
    this.#worker = new Worker(file, { workerData: settings });
    this.#worker.on('message', (answer: ScanAnswer) => this.#open.shift()?.resolve(answer));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread that looks for personal data ended before its work')));
  }

  get waiting(): number {
    return this.#open.length;
  }

  ask(question: ScanQuestion): Promise<ScanAnswer> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    return new Promise((resolve, reject) => {
      this.#open.push({ resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage(question);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    for (const { reject } of this.#open.splice(0)) reject(error);
  }
}
