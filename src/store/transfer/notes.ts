// What this machine keeps about a remote, so that it need not be asked again: all of it can be thrown away at any time.
//
//   remotes/<hex of the URL>/indexes/<hex>     the index of a pack, from its first byte to the end of the pack, behind the SHA-256 of these bytes
//   remotes/<hex of the URL>/partial/<id>      very large objects that are not whole yet
//   remotes/<hex of the URL>/outgoing/<id>     packs that are being built or sent
//   remotes/<hex of the URL>/unfinished/<id>   packs that a push has sent and no receipt names yet: a line each. The push that wrote it takes it away
import { readFileSync, rmSync } from 'node:fs';
import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byCodeUnit } from '../../base/canonical.ts';
import { isRunning, writeFileAtomic } from '../../base/atomic.ts';
import { digestOf, hexOf, isDigest, type Digest } from '../../base/digest.ts';
import { errnoOf } from '../../base/errors.ts';
import { makeFolder } from '../cache/sharing.ts';
import type { PackRef } from '../remote.ts';

const hourMs = 3_600_000;
const weekMs = 7 * 24 * 3_600_000;

/** What a push has sent so far. */
export interface Journal {
  sent(pack: PackRef): Promise<void>;
  /** receipts name all of it */
  end(): Promise<void>;
}

/** An unfinished push of before. */
export interface Unfinished {
  readonly packs: readonly PackRef[];
  /** its packs are in receipts now, or gone */
  forget(): Promise<void>;
}

export class RemoteNotes {
  /** for very large objects that are not whole yet */
  readonly partials: string;
  /** for packs on their way out */
  readonly outgoing: string;
  readonly #cacheDir: string;
  readonly #folder: string;

  constructor(cacheDir: string, url: string) {
    this.#cacheDir = cacheDir;
    this.#folder = join(cacheDir, 'remotes', hexOf(digestOf(url)));
    this.partials = join(this.#folder, 'partial');
    this.outgoing = join(this.#folder, 'outgoing');
  }

  /** The end of a pack from its index on, or null where it is not kept, or was spoiled. */
  readIndex(pack: Digest): Buffer | null {
    const path = join(this.#folder, 'indexes', hexOf(pack));
    let file: Buffer;
    try {
      file = readFileSync(path);
    } catch {
      return null;
    }
    const bytes = file.subarray(32);
    if (hexOf(digestOf(bytes)) === file.toString('hex', 0, 32)) return bytes;
    try {
      rmSync(path, { force: true });
    } catch {
      // a cache that can only be read: it is passed over each time
    }
    return null;
  }

  /** A cache that cannot be written keeps nothing, and the next command asks again. @returns whether it is kept */
  async keepIndex(pack: Digest, bytes: Uint8Array): Promise<boolean> {
    const folder = join(this.#folder, 'indexes');
    const sum = Buffer.from(hexOf(digestOf(bytes)), 'hex');
    try {
      makeFolder(this.#cacheDir, folder);
      await writeFileAtomic(join(folder, hexOf(pack)), Buffer.concat([sum, bytes]));
      return true;
    } catch {
      return false;
    }
  }

  async forgetIndex(pack: Digest): Promise<void> {
    await rm(join(this.#folder, 'indexes', hexOf(pack)), { force: true }).catch(() => undefined);
  }

  /** A list of the packs that a push has sent. */
  async openJournal(id: string): Promise<Journal> {
    const path = join(this.#folder, 'unfinished', `${process.pid}-${id}`);
    makeFolder(this.#cacheDir, dirname(path));
    return {
      // one short line: it is there whole, or the reader passes it over
      sent: (pack) => appendFile(path, `${hexOf(pack.digest)} ${pack.bytes} ${pack.tail}\n`),
      end: () => rm(path, { force: true }),
    };
  }

  /** Makes the folder for packs on their way out, and takes away what killed pushes left there. */
  async sweepOutgoing(now: Date): Promise<void> {
    makeFolder(this.#cacheDir, this.outgoing);
    for (const name of await readdir(this.outgoing)) {
      const path = join(this.outgoing, name);
      const age = now.getTime() - ((await stat(path).catch(() => null))?.mtimeMs ?? now.getTime());
      // a cache on a share may be another machine's, too, whose processes are not to be seen from here
      if (!isRunning(Number.parseInt(name, 10)) && age > hourMs) await rm(path, { force: true });
    }
  }

  /** What pushes that were killed, or failed, had sent. Those of processes that still run are left to them. */
  async unfinished(now: Date): Promise<Unfinished[]> {
    const folder = join(this.#folder, 'unfinished');
    const names = await readdir(folder).catch((error: unknown) => (errnoOf(error) === 'ENOENT' ? [] : Promise.reject(error)));
    const found: Unfinished[] = [];
    for (const name of names.toSorted(byCodeUnit)) {
      const path = join(folder, name);
      const pid = Number.parseInt(name, 10);
      if (pid !== process.pid && isRunning(pid)) continue;
      const age = now.getTime() - ((await stat(path).catch(() => null))?.mtimeMs ?? 0);
      const packs = (await readFile(path, 'utf8').catch(() => '')).split('\n').flatMap(parseLine);
      // by then a gc of the remote has let go of packs that nobody names
      if (packs.length === 0 || age > weekMs) await rm(path, { force: true });
      else found.push({ packs, forget: () => rm(path, { force: true }) });
    }
    return found;
  }
}

function parseLine(line: string): PackRef[] {
  const [hex, bytes, tail] = line.split(' ');
  const pack = { digest: `sha256:${hex ?? ''}` as const, bytes: Number(bytes), tail: Number(tail) };
  return isDigest(pack.digest) && Number.isSafeInteger(pack.bytes) && Number.isSafeInteger(pack.tail) ? [pack] : [];
}
