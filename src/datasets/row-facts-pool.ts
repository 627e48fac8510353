// Threads that read facts of rows. A block goes to the thread that has least to do; answers of one thread come in the order of the questions.
import { Worker } from 'node:worker_threads';
import { readFacts, type RowsContext } from './row-facts.ts';
import type { BlockAnswer, BlockQuestion } from './row-facts-worker.ts';

/** Who reads facts. The bytes are gone for the caller until the answer brings them back. */
export interface FactsReader {
  read(block: BlockQuestion): Promise<BlockAnswer>;
  close(): Promise<void>;
}

/** Reads in this thread: for files that are read before a thread has started. */
export function createFactsReader(context: RowsContext): FactsReader {
  return {
    read: async ({ bytes, ends, first }) => ({ bytes, facts: readFacts(Buffer.from(bytes), ends, context, first) }),
    close: async () => undefined,
  };
}

/** @param threads at least 1; each takes about 20 MB of memory */
export function createFactsPool(context: RowsContext, threads: number): FactsReader {
  const members = Array.from({ length: threads }, () => new Member(context));
  return {
    read(block) {
      const free = members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
      return free.read(block);
    },
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** The young generation of a thread's heap: rows live for microseconds, and there is nothing old. */
const youngMb = 4;

class Member {
  readonly #worker: Worker;
  readonly #open: { resolve(answer: BlockAnswer): void; reject(error: unknown): void }[] = [];
  #fault: Error | null = null;

  constructor(context: RowsContext) {
    // compiled, this file and the worker end in .js
    const file = new URL(`./row-facts-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
    this.#worker = new Worker(file, { workerData: context, resourceLimits: { maxYoungGenerationSizeMb: youngMb } });
    this.#worker.on('message', (answer: BlockAnswer) => this.#open.shift()?.resolve(answer));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread that reads rows ended before its work')));
  }

  get waiting(): number {
    return this.#open.length;
  }

  read(block: BlockQuestion): Promise<BlockAnswer> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    return new Promise((resolve, reject) => {
      this.#open.push({ resolve, reject });
      this.#worker.postMessage(block, [block.bytes]);
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
