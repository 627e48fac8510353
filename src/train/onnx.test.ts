import { readFileSync } from 'node:fs';
import { onnx } from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { featureExtractor } from './features.ts';
import { readMetadata } from './metadata.ts';
import { tinyRows, trainTiny } from './tiny.fixture.ts';

const kinds = ['none', 'int8'] as const;

test.each(kinds)('the file is ONNX by its own definition (quantize: %s)', async (kind) => {
  const bytes = (await trainTiny({ quantize: kind })).onnx;
  const model = onnx.ModelProto.decode(bytes);
  expect(onnx.ModelProto.verify(onnx.ModelProto.toObject(model))).toBeNull();
  expect(Number(model.irVersion)).toBe(8);
  expect(Number(model.opsetImport[0]?.version)).toBe(17);
  expect(model.graph?.node?.map((node) => node.opType)).toContain('CumSum');
  expect(model.graph?.input?.map((port) => port.name)).toEqual(['ids', 'values']);
  expect(model.graph?.output?.map((port) => port.name)).toEqual(['scores', 'probabilities', 'index', 'label']);
  const weights = model.graph?.initializer?.find((tensor) => tensor.name === 'weights');
  const facts = readMetadata(bytes, 'tiny');
  expect(weights?.dims?.map(Number)).toEqual([facts.vocabulary.documentFrequency.length, 3]);
  expect(weights?.rawData?.length).toBe(facts.vocabulary.documentFrequency.length * 3 * (kind === 'int8' ? 1 : 4));
  expect(model.metadataProps.map((property) => property.key)).toContain('plumbline.golden');
});

test.each(kinds)('equal models are equal files: the golden bytes (quantize: %s)', async (kind) => {
  const golden = readFileSync(new URL(`../../tests/golden/train/tiny-${kind}.onnx`, import.meta.url));
  const { onnx: bytes } = await trainTiny({ quantize: kind });
  expect(Buffer.compare(bytes, golden)).toBe(0);
});

test.each(kinds)('any ONNX runtime gets labels and probabilities, the same bits with one thread and with eight (quantize: %s)', async (kind) => {
  const { onnx: bytes } = await trainTiny({ quantize: kind });
  const facts = readMetadata(bytes, 'tiny');
  const vector = featureExtractor(facts.spec, facts.vocabulary).extract(tinyRows.map((row) => row.text).join(' '));
  const answers = await Promise.all(
    [1, 8].map(async (threads) => {
      const session = await InferenceSession.create(bytes, { intraOpNumThreads: threads });
      // a batch of copies, long enough for a runtime to spread it over its threads
      const copies = 200;
      const ids = BigInt64Array.from({ length: copies * vector.length }, (_, at) => BigInt(vector.ids[at % vector.length] as number));
      const values = Float32Array.from(ids, (_, at) => vector.values[at % vector.length] as number);
      const shape = [copies, vector.length];
      const result = await session.run({ ids: new Tensor('int64', ids, shape), values: new Tensor('float32', values, shape) });
      await session.release();
      return result;
    }),
  );
  const [one, eight] = answers as [InferenceSession.ReturnType, InferenceSession.ReturnType];
  expect(eight['scores']?.data).toEqual(one['scores']?.data);
  const labels = new Set(one['label']?.data as unknown as string[]);
  expect(labels.size).toBe(1);
  expect(facts.labels).toContain([...labels][0]);
  const first = (one['probabilities'] as Tensor).data.slice(0, 3) as Float32Array;
  expect(first.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  expect(facts.labels[Number((one['index'] as Tensor).data[0])]).toBe([...labels][0]);
});
