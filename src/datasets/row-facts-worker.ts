// A thread that reads facts of rows, a block at a time; row-facts-pool.ts starts it and gives it work. The bytes of a block travel with the
// question and come back with the answer: nobody copies them.
import { parentPort, workerData } from 'node:worker_threads';
import { readFacts, type Facts, type RowsContext } from './row-facts.ts';

export interface BlockQuestion {
  readonly bytes: ArrayBuffer;
  readonly ends: readonly (readonly [start: number, end: number])[];
  readonly first: boolean;
}

export interface BlockAnswer {
  readonly bytes: ArrayBuffer;
  readonly facts: Facts | null;
}

const context = workerData as RowsContext;

parentPort?.on('message', ({ bytes, ends, first }: BlockQuestion) => {
  const found = readFacts(Buffer.from(bytes), ends, context, first);
  const facts = found === null ? null : { rows: found.rows, schemas: found.schemas, keys: found.keys, fingerprints: found.fingerprints.slice() };
  const answer: BlockAnswer = { bytes, facts };
  parentPort?.postMessage(answer, [bytes, ...(facts === null ? [] : [facts.fingerprints.buffer])]);
});
