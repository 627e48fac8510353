// Objects that come as chunks: which chunk goes where, and when an object is whole.
import { isPlumbError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import { decodeChunks } from '../pack/recipe.ts';
import { Numbers, type DigestTable } from './digest-table.ts';
import { PiecewiseFiles } from './files.ts';
import type { ArrivingFile, Intake } from './intake.ts';
import { openPartial, partialBytes } from './partials.ts';

class Assembly {
  /** number of the object in the table */
  readonly id: number;
  /** chunks that are not there yet; below 0: it is done with */
  left = 0;
  readonly #open: () => Promise<ArrivingFile>;
  #file: Promise<ArrivingFile> | null = null;

  constructor(id: number, open: () => Promise<ArrivingFile>) {
    this.id = id;
    this.#open = open;
  }

  /** Opened when the first chunk comes: a session of the cache waits for its files. */
  file(): Promise<ArrivingFile> {
    return (this.#file ??= this.#open());
  }

  async abandon(): Promise<void> {
    await (await this.#file)?.abandon();
  }
}

export class Assemblies {
  /** objects that their chunks do not make, by number: the recipe was wrong */
  readonly wrong: number[] = [];
  readonly #table: DigestTable;
  readonly #intake: Intake;
  readonly #cache: Cache;
  readonly #partials: string;
  readonly #all: Assembly[] = [];
  readonly #files = new PiecewiseFiles();
  /** of a chunk: its first placement + 1; of a placement: the next one + 1 */
  readonly #first = new Numbers();
  readonly #next = new Numbers();
  /** of a placement: number of the assembly, offset in its file */
  readonly #into: number[] = [];
  readonly #offset: number[] = [];

  /** @param partials folder for very large objects that are not whole yet */
  constructor(table: DigestTable, to: { readonly intake: Intake; readonly cache: Cache; readonly partials: string }) {
    this.#table = table;
    this.#intake = to.intake;
    this.#cache = to.cache;
    this.#partials = to.partials;
  }

  /** Plans an object: chunks that are not there yet are added to the table. @throws PlumbError PACK_INVALID */
  async plan(id: number, bytes: number, recipe: Uint8Array): Promise<void> {
    const chunks = decodeChunks(recipe, bytes);
    const digest = this.#table.digestAt(id);
    const partial = bytes < partialBytes ? null : await openPartial(this.#cache, this.#partials, { digest, bytes, chunks });
    const assembly = new Assembly(id, async () => partial ?? (await this.#intake.openFile(digest, bytes)));
    const number = this.#all.push(assembly) - 1;
    let offset = 0;
    let at = 0;
    for (const chunk of chunks) {
      if (partial?.there.has(at) !== true) {
        this.#place(this.#table.add(chunk.digest), number, offset);
        assembly.left += 1;
      }
      offset += chunk.bytes;
      at += 1;
    }
  }

  isPiece(id: number): boolean {
    return this.#first.get(id) !== 0;
  }

  /** Puts a chunk wherever it belongs, once. @returns objects that came to be whole by it, by their numbers */
  async put(id: number, bytes: Uint8Array): Promise<number[]> {
    const whole: number[] = [];
    let placement = this.#first.get(id);
    this.#first.set(id, 0);
    for (; placement !== 0; placement = this.#next.get(placement - 1)) {
      const assembly = this.#all[this.#into[placement - 1] as number] as Assembly;
      this.#files.write((await assembly.file()).path, this.#offset[placement - 1] as number, bytes);
      assembly.left -= 1;
      if (assembly.left === 0) whole.push(...(await this.#finish(assembly)));
    }
    return whole;
  }

  /** Objects all of whose chunks were there from the start. */
  async finishWhole(): Promise<number[]> {
    const whole: number[] = [];
    for (const assembly of this.#all) if (assembly.left === 0) whole.push(...(await this.#finish(assembly)));
    return whole;
  }

  /** What is not whole by now is given up; very large files stay for the next time. */
  async end(): Promise<void> {
    this.#files.closeAll();
    for (const assembly of this.#all) if (assembly.left > 0) await assembly.abandon();
  }

  #place(chunk: number, assembly: number, offset: number): void {
    const placement = this.#into.push(assembly);
    this.#offset.push(offset);
    this.#next.set(placement - 1, this.#first.get(chunk));
    this.#first.set(chunk, placement);
  }

  /** Chunks that are each what they should be may still not be the object: its recipe can be wrong. */
  async #finish(assembly: Assembly): Promise<number[]> {
    assembly.left = -1;
    const file = await assembly.file();
    this.#files.close(file.path);
    try {
      await file.done();
      return [assembly.id];
    } catch (error) {
      if (!isPlumbError(error, 'DIGEST_MISMATCH')) throw error;
      this.wrong.push(assembly.id);
      return [];
    }
  }
}
