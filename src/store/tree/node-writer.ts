// Writes a node entry by entry. The columns grow beside each other and are put together at the end; then the next node begins.
import { hexOf, type Digest } from '../../base/digest.ts';
import { murmur3 } from '../chunk/murmur3.ts';
import { pathBytes } from './keys.ts';
import { headBytes, kinds, magic } from './node.ts';

export class NodeWriter {
  readonly #kind: keyof typeof kinds;
  readonly #level: number;
  readonly #digests = new Column(4096);
  readonly #numbers = new Column(512);
  readonly #sizes = new Column(512);
  readonly #texts = new Column(4096);
  /** text before */
  #last = roomForText();
  #next = roomForText();
  #lastLength = 0;
  #entries = 0;

  constructor(kind: keyof typeof kinds, level: number) {
    this.#kind = kind;
    this.#level = level;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Begins an entry; its texts follow. */
  add(digest: Digest, number: number, size: number): void {
    if (!Number.isSafeInteger(number) || number < 0 || !Number.isSafeInteger(size) || size < 0) throw new Error(`${number}, ${size}: no counts`);
    this.#digests.hex(hexOf(digest));
    this.#numbers.varint(number);
    this.#sizes.varint(size);
    this.#entries += 1;
  }

  flag(value: 0 | 1): void {
    this.#texts.varint(value);
  }

  /** @param value at most 4,096 bytes of UTF-8. @returns bytes that it does not share with the text before */
  text(value: string): number {
    const { bytes: text } = this.#next;
    const { bytes: last } = this.#last;
    const length = text.write(value);
    const common = Math.min(this.#lastLength, length);
    let shared = 0;
    while (shared < common && text[shared] === last[shared]) shared += 1;
    this.#texts.varint(shared);
    this.#texts.varint(length - shared);
    this.#texts.copy(text, shared, length);
    [this.#last, this.#next] = [this.#next, this.#last];
    this.#lastLength = length;
    return length - shared;
  }

  /** murmur3 of the text that was written last */
  get textHash(): number {
    return murmur3(this.#last.view, 0, this.#lastLength);
  }

  /** @returns the node, in a buffer of its own; the writer is empty then */
  finish(): Buffer {
    const columns = [this.#digests, this.#numbers, this.#sizes, this.#texts];
    const node = Buffer.allocUnsafe(columns.reduce((sum, { length }) => sum + length, headBytes));
    node.write(magic, 'latin1');
    node.writeUInt8(kinds[this.#kind], 8);
    node.writeUInt8(this.#level, 9);
    node.writeUInt16LE(this.#entries, 10);
    let at = headBytes;
    for (const column of columns) at += column.take(node, at);
    this.#entries = this.#lastLength = 0;
    return node;
  }
}

interface TextRoom {
  readonly bytes: Buffer;
  /** of the same bytes; one for each text would cost more than its hash */
  readonly view: DataView;
}

function roomForText(): TextRoom {
  const memory = new ArrayBuffer(pathBytes);
  return { bytes: Buffer.from(memory), view: new DataView(memory) };
}

/** Bytes that grow. */
class Column {
  #bytes: Buffer;
  length = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes[this.length++] = (rest % 128) | 0x80;
    this.#bytes[this.length++] = rest;
  }

  hex(digits: string): void {
    this.#reserve(32);
    const written = this.#bytes.write(digits, this.length, 'hex');
    if (written !== 32) throw new Error(`${digits} is no digest`);
    this.length += written;
  }

  copy(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.length += source.copy(this.#bytes, this.length, start, end);
  }

  /** Empties it. @returns bytes that were moved */
  take(target: Buffer, at: number): number {
    const moved = this.#bytes.copy(target, at, 0, this.length);
    this.length = 0;
    return moved;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}
