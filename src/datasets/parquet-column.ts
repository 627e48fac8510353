// A column of a row group, from its bytes. hyparquet decodes the pages; this file reads them one after the other, unpacks them, and looks through each before it is
// decoded, so that a damaged or hostile file is an error and neither a hang nor gigabytes.
import type { DecodedArray, Encoding, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, isFlatColumn } from 'hyparquet/src/schema.js';
import { unpack } from './parquet-codecs.ts';
import { checkPage, checkPageV2, checkPlain, type PageShape } from './parquet-page.ts';
import { endOfStruct } from './parquet-thrift.ts';
import { checkVariant } from './parquet-variant.ts';

/** What a row group may take once it is decoded. */
export interface Allowance {
  /** @throws Error: more than is left */
  take(bytes: number): void;
}

export interface ColumnChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly codec: string;
  /** from the root of the schema to the column */
  readonly schemaPath: readonly SchemaTree[];
  readonly pathInSchema: readonly string[];
}

/**
 * @param rows of the row group: the column has as many, or is damaged
 * @returns the values in pieces, lists of a nested column put together
 * @throws Error: what is wrong
 */
export function readChunk({ bytes, codec, schemaPath, pathInSchema }: ColumnChunk, rows: number, allowance: Allowance): DecodedArray[] {
  const path = [...schemaPath];
  const { element } = path.at(-1) as SchemaTree;
  if (element.type === undefined) throw new Error(`${pathInSchema.join('.')} has no type`);
  const decoder: ColumnDecoder = {
    pathInSchema: [...pathInSchema],
    type: element.type,
    element,
    schemaPath: path,
    codec: 'UNCOMPRESSED',
    parsers: DEFAULT_PARSERS,
    utf8: false,
  };
  const column = new Column(decoder, { rows, codec, allowance });
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  while (column.wantsPage() && reader.offset < bytes.length - 1) {
    endOfStruct(bytes, reader.offset);
    const header = parquetHeader(reader);
    const end = reader.offset + header.compressed_page_size;
    if (!(header.compressed_page_size >= 0 && end <= bytes.length)) throw new Error('a page runs over the end of its column');
    column.addPage(header, bytes.subarray(reader.offset, end));
    reader.offset = end;
  }
  return column.pieces();
}

class Column {
  readonly #decoder: ColumnDecoder;
  readonly #rows: number;
  readonly #codec: string;
  readonly #allowance: Allowance;
  readonly #flat: boolean;
  readonly #variant: boolean;
  readonly #levels: PageShape['levels'];
  readonly #pieces: DecodedArray[] = [];
  #dictionary: DecodedArray | undefined;
  #read = 0;

  constructor(decoder: ColumnDecoder, { rows, codec, allowance }: { readonly rows: number; readonly codec: string; readonly allowance: Allowance }) {
    this.#decoder = decoder;
    this.#rows = rows;
    this.#codec = codec;
    this.#allowance = allowance;
    this.#flat = isFlatColumn(decoder.schemaPath);
    this.#variant = decoder.schemaPath.some(({ element }) => element.logical_type?.type === 'VARIANT') && decoder.pathInSchema.at(-1) !== 'metadata';
    this.#levels = { definition: getMaxDefinitionLevel(decoder.schemaPath), repetition: getMaxRepetitionLevel(decoder.schemaPath) };
  }

  /** The last rows of a nested column may go on in another page. */
  wantsPage(): boolean {
    return !this.#flat || this.#read < this.#rows;
  }

  addPage(header: PageHeader, packed: Uint8Array): void {
    if (header.type === 'DICTIONARY_PAGE') this.#dictionary = this.#dictionaryOf(header, packed);
    else this.#addData(header.type === 'DATA_PAGE_V2' ? this.#pageV2(header, packed) : this.#pageV1(header, packed));
  }

  pieces(): DecodedArray[] {
    if (this.#read !== this.#rows) throw new Error(`it has ${this.#read} rows of ${this.#rows}`);
    return this.#pieces;
  }

  #dictionaryOf(header: PageHeader, packed: Uint8Array): DecodedArray {
    const values = header.dictionary_page_header?.num_values ?? -1;
    const page = this.#unpack(packed, header.uncompressed_page_size);
    this.#checkCount(values, Infinity);
    checkPlain(page, 0, values, this.#shape());
    this.#allowance.take(values * bytesOfValue(this.#decoder));
    const data = this.#decode(header, page, undefined);
    return data === undefined ? [] : convert(data, this.#decoder);
  }

  #pageV1(header: PageHeader, packed: Uint8Array): Decodable {
    const { data_page_header: data } = header;
    if (data === undefined) throw new Error(`a page of the kind ${header.type ?? 'none'} is none that is read`);
    this.#checkCount(data.num_values, this.#flat ? this.#rows - this.#read : Infinity);
    const page = this.#unpack(packed, header.uncompressed_page_size);
    const present = checkPage(page, data, this.#shape(), (bytes) => this.#allowance.take(bytes));
    const encoding = this.#takeValues(data.encoding, present);
    return { page, encoding, header: { ...header, data_page_header: { ...data, encoding } } };
  }

  #pageV2(header: PageHeader, packed: Uint8Array): Decodable {
    const { data_page_header_v2: data } = header;
    if (data === undefined) throw new Error('a page has no header');
    this.#checkCount(data.num_values, this.#flat ? this.#rows - this.#read : Infinity);
    const levels = data.repetition_levels_byte_length + data.definition_levels_byte_length;
    if (!(data.repetition_levels_byte_length >= 0 && data.definition_levels_byte_length >= 0 && levels <= packed.length))
      throw new Error('the levels of a page run over its end');
    const values = packed.subarray(levels);
    const unpacked = data.is_compressed === false ? values : this.#unpack(values, header.uncompressed_page_size - levels);
    const page = new Uint8Array(levels + unpacked.length);
    page.set(packed.subarray(0, levels));
    page.set(unpacked, levels);
    const present = checkPageV2(page, data, this.#shape(), (bytes) => this.#allowance.take(bytes));
    const encoding = this.#takeValues(data.encoding, present);
    // a page that lies before the rows that are wanted would be left out: none does
    return { page, encoding, header: { ...header, data_page_header_v2: { ...data, encoding, num_rows: 0, is_compressed: false } } };
  }

  #addData({ page, encoding, header }: Decodable): void {
    const last = this.#pieces.at(-1);
    const before = last?.length ?? 0;
    const data = this.#decode(header, page, last);
    if (data === undefined || data.length === 0) return;
    if (data === last) this.#read += data.length - before;
    else {
      this.#pieces.push(data);
      this.#read += data.length;
    }
    if (this.#variant) checkVariants(data, data === last ? before : 0);
    if (encoding.endsWith('_DICTIONARY') && holdsUndefined(data, data === last ? before : 0))
      throw new Error('a page names values that its dictionary has not');
    if (this.#read > this.#rows) throw new Error(`it has more rows than the ${this.#rows} of its row group`);
  }

  #decode(header: PageHeader, page: Uint8Array, previous: DecodedArray | undefined): DecodedArray | undefined {
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
    const sized = { ...header, compressed_page_size: page.length, uncompressed_page_size: page.length };
    return readPage(reader, sized, this.#decoder, this.#dictionary, previous, 0).data;
  }

  #unpack(packed: Uint8Array, length: number): Uint8Array {
    if (!(length >= 0)) throw new Error(`a page claims ${length} bytes`);
    this.#allowance.take(length);
    return unpack(this.#codec, packed, length);
  }

  #checkCount(values: number, most: number): void {
    if (!(values >= 0 && values <= most)) throw new Error(`a page claims ${values} values`);
    // a slot a value, in a nested column one a level
    this.#allowance.take(values * 8 * (this.#flat ? 1 : this.#decoder.schemaPath.length));
  }

  /** Nulls alone need no decoder. */
  #takeValues(encoding: Encoding, present: number): Encoding {
    if (present === 0) return 'PLAIN';
    if (!encoding.endsWith('_DICTIONARY')) this.#allowance.take(present * bytesOfValue(this.#decoder));
    return encoding;
  }

  #shape(): PageShape {
    const { type, element } = this.#decoder;
    return { type, width: element.type_length, levels: this.#levels, hasDictionary: this.#dictionary !== undefined };
  }
}

type ColumnDecoder = Parameters<typeof readPage>[2];

interface Decodable {
  readonly page: Uint8Array;
  readonly header: PageHeader;
  readonly encoding: Encoding;
}

/** What a value takes beside its slot and its bytes in the page: nothing for a number, else its object. */
function bytesOfValue({ type, element: { converted_type: converted, logical_type: logical } }: ColumnDecoder): number {
  if (converted === 'UTF8' || logical?.type === 'STRING') return 24;
  if (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY' || type === 'INT96') return 96;
  return converted === 'DATE' || converted?.startsWith('TIMESTAMP') === true || logical?.type === 'TIMESTAMP' ? 64 : 0;
}

function checkVariants(values: DecodedArray, from: number): void {
  if (!Array.isArray(values)) return;
  for (let at = from; at < values.length; at += 1) {
    const value: unknown = values[at];
    if (value instanceof Uint8Array) checkVariant(value);
    else if (Array.isArray(value)) checkVariants(value, 0);
  }
}

function holdsUndefined(values: DecodedArray, from: number): boolean {
  if (!Array.isArray(values)) return false;
  for (let at = from; at < values.length; at += 1) {
    const value: unknown = values[at];
    if (value === undefined || (Array.isArray(value) && holdsUndefined(value, 0))) return true;
  }
  return false;
}
