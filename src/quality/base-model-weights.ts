// safetensors and GGUF: a header that says where each tensor lies, and numbers. Every count and offset is checked before it is used.
// Sources: github.com/huggingface/safetensors README, format; github.com/ggml-org/ggml docs/gguf.md
import { ByteReader, type ModelBytes } from './base-model-bytes.ts';

/** As the reference implementation: more is no header. */
const mostHeaderBytes = 100_000_000;

/** bits of one number */
const safetensorsBits: ReadonlyMap<string, number> = new Map(
  (
    [
      [4, 'F4'],
      [6, 'F6_E2M3 F6_E3M2'],
      [8, 'BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ'],
      [16, 'I16 U16 F16 BF16'],
      [32, 'I32 U32 F32'],
      [64, 'I64 U64 F64 C64'],
    ] as const
  ).flatMap(([bits, names]) => names.split(' ').map((name) => [name, bits] as const)),
);

/** @returns what is wrong with it; null: nothing @throws RangeError where it is cut off */
export function safetensorsFault(bytes: ModelBytes): string | null {
  const length = new ByteReader(bytes, 0, bytes.size).u64();
  if (length > Math.min(mostHeaderBytes, bytes.size - 8)) return `its header is said to have ${length} bytes`;
  const text = bytes.read(8, length).toString('utf8');
  if (!text.startsWith('{')) return 'its header is no JSON object';
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return 'its header is no JSON';
  }
  const spans: { name: string; from: number; to: number }[] = [];
  for (const [name, value] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') {
      if (!isMapping(value) || Object.values(value).some((one) => typeof one !== 'string')) return 'its metadata is no mapping of texts';
      continue;
    }
    const span = spanOf(value);
    if (typeof span === 'string') return `tensor ${JSON.stringify(name.slice(0, 80))}: ${span}`;
    spans.push({ name, ...span });
  }
  return holeIn(spans, bytes.size - 8 - length);
}

function spanOf(value: unknown): { from: number; to: number } | string {
  if (!isMapping(value)) return 'is no mapping';
  const { dtype, shape, data_offsets: offsets } = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
  const bits = typeof dtype === 'string' ? safetensorsBits.get(dtype) : undefined;
  if (bits === undefined) return 'is of an unknown type';
  if (!Array.isArray(shape) || !shape.every(isCount) || !Array.isArray(offsets) || !offsets.every(isCount) || offsets.length !== 2)
    return 'has a shape or a place that is none';
  const [from = 0, to = 0] = offsets as number[];
  const numbers = (shape as number[]).reduce((all, one) => all * one, 1);
  return to - from === Math.ceil((numbers * bits) / 8) ? { from, to } : 'has another length than its shape';
}

/** As the format has it: tensors lie one behind the other and fill the file, so that nothing else is in it. */
function holeIn(spans: { name: string; from: number; to: number }[], size: number): string | null {
  let at = 0;
  for (const { name, from, to } of spans.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== at) return `tensor ${JSON.stringify(name.slice(0, 80))} begins at ${from}, where the one before ended at ${at}`;
    at = to;
  }
  return at === size ? null : `its tensors end at byte ${at} of ${size}`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** bytes of a value of each type of GGUF, by its number; 8 is a text, 9 a list */
const valueBytes: readonly (number | null)[] = [1, 1, 2, 2, 4, 4, 4, 1, null, null, 8, 8, 8];

/** type of a tensor -> numbers in a block, bytes of a block; others may be of a newer ggml */
const blocks: ReadonlyMap<number, readonly [numbers: number, bytes: number]> = new Map([
  [0, [1, 4]],
  [1, [1, 2]],
  [2, [32, 18]],
  [3, [32, 20]],
  [6, [32, 22]],
  [7, [32, 24]],
  [8, [32, 34]],
  [9, [32, 36]],
  [10, [256, 84]],
  [11, [256, 110]],
  [12, [256, 144]],
  [13, [256, 176]],
  [14, [256, 210]],
  [15, [256, 292]],
  [24, [1, 1]],
  [25, [1, 2]],
  [26, [1, 4]],
  [27, [1, 8]],
  [28, [1, 8]],
  [30, [1, 2]],
]);

/** @returns what is wrong with it; null: nothing @throws RangeError where it is cut off */
export function ggufFault(bytes: ModelBytes): string | null {
  const reader = new ByteReader(bytes, 4, bytes.size);
  const version = reader.u32();
  if (version !== 2 && version !== 3) return `it is of version ${version}; known are 2 and 3`;
  const [tensors, values] = [reader.u64(), reader.u64()];
  // the least that one takes: counts that the file cannot hold are never walked
  if (tensors > bytes.size / 24 || values > bytes.size / 13) return `it is said to hold ${tensors} tensors and ${values} values`;
  let alignment = 32;
  for (let count = 0; count < values; count += 1) {
    const key = textOf(reader);
    const type = reader.u32();
    if (key === 'general.alignment' && type === 4) alignment = reader.u32();
    else skipValue(reader, type, 0);
  }
  if (alignment === 0 || alignment % 8 !== 0) return `its tensors are aligned to ${alignment} bytes`;
  const infos = Array.from({ length: tensors }, () => tensorInfo(reader));
  const start = Math.ceil(reader.at / alignment) * alignment;
  const wrong = infos.find(({ offset, length }) => offset % alignment !== 0 || start + offset + length > bytes.size);
  return wrong === undefined ? null : `tensor ${JSON.stringify(wrong.name.slice(0, 80))} lies outside of the file`;
}

function textOf(reader: ByteReader): string {
  const length = reader.u64();
  if (length > 65_535) throw new RangeError(`a name of ${length} bytes at byte ${reader.at}`);
  return reader.take(length).toString('utf8');
}

function skipValue(reader: ByteReader, type: number, deep: number): void {
  const size = valueBytes[type];
  if (typeof size === 'number') return reader.skip(size);
  if (type === 8) return reader.skip(reader.u64());
  if (type !== 9 || deep > 3) throw new RangeError(`a value of type ${type} at byte ${reader.at}`);
  const [inner, count] = [reader.u32(), reader.u64()];
  const each = valueBytes[inner];
  if (typeof each === 'number') return reader.skip(each * count);
  if (count > (reader.end - reader.at) / 8) throw new RangeError(`a list of ${count} at byte ${reader.at}`);
  for (let at = 0; at < count; at += 1) skipValue(reader, inner, deep + 1);
}

function tensorInfo(reader: ByteReader): { name: string; offset: number; length: number } {
  const name = textOf(reader);
  const dimensions = reader.u32();
  if (dimensions > 8) throw new RangeError(`a tensor of ${dimensions} dimensions at byte ${reader.at}`);
  let numbers = 1;
  for (let count = 0; count < dimensions; count += 1) numbers *= reader.u64();
  const [block, size] = blocks.get(reader.u32()) ?? [1, 0];
  return { name, offset: reader.u64(), length: Math.ceil(numbers / block) * size };
}
