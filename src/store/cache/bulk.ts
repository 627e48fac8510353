// Worker threads of the cache, started when there is much to do and ended when there was nothing for a second. They hash, copy and link; what they say
// back are values. Tasks wait here and not in the threads, so that a long one holds up no other.
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { PlumbError, type ErrorCode, type ErrorText } from '../../base/errors.ts';
import type { BulkOptions } from './cache.ts';
import { partsOf, type Control, type ResultOf, type Task } from './task.ts';

/** To a thread. */
export interface Order {
  readonly number: number;
  readonly task: Task;
  /** shared: 1 when nobody wants the result any more */
  readonly isAborted: Int32Array;
}

/** From a thread. */
export type Answer =
  | { readonly number: number; readonly told: number }
  | { readonly number: number; readonly result: ResultOf<Task> }
  | { readonly number: number; readonly failure: Failure };

/** An error of ours loses its class on the way between threads. */
type Failure = { readonly error: { readonly code: ErrorCode; readonly text: ErrorText } } | { readonly thrown: unknown };

interface Job {
  readonly order: Order;
  readonly told: (bytes: number) => void;
  readonly resolve: (result: ResultOf<Task>) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
}

/** In the source tree Node runs TypeScript; the package has JavaScript. A bundle has neither beside it, and does without threads. */
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './bulk-worker.ts' : './bulk-worker.js', import.meta.url);

/** More threads than this have to wait for the disk, or for the file system's locks. */
const mostThreads = 4;
/** One that is at work, one that waits there: no thread ever waits for the next message. */
const perThread = 2;
/** Results are handed on in order; so many are waited for at once. */
const inFlight = 32;
const idleMs = 1000;

export class Bulk {
  /** 0: there is nothing to start them from */
  readonly threads: number;
  readonly #running: Thread[] = [];
  readonly #waiting: Job[] = [];
  #orders = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(threads: number = Math.min(mostThreads, availableParallelism())) {
    this.threads = existsSync(fileURLToPath(workerUrl)) ? threads : 0;
  }

  /** A number of files for each task such that all threads end at about the same time. */
  shareOf(files: number): number {
    return Math.max(1, Math.min(128, Math.ceil(files / (Math.max(1, this.threads) * 4))));
  }

  /**
   * Does tasks and hands on what came of each, in their order.
   * @param options isMuch: false: not worth a thread
   * @throws what the first failed task threw, when no task is at work any more; the signal's reason
   */
  async run<T extends Task>(
    tasks: Iterable<T>,
    options: BulkOptions & { readonly isMuch: boolean },
    take: (result: ResultOf<T>, task: T) => void,
  ): Promise<void> {
    const isAborted = new Int32Array(new SharedArrayBuffer(4));
    const stop = (): void => void Atomics.store(isAborted, 0, 1);
    const { signal, onBytes = () => undefined } = options;
    const inThreads = options.isMuch && this.threads > 0;
    signal.throwIfAborted();
    signal.addEventListener('abort', stop, { once: true });
    const pending: { task: T; result: Promise<ResultOf<Task>> }[] = [];
    const takeFirst = async (): Promise<void> => {
      const first = pending.shift();
      if (first !== undefined) take((await first.result) as ResultOf<T>, first.task);
      signal.throwIfAborted();
    };
    try {
      for (const task of tasks) {
        const result = inThreads ? this.#inThread(task, isAborted, onBytes) : inTurn(task, isAborted, onBytes);
        // it is looked at when its turn comes
        result.catch(() => undefined);
        pending.push({ task, result });
        if (pending.length >= (inThreads ? inFlight : 1)) await takeFirst();
      }
      while (pending.length > 0) await takeFirst();
    } catch (error) {
      stop();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', stop);
      await Promise.allSettled(pending.map(({ result }) => result));
    }
  }

  #inThread(task: Task, isAborted: Int32Array, told: (bytes: number) => void): Promise<ResultOf<Task>> {
    return new Promise((resolve, reject) => {
      this.#orders += 1;
      this.#waiting.push({ order: { number: this.#orders, task, isAborted }, told, resolve, reject });
      this.#handOut();
    });
  }

  #handOut(): void {
    clearTimeout(this.#idle);
    while (this.#waiting.length > 0) {
      const free = this.#freeThread();
      if (free === null) return;
      const job = this.#waiting.shift() as Job;
      if (free.jobs.size === 0) free.worker.ref();
      free.jobs.set(job.order.number, job);
      free.worker.postMessage(job.order, partsOf(job.order.task));
    }
    if (this.#running.every((thread) => thread.jobs.size === 0)) this.#idle = setTimeout(() => this.#end(), idleMs).unref();
  }

  #freeThread(): Thread | null {
    const idle = this.#running.find((thread) => thread.jobs.size === 0);
    if (idle !== undefined) return idle;
    if (this.#running.length < this.threads) return this.#start();
    return this.#running.find((thread) => thread.jobs.size < perThread) ?? null;
  }

  #start(): Thread {
    // the flags of whoever started us (a debugger, a test runner) are not for threads
    const worker = new Worker(workerUrl, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 8 } });
    const thread: Thread = { worker, jobs: new Map() };
    worker.on('message', (answer: Answer) => this.#hear(thread, answer));
    worker.on('error', (error) => this.#lose(thread, error));
    worker.on('exit', (code) => this.#lose(thread, new Error(`a worker thread ended with ${code}`)));
    this.#running.push(thread);
    return thread;
  }

  #hear(thread: Thread, answer: Answer): void {
    const job = thread.jobs.get(answer.number);
    if (job === undefined) return;
    if ('told' in answer) {
      job.told(answer.told);
      return;
    }
    thread.jobs.delete(answer.number);
    if (thread.jobs.size === 0) thread.worker.unref();
    if ('result' in answer) job.resolve(answer.result);
    else job.reject('thrown' in answer.failure ? answer.failure.thrown : new PlumbError(answer.failure.error.code, answer.failure.error.text));
    this.#handOut();
  }

  #lose(thread: Thread, error: unknown): void {
    const at = this.#running.indexOf(thread);
    if (at !== -1) this.#running.splice(at, 1);
    for (const job of thread.jobs.values()) job.reject(error);
    thread.jobs.clear();
    this.#handOut();
  }

  #end(): void {
    for (const thread of this.#running.splice(0)) void thread.worker.terminate();
  }
}

/** Without threads: a task is a few files, and between two of them others have their turn. */
async function inTurn(task: Task, isAborted: Int32Array, told: (bytes: number) => void): Promise<ResultOf<Task>> {
  const control: Control = {
    throwIfAborted: () => {
      if (Atomics.load(isAborted, 0) !== 0) throw new DOMException('stopped', 'AbortError');
    },
    told,
  };
  await new Promise((resolve) => setImmediate(resolve));
  const { runTask } = await import('./run-task.ts');
  return runTask(task, control);
}
