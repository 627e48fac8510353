// Every byte of a pack of a remote, read once: is it the file that its name says, does its index hold, is each object what it should be?
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { forms, type PackIndex } from '../store/pack/pack.ts';
import { openPackFile, type PackFile } from '../store/pack/reader.ts';
import { decodeChunks, sourcesOfLines } from '../store/pack/recipe.ts';
import { DigestTable } from '../store/transfer/digest-table.ts';
import { moving, type Line } from '../store/transfer/frames.ts';

/** What is known of a pack that was read. */
export interface CheckedPack {
  /** null: the pack is not there, or has no index that can be read */
  readonly index: PackIndex | null;
  readonly bytes: number;
  /** null: all of it is good */
  readonly fault: string | null;
  /** entries that are not what they should be */
  readonly bad: ReadonlySet<number>;
  /** by entry of a recipe: what the object is made from */
  readonly parts: ReadonlyMap<number, DigestTable>;
}

export const noPack: CheckedPack = { index: null, bytes: 0, fault: 'it is not there', bad: new Set(), parts: new Map() };

/** @param folder for the pack while it is looked at. @throws PlumbError REMOTE_FAILED, REMOTE_DENIED, DISK_FULL */
export async function checkPack(line: Line, digest: Digest, folder: string): Promise<CheckedPack> {
  const path = join(folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const actual = await line.lanes.run(() => bring(line, digest, path));
    return contentsOf(path, actual === digest ? null : 'its bytes are not those of its name');
  } catch (error) {
    if (isPlumbError(error, 'BYTES_MISSING')) return noPack;
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

/** @returns the digest of what came */
async function bring(line: Line, digest: Digest, path: string): Promise<Digest> {
  const state = createHash('sha256');
  const pieces = line.remote.readPack(digest, null, moving(line));
  await pipeline(
    async function* hashed() {
      for await (const piece of pieces) {
        state.update(piece);
        yield piece;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  return `sha256:${state.digest('hex')}`;
}

function contentsOf(path: string, fault: string | null): CheckedPack {
  let file: PackFile;
  try {
    file = openPackFile(path);
  } catch (error) {
    if (!isPlumbError(error, 'PACK_INVALID')) throw error;
    return { ...noPack, fault: fault ?? error.message };
  }
  try {
    const { index, bytes } = file;
    const bad = new Set<number>();
    const parts = new Map<number, DigestTable>();
    for (let frame = 0; frame < index.frames; frame += 1) {
      const raw = frameOf(file, frame);
      for (const entry of index.entriesOf(frame)) {
        const { offset, length } = index.locationAt(entry);
        if (raw === null || !isGood(index, entry, raw.subarray(offset, offset + length), parts)) bad.add(entry);
      }
    }
    return { index, bytes, fault: fault ?? (bad.size === 0 ? null : `${bad.size} of its objects are not what they should be`), bad, parts };
  } finally {
    file.close();
  }
}

function frameOf(file: PackFile, frame: number): Buffer | null {
  try {
    return file.readFrame(frame);
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID')) return null;
    throw error;
  }
}

/** Bytes are held against their digest. Of a recipe it is asked what it names: what it makes is verified by whoever fetches it. */
function isGood(index: PackIndex, entry: number, stored: Buffer, parts: Map<number, DigestTable>): boolean {
  const { form, bytes } = index.locationAt(entry);
  if (form === forms.bytes) return digestOf(stored) === index.digestAt(entry);
  try {
    const named = new DigestTable();
    for (const { digest } of form === forms.chunks ? decodeChunks(stored, bytes) : sourcesOfLines(stored)) named.add(digest);
    parts.set(entry, named);
    return true;
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID')) return false;
    throw error;
  }
}
