// Parquet's headers are structs of Thrift's compact protocol. Before one is read it is walked here: a length, a count or a number that its bytes cannot hold would
// make the reader allocate gigabytes, or reckon for hours.

/** Deeper than any header of Parquet. */
const deepest = 32;

/**
 * @returns the offset behind the struct that begins at `start`
 * @throws Error: it does not lie within the bytes, or claims more than they hold
 */
export function endOfStruct(bytes: Uint8Array, start: number): number {
  return structEnd(bytes, start, 0);
}

/**
 * An unsigned number in groups of seven bits, the lowest first.
 * @returns it, < 2^31, and the offset behind it
 * @throws Error: it ends outside of the bytes, or is larger
 */
export function varintAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let place = 0; place < 5; place += 1) {
    const byte = bytes[at + place];
    if (byte === undefined) throw new Error('a number runs over the end');
    value += (byte & 0x7f) * 2 ** (7 * place);
    if (byte < 0x80) {
      if (value >= 2 ** 31) break;
      return { value, end: at + place + 1 };
    }
  }
  throw new Error('a count is larger than Parquet allows');
}

/** @returns the offset behind a number of up to 64 bits */
export function endOfVarint(bytes: Uint8Array, at: number): number {
  for (let end = at; end < at + 10; end += 1) {
    const byte = bytes[end];
    if (byte === undefined) throw new Error('a number runs over the end');
    if (byte < 0x80) return end + 1;
  }
  throw new Error('a number has more than 64 bits');
}

function structEnd(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > deepest) throw new Error(`a header is nested deeper than ${deepest}`);
  let at = start;
  for (;;) {
    const field = byteAt(bytes, at++);
    const type = field & 0x0f;
    if (type === 0) return at;
    // a field's number stands in its first byte or behind it
    if (field >> 4 === 0) at = endOfVarint(bytes, at);
    at = type === 1 || type === 2 ? at : valueEnd(bytes, at, { type, depth });
  }
}

function valueEnd(bytes: Uint8Array, at: number, { type, depth }: { readonly type: number; readonly depth: number }): number {
  switch (type) {
    // in a list a boolean is a byte
    case 1:
    case 2:
    case 3:
      return within(bytes, at + 1);
    case 4:
    case 5:
    case 6:
      return endOfVarint(bytes, at);
    case 7:
      return within(bytes, at + 8);
    case 8: {
      const { value, end } = varintAt(bytes, at);
      return within(bytes, end + value);
    }
    case 9:
      return listEnd(bytes, at, depth);
    case 12:
      return structEnd(bytes, at, depth + 1);
    default:
      throw new Error(`a header has a field of the unknown type ${type}`);
  }
}

function listEnd(bytes: Uint8Array, start: number, depth: number): number {
  const head = byteAt(bytes, start);
  const long = head >> 4 === 15;
  const { value: items, end } = long ? varintAt(bytes, start + 1) : { value: head >> 4, end: start + 1 };
  // each takes a byte at least
  within(bytes, end + items);
  let at = end;
  for (let item = 0; item < items; item += 1) at = valueEnd(bytes, at, { type: head & 0x0f, depth: depth + 1 });
  return at;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error('a header runs over the end');
  return byte;
}

function within(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw new Error('a header runs over the end');
  return end;
}
