import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import type { PlannedStage } from '../pipeline/plan.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { describeParams, describeStages, type PlannedSide } from './stage-changes.ts';

/** A command that reads one data set, in the version given; with GPUs it takes a minute. */
function stage(name: string, options: { data: string; lr?: number; gpus?: number; after?: string[] }): BoundStage {
  return {
    spec: { name, action: { kind: 'cmd', cmd: name }, seed: 0, resources: { gpus: options.gpus ?? 0 } },
    step: null,
    arguments: null,
    params: { train: { lr: options.lr ?? 1 } },
    inputs: { rows: { kind: 'data', ref: 'rows' } },
    outputs: {},
    after: options.after ?? [],
  } as unknown as BoundStage;
}

function ready(bound: BoundStage, data: string): Extract<PlannedStage, { state: 'runs' }> {
  const inputs = { rows: { kind: 'data' as const, ref: 'rows', digest: digestOf(data) } };
  const fingerprint = digestOf(`${bound.spec.name} ${data} ${JSON.stringify(bound.params)}`);
  return { state: 'runs', why: ['never run here'], ready: { stage: bound, fingerprint, inputs, environment: {}, after: {} } };
}

function cached(bound: BoundStage, data: string, builder: RunRecord['builder']): PlannedStage {
  const plan = ready(bound, data);
  const record = {
    command: { cmd: bound.spec.name },
    fingerprint: plan.ready.fingerprint,
    inputs: plan.ready.inputs,
    params: bound.params,
    seed: 0,
    environment: { fingerprinted: {} },
    started: '2026-01-01T00:00:00.000Z',
    finished: '2026-01-01T00:01:00.000Z',
    builder,
  } as unknown as RunRecord;
  return { state: 'cached', ready: plan.ready, kept: { digest: digestOf(`${bound.spec.name} ${data}`), record } };
}

const side = (...all: [BoundStage, PlannedStage][]): PlannedSide => ({
  stages: new Map(all.map(([bound]) => [bound.spec.name, bound])),
  planned: new Map(all.map(([bound, plan]) => [bound.spec.name, plan])),
});

const main = { kind: 'ci', domain: 'trusted', runId: '120' } as const;
const mine = { kind: 'ci', domain: 'pull-7', runId: '42' } as const;
const earlier = { kind: 'ci', domain: 'pull-7', runId: '41' } as const;
const none = { ciRun: null, failed: new Set<string>() };

test('what this job ran, what an earlier push ran, and what main had: with reasons, minutes and what the cache saved', () => {
  const [split, train, grade] = [stage('split', { data: 'a' }), stage('train', { data: 'b', lr: 2, gpus: 2 }), stage('grade', { data: 'b' })];
  const before = side(
    [split, cached(split, 'a', main)],
    [stage('train', { data: 'a' }), cached(stage('train', { data: 'a' }), 'a', main)],
    [grade, ready(grade, 'a')],
  );
  const after = side([split, cached(split, 'a', main)], [train, cached(train, 'b', mine)], [grade, cached(grade, 'b', earlier)]);
  const { stages, cost } = describeStages({ before, after, ciRun: '42', failed: new Set() });
  expect(stages).toEqual([
    { stage: 'split', state: 'cached', why: [], seconds: 60, origin: 'the main branch, run 120' },
    { stage: 'train', state: 'ran', why: [expect.stringMatching(/^rows changed: \w{12} -> \w{12}$/), 'train.lr: 1 -> 2'], seconds: 60 },
    { stage: 'grade', state: 'cached', why: [expect.stringMatching(/^rows changed/)], seconds: 60, origin: 'pull request 7, run 41' },
  ]);
  expect(cost).toEqual({ seconds: 60, savedSeconds: 120, gpuMinutes: 2, measured: {} });
  expect(describeParams(before, after)).toEqual([{ key: 'train.lr', before: 1, after: 1 }]);
});

test('on a laptop, what the branch changed counts as run', () => {
  const [old, now] = [stage('train', { data: 'a' }), stage('train', { data: 'a', lr: 3 })];
  const sides = { before: side([old, cached(old, 'a', { kind: 'laptop' })]), after: side([now, cached(now, 'a', { kind: 'laptop' })]) };
  expect(describeStages({ ...sides, ...none })).toMatchObject({ stages: [{ state: 'ran', why: ['train.lr: 1 -> 3'] }], cost: { savedSeconds: 0 } });
  expect(describeParams(sides.before, sides.after)).toEqual([{ key: 'train.lr', before: 1, after: 3 }]);
});

test('a stage that cannot be had says what it waits for, what failed, and what is new', () => {
  const [check, train] = [stage('check', { data: 'b' }), stage('train', { data: 'b', lr: 2, after: ['check'] })];
  const before = side([check, ready(check, 'a')], [stage('train', { data: 'a', after: ['check'] }), { state: 'waits', on: ['check'] }]);
  const after = side(
    [check, ready(check, 'b')],
    [train, { state: 'waits', on: ['check'] }],
    [stage('more', { data: 'b' }), ready(stage('more', { data: 'b' }), 'b')],
  );
  expect(describeStages({ before, after, ciRun: null, failed: new Set(['check']) }).stages).toEqual([
    { stage: 'check', state: 'failed', why: [expect.stringMatching(/^rows changed/)], seconds: 0 },
    { stage: 'train', state: 'not run', why: ['waits for check', 'train.lr: 1 -> 2'], seconds: 0 },
    { stage: 'more', state: 'not run', why: ['new'], seconds: 0 },
  ]);
  const nothing = { stages: new Map(), planned: new Map() };
  expect(describeStages({ ...none, before: nothing, after: side([check, ready(check, 'b')]) }).stages).toMatchObject([
    { why: ['there is no pipeline to compare with'] },
  ]);
});
