// A worker thread of the cache: does one task after the other. See bulk.ts for what is said on either side.
import { parentPort } from 'node:worker_threads';
import { PlumbError, type ErrorText } from '../../base/errors.ts';
import type { Answer, Order } from './bulk.ts';
import { runTask } from './run-task.ts';
import { partsOf, type Control } from './task.ts';

const port = parentPort;
if (port === null) throw new Error('bulk-worker is started as a worker thread');

/** One at a time: the buffer that files are read into is shared. */
let before: Promise<void> = Promise.resolve();

port.on('message', (order: Order) => {
  before = before.then(() => carryOut(order));
});

async function carryOut({ number, task, isAborted }: Order): Promise<void> {
  const say = (answer: Answer, transfer: ArrayBuffer[] = []): void => port?.postMessage(answer, transfer);
  let told = 0;
  const control: Control = {
    throwIfAborted: () => {
      if (Atomics.load(isAborted, 0) !== 0) throw new DOMException('stopped', 'AbortError');
    },
    told: (bytes) => {
      told += bytes;
      if (told < progressBytes) return;
      say({ number, told });
      told = 0;
    },
  };
  try {
    const result = await runTask(task, control);
    if (told > 0) say({ number, told });
    say({ number, result }, partsOf(result));
  } catch (error) {
    say({ number, failure: error instanceof PlumbError ? { error: { code: error.code, text: textOf(error) } } : { thrown: error } });
  }
}

/** So much is worth a word in between. */
const progressBytes = 8 << 20;

function textOf({ message, mend, where, details, cause }: PlumbError): ErrorText {
  return {
    what: message,
    mend,
    ...(where === undefined ? {} : { where }),
    ...(details === undefined ? {} : { details }),
    ...(cause instanceof Error ? { cause } : {}),
  };
}
