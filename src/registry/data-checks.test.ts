import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { RunInput, RunRecord } from '../pipeline/run-record.ts';
import { findDataFaults, type TrainedModel } from './data-checks.ts';
import { chainOfExample, digestOfRecord, good } from './example.fixture.ts';
import { policySchema } from './schema.ts';

const { check, split, train, evaluate } = chainOfExample(good);
const manifest = digestOf('manifest of intents');
const intents: RunInput = { kind: 'data', ref: 'intents', digest: manifest };

function asked(...require: unknown[]): NonNullable<ReturnType<typeof policySchema.parse>['data']> {
  const { data } = policySchema.parse({ version: 1, models: {}, gates: {}, data: { require } });
  if (data === undefined) throw new Error('no data');
  return data;
}

/** The run that made the model, and all others. */
function model(made: RunRecord, ...others: RunRecord[]): TrainedModel {
  const evaluated = { ...evaluate, inputs: {} };
  return {
    run: digestOfRecord(made),
    evaluation: digestOfRecord(evaluated),
    runs: new Map([made, evaluated, ...others].map((record) => [digestOfRecord(record), record])),
  };
}

function after(made: RunRecord, ...checks: RunRecord[]): RunRecord {
  return { ...made, after: Object.fromEntries(checks.map((one) => [one.stage, digestOfRecord(one)])) };
}

function checkOf(uses: string, inputs: RunRecord['inputs'], given: Record<string, string | string[]> = {}): RunRecord {
  return { ...check, stage: uses.slice(6), command: { uses, version: 1, with: given }, inputs };
}

test('a check that had to end well before, of the same version, is what the policy asks for', () => {
  expect(findDataFaults(asked('plumb/check'), model(train, split, check))).toEqual([]);
});

test('a check that nobody ran, or that training did not wait for, is told with the data set and the stage that read it', () => {
  const [fault, ...more] = findDataFaults(asked('plumb/provenance'), model(train, split, check));
  expect(more).toEqual([]);
  expect(fault).toBe(`the data set "intents" (${manifest.slice(7, 19)}), which stage split read, was not looked at by plumb/provenance`);
  expect(findDataFaults(asked('plumb/check'), model(after(train), split, check))).toHaveLength(1);
});

test('a check that only the evaluation waited for looked at the same rows, and counts; one that nothing leads to does not', () => {
  const waiting = after({ ...evaluate, inputs: {} }, check);
  const runs = new Map([train, split, check, waiting].map((record) => [digestOfRecord(record), record]));
  const bare = after(train);
  const made = { run: digestOfRecord(bare), evaluation: digestOfRecord(waiting), runs: new Map([...runs, [digestOfRecord(bare), bare]]) };
  expect(findDataFaults(asked('plumb/check'), made)).toEqual([]);
  expect(findDataFaults(asked('plumb/check'), { ...made, evaluation: made.run })).toHaveLength(1);
});

test('a check of another version, and one that had the rows as something beside its data, is none', () => {
  const other = checkOf('plumb/drift', { data: { ...intents, digest: digestOf('another') }, reference: intents });
  expect(findDataFaults(asked('plumb/drift'), model(after(train, other), split, other))).toHaveLength(1);
  const right = checkOf('plumb/drift', { data: intents });
  expect(findDataFaults(asked('plumb/drift'), model(after(train, right), split, right))).toEqual([]);
});

test('arguments that the policy names must be exactly those: a laxer check of a branch is none', () => {
  const strict = { check: 'plumb/provenance', with: { require: ['source', 'reviewed'] } };
  const lax = checkOf('plumb/provenance', { data: intents }, { require: ['source'] });
  const [fault] = findDataFaults(asked(strict), model(after(train, lax), split, lax));
  expect(fault).toContain('plumb/provenance with require: ["source","reviewed"]');
  const none = checkOf('plumb/provenance', { data: intents });
  expect(findDataFaults(asked(strict), model(after(train, none), split, none))).toHaveLength(1);
  const fits = checkOf('plumb/provenance', { data: intents }, { require: ['source', 'reviewed'], columns: [] });
  expect(findDataFaults(asked(strict), model(after(train, fits), split, fits))).toEqual([]);
});

test('personal data that a check rewrites is gone from what it wrote alone: training on what it read was looked at by nobody', () => {
  const written = { path: 'data.jsonl', digest: digestOf('clean rows'), bytes: 10, kind: 'file' as const };
  const clean: RunRecord = { ...checkOf('plumb/pii', { data: intents }, { rewrite: 'jsonl' }), outputs: { data: written } };
  const fault = [expect.stringContaining('the data set "intents"')];
  expect(findDataFaults(asked('plumb/pii'), model(after(train, clean), split, clean))).toEqual(fault);
  const input: RunInput = { kind: 'output', ref: 'pii.data', digest: written.digest, run: digestOfRecord(clean) };
  expect(findDataFaults(asked('plumb/pii'), model({ ...after(train), inputs: { data: input } }, clean))).toEqual([]);
  // its report says nothing of what the rows hold
  const other: RunInput = { ...input, ref: 'pii.report', digest: digestOf('report') };
  expect(findDataFaults(asked('plumb/pii'), model({ ...after(train), inputs: { data: other } }, clean))).toEqual(fault);
});

test('a check of some columns is none of the rows, unless the policy names these columns; null: the argument must not be there', () => {
  for (const uses of ['plumb/pii', 'plumb/secrets']) {
    const some = checkOf(uses, { data: intents }, { columns: ['id'] });
    const found = model(after(train, some), split, some);
    expect(findDataFaults(asked(uses), found)).toHaveLength(1);
    expect(findDataFaults(asked({ check: uses, with: { config: null } }), found)).toHaveLength(1);
    expect(findDataFaults(asked({ check: uses, with: { columns: ['id'] } }), found)).toEqual([]);
  }
  const lax = checkOf('plumb/check', { data: intents }, { as_of: '2020-01-01' });
  expect(findDataFaults(asked('plumb/check'), model(after(train, lax), split, lax))).toEqual([]);
  expect(findDataFaults(asked({ check: 'plumb/check', with: { as_of: null } }), model(after(train, lax), split, lax))).toHaveLength(1);
});

test('what a stage made of the rows may be checked in their place, and every way to the model must be', () => {
  const rows = split.outputs['train'];
  if (rows === undefined) throw new Error('no rows');
  const onSplit = checkOf('plumb/pii', { data: { kind: 'output', ref: 'split.train', digest: rows.digest, run: digestOfRecord(split) } });
  expect(findDataFaults(asked('plumb/pii'), model(after(train, onSplit), split, onSplit))).toEqual([]);
  const more: RunRecord = { ...after(train, onSplit), inputs: { ...train.inputs, extra: { kind: 'data', ref: 'extra', digest: digestOf('extra') } } };
  expect(findDataFaults(asked('plumb/pii'), model(more, split, onSplit))).toEqual([expect.stringContaining('the data set "extra"')]);
});

test('rows in a plain file of the repository, an unknown run, and weights that the policy excepts', () => {
  const file: RunRecord = { ...train, inputs: { ...train.inputs, more: { kind: 'file', ref: 'more.jsonl', digest: digestOf('more') } } };
  expect(findDataFaults(asked('plumb/check'), model(file, split, check))).toEqual([expect.stringContaining('the file or folder "more.jsonl"')]);
  const packed: RunRecord = { ...train, inputs: { ...train.inputs, more: { kind: 'file', ref: 'more.jsonl.gz', digest: digestOf('more') } } };
  expect(findDataFaults(asked('plumb/check'), model(packed, split, check))).toEqual([expect.stringContaining('the file or folder "more.jsonl.gz"')]);
  const code: RunRecord = { ...train, inputs: { ...train.inputs, code: { kind: 'file', ref: 'train.py', digest: digestOf('code') } } };
  expect(findDataFaults(asked('plumb/check'), model(code, split, check))).toEqual([]);
  expect(findDataFaults(asked('plumb/check'), model(train, check))).toEqual([expect.stringContaining('whose record is not there')]);
  const weights: RunRecord = { ...train, inputs: { ...train.inputs, base: { kind: 'data', ref: 'base-model', digest: digestOf('weights') } } };
  expect(findDataFaults(asked('plumb/check'), model(weights, split, check))).toHaveLength(1);
  expect(findDataFaults({ ...asked('plumb/check'), except: ['base-model'] }, model(weights, split, check))).toEqual([]);
});

test('a command may read rows from any file or folder, under whatever name: what is no code was looked at, is excepted, or is told', () => {
  const reads = (command: RunRecord['command'], ref: string): RunRecord => ({
    ...train,
    command,
    inputs: { ...train.inputs, other: { kind: 'file', ref, digest: digestOf(ref) } },
  });
  const faults = (record: RunRecord, ...except: string[]): string[] =>
    findDataFaults({ ...asked('plumb/check'), except }, model(record, split, check));
  const command = { cmd: 'python train.py' };
  for (const ref of ['more', 'data/more.json', 'more.txt', 'more.bin', 'rows.yaml.bak', 'more.tar.gz']) {
    expect(faults(reads(command, ref)), ref).toEqual([expect.stringContaining(`the file or folder "${ref}"`)]);
    expect(faults(reads(command, ref), ref), ref).toEqual([]);
  }
  for (const ref of ['src/train.py', 'Makefile', 'params.yaml', 'requirements-dev.txt', 'package.json'])
    expect(faults(reads(command, ref)), ref).toEqual([]);
  // settings of a built-in step are those of the base, which another point of the judgement sees to
  const step = { uses: 'plumb/train-text', version: 1, with: null };
  expect(faults(reads(step, 'tokenizer.json'))).toEqual([]);
  expect(faults(reads(step, 'more.csv'))).toHaveLength(1);
});

test('an input that was not checked is told whatever it is called, and on the way through other stages, too', () => {
  const rows: RunInput = { kind: 'data', ref: 'unseen', digest: digestOf('unseen rows') };
  for (const name of ['config', 'suite', 'lib', 'train.py']) {
    const made: RunRecord = { ...train, inputs: { ...train.inputs, [name]: rows } };
    expect(findDataFaults(asked('plumb/check'), model(made, split, check)), name).toEqual([expect.stringContaining('the data set "unseen"')]);
  }
  const written = { path: 'x.bin', digest: digestOf('made of them'), bytes: 1, kind: 'folder' as const };
  const shuffle: RunRecord = { ...split, stage: 'shuffle', inputs: { lib: rows }, outputs: { x: written } };
  const input: RunInput = { kind: 'output', ref: 'shuffle.x', digest: written.digest, run: digestOfRecord(shuffle) };
  const made: RunRecord = { ...train, inputs: { ...train.inputs, vocabulary: input } };
  expect(findDataFaults(asked('plumb/check'), model(made, shuffle, split, check))).toEqual([expect.stringContaining('the data set "unseen" (')]);
});

test('a hostile name in a record stays on one line', () => {
  const hostile: RunRecord = { ...train, stage: 'train\n::error::x', inputs: { data: { ...intents, ref: 'a\n\u001b[31mb' } } };
  const [fault = ''] = findDataFaults(asked('plumb/pii'), model(hostile));
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  expect(fault).not.toMatch(/[\u0000-\u001f]/);
});
