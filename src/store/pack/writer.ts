// Writes a pack, in one go from front to back, hashing what it writes. Synchronous: it runs in worker threads as well, and every write is large.
import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';
import { Entries } from './entries.ts';
import { encodeFrame, maxFrameBytes, zstd, zstdStored } from './frame.ts';
import { encodeFooter, footerBytes, magic } from './index-file.ts';
import type { Form, FrameLocation, PackSummary, PackWriter, Role } from './pack.ts';

/** Raw bytes that small objects are gathered to; one of half that size or more has a frame of its own. */
const gathered: Record<Role, number> = { data: 128 * 1024, meta: 64 * 1024 };

/**
 * Begins a pack at a path where nothing is. A pack holds at most 1,048,576 objects of at most 16 MiB (or a recipe of at most that).
 * @param options compress: zstd where it saves 5 %. Without it the same objects in the same order are the same bytes, everywhere
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE, FILE_MISSING (its folder); from the methods, too: then `abandon` it
 */
export function createPack(path: string, options: { readonly compress: boolean }): PackWriter {
  return new FilePackWriter(path, options.compress);
}

/** A frame that waits for more objects. Its number is given when it is opened, its place in the file when it is written. */
interface OpenFrame {
  readonly buffer: Buffer;
  frame: number | null;
  length: number;
}

class FilePackWriter implements PackWriter {
  readonly #path: string;
  readonly #compress: boolean;
  readonly #state = createHash('sha256');
  readonly #entries = new Entries();
  readonly #frames: FrameLocation[] = [];
  readonly #open: Record<Role, OpenFrame>;
  /** finished frames of meta objects, kept until the data is written */
  #meta: { readonly frame: number; readonly stored: Buffer }[] = [];
  #metaBytes = 0;
  #written = 0;
  #file: number | null;

  constructor(path: string, compress: boolean) {
    this.#path = path;
    this.#compress = compress;
    this.#open = { data: opened(gathered.data), meta: opened(gathered.meta) };
    try {
      this.#file = openSync(path, 'wx', 0o444);
    } catch (error) {
      throw systemError(error, 'write', path);
    }
    try {
      this.#write(magic);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  get bytes(): number {
    return this.#written + this.#metaBytes + this.#open.data.length + this.#open.meta.length;
  }

  get objects(): number {
    return this.#entries.count;
  }

  has(digest: Digest): boolean {
    return this.#entries.has(digest);
  }

  add(object: { readonly digest: Digest; readonly bytes: number; readonly role: Role; readonly form: Form }, stored: Uint8Array): void {
    if (stored.length > maxFrameBytes) throw new Error(`${object.digest} is too large for a frame: ${stored.length} bytes`);
    if (object.form === 0 && object.bytes !== stored.length) throw new Error(`${object.digest} has ${object.bytes} bytes, not ${stored.length}`);
    if (this.#entries.has(object.digest)) return;
    const { role } = object;
    if (stored.length >= gathered[role] / 2) {
      const frame = this.#newFrame();
      this.#entries.add(object, { frame, offset: 0, length: stored.length });
      this.#close(role, frame, Buffer.from(stored.buffer, stored.byteOffset, stored.length));
      return;
    }
    const open = this.#open[role];
    if (open.length + stored.length > open.buffer.length) this.#flush(role);
    open.frame ??= this.#newFrame();
    this.#entries.add(object, { frame: open.frame, offset: open.length, length: stored.length });
    open.buffer.set(stored, open.length);
    open.length += stored.length;
  }

  finish(): PackSummary {
    this.#flush('data');
    const tail = this.#written;
    this.#flush('meta');
    for (const { frame, stored } of this.#meta) {
      this.#frames[frame] = { ...(this.#frames[frame] as FrameLocation), offset: this.#written };
      this.#write(stored);
    }
    this.#meta = [];
    this.#metaBytes = 0;
    const index = this.#written;
    const raw = this.#entries.encode(this.#frames);
    const stored = this.#compress ? zstd(raw) : zstdStored(raw);
    this.#write(stored);
    this.#write(encodeFooter({ tail, index, storedBytes: stored.length, rawBytes: raw.length, frames: this.#frames.length, objects: this.objects }));
    this.#closeFile();
    return { digest: `sha256:${this.#state.digest('hex')}`, bytes: index + stored.length + footerBytes, tail, objects: this.objects };
  }

  abandon(): void {
    this.#closeFile();
    rmSync(this.#path, { force: true });
  }

  #newFrame(): number {
    return this.#frames.push({ offset: 0, stored: 0, raw: 0, codec: 0 }) - 1;
  }

  #flush(role: Role): void {
    const open = this.#open[role];
    if (open.frame === null) return;
    this.#close(role, open.frame, open.buffer.subarray(0, open.length));
    open.frame = null;
    open.length = 0;
  }

  /** Encodes a frame and writes it, or keeps it for the tail. @param raw bytes that somebody will overwrite */
  #close(role: Role, frame: number, raw: Buffer): void {
    const encoded = this.#compress ? encodeFrame(raw) : { codec: 0 as const, stored: raw };
    const stored = role === 'meta' && encoded.stored === raw ? Buffer.from(raw) : encoded.stored;
    this.#frames[frame] = { offset: this.#written, stored: stored.length, raw: raw.length, codec: encoded.codec };
    if (role === 'data') {
      this.#write(stored);
    } else {
      this.#meta.push({ frame, stored });
      this.#metaBytes += stored.length;
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#file === null) throw new Error(`the pack ${this.#path} is closed`);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at);
    } catch (error) {
      throw systemError(error, 'write', this.#path);
    }
    this.#state.update(bytes);
    this.#written += bytes.length;
  }

  #closeFile(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function opened(size: number): OpenFrame {
  return { buffer: Buffer.allocUnsafeSlow(size), frame: null, length: 0 };
}
