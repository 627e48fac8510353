// Values of the type VARIANT, looked through before they are decoded: their parts are named by offsets, and parts that name each other again and again would make a
// value of a hundred bytes take for ever.

/** Levels of a value; the same as of a row of JSON. */
const deepest = 200;

/** @throws Error: parts of a value overlap, or lie outside of it */
export function checkVariant(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // each part has a byte of its own
  let left = bytes.length;
  const check = (at: number, depth: number): void => {
    left -= 1;
    if (left < 0 || depth > deepest) throw new Error('parts of a VARIANT overlap, or are nested without end');
    for (const part of partsAt(view, at)) check(part, depth + 1);
  };
  check(0, 0);
}

/** Where the parts of an object or a list begin; of any other value there are none. */
function partsAt(view: DataView, at: number): number[] {
  const head = view.getUint8(at);
  const [kind, flags] = [head & 3, head >> 2];
  if (kind < 2) return [];
  const width = (flags & 3) + 1;
  const object = kind === 2;
  const large = ((object ? flags >> 4 : flags >> 2) & 1) === 1;
  const count = large ? view.getUint32(at + 1, true) : view.getUint8(at + 1);
  const names = object ? (((flags >> 2) & 3) + 1) * count : 0;
  const offsets = at + 1 + (large ? 4 : 1) + names;
  const start = offsets + width * (count + 1);
  if (start > view.byteLength) throw new Error('a VARIANT claims more parts than it holds');
  return Array.from({ length: count }, (_, part) => {
    let offset = 0;
    for (let byte = 0; byte < width; byte += 1) offset += view.getUint8(offsets + part * width + byte) * 256 ** byte;
    return start + offset;
  });
}
