// A transfer makes much that lives for a moment only: strings of digests, small buffers. V8 answers by tripling the space for young objects to 48 MB,
// and keeps more of the dead for longer; at a million objects that was 140 MB of memory, and nothing was faster for it.
import { setFlagsFromString } from 'node:v8';

let users = 0;

/** Keeps the space for young objects as it is while something goes on. The factor is read each time the space would grow; nothing else depends on it. */
export async function withoutGrowth<T>(work: () => Promise<T>): Promise<T> {
  users += 1;
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    return await work();
  } finally {
    users -= 1;
    if (users === 0) setFlagsFromString('--semi-space-growth-factor=2');
  }
}
