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
  const facts = ownOf(readFacts(Buffer.from(bytes), ends, context, first));
  const answer: BlockAnswer = { bytes, facts };
  parentPort?.postMessage(answer, [bytes, ...(facts === null ? [] : [facts.fingerprints.buffer, facts.labelled.buffer])]);
});

type OwnFacts = Facts & { readonly fingerprints: Uint32Array<ArrayBuffer>; readonly labelled: Uint32Array<ArrayBuffer> };

/** The same as plain values, with arrays that can be given away. */
function ownOf(facts: Facts | null): OwnFacts | null {
  if (facts === null) return null;
  const { rows, schemas, keys, fingerprints, labels, labelled } = facts;
  return { rows, schemas, keys, fingerprints: new Uint32Array(fingerprints), labels, labelled: new Uint32Array(labelled) };
}
