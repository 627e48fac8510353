// Who signed the runs behind a promotion, and whether that is enough. The rules of one signature are tested in ../pipeline/decide-reuse.test.ts.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { publicText, signStatement, statementOf, type Job } from '../pipeline/attestation.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { better, chainOfExample, digestOfRecord, good, type ExampleModel } from './example.fixture.ts';
import { against, approvedPolicy, forgedPull, JudgeScene, pointIn } from './judge.fixture.ts';
import type { Point } from './judgement.ts';
import { readMoveChange, type MoveChange } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import { signatureFaults, signaturesOf } from './signature-form.ts';
import { findSignatures, judgeSignatures } from './signatures.ts';

const usual = { candidate: better, production: good } as const;
const { privateKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519').privateKey;
const workflow = '.github/workflows/main.yml';
const policy = `${approvedPolicy}trust:\n  repository: acme/intents\n  workflows: [${workflow}]\n  keys: [{ name: ci, public: ${publicText(privateKey)} }]\n`;
const job: Job = {
  repository: 'acme/intents',
  ref: 'refs/heads/main',
  commit: 'c'.repeat(40),
  checkedOut: 'c'.repeat(40),
  workflow: { path: workflow, blob: null },
  event: 'push',
  runId: '100',
  attempt: 1,
};

let scene: JudgeScene;
let runs: Map<Digest, RunRecord>;
let input: MoveInput;
let change: MoveChange;
beforeAll(async () => {
  scene = await JudgeScene.make(policy);
  await scene.repository.write({ [workflow]: 'name: main\n' });
  await scene.repository.commitAll('workflow');
  await scene.release({ candidate: good });
  await scene.promote({ candidate: better, stage: 'staging' });
  const { check, split, train, evaluate } = chainOfExample(better, scene.manifest);
  const baseline = chainOfExample(good, scene.manifest).evaluate;
  runs = new Map([check, split, train, evaluate, baseline].map((record) => [digestOfRecord(record), record]));
  input = await scene.input(await scene.pull(usual));
  change = await readMoveChange(input);
});
afterAll(() => scene.remove());

const note = (over: { domain?: string; job?: Partial<Job>; key?: typeof privateKey; of?: readonly Digest[] } = {}): string =>
  signStatement(
    statementOf(
      (over.of ?? [...runs.keys()]).map((digest) => ({ stage: 'a', digest })),
      over.domain ?? 'trusted',
      { ...job, ...over.job },
    ),
    over.key ?? privateKey,
  );
const signed = (text: string, of: Iterable<Digest> = runs.keys()): ReadonlyMap<Digest, string> => new Map([...of].map((run) => [run, text]));
/** The one point, as if the evidence had these signatures. */
const judgeSigned = async (notes: ReadonlyMap<Digest, string> | null, trust: Partial<MoveInput['trust']> = {}): Promise<Point | null> => {
  const signatures = notes === null ? null : signaturesOf(notes);
  const moved = change.pointers.map((one) => ({ ...one, evidence: one.evidence === null ? null : { ...one.evidence, signatures } }));
  return judgeSignatures(moved, { ...input, trust: { ...input.trust, ...trust } });
};

test('runs that the main branch signed hold; each signature is kept once', async () => {
  const judgement = await scene.judge(await scene.pull({ ...usual, signatures: signed(note()) }));
  expect(against(judgement)).toEqual({});
  expect(pointIn(judgement, 'signatures')?.why).toBe('5 runs are signed by key ci');
});

test('runs of a merged pull request hold, of one that was not, or of which nobody knows, they do not', async () => {
  const blob = await scene.repository.run('rev-parse', `HEAD:${workflow}`);
  const ofPull = signed(note({ domain: 'pull-7', job: { ref: 'refs/pull/7/merge', event: 'pull_request', workflow: { path: workflow, blob } } }));
  const merged = { mergedPull: async (number: number) => ({ number, head: 'c'.repeat(40) }) };
  expect(await judgeSigned(ofPull, merged)).toMatchObject({ holds: true });
  expect((await judgeSigned(ofPull))?.why).toContain('it was signed for pull request 7, which was not merged');
  const unknown = await judgeSigned(ofPull, { mergedPull: async () => 'unknown' });
  expect(unknown).toMatchObject({ holds: 'unknown', why: expect.stringContaining('is not known') });
  const other = signed(
    note({ domain: 'pull-7', job: { ref: 'refs/pull/7/merge', event: 'pull_request', workflow: { path: workflow, blob: 'd'.repeat(40) } } }),
  );
  expect((await judgeSigned(other, merged))?.why).toContain('that the main branch never had');
});

test('T13: an evaluation that nobody signed, or a stranger did, or whose signature is of other runs', async () => {
  const [check, split, train, evaluate, baseline] = [...runs.keys()] as [Digest, Digest, Digest, Digest, Digest];
  const cases: [ReadonlyMap<Digest, string> | null, string][] = [
    [signed(note(), [check, split, train, baseline]), 'stage evaluate) does not count: it is not signed'],
    [signed(note(), [check, split, train, evaluate]), 'stage evaluate) does not count: it is not signed'],
    [signed(note({ key: stranger })), 'no key that policy.yaml names has signed it'],
    [signed(note({ of: [check, split, train, baseline] })), 'its signature is one of other runs'],
    [signed(note({ job: { repository: 'eve/intents' } })), 'it was signed in the repository eve/intents'],
    [signed(note({ job: { ref: 'refs/heads/side' } })), 'it was signed by a job of refs/heads/side, which is not trusted'],
    [signed(note({ domain: 'fork-7' })), 'it was run for fork-7, which trusted does not build on'],
    [null, 'its evidence has no signatures'],
  ];
  for (const [notes, words] of cases) expect(await judgeSigned(notes), words).toMatchObject({ holds: false, why: expect.stringContaining(words) });
});

test('T13: answers that were made up whole, with a chain that fits', async () => {
  // the cases are in the store, the figures follow from them, and only the signature of the evaluation is missing: it is of the run that there really was
  const flattered: ExampleModel = { ...better, right: 118 };
  const sides = await scene.pull({ candidate: flattered, production: good, signatures: signed(note()) });
  const judgement = against(await scene.judge(sides));
  expect(Object.keys(judgement)).toEqual(['signatures']);
  expect(judgement.signatures).toContain('stage evaluate) does not count: it is not signed');
});

test('what a laptop ran does not count, whoever signed it', async () => {
  const { check, split, train, evaluate } = chainOfExample(better, scene.manifest);
  const laptop: RunRecord = { ...evaluate, builder: { kind: 'laptop' } };
  const records = [check, split, train].map((record) => [digestOfRecord(record), record] as const);
  const known = [...records.map(([digest]) => digest), digestOfRecord(laptop), ...runs.keys()];
  const sides = await forgedPull(scene, { ...usual, signatures: signed(note()) }, async ({ pointer, record, put }) => {
    pointer.evaluation = await put(laptop);
    const about = [...records.map(([digest]) => digest), pointer.evaluation, record.baselines?.production ?? pointer.evaluation];
    record.signatures = await put(signaturesOf(signed(note({ of: known }), about)));
  });
  const judgement = against(await scene.judge(sides));
  expect(judgement.evidence).toBeUndefined();
  expect(judgement.signatures).toContain('it was run on a laptop');
});

test('signatures in the evidence that are of no run of the chain, or in another form, do not verify', async () => {
  const known = new Set(runs.keys());
  const [first, second] = [...known] as [Digest, Digest];
  const forms: [Parameters<typeof signatureFaults>[0], string | undefined][] = [
    [signaturesOf(signed(note())), undefined],
    [signaturesOf(new Map([[digestOf('another'), 'a']])), 'which is no run of its chain'],
    [{ plumbline: 'signatures/1', notes: ['a', 'a'], runs: { [first]: 0, [second]: 1 } }, 'not in the canonical form'],
    [{ plumbline: 'signatures/1', notes: ['b', 'a'], runs: { [first]: 0, [second]: 1 } }, 'not in the canonical form'],
    [{ plumbline: 'signatures/1', notes: ['a', 'b'], runs: { [first]: 0 } }, 'not in the canonical form'],
    [{ plumbline: 'signatures/1', notes: ['a\nb'], runs: { [first]: 0 } }, 'not in the canonical form'],
    [{ plumbline: 'signatures/1', notes: ['a'], runs: { [first]: 0, [second]: 1 } }, 'name a note that is not there'],
  ];
  for (const [form, words] of forms)
    expect(signatureFaults(form, known)[0], words).toEqual(words === undefined ? undefined : expect.stringContaining(words));
  const sides = await forgedPull(
    scene,
    usual,
    async ({ record, put }) => void (record.signatures = await put({ plumbline: 'signatures/1', notes: 'none' })),
  );
  expect(against(await scene.judge(sides)).evidence).toContain('as signatures, which it is not');
});

test('a promotion finds in the store who signed: main first, then the pull request that it was run for', async () => {
  const { store } = scene;
  const quietly = { progress: silentProgress, signal: new AbortController().signal };
  const { train, evaluate } = chainOfExample(better, scene.manifest);
  const ofPull: RunRecord = { ...evaluate, builder: { ...evaluate.builder, domain: 'pull-7' } };
  const records = new Map([train, ofPull].map((record) => [digestOfRecord(record), record]));
  const name = (kind: 'trusted' | 'pull7', { fingerprint }: RunRecord): { kind: 'trusted' | 'pull7'; key: string } => ({
    kind,
    key: hexOf(fingerprint),
  });
  expect(await findSignatures(store, records)).toEqual(new Map());
  await store.setNameInRemote(name('trusted', train), { digest: digestOfRecord(train), note: '{"by":"main"}' }, quietly);
  await store.setNameInRemote(name('pull7', train), { digest: digestOfRecord(train), note: '{"by":"pull"}' }, quietly);
  await store.setNameInRemote(name('trusted', ofPull), { digest: digestOf('another run'), note: '{"by":"main"}' }, quietly);
  await store.setNameInRemote(name('pull7', ofPull), { digest: digestOfRecord(ofPull), note: '{"by":"pull"}' }, quietly);
  expect(await findSignatures(store, records)).toEqual(
    new Map([
      [digestOfRecord(train), '{"by":"main"}'],
      [digestOfRecord(ofPull), '{"by":"pull"}'],
    ]),
  );
});
