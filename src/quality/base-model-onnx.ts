// ONNX: Protocol Buffers, read as far as their structure goes. Weights in other files are refused: which file that is, the model says.
// Source: github.com/onnx/onnx onnx/onnx.proto
import { ByteReader, type ModelBytes } from './base-model-bytes.ts';

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function' | 'training';

/** field -> message, for all ways that lead to a tensor */
const within: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  tensor: {},
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
};

/** Loops within loops; ten messages each. */
const mostDeep = 200;

/** @returns what is wrong with it; null: nothing @throws RangeError where it is cut off or no message */
export function onnxFault(bytes: ModelBytes): string | null {
  const seen = new Set<number>();
  const fault = walk(new ByteReader(bytes, 0, bytes.size), { kind: 'model', deep: 0, bytes }, seen);
  if (fault !== null) return fault;
  // ir_version, graph, opset_import: what every model has
  return seen.has(1) && seen.has(7) && seen.has(8) ? null : 'it lacks what every ONNX model has';
}

interface Place {
  readonly kind: Kind;
  readonly deep: number;
  readonly bytes: ModelBytes;
}

function walk(reader: ByteReader, place: Place, seen?: Set<number>): string | null {
  const { kind, deep, bytes } = place;
  if (deep > mostDeep) return `messages in messages, ${mostDeep} deep`;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    seen?.add(field);
    if (field === 0) throw new RangeError(`field 0 at byte ${reader.at}`);
    if (wire === 0) {
      if (reader.varint() === 1 && kind === 'tensor' && field === 14) return 'its weights are in another file, which it names';
    } else if (wire === 1) reader.skip(8);
    else if (wire === 5) reader.skip(4);
    else if (wire === 2) {
      const length = reader.varint();
      const start = reader.at;
      reader.skip(length);
      if (kind === 'tensor' && field === 13) return 'its weights are in another file, which it names';
      const inner = within[kind][field];
      const fault = inner === undefined ? null : walk(new ByteReader(bytes, start, start + length), { kind: inner, deep: deep + 1, bytes });
      if (fault !== null) return fault;
    } else throw new RangeError(`wire type ${wire} at byte ${reader.at}`);
  }
  return null;
}
