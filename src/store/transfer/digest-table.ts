// A million digests in 40 MB: a Set of strings would take four times that, and a transfer has to stay small whatever it moves.
import type { Digest } from '../../base/digest.ts';

const block = 32_768;
/** For the bytes of one digest: a buffer for each would be garbage by the million. */
const scratch = Buffer.alloc(32);

function bytesOf(digest: Digest): Buffer {
  if (scratch.write(digest.slice(7), 0, 32, 'hex') !== 32) throw new Error(`${digest} is no digest`);
  return scratch;
}

/** A set of digests that numbers them in the order in which they came: what else is known of each lies in arrays by that number. */
export class DigestTable {
  size = 0;
  /** digests one behind the other, 32 bytes each */
  readonly #blocks: Buffer[] = [];
  /** open addressing: number + 1 of the digest, 0 where there is none; a power of two of them, at most 2/3 full */
  #slots: Uint32Array = new Uint32Array(1024);
  /** bytes + 1; 0, or behind the end: not known */
  #sizes: Float64Array = new Float64Array(0);

  /** @returns its number, new or known */
  add(digest: Digest): number {
    return this.addBytes(bytesOf(digest), 0);
  }

  /** The same for 32 bytes at a place of a buffer. */
  addBytes(bytes: Buffer, at: number): number {
    const slot = this.#slotOf(bytes, at);
    const known = this.#slots[slot] ?? 0;
    if (known !== 0) return known - 1;
    const number = this.size;
    if (number % block === 0) this.#blocks.push(Buffer.allocUnsafeSlow(block * 32));
    bytes.copy(this.#blocks[this.#blocks.length - 1] as Buffer, (number % block) * 32, at, at + 32);
    this.#slots[slot] = number + 1;
    this.size += 1;
    if (this.size * 3 > this.#slots.length * 2) this.#grow();
    return number;
  }

  /** @returns its number, or -1 */
  find(digest: Digest): number {
    return this.findBytes(bytesOf(digest), 0);
  }

  findBytes(bytes: Buffer, at: number): number {
    return (this.#slots[this.#slotOf(bytes, at)] ?? 0) - 1;
  }

  digestAt(number: number): Digest {
    const start = (number % block) * 32;
    return `sha256:${this.#block(number).toString('hex', start, start + 32)}`;
  }

  /** The first 48 bits of a digest, as `prefixOf` has them. */
  prefixAt(number: number): number {
    return this.#block(number).readUIntBE((number % block) * 32, 6);
  }

  /** Adds a digest of which somebody says how many bytes its object has; what was said first holds. @returns its number */
  addSized(digest: Digest, bytes: number): number {
    const number = this.add(digest);
    if (this.expected(number) === null) this.expect(number, bytes);
    return number;
  }

  /** Says how many bytes the object has. */
  expect(number: number, bytes: number): void {
    if (number >= this.#sizes.length) {
      const larger = new Float64Array(Math.max(1024, number + 1, Math.ceil(this.#sizes.length * 1.5)));
      larger.set(this.#sizes);
      this.#sizes = larger;
    }
    this.#sizes[number] = bytes + 1;
  }

  /** Bytes of the object as far as was said; null: that is not known. */
  expected(number: number): number | null {
    const size = this.#sizes[number] ?? 0;
    return size === 0 ? null : size - 1;
  }

  #block(number: number): Buffer {
    const found = this.#blocks[Math.floor(number / block)];
    if (found === undefined || number >= this.size) throw new Error(`no digest has the number ${number}`);
    return found;
  }

  /** Where it stands, or where it would. A digest is as good as random: its first bytes are its hash. */
  #slotOf(bytes: Buffer, at: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = bytes.readUInt32LE(at) & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] ?? 0;
      if (number === 0) return slot;
      if (isSame(bytes, at, this.#block(number - 1), ((number - 1) % block) * 32)) return slot;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.size; number += 1) {
      const bytes = this.#block(number);
      this.#slots[this.#slotOf(bytes, (number % block) * 32)] = number + 1;
    }
  }
}

/** Are these the same 32 bytes? In JavaScript: a call that leaves it costs more than the comparison. */
function isSame(a: Buffer, atA: number, b: Buffer, atB: number): boolean {
  for (let byte = 0; byte < 32; byte += 1) if (a[atA + byte] !== b[atB + byte]) return false;
  return true;
}

/** A growing array of whole numbers below 2^32; what was not set is 0. */
export class Numbers {
  #values: Uint32Array = new Uint32Array(1024);

  get(at: number): number {
    return this.#values[at] ?? 0;
  }

  set(at: number, value: number): void {
    if (at >= this.#values.length) {
      const larger = new Uint32Array(Math.max(at + 1, Math.ceil(this.#values.length * 1.5)));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[at] = value;
  }
}

/** A set of whole numbers from 0 on, a bit each. */
export class NumberSet {
  #words: Uint32Array = new Uint32Array(32);

  has(number: number): boolean {
    return (((this.#words[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
  }

  add(number: number): void {
    const word = number >>> 5;
    if (word >= this.#words.length) {
      const larger = new Uint32Array(Math.max(word + 1, Math.ceil(this.#words.length * 1.5)));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[word] = (this.#words[word] as number) | (1 << (number & 31));
  }
}
