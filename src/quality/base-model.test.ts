import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { checkModelFile } from './base-model.ts';

const trained = readFileSync(new URL('../../tests/golden/train/tiny-none.onnx', import.meta.url));

function safetensors(header: unknown, dataBytes: number): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes, 7)]);
}

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number | bigint): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const word = (text: string): Buffer => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);

/** Two values, one tensor of 32 numbers in Q8_0: 34 bytes. */
function gguf(change: { version?: number; tensors?: number; values?: number; offset?: number; keep?: number } = {}): Buffer {
  const values = [
    Buffer.concat([word('general.architecture'), u32(8), word('llama')]),
    Buffer.concat([word('tokenizer.ggml.tokens'), u32(9), u32(8), u64(2), word('a'), word('b')]),
  ];
  const tensor = Buffer.concat([word('output.weight'), u32(1), u64(32), u32(8), u64(change.offset ?? 0)]);
  const head = Buffer.concat([Buffer.from('GGUF'), u32(change.version ?? 3), u64(change.tensors ?? 1), u64(change.values ?? 2), ...values, tensor]);
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32), Buffer.alloc(change.keep ?? 34)]);
}

const tensors = {
  __metadata__: { format: 'pt' },
  a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
  b: { dtype: 'BF16', shape: [3], data_offsets: [16, 22] },
};

describe('what is taken', () => {
  test.each([
    ['safetensors', safetensors(tensors, 22), 'model.safetensors'],
    ['safetensors', safetensors(`${JSON.stringify(tensors)}     `, 22), 'weights.bin'],
    ['gguf', gguf(), 'model.gguf'],
    ['onnx', trained, 'out/model.onnx'],
    ['onnx', trained, 'model'],
    ['text', Buffer.from('{"architectures":["BertModel"],"auto_map":null,"vocab_size":3}'), 'config.json'],
    ['text', Buffer.from('You answer questions about cards.\n'), 'prompt.txt'],
    ['text', Buffer.from(''), 'empty'],
  ] as const)('%s, by its bytes', (format, bytes, name) => {
    expect(checkModelFile(bytes, name)).toBe(format);
  });

  test('a file on the disk is read as the same bytes, a window at a time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'base model '));
    const large = safetensors({ a: { dtype: 'U8', shape: [300_000], data_offsets: [0, 300_000] } }, 300_000);
    for (const [name, bytes] of Object.entries({ large, trained, gguf: gguf() })) {
      writeFileSync(join(folder, name), bytes);
      expect(checkModelFile(join(folder, name), name)).toBe(checkModelFile(bytes, name));
      writeFileSync(join(folder, name), bytes.subarray(0, bytes.length - 1));
      expect(() => checkModelFile(join(folder, name), name)).toThrow(refused);
    }
    rmSync(folder, { recursive: true });
  });
});

const refused = /no model file that is safe to open/;

/** Made by Python: os.system('echo owned') as it is opened. */
const pickles = {
  'of protocol 0, all letters': 'Y3Bvc2l4CnN5c3RlbQpwMAooVmVjaG8gb3duZWQKcDEKdHAyClJwMwou',
  'of protocol 1': 'Y3Bvc2l4CnN5c3RlbQpxAChYCgAAAGVjaG8gb3duZWRxAXRxAlJxAy4=',
  'of protocol 2': 'gAJjcG9zaXgKc3lzdGVtCnEAWAoAAABlY2hvIG93bmVkcQGFcQJScQMu',
  'of protocol 5': 'gAWVJQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAplY2hvIG93bmVklIWUUpQu',
  'in a ZIP archive, as torch.save writes it':
    'UEsDBBQAAAAAAAAAIQCCs/kAKgAAACoAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIACY3Bvc2l4CnN5c3RlbQpxAFgKAAAAZWNobyBvd25lZHEBhXECUnEDLlBLAQIUAxQAAAAAAAAAIQCCs/kAKgAAACoAAAAQAAAAAAAAAAAAAACAAQAAAABhcmNoaXZlL2RhdGEucGtsUEsFBgAAAAABAAEAPgAAAFgAAAAAAA==',
};
const zip = Buffer.from(pickles['in a ZIP archive, as torch.save writes it'], 'base64');

describe('T9: what runs code as it is opened is no model', () => {
  test.each(Object.entries(pickles))('T9: a pickle %s, under any name', (_, text) => {
    for (const name of ['pytorch_model.bin', 'model.safetensors', 'model.onnx', 'model.gguf', 'model', 'vocab.txt'])
      expect(() => checkModelFile(Buffer.from(text, 'base64'), name)).toThrow(refused);
  });

  test.each([
    ['safetensors', safetensors({ a: { dtype: 'U8', shape: [zip.length], data_offsets: [0, zip.length] } }, 0)],
    ['GGUF', gguf()],
    ['ONNX', Buffer.concat([trained, Buffer.from([0xfa, 0x07, 0xfe, 0x01])])],
    ['a text', Buffer.from('harmless words\n')],
  ])('T9: %s with an archive behind it, which is found from the end', (_, before) => {
    expect(() => checkModelFile(Buffer.concat([before, zip]), 'model')).toThrow(refused);
  });

  test.each([
    ['config.json', '{"model_type":"x","auto_map":{"AutoModel":"modeling_x.XModel"}}'],
    ['tokenizer_config.json', '{"a":[{"\\u0061uto_map":{"AutoTokenizer":["t.T",null]}}]}'],
    ['model_index.json', '{"trust_remote_code":true}'],
    ['config.json', '{"auto_map":{"AutoModel":"m.M"},"x":NaN}'],
    ['serving.yaml', 'model: x\ntrust_remote_code: true\n'],
    ['modeling_x.py', 'import os\n'],
    ['run', '#!/usr/bin/env python3\n'],
    ['lib.so', '\u007fELF'],
  ])('T9: %s that names code, or is code', (name, text) => {
    expect(() => checkModelFile(Buffer.from(text), name)).toThrow(refused);
  });

  test.each([
    ['a program', '7f454c46020101000000000000000000'],
    ['HDF5', '894844460d0a1a0a0000000000080800'],
    ['an array of NumPy', '934e554d50590100760'],
    ['gzip', '1f8b0800000000000003'],
    ['what nobody knows', '00ff00ff00ff00ff00ff'],
  ])('T9: %s', (_, hex) => {
    for (const name of ['weights.bin', 'model.safetensors', 'model.onnx'])
      expect(() => checkModelFile(Buffer.from(hex, 'hex'), name)).toThrow(refused);
  });

  test('T9: weights in a file that the model names, wherever in it the tensor stands', () => {
    const { DataLocation } = onnx.TensorProto;
    const outside = {
      name: 'w',
      dims: [1],
      dataType: 1,
      dataLocation: DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: '/etc/passwd' }],
    };
    const inner = { name: 'body', initializer: [outside] };
    const node = { opType: 'If', attribute: [{ name: 'then_branch', type: onnx.AttributeProto.AttributeType.GRAPH, g: inner }] };
    const constant = { opType: 'Constant', attribute: [{ name: 'value', type: onnx.AttributeProto.AttributeType.TENSOR, t: outside }] };
    const graphs = [{ initializer: [outside] }, { sparseInitializer: [{ values: outside }] }, { node: [node] }, { node: [constant] }];
    for (const graph of graphs) {
      const bytes = onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 17 }], graph }).finish();
      expect(() => checkModelFile(bytes, 'model.onnx')).toThrow('another file');
    }
    const empty = onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ version: 17 }], graph: {} }).finish();
    expect(checkModelFile(empty, 'model.onnx')).toBe('onnx');
  });
});

describe('damaged, or made to break a reader', () => {
  test.each([
    ['a header longer than the file', Buffer.concat([u64(1n << 40n), Buffer.from('{}')])],
    ['a header that is no JSON', safetensors('{"a":', 0)],
    ['tensors that overlap', safetensors({ ...tensors, b: { ...tensors.b, data_offsets: [10, 16] } }, 16)],
    ['bytes that belong to no tensor', safetensors(tensors, 23)],
    ['a place beyond the end', safetensors(tensors, 21)],
    ['a shape of other bytes', safetensors({ a: { dtype: 'F32', shape: [3], data_offsets: [0, 16] } }, 16)],
    ['a shape below nothing', safetensors({ a: { dtype: 'U8', shape: [-1, -16], data_offsets: [0, 16] } }, 16)],
    ['a type that nobody knows', safetensors({ a: { dtype: '__proto__', shape: [], data_offsets: [0, 0] } }, 0)],
  ])('safetensors with %s', (_, bytes) => expect(() => checkModelFile(bytes, 'model.safetensors')).toThrow(refused));

  test.each([
    ['version 1, or 3 the other way round', gguf({ version: 1 })],
    ['more tensors than it can hold', gguf({ tensors: 2 ** 50 })],
    ['more values than it can hold', gguf({ values: 2 ** 50 })],
    ['a tensor beyond the end', gguf({ offset: 64 })],
    ['a tensor between the steps', gguf({ offset: 1, keep: 64 })],
    ['a tensor that is cut off', gguf({ keep: 33 })],
  ])('GGUF with %s', (_, bytes) => expect(() => checkModelFile(bytes, 'model.gguf')).toThrow(refused));

  test('every cut of a file is refused, and no bytes end in anything but a format or a refusal', () => {
    for (const whole of [safetensors(tensors, 22), gguf()])
      for (let length = 9; length < whole.length; length += 1)
        expect(() => checkModelFile(whole.subarray(0, length), 'm.safetensors')).toThrow(refused);
    const seeds = [safetensors(tensors, 22), gguf(), trained.subarray(0, 4096)];
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), (seed, changes) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          checkModelFile(bytes, 'm.onnx');
        } catch (error) {
          expect(error).toMatchObject({ code: 'MODEL_FILE_REFUSED' });
        }
      }),
      { numRuns: 400 },
    );
  });
});
