// Many small pushes leave many small packs, and a fetch asks for each: now and then a push takes them together. What they hold is copied as it lies.
import { isPlumbError } from '../../base/errors.ts';
import { decodeFrame } from '../pack/frame.ts';
import { forms, type Form, type Role } from '../pack/pack.ts';
import type { Digest } from '../../base/digest.ts';
import type { Receipt } from '../pack/receipt.ts';
import type { PackRef } from '../remote.ts';
import type { Catalog, OpenPack } from './catalog.ts';
import { readFrames, type Line } from './frames.ts';
import { isObject } from './intake.ts';
import type { Slot } from './known.ts';
import type { Packing } from './packing.ts';
import { planRanges } from './ranges.ts';

const smallPack = 4 * 1024 * 1024;
const mostSmallPacks = 24;

/** Packs that the next receipt should not name any more: all the small ones, once there would be more than 24. */
export function packsToMerge(receipt: Receipt): readonly PackRef[] {
  const small = receipt.packs.filter(({ bytes }) => bytes < smallPack);
  return small.length >= mostSmallPacks ? small : [];
}

/**
 * Copies what is in packs into those that are being made.
 * @returns where it is then; null when not all of it could be read: the packs are as good as they were
 */
export async function mergeSmallPacks(line: Line, catalog: Catalog, packs: readonly PackRef[], packing: Packing): Promise<Set<Slot> | null> {
  const slots = new Set<Slot>();
  for (const ref of packs) {
    const entries = await readEntries(line, catalog, ref);
    if (entries === null) return null;
    for (const { stored, ...object } of entries) slots.add(await packing.addStored(object, stored));
  }
  return slots;
}

interface Entry {
  readonly digest: Digest;
  readonly bytes: number;
  readonly role: Role;
  readonly form: Form;
  readonly stored: Buffer;
}

/** All of a small pack: it is in memory before anything of it goes on, for sending waits for a lane, and reading has one. */
async function readEntries(line: Line, catalog: Catalog, ref: PackRef): Promise<Entry[] | null> {
  const entries: Entry[] = [];
  try {
    const pack = catalog.packs[await catalog.open(line, ref, { tail: false })] as OpenPack;
    const frames = Array.from({ length: pack.index.frames }, (_, frame) => frame).filter((frame) => pack.index.frameAt(frame).stored > 0);
    for (const range of planRanges(frames, (frame) => pack.index.frameAt(frame), { bytes: ref.bytes })) {
      await readFrames(line, pack, range, async (frame, stored) => {
        const found = await entriesOf(pack, frame, stored);
        if (found !== null) entries.push(...found);
        return found !== null;
      });
    }
    entries.push(...emptyObjects(pack));
    return entries.length === pack.index.objects ? entries : null;
  } catch (error) {
    if (isPlumbError(error)) return null;
    throw error;
  }
}

/** @returns null when an object of the frame is not what it should be */
async function entriesOf({ index }: OpenPack, frame: number, stored: Buffer): Promise<Entry[] | null> {
  const place = index.frameAt(frame);
  // its bytes are the reader's until this returns, and a frame that is not compressed is they themselves
  const raw = Buffer.from(decodeFrame(stored, place));
  const entries = index.entriesOf(frame).map((entry): Entry => {
    const { offset, length, form, bytes } = index.locationAt(entry);
    return {
      digest: index.digestAt(entry),
      bytes,
      role: place.offset >= index.tail ? 'meta' : 'data',
      form,
      stored: raw.subarray(offset, offset + length),
    };
  });
  for (const { digest, form, stored: bytes } of entries) if (form === forms.bytes && !(await isObject(digest, bytes))) return null;
  return entries;
}

/** Objects of no bytes that have a frame of no bytes: there is nothing to read for them. */
function emptyObjects({ index }: OpenPack): Entry[] {
  const empty = Array.from({ length: index.frames }, (_, frame) => frame).filter((frame) => index.frameAt(frame).stored === 0);
  return empty
    .flatMap((frame) => index.entriesOf(frame))
    .map((entry) => ({ digest: index.digestAt(entry), bytes: 0, role: 'data', form: forms.bytes, stored: Buffer.alloc(0) }));
}
