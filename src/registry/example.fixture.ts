// Models made up for the tests, each with its whole chain: data, three runs, evaluation, report. Evaluation, comparison and gate are real.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { caseSetDigest } from '../evaluate/cases.ts';
import { evaluateCases } from '../evaluate/classification.ts';
import { compareCases } from '../evaluate/compare.ts';
import { decideGate } from '../evaluate/gate.ts';
import type { CaseResult, Comparison } from '../evaluate/schema.ts';
import { openGit } from '../git/open.ts';
import type { Git, Oid } from '../git/git.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { parsePolicyText } from './chain.ts';
import { pointerHistory, type PointerHistory } from './history.ts';
import { planPromotion, type PromotionInput, type PromotionPlan } from './promotion.ts';
import { readPointer } from './pointer.ts';
import type { Pointer, Policy, Stage } from './schema.ts';
import { commitTree } from './tree.ts';

export const policyText = `version: 1
models:
  intents:
    staging:
      gate: floor
    production:
      from: staging
      gate: default
  other:
    production:
      gate: floor
gates:
  floor:
    - metric: accuracy
      at_least: 0.5
  default:
    - metric: accuracy
      at_least: 0.6
      bound: wilson
    - against: production
      not_worse_by: 0.05
`;

export function parsedPolicy(text: string): Policy {
  const policy = parsePolicyText(text);
  if (typeof policy === 'string') throw new Error(policy);
  return policy;
}

/** A model, by what it gets right: cases number 0 to `right` - 1 of 120. */
export interface ExampleModel {
  readonly name: string;
  readonly right: number;
}

export const good: ExampleModel = { name: 'good', right: 100 };
export const better: ExampleModel = { name: 'better', right: 110 };
export const bad: ExampleModel = { name: 'bad', right: 66 };

const labels = ['card_arrival', 'card_linking', 'exchange_rate'];

export function answersOf(model: ExampleModel): CaseResult[] {
  return Array.from({ length: 120 }, (_, at) => {
    const expected = labels[at % 3] ?? '';
    return {
      id: `t${String(at).padStart(3, '0')}`,
      input: `case ${at}`,
      expected,
      got: at < model.right ? expected : (labels[(at + 1) % 3] ?? ''),
      score: 0.75,
    };
  });
}

/** cases.jsonl */
export function casesText(model: ExampleModel): string {
  return answersOf(model)
    .map((one) => `${canonicalJson(one)}\n`)
    .join('');
}

/** evals/intents.yaml, and what split.train and split.test hold */
export const suiteText = 'suite';
export const [trainText, testText] = ['train rows', 'test rows'];

export function artifactOf(model: ExampleModel): Buffer {
  return Buffer.from(`the model file of ${model.name}\n`);
}

/** check, split -> train -> evaluate, as the built-in steps record them. */
export function chainOfExample(
  model: ExampleModel,
  manifest: Digest = digestOf('manifest of intents'),
  suite: string = suiteText,
  alsoChecked: RunRecord['inputs'] = {},
): { check: RunRecord; split: RunRecord; train: RunRecord; evaluate: RunRecord; data: Record<string, Digest> } {
  const data = { intents: manifest };
  const trainRows = { path: 'out/split/train.jsonl', digest: digestOf(trainText), bytes: trainText.length, kind: 'file' as const };
  const testRows = { path: 'out/split/test.jsonl', digest: digestOf(testText), bytes: testText.length, kind: 'file' as const };
  const check = runRecord('check', { data: { kind: 'data', ref: 'intents', digest: data.intents }, ...alsoChecked }, {});
  const split = runRecord('split', { rows: { kind: 'data', ref: 'intents', digest: data.intents } }, { train: trainRows, test: testRows });
  const artifact = { path: 'out/train/model.onnx', digest: digestOf(artifactOf(model)), bytes: artifactOf(model).length, kind: 'file' as const };
  const train = runRecord(
    'train',
    { data: { kind: 'output', ref: 'split.train', digest: trainRows.digest, run: digestOfRecord(split) } },
    { model: artifact },
    { after: { check: digestOfRecord(check), split: digestOfRecord(split) } },
  );
  const evaluation = evaluationOfExample(model, suite);
  const evaluate = runRecord(
    'evaluate',
    {
      model: { kind: 'output', ref: 'train.model', digest: artifact.digest, run: digestOfRecord(train) },
      data: { kind: 'output', ref: 'split.test', digest: testRows.digest, run: digestOfRecord(split) },
      suite: { kind: 'file', ref: 'evals/intents.yaml', digest: evaluation.suiteDigest },
    },
    { cases: { path: 'out/evaluate/cases.jsonl', digest: digestOf(casesText(model)), bytes: Buffer.byteLength(casesText(model)), kind: 'file' } },
    { metrics: { accuracy: evaluation.accuracy.value, cases: evaluation.cases } },
  );
  return { check, split, train, evaluate, data };
}

function runRecord(
  stage: string,
  inputs: RunRecord['inputs'],
  outputs: RunRecord['outputs'],
  { metrics = {}, after = {} }: Partial<Pick<RunRecord, 'metrics' | 'after'>> = {},
): RunRecord {
  return {
    plumbline: 'run/1',
    stage,
    fingerprint: digestOf(canonicalJson({ stage, inputs })),
    command: { uses: `plumb/${stage}`, version: 1, with: {} },
    inputs,
    after,
    params: { epochs: 15 },
    outputs,
    metrics,
    measured: { seconds: 1.5 },
    environment: { fingerprinted: {}, node: 'v24.0.0', platform: 'linux x64', cpus: '2', plumbline: '0.1.0' },
    seed: 0,
    started: '2026-11-20T07:00:00.000Z',
    finished: '2026-11-20T07:00:01.500Z',
    exit: 0,
    code: { commit: 'c'.repeat(40), dirty: false },
    builder: { kind: 'ci', host: 'runner', user: 'ci' },
  };
}

export function digestOfRecord(record: RunRecord): Digest {
  return digestOf(canonicalJson(record));
}

export function evaluationOfExample(model: ExampleModel, suite: string = suiteText): ReturnType<typeof evaluateCases> {
  return evaluateCases(answersOf(model), {
    model: digestOf(artifactOf(model)),
    suite: 'evals/intents.yaml',
    suiteDigest: digestOf(suite),
    data: caseSetDigest(answersOf(model)),
  });
}

export interface ExampleOrder {
  readonly model?: string;
  readonly stage?: Stage;
  readonly candidate: ExampleModel;
  /** what the gate compares with */
  readonly production?: ExampleModel | undefined;
  readonly current?: Pointer | null;
  readonly staging?: Pointer | null;
  readonly history?: PointerHistory;
  readonly force?: { reason: string };
  readonly again?: { reason: string };
  readonly at?: Date;
  readonly policyText?: string;
  readonly base?: string;
  readonly baseHistory?: PointerHistory;
  /** of the data set */
  readonly manifest?: Digest;
  /** text of evals/intents.yaml that it was asked by */
  readonly suite?: string;
  /** what the check of the data set read beside it */
  readonly alsoChecked?: RunRecord['inputs'];
  readonly signatures?: ReadonlyMap<Digest, string>;
  readonly with?: readonly string[];
  readonly revoked?: ReadonlySet<Digest>;
  readonly stagedSince?: Date | null;
  readonly parts?: NonNullable<PromotionInput['candidate']['parts']>;
}

export function promotionInput(order: ExampleOrder): PromotionInput {
  const { candidate } = order;
  const { model = 'intents', stage = 'production' } = order;
  const { check, split, train, evaluate, data } = chainOfExample(candidate, order.manifest, order.suite, order.alsoChecked);
  const text = order.policyText ?? policyText;
  const policy = parsedPolicy(text);
  const evaluation = evaluationOfExample(candidate, order.suite);
  const comparisons: { production?: Comparison } =
    order.production === undefined ? {} : { production: compareCases(answersOf(order.production), answersOf(candidate), { examples: 3 }) };
  const baseline = order.production === undefined ? null : chainOfExample(order.production, order.manifest, order.suite).evaluate;
  const gateName = policy.models[model]?.[stage]?.gate ?? 'floor';
  const gate = decideGate({ gate: gateName, checks: policy.gates[gateName] ?? [], evaluation, comparisons });
  const json = canonicalJson({
    plumbline: 'report/1',
    model,
    verdict: comparisons.production?.answer ?? 'first model',
    candidate: { artifact: evaluation.model, run: digestOfRecord(train), commit: 'c'.repeat(40) },
    baseline: order.production === undefined ? null : { what: 'production', artifact: digestOf(artifactOf(order.production)) },
    gate,
    evaluation,
    comparison: comparisons.production ?? null,
  });
  return {
    model,
    stage,
    policy,
    policyText: text,
    candidate: {
      artifact: { digest: evaluation.model, bytes: artifactOf(candidate).length, format: 'onnx' },
      run: digestOfRecord(train),
      evaluation: digestOfRecord(evaluate),
      records: new Map([check, split, train, evaluate].map((record) => [digestOfRecord(record), record])),
      data,
      code: 'c'.repeat(40),
      metrics: { accuracy: evaluation.accuracy.value, cases: evaluation.cases },
      ...(order.parts === undefined ? {} : { parts: order.parts }),
    },
    report: { digest: digestOf(json), json },
    gate,
    comparisons,
    ...(baseline === null ? {} : { baselines: { production: { digest: digestOfRecord(baseline), record: baseline } } }),
    ...(order.signatures === undefined ? {} : { signatures: order.signatures }),
    ...(order.with === undefined ? {} : { with: order.with }),
    ...(order.revoked === undefined ? {} : { revoked: order.revoked }),
    ...(order.stagedSince === undefined ? {} : { stagedSince: order.stagedSince }),
    current: order.current ?? null,
    staging: order.staging ?? null,
    history: order.history ?? [],
    ...(order.baseHistory === undefined ? {} : { baseHistory: order.baseHistory }),
    by: 'Ada Lovelace <ada@example.org>',
    at: order.at ?? new Date('2026-11-21T07:00:00.000Z'),
    base: order.base ?? 'b'.repeat(40),
    ...(order.force === undefined ? {} : { force: order.force }),
    ...(order.again === undefined ? {} : { again: order.again }),
  };
}

const run = promisify(execFile);

/** A real repository in a temporary folder, with the promotions of a team in it. */
export class ExampleRepository {
  readonly top: string;
  /** project folder in it */
  readonly prefix: string;
  readonly env: Record<string, string | undefined>;
  readonly git: Git;
  #clock = Date.parse('2026-11-21T07:00:00.000Z');

  constructor(parts: { top: string; prefix: string; env: Record<string, string | undefined>; git: Git }) {
    this.top = parts.top;
    this.prefix = parts.prefix;
    this.env = parts.env;
    this.git = parts.git;
  }

  get root(): string {
    return join(this.top, this.prefix);
  }

  /** as openProject has it */
  get localDir(): string {
    return join(this.root, '.plumb');
  }

  static async make(prefix = ''): Promise<ExampleRepository> {
    const top = await mkdtemp(join(tmpdir(), 'plumb registry ü-'));
    const env = {
      PATH: process.env['PATH'],
      HOME: top,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada Lovelace',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Ada Lovelace',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
    };
    await run('git', ['init', '-q', '-b', 'main', top], { env });
    const repository = new ExampleRepository({ top, prefix, env, git: await openGit(top, env) });
    await repository.write({ 'plumbline.yaml': 'version: 1\n', 'policy.yaml': policyText });
    await repository.commitAll('first');
    return repository;
  }

  async remove(): Promise<void> {
    await rm(this.top, { recursive: true, force: true });
  }

  /** Every commit a minute after the one before. */
  async run(...args: string[]): Promise<string> {
    this.#clock += 60_000;
    const date = new Date(this.#clock).toISOString();
    const { stdout } = await run('git', args, { cwd: this.top, env: { ...this.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date } });
    return stdout.trim();
  }

  /** @param files project-relative */
  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(this.root, path)), { recursive: true });
      await writeFile(join(this.root, path), bytes);
    }
  }

  async commitAll(message: string): Promise<Oid> {
    await this.run('add', '-A');
    await this.run('commit', '-q', '-m', message);
    return this.head();
  }

  head(): Promise<Oid> {
    return this.run('rev-parse', 'HEAD');
  }

  history(stage: Stage = 'production', model = 'intents'): Promise<PointerHistory> {
    return pointerHistory(this.git, this.prefix, 'HEAD', model, stage);
  }

  async pointer(stage: Stage = 'production', model = 'intents'): Promise<Pointer | null> {
    return readPointer(commitTree(this.git, this.prefix, await this.head()), model, stage);
  }

  async plan(order: ExampleOrder): Promise<PromotionPlan> {
    const { model = 'intents', stage = 'production' } = order;
    return planPromotion(
      promotionInput({
        current: await this.pointer(stage, model),
        staging: await this.pointer('staging', model),
        history: await this.history(stage, model),
        at: new Date(this.#clock),
        ...order,
      }),
    );
  }

  get now(): Date {
    return new Date(this.#clock);
  }

  /** As if so much time had passed. */
  wait(ms: number): void {
    this.#clock += ms;
  }

  /** One promotion, one commit. */
  async promote(order: ExampleOrder): Promise<Oid> {
    const plan = await this.plan(order);
    await this.write(Object.fromEntries(plan.files.map((file) => [file.path, file.bytes])));
    await this.run('add', '-A');
    await this.run('commit', '-q', '--cleanup=verbatim', '-m', plan.message);
    return this.head();
  }

  /** To staging, then to production. */
  async release(order: ExampleOrder): Promise<Oid> {
    await this.promote({ ...order, stage: 'staging', production: undefined });
    return this.promote(order);
  }
}
