// Objects that come as chunks: which chunk goes where, and when an object is whole.
import { isPlumbError } from '../../base/errors.ts';
import type { Cache, Piece } from '../cache/cache.ts';
import { decodeChunks } from '../pack/recipe.ts';
import { Numbers, NumberSet, type DigestTable } from './digest-table.ts';
import { GrowingDigest } from './growing-digest.ts';
import type { ArrivingFile, Intake } from './intake.ts';
import { openPartial, partialBytes } from './partials.ts';

class Assembly {
  /** number of the object in the table */
  readonly id: number;
  readonly bytes: number;
  /** chunks that are not there yet; below 0: it is done with */
  left = 0;
  /** of its placements: the first that is not there yet, and the one behind the last */
  next = 0;
  end = 0;
  readonly #open: () => Promise<ArrivingFile>;
  #file: Promise<ArrivingFile> | null = null;
  #digest: GrowingDigest | null = null;

  constructor(id: number, bytes: number, open: () => Promise<ArrivingFile>) {
    this.id = id;
    this.bytes = bytes;
    this.#open = open;
  }

  /** Opened when the first chunk comes: a session of the cache waits for its files. */
  file(): Promise<ArrivingFile> {
    return (this.#file ??= this.#open());
  }

  async digest(): Promise<GrowingDigest> {
    return (this.#digest ??= new GrowingDigest((await this.file()).path));
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
  /** of a chunk: its first placement + 1; of a placement: the next one + 1 */
  readonly #first = new Numbers();
  readonly #next = new Numbers();
  /** of a placement: number of the assembly, offset in its file; those of one assembly are neighbours, in the order of its file */
  readonly #into: number[] = [];
  readonly #offset: number[] = [];
  /** placements that are there */
  readonly #landed = new NumberSet();

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
    const assembly = new Assembly(id, bytes, async () => partial ?? (await this.#intake.openFile(digest, bytes)));
    const number = this.#all.push(assembly) - 1;
    assembly.next = this.#into.length;
    let offset = 0;
    let at = 0;
    for (const chunk of chunks) {
      if (partial?.there.has(at) !== true) this.#place(this.#table.addSized(chunk.digest, chunk.bytes), number, offset);
      offset += chunk.bytes;
      at += 1;
    }
    assembly.end = this.#into.length;
    assembly.left = assembly.end - assembly.next;
  }

  /** Where a chunk belongs. */
  async piecesOf(id: number): Promise<Piece[]> {
    const pieces: Piece[] = [];
    for (const placement of this.#placements(id)) {
      const assembly = this.#all[this.#into[placement] as number] as Assembly;
      pieces.push({ path: (await assembly.file()).path, offset: this.#offset[placement] as number });
    }
    return pieces;
  }

  /** A chunk is wherever it belongs. @returns objects that came to be whole by it, by their numbers */
  async landed(id: number): Promise<number[]> {
    const whole: number[] = [];
    const placements = [...this.#placements(id)];
    this.#first.set(id, 0);
    for (const placement of placements) {
      const assembly = this.#all[this.#into[placement] as number] as Assembly;
      this.#landed.add(placement);
      assembly.left -= 1;
      if (assembly.left === 0) whole.push(...(await this.#finish(assembly)));
      else await this.#hashOn(assembly);
    }
    return whole;
  }

  *#placements(id: number): Generator<number> {
    for (let placement = this.#first.get(id); placement !== 0; placement = this.#next.get(placement - 1)) yield placement - 1;
  }

  async #hashOn(assembly: Assembly): Promise<void> {
    while (assembly.next < assembly.end && this.#landed.has(assembly.next)) assembly.next += 1;
    const digest = await assembly.digest();
    if (assembly.left > 0) digest.advance(assembly.next < assembly.end ? (this.#offset[assembly.next] as number) : assembly.bytes);
  }

  /** Objects all of whose chunks were there from the start. */
  async finishWhole(): Promise<number[]> {
    const whole: number[] = [];
    for (const assembly of this.#all) if (assembly.left === 0) whole.push(...(await this.#finish(assembly)));
    return whole;
  }

  /** What is not whole by now is given up; very large files stay for the next time. */
  async end(): Promise<void> {
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
    try {
      await file.done(await (await assembly.digest()).end(assembly.bytes));
      return [assembly.id];
    } catch (error) {
      if (!isPlumbError(error, 'DIGEST_MISMATCH')) throw error;
      this.wrong.push(assembly.id);
      return [];
    }
  }
}
