// Objects on their way into the cache. A session of the cache shows its objects at its end only, so a long transfer is several of them: what a
// kill takes is then the last gigabyte, not all.
import { webcrypto } from 'node:crypto';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import type { Cache, CacheWriter, Landing, LandResult } from '../cache/cache.ts';
import type { Role } from '../pack/pack.ts';

const { subtle } = webcrypto;
const sessionBytes = 1024 * 1024 * 1024;

interface Session {
  readonly writer: CacheWriter;
  bytes: number;
  /** who writes to it now: files that are not whole yet, too */
  users: number;
  /** nobody enters any more */
  isFull: boolean;
}

/** A large object that arrives in pieces. */
export interface ArrivingFile {
  readonly path: string;
  /** All pieces are there. @param verified what the file has, of a caller who has hashed all of it. @throws PlumbError DIGEST_MISMATCH */
  done(verified?: { digest: Digest; bytes: number }): Promise<void>;
  abandon(): Promise<void>;
}

export class Intake {
  readonly #cache: Cache;
  #current: Promise<Session> | null = null;
  /** full sessions with files that still wait for pieces */
  readonly #full = new Set<Session>();

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** @param bytes verified by the caller to be that object: nothing else may come in */
  async add(digest: Digest, bytes: Uint8Array, role: Role): Promise<void> {
    const session = await this.#enter(bytes.length);
    session.writer.addBytes(bytes, role, digest);
    await this.#leave(session);
  }

  /** Verifies objects and writes those that are right. @param bytes are lent, and come back. @throws PlumbError DISK_FULL */
  async land(bytes: Uint8Array, objects: readonly Landing[], how: { readonly signal: AbortSignal; readonly isMuch: boolean }): Promise<LandResult> {
    const session = await this.#enter(objects.reduce((sum, { length, isWhole }) => sum + (isWhole ? length : 0), 0));
    try {
      return await session.writer.land(bytes, objects, how);
    } finally {
      await this.#leave(session);
    }
  }

  async openFile(digest: Digest, bytes: number): Promise<ArrivingFile> {
    const session = await this.#enter(bytes);
    try {
      const file = await session.writer.openFile(digest, bytes);
      return {
        path: file.path,
        done: (verified) => this.#leaving(session, file.done(verified)),
        abandon: () => this.#leaving(session, file.abandon()),
      };
    } catch (error) {
      await this.#leave(session);
      throw error;
    }
  }

  async #leaving(session: Session, work: Promise<void>): Promise<void> {
    try {
      await work;
    } finally {
      await this.#leave(session);
    }
  }

  /** All that came is in the cache, and on the disk, when this returns. Whoever still has a file open has lost it. */
  async close(): Promise<void> {
    const current = await this.#current;
    this.#current = null;
    const open = [...this.#full, ...(current === null ? [] : [current])];
    this.#full.clear();
    for (const session of open) await closed(session);
  }

  async #enter(bytes: number): Promise<Session> {
    for (;;) {
      const session = await (this.#current ??= this.#open());
      if (session.isFull) continue;
      session.users += 1;
      session.bytes += bytes;
      if (session.bytes > sessionBytes) {
        session.isFull = true;
        this.#full.add(session);
        this.#current = null;
      }
      return session;
    }
  }

  async #open(): Promise<Session> {
    return { writer: await this.#cache.openWriter(), bytes: 0, users: 0, isFull: false };
  }

  async #leave(session: Session): Promise<void> {
    session.users -= 1;
    if (session.users === 0 && this.#full.delete(session)) await closed(session);
  }
}

/** A session that cannot be brought to its end leaves nothing behind. */
async function closed({ writer }: Session): Promise<void> {
  try {
    await writer.close();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** From here on hashing goes to the thread pool: it takes longer than the way there and back. */
const muchToHash = 64 * 1024;

/** Are these the bytes of an object? They must stay as they are until this returns. */
export function isObject(digest: Digest, bytes: Uint8Array): boolean | Promise<boolean> {
  return bytes.length < muchToHash ? digestOf(bytes) === digest : hashesTo(digest, bytes);
}

async function hashesTo(digest: Digest, bytes: Uint8Array): Promise<boolean> {
  // memory that threads share does not come here
  return Buffer.from(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex') === hexOf(digest);
}
