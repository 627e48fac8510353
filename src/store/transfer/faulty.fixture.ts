// A remote between us and a real one, on which things go wrong by a plan: what networks, proxies and servers do, on purpose and at once. It is used
// beside real servers, never instead of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../../base/errors.ts';
import type { Remote } from '../remote.ts';

/** What may go wrong with a request. Each says how often: 0 never, 1 always. */
export interface Faults {
  /** no answer, and nothing done */
  readonly timeout: number;
  /** it was done, and the answer was lost */
  readonly lostAnswer: number;
  /** a stream that breaks with an error, somewhere */
  readonly cut: number;
  /** a stream that ends early as if it were whole */
  readonly short: number;
  /** a byte that is another one */
  readonly wrong: number;
  /** an answer that comes late: others overtake it */
  readonly slow: number;
}

export const noFaults: Faults = { timeout: 0, lostAnswer: 0, cut: 0, short: 0, wrong: 0, slow: 0 };

export interface FaultyRemote extends Remote {
  /** as they are from now on */
  faults: Faults;
  /** what was asked, in order: 'has receipts', 'readPack' */
  readonly requests: string[];
}

/** @param random 0 <= value < 1: with a seed, the same faults come again */
export function faultyRemote(real: Remote, faults: Faults, random: () => number): FaultyRemote {
  const requests: string[] = [];
  const happens = (chance: number): boolean => chance > 0 && random() < chance;
  const failed = (what: string): PlumbError => new PlumbError('REMOTE_FAILED', { what: `${real.url} ${what}`, mend: 'try again' });
  const asked = async <T>(request: string, work: () => Promise<T>): Promise<T> => {
    requests.push(request);
    if (happens(remote.faults.slow)) await sleep(random() * 5);
    if (happens(remote.faults.timeout)) throw failed('did not answer in time');
    const answer = await work();
    if (happens(remote.faults.lostAnswer)) throw failed('closed the connection');
    return answer;
  };
  const flipped = (bytes: Uint8Array): Buffer => {
    const copy = Buffer.from(bytes);
    const at = Math.floor(random() * copy.length);
    if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << Math.floor(random() * 8));
    return copy;
  };
  const remote: FaultyRemote = {
    url: real.url,
    canWrite: real.canWrite,
    canList: real.canList,
    faults,
    requests,
    read: (kind, key, options) =>
      asked(`read ${kind}`, async () => {
        const bytes = await real.read(kind, key, options);
        return bytes !== null && happens(remote.faults.wrong) ? flipped(bytes) : bytes;
      }),
    has: (kind, key, options) => asked(`has ${kind}`, () => real.has(kind, key, options)),
    write: (kind, key, bytes, what, options) => asked(`write ${kind}`, () => real.write(kind, key, bytes, what, options)),
    writePack: (digest, file, options) => asked('writePack', () => real.writePack(digest, file, options)),
    async *readPack(digest, range, options) {
      await asked('readPack', async () => undefined);
      const isCut = happens(remote.faults.cut);
      const isShort = happens(remote.faults.short);
      const isWrong = happens(remote.faults.wrong);
      for await (const whole of real.readPack(digest, range, options)) {
        const bytes = isWrong && random() < 0.5 ? flipped(whole) : whole;
        const step = Math.max(1, Math.floor(random() * bytes.length));
        for (let at = 0; at < bytes.length; at += step) {
          if (happens(remote.faults.slow)) await sleep(random() * 2);
          if (isCut && random() < 0.5) throw failed('broke off in the middle');
          if (isShort && random() < 0.5) return;
          yield bytes.subarray(at, at + step);
        }
      }
    },
    list: (kind, options) => real.list(kind, options),
    remove: (kind, key, options) => asked(`remove ${kind}`, () => real.remove(kind, key, options)),
    movePack: (digest, to, options) => asked('movePack', () => real.movePack(digest, to, options)),
  };
  return remote;
}

/** Numbers that come again with the same seed. Source: mulberry32, public domain */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}
