// Just enough of Protocol Buffers to write an ONNX file and to find its metadata again; no dependency, canonical output.
// Source: protobuf.dev/programming-guides/encoding

/** Builds one message. Fields come out in the order in which they are added. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param value a whole number from 0 to 2^53 - 1 */
  integer(field: number, value: number): this {
    return this.#push(varint(field * 8)).#push(varint(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(field * 8 + 2)).#push(varint(value.length)).#push(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: MessageWriter): this {
    this.#push(varint(field * 8 + 2)).#push(varint(value.#length));
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`no varint for ${value}`);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/**
 * The length-delimited fields of a message, in order, as views of its bytes; numbers are stepped over.
 * @throws RangeError when the bytes are no message
 */
export function* lengthDelimitedFields(bytes: Uint8Array): Generator<{ field: number; bytes: Uint8Array }, void> {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    let unit = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = bytes[at];
      if (byte === undefined) throw new RangeError(`a number is cut off at byte ${at}`);
      at += 1;
      value += (byte % 128) * unit;
      unit *= 128;
      if (byte < 128) return value;
    }
    throw new RangeError(`a number of more than ten bytes ends at byte ${at}`);
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const kind = tag % 8;
    if (kind === 0) readVarint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = readVarint();
      if (length > bytes.length - at) throw new RangeError(`a field of ${length} bytes is cut off at byte ${bytes.length}`);
      yield { field: Math.floor(tag / 8), bytes: bytes.subarray(at, at + length) };
      at += length;
    } else throw new RangeError(`wire type ${kind} at byte ${at}`);
  }
  if (at > bytes.length) throw new RangeError(`the last field is cut off at byte ${bytes.length}`);
}
