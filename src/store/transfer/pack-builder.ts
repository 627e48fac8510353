// Batches of objects -> packs of about 64 MiB. Which batches share a pack follows from what is in them, and from nothing else.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { PackSummary, PackWriter } from '../pack/pack.ts';
import { createPack } from '../pack/writer.ts';
import { objectsOf, type Batch } from './batch.ts';

const packBytes = 64 * 1024 * 1024;
/** What a writer and a reader keep in memory of a pack grows with its objects: 65 bytes each. */
const packObjects = 131_072;

export interface BuiltPack extends PackSummary {
  readonly path: string;
  /** numbers of the batches that are in it */
  readonly batches: readonly number[];
}

export class PackBuilder {
  readonly #folder: string;
  #open: { readonly path: string; readonly writer: PackWriter; readonly batches: number[] } | null = null;

  /** @param folder that is there; packs are made in it, under names that begin with the number of this process */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the pack that is full by it. @throws PlumbError DISK_FULL */
  take(batch: Batch): BuiltPack | null {
    this.#open ??= this.#begin();
    const { writer, batches } = this.#open;
    for (const { object, stored } of objectsOf(batch)) writer.add(object, stored);
    batches.push(batch.number);
    return writer.bytes >= packBytes || writer.objects >= packObjects ? this.end() : null;
  }

  /** @returns the last pack, if there is one */
  end(): BuiltPack | null {
    if (this.#open === null) return null;
    const { path, writer, batches } = this.#open;
    const summary = writer.finish();
    this.#open = null;
    return { ...summary, path, batches };
  }

  /** Takes away what is not finished. */
  abandon(): void {
    this.#open?.writer.abandon();
    this.#open = null;
  }

  #begin(): { path: string; writer: PackWriter; batches: number[] } {
    const path = join(this.#folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
    return { path, writer: createPack(path, { compress: true }), batches: [] };
  }
}
