// A thread that builds packs: compressing, hashing and writing them takes as long as reading and verifying what goes in. See packer.ts for the other side.
import { parentPort, workerData } from 'node:worker_threads';
import { PlumbError } from '../../base/errors.ts';
import { partsOf, restored } from './batch.ts';
import { PackBuilder, type BuiltPack } from './pack-builder.ts';
import type { Answer, Order } from './packer.ts';

const port = parentPort;
if (port === null) throw new Error('pack-worker is started as a worker thread');
const builder = new PackBuilder(String(workerData));

port.on('message', (order: Order) => {
  try {
    const built = carryOut(order);
    const batch = typeof order === 'string' ? null : order;
    port.postMessage({ built, batch } satisfies Answer, batch === null ? [] : partsOf(batch));
  } catch (error) {
    builder.abandon();
    port.postMessage(failureOf(error));
  }
});

function carryOut(order: Order): BuiltPack | null {
  if (order === 'end') return builder.end();
  if (order !== 'abandon') return builder.take(restored(order));
  builder.abandon();
  return null;
}

/** An error of ours loses its class on the way between threads. */
function failureOf(error: unknown): Answer {
  if (!(error instanceof PlumbError)) return { thrown: error };
  const { code, message, mend, where } = error;
  return { failure: { code, text: { what: message, mend, ...(where === undefined ? {} : { where }) } } };
}
