// What may be promoted as a model, or trained on: files that hold numbers and texts, and no code. Of binary files that are safetensors, GGUF and ONNX,
// which are known by their bytes, never by their names; texts may stand beside them. A pickle, which torch, joblib and others read, runs what its writer
// wants as it is opened, and so does Python that a config of transformers names.
import { isUtf8 } from 'node:buffer';
import { PlumbError } from '../base/errors.ts';
import { openModelBytes, type ModelBytes } from './base-model-bytes.ts';
import { onnxFault } from './base-model-onnx.ts';
import { ggufFault, safetensorsFault } from './base-model-weights.ts';

export type ModelFormat = 'safetensors' | 'gguf' | 'onnx' | 'text';

/** Texts are looked at as a whole up to here; one that is longer, by its beginning. */
const textBytes = 16 << 20;

/**
 * Reads the structure, not the numbers: of a file of many gigabytes, some megabytes.
 * @param file absolute path, or all of the bytes
 * @param name how the file is called where it comes from: 'out/model.onnx', 'config.json'
 * @throws PlumbError MODEL_FILE_REFUSED
 */
export function checkModelFile(file: string | Uint8Array, name: string): ModelFormat {
  using bytes = openModelBytes(file);
  let fault: string | null;
  let format: ModelFormat | null = null;
  try {
    format = formatOf(bytes, name);
    fault = format === null ? unknownKind(bytes, name) : (archiveFault(bytes) ?? faults[format](bytes, name));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    fault = `it is cut off or damaged (${error.message})`;
  }
  if (fault === null && format !== null) return format;
  throw new PlumbError('MODEL_FILE_REFUSED', {
    what: `${JSON.stringify(name.slice(0, 200))} is no model file that is safe to open: ${fault ?? 'it is of no known format'}`,
    mend: 'convert the weights to safetensors, GGUF or ONNX where nothing depends on it, and leave code and settings that name code out',
  });
}

const faults: Readonly<Record<ModelFormat, (bytes: ModelBytes, name: string) => string | null>> = {
  safetensors: safetensorsFault,
  gguf: ggufFault,
  onnx: onnxFault,
  text: textFault,
};

/** null: none of ours */
function formatOf(bytes: ModelBytes, name: string): ModelFormat | null {
  const head = bytes.read(0, Math.min(bytes.size, 64));
  if (head.subarray(0, 4).equals(Buffer.from('GGUF'))) return 'gguf';
  if (head.length > 8 && head[8] === 0x7b && head.readBigUInt64LE(0) <= BigInt(bytes.size - 8)) return 'safetensors';
  if (isText(bytes)) return 'text';
  // a message whose first field is ir_version; where a name promises ONNX, its structure decides
  const startsAsOnnx = head[0] === 0x08 && (head[1] ?? 255) < 128 && ((head[2] ?? 0) & 7) === 2;
  return startsAsOnnx || /\.onnx$/i.test(name) ? 'onnx' : null;
}

/** tab, line feed, form feed, carriage return, escape */
const textControls: ReadonlySet<number> = new Set([9, 10, 12, 13, 27]);

function isText(bytes: ModelBytes): boolean {
  const start = bytes.read(0, Math.min(bytes.size, textBytes));
  // a character may be cut where the look ends
  const whole = bytes.size <= textBytes || isUtf8(start) ? start : start.subarray(0, start.findLastIndex((byte) => byte < 0x80) + 1);
  // a message of Protocol Buffers may be letters but for its first byte
  return isUtf8(whole) && whole.every((byte) => byte >= 32 || textControls.has(byte));
}

const magics: readonly (readonly [what: string, hex: RegExp])[] = [
  ['a ZIP archive, as torch writes pickles', /^504b(0304|0506|0708)/],
  ['a pickle, which runs code as it is opened', /^80(0[0-5])/],
  ['a gzip, xz, bzip2, zstd or 7z archive', /^(1f8b|fd377a585a|425a68|28b52ffd|377abcaf)/],
  ['HDF5, in which Keras keeps code', /^894844460d0a1a0a/],
  ['an array of NumPy, which may hold pickles', /^934e554d5059/],
  ['a program or a library', /^(7f454c46|4d5a|feedfac|c[ef]faedfe|cafebabe)/],
];

function unknownKind(bytes: ModelBytes, name: string): string {
  const hex = bytes.read(0, Math.min(bytes.size, 16)).toString('hex');
  const found = magics.find(([, magic]) => magic.test(hex));
  if (found !== undefined) return `it is ${found[0]}`;
  return /\.(safetensors|gguf)$/i.test(name) ? 'its bytes are not what its name says' : 'its bytes are of no format that is known to hold no code';
}

/**
 * A ZIP archive is found from its end: behind a good header there may be one, and what opens the file as an archive reads that.
 * The end must name its own place and that of the entries, so that no weights look like it by chance.
 */
function archiveFault(bytes: ModelBytes): string | null {
  const length = Math.min(bytes.size, 22 + 65_535);
  const start = bytes.size - length;
  const tail = bytes.read(start, length);
  for (
    let at = tail.lastIndexOf('PK\u0005\u0006', undefined, 'latin1');
    at >= 0;
    at = at === 0 ? -1 : tail.lastIndexOf('PK\u0005\u0006', at - 1, 'latin1')
  ) {
    if (at + 22 > length || at + 22 + tail.readUInt16LE(at + 20) > length) continue;
    const entries = start + at - tail.readUInt32LE(at + 12);
    if (entries >= 0 && bytes.read(entries, 4).equals(Buffer.from('PK\u0001\u0002', 'latin1')))
      return 'a ZIP archive ends it, as torch writes pickles';
  }
  return null;
}

function textFault(bytes: ModelBytes, name: string): string | null {
  if (/\.(py[cdow]?|ipynb|so|dll|dylib|sh|pkl|pickle|pt|pth|ckpt|joblib|dill|h5|keras)$/i.test(name))
    return 'its name is that of code, or of a pickle';
  const text = bytes.read(0, Math.min(bytes.size, textBytes)).toString('utf8');
  if (text.startsWith('#!')) return 'it is a script';
  // the oldest pickles are letters
  if (/^[(\]}0-9IVSlp\n]{0,20}[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/.test(text)) return 'it is a pickle, which runs code as it is opened';
  if (/\.ya?ml$/i.test(name)) return /(^|[\s{,'"])(auto_map|trust_remote_code|custom_pipelines)['"]?\s*:/m.test(text) ? namesCode : null;
  return /\.json$/i.test(name) ? jsonFault(text, bytes.size > textBytes) : null;
}

const namesCode = 'it names Python code that is run when the model is opened (auto_map, trust_remote_code)';

/** What JSON.parse refuses and Python takes (NaN) would be read by one of them only. */
function jsonFault(text: string, isCut: boolean): string | null {
  let found = false;
  try {
    JSON.parse(text, (key, value: unknown) => {
      found ||= codeKeys.has(key) && value !== null && value !== false;
      return value;
    });
  } catch {
    return isCut ? 'it is too long for a file of settings' : 'it is no JSON';
  }
  return found ? namesCode : null;
}

const codeKeys: ReadonlySet<string> = new Set(['auto_map', 'trust_remote_code', 'custom_pipelines']);
