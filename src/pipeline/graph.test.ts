import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseYaml } from '../base/config.ts';
import type { AnyStep } from '../base/step.ts';
import { fingerprintedEnvironment } from './environment.ts';
import { expandStages } from './expand.ts';
import { fingerprintOf } from './fingerprint.ts';
import { bindStages, selectStages, type BoundStage } from './graph.ts';
import { parseParams } from './params.ts';
import { pipelineSchema } from './schema.ts';
import { explainRun } from './why.ts';

const digest = (digit: string): `sha256:${string}` => `sha256:${digit.repeat(64)}`;

const copy: AnyStep = {
  uses: 'plumb/copy',
  version: 1,
  summary: 'for these tests',
  with: z.strictObject({ data: z.string() }),
  params: z.strictObject({ rate: z.number().default(1) }),
  ports: async (arguments_: { data: string }) => ({ inputs: { data: { kind: 'data', ref: arguments_.data } }, outputs: { rows: 'rows.jsonl' } }),
  run: async () => ({ metrics: {}, measured: {} }),
};

async function bind(yaml: string, params = 'train: { rate: 2 }\nlist: [x, y]\n'): Promise<Map<string, BoundStage>> {
  const config = await parseYaml(yaml, 'pipeline.yaml', pipelineSchema);
  const entry = { format: 'files' as const, digest: digest('a'), path: 'data/faces', bytes: 1, files: 1, source: { kind: 'files' as const } };
  return bindStages(expandStages(config, parseParams(params)), {
    params: parseParams(params),
    lock: { version: 1, datasets: { faces: entry } },
    steps: new Map([['plumb/copy', async () => copy]]),
    readText: async () => undefined,
    exists: async (path) => path === 'train.py',
  });
}

test('inputs are bound to data sets, outputs and files, by name or by path', async () => {
  const stages = await bind(`
stages:
  train: { cmd: python train.py, deps: [train.py, data/faces, copy.rows, out/copy/rows.jsonl], outs: [model.bin] }
  copy: { uses: plumb/copy, with: { data: faces }, params: [train] }
`);
  expect([...stages.keys()]).toEqual(['copy', 'train']);
  expect(Object.values(stages.get('train')?.inputs ?? {})).toEqual([
    { kind: 'file', ref: 'train.py' },
    { kind: 'data', ref: 'faces' },
    { kind: 'output', ref: 'copy.rows', stage: 'copy', output: 'rows' },
    { kind: 'output', ref: 'out/copy/rows.jsonl', stage: 'copy', output: 'rows' },
  ]);
  expect(stages.get('copy')?.params).toEqual({ rate: 2 });
});

test('T28: a matrix of a thousand million stages is refused before one is made', async () => {
  const axes = Array.from({ length: 9 }, (_, at) => `a${at}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]`).join(', ');
  await expect(bind(`stages:\n  grid: { matrix: { ${axes} }, cmd: run }\n`)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('1000000000 combinations'),
  });
});

test('foreach and matrix make stages; the shell gets items quoted', async () => {
  const stages = await bind(`
stages:
  each: { foreach: [a, "b; rm -rf x"], do: { cmd: 'echo \${item} \${HOME}', outs: ['\${key}.txt'] } }
  grid: { matrix: { size: [1, 2], kind: [p] }, cmd: [run, '\${item.size}', '\${item.kind}', '\${params.train.rate}'] }
  last: { needs: [grid], cmd: 'true' }
`);
  expect([...stages.keys()]).toEqual(['each@a', 'each@b_rm_-rf_x', 'grid@1-p', 'grid@2-p', 'last']);
  expect(stages.get('each@b_rm_-rf_x')?.spec.action).toEqual({ kind: 'cmd', cmd: "echo 'b; rm -rf x' ${HOME}" });
  expect(stages.get('grid@2-p')?.spec.action).toEqual({ kind: 'cmd', cmd: ['run', '2', 'p', '2'] });
  expect(stages.get('last')?.after).toEqual(['grid@1-p', 'grid@2-p']);
  expect([...selectStages(stages, ['grid']).keys()]).toEqual(['grid@1-p', 'grid@2-p']);
});

test.each([
  ['PIPELINE_CYCLE', 'stages: { a: { cmd: x, needs: [b] }, b: { cmd: x, needs: [a] } }', 'a -> b -> a'],
  ['PIPELINE_CYCLE', 'stages: { a: { cmd: x, deps: [o], outs: [o] } }', 'a -> a'],
  ['PIPELINE_DEP_MISSING', 'stages: { a: { cmd: x, deps: [data/faecs] } }', 'Did you mean "data/faces"'],
  ['PIPELINE_DEP_MISSING', 'stages: { a: { cmd: x, needs: [bb] }, bbb: { cmd: x } }', 'Did you mean "bbb"'],
  ['PIPELINE_OUT_TWICE', 'stages: { a: { cmd: x, outs: [o] }, b: { cmd: x, outs: [o] } }', 'stage "a" and of stage "b"'],
  ['PIPELINE_OUT_TWICE', 'stages: { a: { cmd: x, outs: [o] }, b: { cmd: x, outs: [o/p] } }', 'stage "a" and of stage "b"'],
  ['PATH_OUTSIDE', 'stages: { a: { cmd: x, outs: [../o] } }', '../o'],
  ['PATH_OUTSIDE', 'stages: { a: { cmd: x, deps: [/etc/passwd] } }', '/etc/passwd'],
  ['STEP_UNKNOWN', 'stages: { a: { uses: plumb/cpoy } }', 'Did you mean "plumb/copy"'],
  ['CONFIG_INVALID', 'stages: { a: { uses: plumb/copy, with: { dta: faces } } }', 'a'],
  ['CONFIG_INVALID', 'stages: { a: { cmd: x, uses: plumb/copy } }', 'exactly one of cmd and uses'],
  ['CONFIG_INVALID', 'stages: { a: { cmd: x, dpes: [y] } }', 'dpes'],
  ['CONFIG_INVALID', "stages: { a: { cmd: 'x ${item.b}' } }", '${item.b}'],
  ['PARAM_MISSING', 'stages: { a: { cmd: x, params: [train.rat] } }', 'Did you mean "train.rate"'],
])('%s: %s', async (code, yaml, text) => {
  await expect(bind(yaml)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

test('an unknown stage on the command line is refused with the nearest', async () => {
  const stages = await bind('stages: { train: { cmd: x } }');
  expect(() => selectStages(stages, ['trian'])).toThrow(/Did you mean "train"/);
});

test('the fingerprint sees what determines outputs, and the name of the stage is not of it', async () => {
  const print = async (yaml: string, input = digest('a'), environment = {}): Promise<string> => {
    const [stage] = (await bind(yaml)).values();
    if (stage === undefined) throw new Error('no stage');
    return fingerprintOf({ stage, inputs: { 'train.py': input }, environment });
  };
  const base = await print('stages: { a: { cmd: x, deps: [train.py], outs: [o] } }');
  expect(await print('stages: { b: { cmd: x, deps: [train.py], outs: [o], desc: other } }')).toBe(base);
  const others = await Promise.all([
    print('stages: { a: { cmd: y, deps: [train.py], outs: [o] } }'),
    print('stages: { a: { cmd: [x], deps: [train.py], outs: [o] } }'),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [p] } }'),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [o], params: [train] } }'),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [o] } }', digest('a'), { 'env A': 'b' }),
    print('stages: { a: { cmd: x, deps: [train.py], metrics: [o] } }'),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [o], seed: 1 } }'),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [o] } }', digest('b')),
    print('stages: { a: { cmd: x, deps: [train.py], outs: [o] } }', digest('a'), { 'uv.lock': digest('c') }),
  ]);
  expect(new Set([base, ...others]).size).toBe(others.length + 1);
});

test('a stage runs again the day after something in its files ran out, and on no other day', async () => {
  const stage = (await bind('stages: { a: { uses: plumb/copy, with: { data: faces } } }')).get('a');
  if (stage === undefined) throw new Error('no stage');
  const lastDays = async (): Promise<string[]> => ['2027-01-31', '2026-12-31'];
  const config = await parseYaml('stages: { a: { cmd: x } }', 'pipeline.yaml', pipelineSchema);
  const unused = (): never => {
    throw new Error('not asked for');
  };
  const tree = { name: 'a tree', lock: { version: 1 as const, datasets: {} }, readText: unused, exists: unused, facts: unused, dataset: unused };
  const on = (day: string): Promise<Record<string, string>> =>
    fingerprintedEnvironment({ ...stage, step: { ...copy, lastDays } }, { config, tree, day });
  expect(await on('2026-12-31')).toEqual({});
  expect(await on('2027-01-01')).toEqual({ 'last day passed': '2026-12-31' });
  expect(await on('2027-01-31')).toEqual(await on('2027-01-01'));
  expect(await on('2027-02-01')).toEqual({ 'last day passed': '2027-01-31' });
  const last = { command: { uses: 'plumb/copy', version: 1, with: stage.arguments }, inputs: {}, params: stage.params, seed: 0 };
  const present = { stage: { ...stage, inputs: {} }, inputs: {}, environment: await on('2027-01-01') };
  expect(explainRun(present, { ...last, environment: { fingerprinted: await on('2026-12-31') } })).toEqual([
    'what counted until 2026-12-31 counts no more',
  ]);
});
