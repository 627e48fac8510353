// Pull requests by somebody who knows the formats: evidence that fits together, and is not what happened.
import { chmod, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, hexOf } from '../base/digest.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { openStore } from '../store/open.ts';
import { evidencePath } from './evidence.ts';
import { better, chainOfExample, good, type ExampleModel } from './example.fixture.ts';
import { against, approvedPolicy, forge, forgedPull, JudgeScene, lockOf, pointIn, type Sides } from './judge.fixture.ts';
import { openMoveStore } from './move-store.ts';
import type { Pointer } from './schema.ts';

const place = { model: 'intents', stage: 'production' } as const;
const production = 'models/intents/production.json';
const usual = { candidate: better, production: good } as const;

let scene: JudgeScene;
beforeAll(async () => {
  scene = await JudgeScene.make();
  await scene.release({ candidate: good });
  await scene.promote({ candidate: better, stage: 'staging' });
});
afterAll(() => scene.remove());

const withFiles = (write: () => Promise<unknown>): Promise<Sides> =>
  scene.branch(async () => {
    await scene.promote({ candidate: better, production: good });
    await write();
    await scene.repository.commitAll('more');
  });

test('T10: a pointer or its evidence as a link, or executable', async () => {
  const { repository } = scene;
  const linked = await withFiles(async () => {
    await rm(join(repository.root, production));
    await symlink('staging.json', join(repository.root, production));
  });
  expect(against(await scene.judge(linked))).toMatchObject({ files: `${production} is no plain file`, pointers: expect.any(String) });
  const executable = await withFiles(() => chmod(join(repository.root, production), 0o755));
  expect(against(await scene.judge(executable)).files).toContain('is no plain file');
});

test('T10: evidence whose bytes are not what its name says, and evidence that nothing names', async () => {
  const { repository } = scene;
  const pointer = async (): Promise<Pointer> => JSON.parse(await readFile(join(repository.root, production), 'utf8')) as Pointer;
  const spoiled = await withFiles(async () => repository.write({ [evidencePath(place, (await pointer()).report, 'json')]: '{}' }));
  expect(against(await scene.judge(spoiled)).evidence).toContain('does not hold what its name says');
  const stray = `models/intents/evidence/production/${hexOf(digestOf('{}'))}.json`;
  const more = await withFiles(() => repository.write({ [stray]: '{}', 'models/intents/notes.md': 'hello\n', 'models/..x/production.json': '{}' }));
  const { files } = against(await scene.judge(more));
  expect(files).toContain(`${stray} is evidence that no pointer leads to`);
  expect(files).toContain('it changes other files, too: models/..x/production.json, models/intents/notes.md');
});

test('T10: evidence taken from under a pointer that stays', async () => {
  const { repository } = scene;
  const sides = await scene.branch(async () => {
    const { report } = JSON.parse(await readFile(join(repository.root, production), 'utf8')) as Pointer;
    await rm(join(repository.root, evidencePath(place, report, 'json')));
    await repository.commitAll('tidy');
  });
  expect(await scene.judge(sides)).toMatchObject({ holds: false, moves: [] });
  expect(against(await scene.judge(sides)).evidence).toContain('is not there');
});

test('T12: a pull request that brings its own suite, or was asked by another than the base has', async () => {
  const brought = await scene.branch(async () => {
    await scene.repository.write({ 'evals/intents.yaml': 'an easier suite' });
    await scene.promote({ candidate: better, production: good, suite: 'an easier suite' });
  });
  const judgement = await scene.judge(brought);
  expect(against(judgement).files).toContain('evals/intents.yaml');
  expect(against(judgement).inputs).toMatch(/stage evaluate read evals\/intents.yaml at .*; the base has .*: promote again/);
  const hidden = await scene.pull({ candidate: better, production: good, suite: 'an easier suite' });
  expect(Object.keys(against(await scene.judge(hidden)))).toEqual(['inputs']);
});

test('T12: data that the base never had; data that it had once will do', async () => {
  const { repository } = scene;
  const other = digestOf('rows of somebody');
  await scene.publish(better);
  const decided = { policyText: approvedPolicy, base: await repository.head() };
  const sides = await scene.branch(() => repository.promote({ ...usual, ...decided, manifest: other }));
  expect(against(await scene.judge(sides)).inputs).toContain('the base never had the data set "intents" at');
  const later = await scene.branch(async () => {
    await repository.write({ 'datasets.lock': lockOf(other) });
    await repository.commitAll('newer rows');
  });
  const promotion = await scene.pull({ candidate: better, production: good });
  const judgement = await scene.judge({ before: later.after, after: promotion.after });
  expect(pointIn(judgement, 'inputs')).toMatchObject({ holds: true, why: expect.stringContaining('of an earlier commit') });
});

test('T12: a lower threshold, in the pull request or only in its evidence', async () => {
  const kind = approvedPolicy.replace('at_least: 0.6', 'at_least: 0.1');
  const sides = await scene.branch(async () => {
    await scene.repository.write({ 'policy.yaml': kind });
    await scene.repository.commitAll('policy');
    await scene.promote({ candidate: better, production: good });
  });
  expect(against(await scene.judge(sides))).toMatchObject({
    files: expect.stringContaining('it changes policy.yaml and what is judged by it'),
    gate: expect.stringContaining('was judged by the policy'),
  });
  const hidden = await scene.pull({ candidate: better, production: good, policyText: kind });
  expect(Object.keys(against(await scene.judge(hidden)))).toEqual(['gate']);
});

test('T12: a report whose figures fit each other, and not the answers', async () => {
  // the run record, the pointer, the gate and the report all say what would follow from 115 right answers; the answers are those of 110
  const flattered: ExampleModel = { ...better, right: 115 };
  const sides = await scene.branch(async () => {
    await scene.promote({ candidate: flattered, production: good });
    await forge(scene, async ({ pointer, read, put }) => {
      const record = await read<RunRecord>(pointer.evaluation);
      record.outputs = chainOfExample(better, scene.manifest).evaluate.outputs;
      pointer.evaluation = await put(record);
      await scene.store.putBytes(canonicalJson(record));
    });
  });
  const judgement = against(await scene.judge(sides));
  expect(judgement.evidence).toBeUndefined();
  expect(judgement.report).toContain('the evaluation is another when it is made again from the answers: correct is 110, not 115');
  expect(judgement.report).toContain('the comparison with production is another when it is made again');
});

test('T12: a report that shows another verdict, another gate, or classes that nobody asked', async () => {
  const forged = (change: (report: Record<string, never>) => void): Promise<Sides> =>
    forgedPull(scene, usual, async ({ pointer, read, put }) => {
      const report = await read<Record<string, never>>(pointer.report);
      change(report);
      pointer.report = await put(report);
    });
  const cases: [(report: Record<string, never>) => void, string][] = [
    [(report) => Object.assign(report, { verdict: 'no evidence' }), 'the report says "no evidence", and the comparison "better"'],
    [(report) => Object.assign(report['gate'] ?? {}, { holds: false }), 'the report shows that the gate "default" does not hold'],
    [
      (report) => Object.assign(report['comparison'] ?? {}, { lost: 1 }),
      'the comparison in the report is another when it is made again: lost is 0, not 1',
    ],
    [(report) => Object.assign(report, { baseline: null }), 'the report compares with nothing, and production has a model'],
    [
      (report) => Object.assign((report['evaluation'] as unknown as { classes: object[] }).classes[0] ?? {}, { f1: 1 }),
      'figures of classes that the answers do not add up to',
    ],
  ];
  for (const [change, words] of cases) expect(against(await scene.judge(await forged(change))).report, words).toContain(words);
});

test('T13: answers of the model in production that are somebody else’s, or that nobody kept', async () => {
  const others = await forgedPull(scene, usual, async ({ record, put }) => {
    const { evaluate } = chainOfExample({ ...better, name: 'a third' }, scene.manifest);
    record.baselines = { production: await put(evaluate) };
  });
  expect(against(await scene.judge(others)).report).toContain('the evidence compares with another model than the one that is in production now');
  const none = await forgedPull(scene, usual, async ({ record }) => {
    delete record.baselines;
  });
  expect(against(await scene.judge(none)).report).toContain('does not say with which answers it compares');
});

test('T18: a store that has other bytes, or lacks them, or does not answer', async () => {
  const promotion = await scene.pull({ candidate: better, production: good });
  const folder = join(scene.store.cacheDir, '../elsewhere');
  const remote = String(scene.store.remoteUrl);
  const fresh = async (name: string, url = remote): Promise<ReturnType<typeof openMoveStore>> =>
    openMoveStore(await openStore({ cacheDir: join(folder, name), remote: url }));
  expect(against(await scene.judge(promotion, { store: await fresh('as it is') }))).toEqual({});
  const packs = join(remote, 'packs');
  const kept = new Map<string, Buffer>();
  for (const entry of await readdir(packs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    kept.set(path, Buffer.from(bytes));
    for (let at = 8; at < bytes.length / 2; at += 1) bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes, { mode: 0o644 }).catch(async () => {
      await rm(path, { force: true });
      await writeFile(path, bytes);
    });
  }
  const spoiled = against(await scene.judge(promotion, { store: await fresh('spoiled') }));
  expect(Object.keys(spoiled)).toEqual(expect.arrayContaining(['bytes', 'report']));
  for (const [path, bytes] of kept) {
    await rm(path, { force: true });
    await writeFile(path, bytes);
  }
  const empty = against(await scene.judge(promotion, { store: await fresh('empty', join(folder, 'no such remote')) }));
  expect(empty.bytes).toContain('is not in the remote with all that belongs to it');
});
