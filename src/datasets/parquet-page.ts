// A page of Parquet, looked through before it is decoded. The decoder believes what a page says: a run of -1 values keeps it busy for ever, one of 2^31 takes
// gigabytes. So runs, counts and widths are walked here, in the way in which the decoder will read them; values are not.
import type { DataPageHeader, PageHeader, ParquetType } from 'hyparquet';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { endOfVarint, varintAt } from './parquet-thrift.ts';

export interface PageShape {
  readonly type: ParquetType;
  /** bytes of a value of FIXED_LEN_BYTE_ARRAY */
  readonly width: number | undefined;
  readonly levels: { readonly definition: number; readonly repetition: number };
  readonly hasDictionary: boolean;
}

/**
 * @param page unpacked; what is checked is that it can be decoded in time and memory as its length, its number of values and `take` allow
 * @param take told of bytes that values will take beyond those of the page; throws when they are too many
 * @returns how many values stand in it, those that are no nulls
 * @throws Error: what is wrong
 */
export function checkPage(page: Uint8Array, header: DataPageHeader, shape: PageShape, take: (bytes: number) => void): number {
  const values = header.num_values;
  let at = 0;
  let present = values;
  if (shape.levels.repetition > 0) {
    checkRuns(page, prefixed(page, at), { width: widthOf(shape.levels.repetition), values });
    at += 4 + lengthAt(page, at);
  }
  if (shape.levels.definition > 0) {
    const runs = { width: widthOf(shape.levels.definition), values };
    checkRuns(page, prefixed(page, at), runs);
    present = countRuns(page, at + 4, runs, shape.levels.definition);
    at += 4 + lengthAt(page, at);
  }
  if (present > 0) checkValues(page, at, { encoding: header.encoding, values: present, shape, take, second: false });
  return present;
}

/** The same of a page of the second kind: its levels are never packed, and stand first. */
export function checkPageV2(
  page: Uint8Array,
  header: NonNullable<PageHeader['data_page_header_v2']>,
  shape: PageShape,
  take: (bytes: number) => void,
): number {
  const { num_values: values, num_nulls: nulls, repetition_levels_byte_length: repetition, definition_levels_byte_length: definition } = header;
  if (!(nulls >= 0 && nulls <= values)) throw new Error(`a page of ${values} values claims ${nulls} nulls`);
  if (shape.levels.repetition > 0) checkRuns(page, 0, { width: widthOf(shape.levels.repetition), values });
  if (shape.levels.definition > 0) checkRuns(page, repetition, { width: widthOf(shape.levels.definition), values });
  const present = values - nulls;
  if (present > 0) checkValues(page, repetition + definition, { encoding: header.encoding, values: present, shape, take, second: true });
  return present;
}

/** @throws Error: the page cannot hold so many values */
export function checkPlain(page: Uint8Array, start: number, values: number, { type, width }: PageShape): void {
  const bits = { BOOLEAN: 1, INT32: 32, INT64: 64, INT96: 96, FLOAT: 32, DOUBLE: 64, BYTE_ARRAY: 32, FIXED_LEN_BYTE_ARRAY: 8 * (width ?? 0) }[type];
  if (!(bits > 0)) throw new Error(`values of the type ${type} have no width`);
  if (values * bits > (page.length - start) * 8) throw new Error(`a page of ${page.length} bytes claims ${values} values`);
}

interface Values {
  readonly encoding: string;
  readonly values: number;
  readonly shape: PageShape;
  readonly take: (bytes: number) => void;
  readonly second: boolean;
}

function checkValues(page: Uint8Array, start: number, { encoding, values, shape, take, second }: Values): void {
  if (start > page.length) throw new Error('the levels of a page run over its end');
  switch (encoding) {
    case 'PLAIN':
    case 'BYTE_STREAM_SPLIT':
      return checkPlain(page, start, values, shape);
    case 'RLE':
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return checkIndexes(page, start, { encoding, values, shape, second });
    case 'DELTA_BINARY_PACKED':
    case 'DELTA_LENGTH_BYTE_ARRAY':
      checkDeltas(page, start, values);
      return;
    case 'DELTA_BYTE_ARRAY':
      return checkPrefixes(page, start, values, take);
    default:
      throw new Error(`its encoding ${encoding} is none that is read`);
  }
}

function checkIndexes(page: Uint8Array, start: number, { encoding, values, shape, second }: Omit<Values, 'take'>): void {
  const flags = second ? encoding === 'RLE' : shape.type === 'BOOLEAN';
  if (flags) {
    checkRuns(page, prefixed(page, start), { width: 1, values });
    return;
  }
  if (!shape.hasDictionary) throw new Error('a page names values of a dictionary, and there is none');
  const width = page[start];
  if (width === undefined) throw new Error('a page ends before its values');
  if (width > 32) throw new Error(`a page has indexes of ${width} bits`);
  if (width > 0 || second) checkRuns(page, start + 1, { width, values });
}

interface Runs {
  /** bits of a value */
  readonly width: number;
  readonly values: number;
}

/** Values behind the last one, to a whole block of some writer: they cost the decoder a step each. */
const padding = 1024;

/** Runs of one value and blocks of packed ones, as RLE has them. */
function checkRuns(page: Uint8Array, start: number, { width, values }: Runs): void {
  let at = start;
  for (let seen = 0; seen < values;) {
    const run = runAt(page, at, width);
    if (run.end > page.length) throw new Error('a run of values runs over the end of its page');
    if (run.packed ? width === 0 && run.count > values - seen + padding : run.count > values - seen)
      throw new Error(`a run claims ${run.count} values where ${values - seen} are left`);
    seen += run.count;
    at = run.end;
  }
}

interface Run {
  readonly packed: boolean;
  readonly count: number;
  /** of its values */
  readonly start: number;
  readonly end: number;
}

function runAt(page: Uint8Array, at: number, width: number): Run {
  const { value, end } = varintAt(page, at);
  const packed = (value & 1) === 1;
  const groups = value >>> 1;
  if (!packed) return { packed, count: groups, start: end, end: end + ((width + 7) >> 3) };
  // the decoder takes a byte of an empty block, too, where there is one
  return { packed, count: groups * 8, start: end, end: width === 0 ? Math.min(end + 1, page.length) : end + Math.max(1, groups * width) };
}

/** How many of the levels, whose runs were checked, are the wanted one. */
function countRuns(page: Uint8Array, start: number, { width, values }: Runs, wanted: number): number {
  let found = 0;
  let at = start;
  for (let seen = 0; seen < values;) {
    const run = runAt(page, at, width);
    const count = Math.min(run.count, values - seen);
    if (run.packed) found += countPacked(page, run.start, { width, values: count }, wanted);
    else if (page[run.start] === wanted) found += count;
    seen += count;
    at = run.end;
  }
  return found;
}

function countPacked(page: Uint8Array, start: number, { width, values }: Runs, wanted: number): number {
  let found = 0;
  let [at, bits, held] = [start, 0, 0];
  const mask = (1 << width) - 1;
  for (let value = 0; value < values; value += 1) {
    while (held < width) {
      bits |= (page[at] ?? 0) << held;
      at += 1;
      held += 8;
    }
    if ((bits & mask) === wanted) found += 1;
    bits >>>= width;
    held -= width;
  }
  return found;
}

/** Blocks of differences. @returns the offset behind them */
function checkDeltas(page: Uint8Array, start: number, values: number): number {
  const block = varintAt(page, start);
  const parts = varintAt(page, block.end);
  let at = endOfVarint(page, endOfVarint(page, parts.end));
  const each = block.value / parts.value;
  if (values > 1 && !(parts.value > 0 && each > 0 && Number.isInteger(each / 8)))
    throw new Error('a block of differences is cut into parts that are none');
  for (let seen = 1; seen < values;) {
    const widths = endOfVarint(page, at);
    at = widths + parts.value;
    if (at > page.length) throw new Error('a block of differences runs over the end of its page');
    for (let part = 0; part < parts.value && seen < values; part += 1) {
      const width = page[widths + part] ?? 0;
      if (width > 64) throw new Error(`a difference of ${width} bits`);
      at += (each / 8) * width;
      seen += each;
    }
  }
  return at;
}

/** Texts that say how much they share with the one before can grow to any size from a few bytes. */
function checkPrefixes(page: Uint8Array, start: number, values: number, take: (bytes: number) => void): void {
  const second = checkDeltas(page, start, values);
  checkDeltas(page, second, values);
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: start };
  const [prefixes, suffixes] = [new Int32Array(values), new Int32Array(values)];
  deltaBinaryUnpack(reader, values, prefixes);
  deltaBinaryUnpack(reader, values, suffixes);
  let before = 0;
  for (let value = 0; value < values; value += 1) {
    const [prefix, suffix] = [prefixes[value] ?? 0, suffixes[value] ?? 0];
    if (prefix < 0 || prefix > before || suffix < 0) throw new Error('a text shares more with the one before than that has');
    before = prefix + suffix;
    if (prefix > 0) take(before);
  }
}

/** Where what has its length in four bytes before it begins. @throws Error: it does not lie within the page */
function prefixed(page: Uint8Array, at: number): number {
  if (at + 4 > page.length || at + 4 + lengthAt(page, at) > page.length) throw new Error('the levels of a page run over its end');
  return at + 4;
}

function lengthAt(page: Uint8Array, at: number): number {
  return new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(at, true);
}

function widthOf(level: number): number {
  return 32 - Math.clz32(level);
}
