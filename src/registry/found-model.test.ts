import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { filesManifest, manifestText } from '../datasets/manifest.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import type { Pipeline } from '../pipeline/source-tree.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { chainOfExample, digestOfRecord, good, trainText } from './example.fixture.ts';
import { modelOfPipeline, modelStages } from './found-model.ts';

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb found-'));
  store = await openStore({ cacheDir: folder });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const manifest = manifestText(filesManifest({ root: digestOf('tree'), count: 1, bytes: 5 }));
const { split, train, evaluate } = chainOfExample(good, digestOf(manifest));
const aside: RunRecord = {
  ...split,
  stage: 'aside',
  outputs: { notes: { path: 'out/notes.txt', digest: digestOf('notes'), bytes: 5, kind: 'file' } },
};

/** Of a bound pipeline, what finding a model reads. */
function pipelineOf(parts: Readonly<Record<string, string>>): Pipeline {
  const stages = [split, train, evaluate, aside].map((record) => {
    const outputs = Object.fromEntries(Object.entries(record.outputs).map(([name, { path }]) => [name, path]));
    return [record.stage, { spec: { name: record.stage }, inputs: record.inputs, outputs }] as const;
  });
  const models = { intents: { artifact: 'train.model', evaluation: 'evaluate', parts } };
  return { config: { models }, stages: new Map(stages) } as unknown as Pipeline;
}

const records = new Map(
  [split, train, evaluate, aside].map((record): [string, KeptRecord] => [record.stage, { digest: digestOfRecord(record), record }]),
);

test('parts are outputs, by name or by path, and data sets of the runs behind the model', async () => {
  await store.putBytes(manifest);
  const found = await modelOfPipeline(
    pipelineOf({ words: 'split.train', same: 'out/split/train.jsonl', rows: 'intents' }),
    records,
    'intents',
    store,
  );
  const words = { digest: digestOf(trainText), bytes: trainText.length };
  expect(found.parts).toEqual({ words, same: words, rows: { digest: digestOf(manifest), bytes: 5 } });
  expect((await modelOfPipeline(pipelineOf({}), records, 'intents', store)).parts).toEqual({});
});

test('what no run behind the model made or read does not move with it', async () => {
  await expect(modelOfPipeline(pipelineOf({ notes: 'aside.notes' }), records, 'intents', store)).rejects.toMatchObject({
    code: 'PIPELINE_DEP_MISSING',
    message: expect.stringContaining('its part "notes" is "aside.notes", which no run that makes or evaluates the model wrote or read'),
  });
});

test('a part that is nothing of the pipeline is refused before anything runs', () => {
  expect(() => modelStages(pipelineOf({ notes: 'aside.note' }), 'intents')).toThrow(
    'its part "notes" is "aside.note", which is no output and no data set',
  );
});
