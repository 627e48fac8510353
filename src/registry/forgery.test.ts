// Forgeries whose digests all fit, by somebody who knows the formats: what gives them away is what the files say of each other.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { evidencePath } from './evidence.ts';
import { bad, ExampleRepository, good, policyText } from './example.fixture.ts';
import { pointerSubject, serialisePointer } from './pointer.ts';
import type { Pointer, Promotion } from './schema.ts';
import { verifyPointers } from './verify.ts';

const place = { model: 'intents', stage: 'production' } as const;
const pointerFile = 'models/intents/production.json';
const force = { reason: 'no time to wait' };
let repository: ExampleRepository;
beforeAll(async () => {
  repository = await ExampleRepository.make();
  await repository.release({ candidate: good });
  await repository.promote({ candidate: bad, stage: 'staging' });
  await repository.promote({ candidate: bad, production: good, force });
});
afterAll(() => repository.remove());
const asCommitted = async (): Promise<void> => {
  await repository.run('checkout', '-q', '--', '.');
  await repository.run('clean', '-fdq');
};
afterEach(asCommitted);

async function read<T>(digest: Digest): Promise<T> {
  return JSON.parse(await readFile(join(repository.root, evidencePath(place, digest, 'json')), 'utf8')) as T;
}

async function put(value: unknown): Promise<Digest> {
  const bytes = canonicalJson(value as Json);
  await repository.write({ [evidencePath(place, digestOf(bytes), 'json')]: bytes });
  return digestOf(bytes);
}

/** Writes a pointer and a record of its promotion that fit each other, as somebody would who knows the format. */
async function forge(change: (parts: { pointer: Pointer; record: Promotion }) => Promise<void> | void): Promise<string> {
  const pointer = (await repository.pointer()) ?? { promotion: digestOf('') };
  const parts = { pointer: pointer as Pointer, record: await read<Promotion>(pointer.promotion) };
  await change(parts);
  parts.record.pointer = pointerSubject(parts.pointer);
  parts.pointer.promotion = await put(parts.record);
  await repository.write({ [pointerFile]: serialisePointer(parts.pointer) });
  const { git, prefix, root } = repository;
  const { findings } = await verifyPointers({ git, prefix, root, revision: null, history: false, store: null });
  return findings.map((finding) => finding.what).join('\n');
}

test('the forger changes nothing: nothing is found', async () => {
  expect(await forge(() => undefined)).toBe('');
});

test('T13: a gate that is said to hold', async () => {
  const found = await forge(({ record }) => {
    record.forced = null;
    record.gate.holds = true;
    for (const check of record.gate.checks) check.holds = true;
  });
  expect(found).toContain('the record says that it holds; judged again it does not hold');
  expect(found).toContain('nobody took it on himself');
});

test('a force that is hushed up', async () => {
  const found = await forge(({ record }) => {
    record.forced = null;
  });
  expect(found).toContain('nobody took it on himself with a reason');
});

test('a comparison that is left out', async () => {
  const found = await forge(({ record }) => {
    record.comparisons = {};
  });
  expect(found).toContain('that comparison is not in the evidence');
});

test('a comparison of other cases', async () => {
  const found = await forge(async ({ record }) => {
    const comparison = await read<{ lost: number; both: number }>(record.comparisons.production ?? digestOf(''));
    record.comparisons.production = await put({ ...comparison, lost: 0, both: comparison.both + comparison.lost });
  });
  expect(found).toContain('is not of the 66 right of 120 cases');
});

test('bounds that are better than the counts', async () => {
  const found = await forge(async ({ record, pointer }) => {
    const comparison = await read<{ difference: object }>(record.comparisons.production ?? digestOf(''));
    record.comparisons.production = await put({ ...comparison, difference: { ...comparison.difference, low: 0 } });
    const report = await read<{ evaluation: { accuracy: object } }>(pointer.report);
    report.evaluation.accuracy = { ...report.evaluation.accuracy, low: 0.99 };
    pointer.report = await put(report);
  });
  expect(found).toContain('does not follow from 66 right of 120');
  expect(found).toContain('the bounds of the comparison with production do not follow from its counts');
});

test('a class that broke and is left out, or said to be larger than it is', async () => {
  const found: string[] = [];
  for (const change of [() => [], (classes: { cases: number }[]) => classes.map((entry) => ({ ...entry, cases: entry.cases * 10 }))]) {
    const text = await forge(async ({ record }) => {
      const comparison = await read<{ classes: { cases: number }[] }>(record.comparisons.production ?? digestOf(''));
      expect(comparison.classes.length).toBeGreaterThan(0);
      record.comparisons.production = await put({ ...comparison, classes: change(comparison.classes) });
    });
    found.push(text);
    await asCommitted();
  }
  for (const text of found) expect(text).toContain('the classes of the comparison with production do not add up to its counts');
});

test('an accuracy that the run of the evaluation did not measure', async () => {
  const found = await forge(async ({ pointer }) => {
    const report = await read<{ evaluation: { correct: number; accuracy: { value: number; low: number; high: number } } }>(pointer.report);
    report.evaluation.accuracy.value = 1;
    pointer.report = await put(report);
    pointer.metrics = { accuracy: 1 };
  });
  expect(found).toMatch(/accuracy is 1 in its report and 0.55 in the run [0-9a-f]{12} \(stage evaluate\)/);
});

test('the report of another model', async () => {
  const other = (await repository.plan({ candidate: good, stage: 'staging', staging: null, current: null })).pointer;
  const found = await forge(async ({ pointer }) => {
    const report = await readFile(join(repository.root, evidencePath({ model: 'intents', stage: 'staging' }, other.report, 'json')), 'utf8');
    pointer.report = await put(JSON.parse(report));
  });
  expect(found).toContain('its report is about the artifact');
});

test('T12: a kinder policy', async () => {
  const found = await forge(async ({ pointer, record }) => {
    const kind = policyText.replace('at_least: 0.6', 'at_least: 0.1');
    await repository.write({ [evidencePath(place, digestOf(kind), 'yaml')]: kind });
    pointer.policy = digestOf(kind);
    record.gate.holds = false;
  });
  expect(found).toContain('the gate was not judged so: judged again');
});

test('a policy that does not parse, or has no rule', async () => {
  for (const [text, words] of [
    ['models: [', 'does not parse'],
    ['version: 1\nmodels: {}\ngates: {}\n', 'no rule for intents in production'],
  ] as const) {
    const found = await forge(async ({ pointer }) => {
      await repository.write({ [evidencePath(place, digestOf(text), 'yaml')]: text });
      pointer.policy = digestOf(text);
    });
    expect(found).toContain(words);
    await asCommitted();
  }
});

test('an artifact that no run made', async () => {
  const found = await forge(({ pointer, record }) => {
    pointer.artifact.digest = digestOf('a model from elsewhere');
    record.artifact = pointer.artifact.digest;
  });
  expect(found).toContain('made no artifact');
  expect(found).toContain('did not read the artifact');
  expect(found).toContain('its report is about the artifact');
});

test('data that no run read, data that one did read, and another version of it', async () => {
  const forged = (data: Record<string, Digest>): Promise<string> =>
    forge(({ pointer }) => {
      pointer.data = data;
    });
  expect(await forged({})).toContain('which the pointer does not name');
  await asCommitted();
  expect(await forged({ intents: digestOf('manifest of intents'), more: digestOf('more') })).toContain('"more" was read by no run');
  await asCommitted();
  expect(await forged({ intents: digestOf('another') })).toContain('the pointer says');
});

test('a run whose input its source did not make, or made under another name', async () => {
  for (const [digest, words] of [
    [digestOf('rows from elsewhere'), 'split.train of run'],
    [digestOf('test rows'), 'split.train of run'],
  ] as const) {
    const found = await forge(async ({ pointer }) => {
      const train = await read<{ inputs: { data: { digest: Digest } } }>(pointer.run);
      train.inputs.data.digest = digest;
      pointer.run = await put(train);
    });
    expect(found).toContain(words);
    expect(found).toContain('read the artifact from another run');
    await asCommitted();
  }
});

test('evidence that is of another kind than the pointer says', async () => {
  const found = await forge(({ pointer }) => {
    pointer.run = pointer.report;
  });
  expect(found).toContain('as run record, which it is not');
});

test('evidence that is not in the canonical form', async () => {
  const found = await forge(async ({ pointer }) => {
    const text = JSON.stringify(await read(pointer.report), null, 1);
    await repository.write({ [evidencePath(place, digestOf(text), 'json')]: text });
    pointer.report = digestOf(text);
  });
  expect(found).toContain('is not canonical JSON');
});

test('a check of the rows that is not in the evidence, or another than the one before the training', async () => {
  const pointer = (await repository.pointer()) as Pointer;
  const { after } = await read<RunRecord>(pointer.run);
  await rm(join(repository.root, evidencePath(place, after['check'] as Digest, 'json')));
  const { git, prefix, root } = repository;
  const verify = async (): Promise<string[]> =>
    (await verifyPointers({ git, prefix, root, revision: null, history: false, store: null })).findings.map((finding) => finding.what);
  expect(await verify()).toEqual([expect.stringContaining('is not there; models/intents/production.json leads to it')]);
  await asCommitted();
  // a record that is none
  const train = await read<RunRecord>(pointer.run);
  train.after['check'] = pointer.promotion;
  expect(await forge(async ({ pointer: forged }) => void (forged.run = await put(train)))).toContain('as run record, which it is not');
});
