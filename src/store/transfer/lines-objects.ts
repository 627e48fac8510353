// Objects that come as runs of lines of others: they are made when those are in the cache.
import { writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import { applyLines } from '../pack/line-reader.ts';
import { sourcesOfLines, type LineSource } from '../pack/recipe.ts';
import type { ArrivingFile, Intake } from './intake.ts';

interface Planned {
  readonly id: number;
  readonly digest: Digest;
  readonly bytes: number;
  readonly recipe: Buffer;
}

export class LinesObjects {
  readonly #planned = new Map<number, Planned>();
  readonly #cache: Cache;
  readonly #intake: Intake;

  constructor(cache: Cache, intake: Intake) {
    this.#cache = cache;
    this.#intake = intake;
  }

  get size(): number {
    return this.#planned.size;
  }

  /** @returns the objects that it is made from. @throws PlumbError PACK_INVALID */
  plan(id: number, object: { readonly digest: Digest; readonly bytes: number; readonly recipe: Buffer }): readonly LineSource[] {
    const sources = sourcesOfLines(object.recipe);
    // the frame that it lies in is let go
    this.#planned.set(id, { id, ...object, recipe: Buffer.from(object.recipe) });
    return sources;
  }

  /**
   * Makes all whose sources are there.
   * @returns their numbers; wrong: objects that their recipe does not make
   */
  async make(signal: AbortSignal): Promise<{ readonly made: number[]; readonly wrong: Digest[] }> {
    const made: number[] = [];
    const wrong: Digest[] = [];
    for (const planned of this.#planned.values()) {
      const sources: string[] = [];
      for (const source of sourcesOfLines(planned.recipe)) {
        const path = await this.#cache.path(source.digest);
        if (path !== null) sources.push(path);
        else break;
      }
      if (sources.length < sourcesOfLines(planned.recipe).length) continue;
      if (await this.#makeOne(planned, sources, signal)) made.push(planned.id);
      else wrong.push(planned.digest);
    }
    return { made, wrong };
  }

  async #makeOne({ digest, bytes, recipe }: Planned, sources: readonly string[], signal: AbortSignal): Promise<boolean> {
    const file = await this.#intake.openFile(digest, bytes);
    try {
      await writeLines(file, { digest, bytes, recipe, sources, signal });
      await file.done();
      return true;
    } catch (error) {
      await file.abandon();
      if (isPlumbError(error, 'DIGEST_MISMATCH') || isPlumbError(error, 'PACK_INVALID')) return false;
      throw error;
    }
  }
}

async function writeLines(file: ArrivingFile, what: Parameters<typeof applyLines>[0]): Promise<void> {
  const handle = await open(file.path, 'wx');
  let offset = 0;
  try {
    await applyLines(what, (bytes) => {
      for (let done = 0; done < bytes.length;) done += writeSync(handle.fd, bytes, done, bytes.length - done, offset + done);
      offset += bytes.length;
    });
  } finally {
    await handle.close();
  }
}
