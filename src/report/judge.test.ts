import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf } from '../base/digest.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import {
  answersOf,
  artifactOf,
  better,
  chainOfExample,
  digestOfRecord,
  good,
  parsedPolicy,
  policyText,
  type ExampleModel,
} from '../registry/example.fixture.ts';
import type { FoundModel } from '../registry/found-model.ts';
import type { Pointer } from '../registry/schema.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { judge, type JudgeOrder, type Judgement, type JudgeWorld } from './judge.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb judge-'));
  store = await openStore({ cacheDir: folder });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Its cases are in the store. @param curve of its training */
async function modelOf(
  example: ExampleModel,
  suite: string,
  curve: { bytes: string; command?: RunRecord['command'] } | null = null,
): Promise<FoundModel> {
  const { split, train, evaluate } = chainOfExample(example);
  const lines = answersOf(example)
    .map((one) => `${JSON.stringify(one)}\n`)
    .join('');
  const cases = { path: 'out/evaluate/cases.jsonl', digest: await store.putBytes(lines), bytes: lines.length, kind: 'file' as const };
  const asked: RunRecord = {
    ...evaluate,
    outputs: { cases },
    inputs: { ...evaluate.inputs, suite: { kind: 'file', ref: 'evals/intents.yaml', digest: digestOf(suite) } },
  };
  const trained: RunRecord =
    curve === null
      ? train
      : {
          ...train,
          command: curve.command ?? train.command,
          outputs: {
            ...train.outputs,
            curve: { path: 'curve.json', digest: await store.putBytes(curve.bytes), bytes: curve.bytes.length, kind: 'file' },
          },
        };
  const [made, evaluated] = [trained, asked].map((record) => ({ digest: digestOfRecord(record), record })) as [
    FoundModel['made'],
    FoundModel['made'],
  ];
  return {
    name: 'intents',
    artifact: { digest: digestOf(artifactOf(example)), bytes: artifactOf(example).length, format: 'onnx' },
    made,
    evaluated,
    records: new Map([split, trained, asked].map((record) => [digestOfRecord(record), record])),
    data: {},
    parts: {},
  };
}

function judged(order: Pick<JudgeOrder, 'candidate' | 'baseline' | 'served'>, world: Pick<JudgeWorld, 'evaluateInstead'>): Promise<Judgement> {
  return judge(
    {
      ...order,
      stages: new Map(),
      policy: parsedPolicy(policyText),
      stage: 'production',
      title: { revision: 'r', branch: null, base: null },
      warnings: [],
    },
    { ...world, store, diffData: () => Promise.reject(new Error('there is no data')) },
  );
}

test('a model that is both the baseline and what the gate compares with is asked once', async () => {
  const candidate = await modelOf(better, 'new questions');
  const model = await modelOf(good, 'old questions');
  const asked: FoundModel[] = [];
  const { report, comparisons } = await judged(
    { candidate, baseline: { what: 'production', model }, served: { production: { pointer: {} as Pointer, model } } },
    {
      evaluateInstead: async (_, other) => {
        asked.push(other);
        return other.evaluated;
      },
    },
  );
  expect(asked).toEqual([model]);
  expect(comparisons.production).toMatchObject({ gained: better.right - good.right, lost: 0 });
  expect(report.comparison).toMatchObject({ gained: better.right - good.right });
});

test('the curve of a built-in step is shown; what a command calls curve, and what is none, is not', async () => {
  const curve = canonicalJson({ plumbline: 'curve/1', points: [{ epoch: 1, loss: 0.5, accuracy: 0.75 }] });
  const curvesOf = async (bytes: string, command?: RunRecord['command']): Promise<unknown> => {
    const candidate = await modelOf(good, 'questions', { bytes, ...(command === undefined ? {} : { command }) });
    return (await judged({ candidate, baseline: null, served: {} }, { evaluateInstead: () => Promise.resolve(null) })).report.curves;
  };
  expect(await curvesOf(curve)).toEqual([{ stage: 'train', name: 'epoch', points: [{ x: 1, y: { accuracy: 0.75, loss: 0.5 } }] }]);
  expect(await curvesOf(curve, { cmd: 'python train.py' })).toEqual([]);
  for (const bytes of ['', '[]', '{"plumbline":"curve/1","points":[{"epoch":"<b>","loss":0,"accuracy":0}]}'])
    expect(await curvesOf(bytes)).toEqual([]);
});
