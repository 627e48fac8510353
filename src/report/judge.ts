// Gathers what a report is made of: the candidate, what it is compared with, the gate of the base revision, and what changed between the two.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { JsonValue } from '../base/schema.ts';
import { compareCases } from '../evaluate/compare.ts';
import { decideGate } from '../evaluate/gate.ts';
import type { Comparison, Evaluation, GateResult } from '../evaluate/schema.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { explainRun, flatten } from '../pipeline/why.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import { files } from '../project/layout.ts';
import { casesOf, type FoundModel } from '../registry/found-model.ts';
import { readAnswers, type Answers } from '../registry/recompute.ts';
import { stages as stagesOfModels, type Pointer, type Policy, type Stage } from '../registry/schema.ts';
import type { Store } from '../store/store.ts';
import { curveSchema } from '../train/schema.ts';
import { buildReport } from './build.ts';
import type { DataPart, ReportParts } from './parts.ts';
import { gathered, partOfRun, type CheckPart } from './check-parts.ts';
import type { Curve, MergeBase, Report, Side } from './schema.ts';
import { secondsOf } from './stage-changes.ts';

/** broken and fixed cases that a comparison keeps; the report's own bounds cut further */
const examples = 200;

export interface JudgeWorld {
  readonly store: Store;
  /** the evaluation of another model on the candidate's cases; null where that cannot be had */
  evaluateInstead(candidate: FoundModel, other: FoundModel): Promise<KeptRecord | null>;
  /** what changed in one data set; null: it was not there */
  diffData(name: string, before: Digest | null, after: Digest | null): Promise<DataPart>;
}

export interface JudgeOrder {
  readonly candidate: FoundModel;
  /** stages in the order of the pipeline, for the table of what ran */
  readonly stages: ReadonlyMap<string, BoundStage>;
  /** what the report is against, and in which words */
  readonly baseline: { readonly what: string; readonly model: FoundModel } | null;
  /** what the gate may compare with */
  readonly served: Readonly<Partial<Record<Stage, { readonly pointer: Pointer; readonly model: FoundModel }>>>;
  readonly policy: Policy;
  readonly stage: Stage;
  readonly title: Report['title'];
  readonly warnings: readonly string[];
  readonly links?: Report['links'];
  /** of a branch: what it changes since it left its base, and the model there. Without it, what differs from the baseline counts as changed. */
  readonly branch?: BranchChange;
}

/** Compared with the commit where a branch left its base, whether the pipeline was run there or not. */
export interface BranchChange
  extends Required<Pick<ReportParts, 'data' | 'params' | 'stages' | 'cost' | 'validation'>>, Pick<ReportParts, 'findings' | 'drift'> {
  readonly change: NonNullable<Report['change']>;
  /** null: no run of that commit can be had */
  readonly model: FoundModel | null;
  readonly warnings: readonly string[];
}

export interface Judgement {
  readonly report: Report;
  /** of the policy's gate for that stage */
  readonly gate: GateResult;
  readonly comparisons: Readonly<Partial<Record<Stage, Comparison>>>;
  /** the evaluations whose answers these, and the comparison with the baseline where that is a stage, are with */
  readonly baselines: Readonly<Partial<Record<Stage, KeptRecord>>>;
  readonly evaluation: Evaluation;
}

/** @throws PlumbError PROMOTION_REFUSED when the policy has no gate for the model, SUITE_MISMATCH, BYTES_MISSING */
export async function judge(order: JudgeOrder, world: JudgeWorld): Promise<Judgement> {
  const { candidate, baseline } = order;
  const warnings = [...order.warnings, ...(order.branch?.warnings ?? [])];
  const answered = await answersOf(candidate, candidate.evaluated, world.store);
  const { name, checks } = gateOf(order.policy, candidate.name, order.stage);
  // the report's baseline often is what the gate compares with: each model is asked once
  const compared = new Map<Digest, Promise<Compared | null>>();
  const compare = (other: FoundModel): Promise<Compared | null> => {
    const { digest } = other.artifact;
    const known = compared.get(digest) ?? compareWith(other, order, answered, world);
    compared.set(digest, known);
    return known;
  };
  const wanted = new Set(checks.flatMap((check) => ('against' in check ? [check.against] : [])));
  const comparisons: Partial<Record<Stage, Comparison>> = {};
  const baselines: Partial<Record<Stage, KeptRecord>> = {};
  const same: Partial<Record<Stage, 'same model'>> = {};
  for (const stage of wanted) {
    const served = order.served[stage];
    if (served === undefined) continue;
    if (served.model.artifact.digest === candidate.artifact.digest) {
      same[stage] = 'same model';
      continue;
    }
    const pair = await compare(served.model);
    if (pair === null) throw cannotCompare(candidate, stage);
    comparisons[stage] = pair.comparison;
    baselines[stage] = pair.evaluated;
  }
  const against = baseline === null ? null : await compare(baseline.model);
  const inStage = stagesOfModels.find((stage) => stage === baseline?.what);
  if (inStage !== undefined && against !== null) baselines[inStage] = against.evaluated;
  const mergeBase = order.branch === undefined ? null : await compareMergeBase(order.branch, candidate, compare);
  if (baseline !== null && against === null)
    warnings.push(`the model of ${baseline.what} was evaluated on other cases and cannot be asked these: no comparison`);
  warnings.push(...questionWarnings(order));
  const gate = decideGate({ gate: name, checks, evaluation: answered.evaluation, comparisons: { ...comparisons, ...same } });
  const parts: ReportParts = {
    model: candidate.name,
    title: order.title,
    gate,
    candidate: sideOf(candidate),
    baseline: baseline === null ? null : { what: baseline.what, ...sideOf(baseline.model) },
    ...(order.branch === undefined ? await sinceBaseline(order, world, warnings) : sinceMergeBase(order.branch, candidate)),
    ...(mergeBase === null ? {} : { mergeBase }),
    ...(order.links === undefined ? {} : { links: order.links }),
    evaluation: answered.evaluation,
    baselineEvaluation: against?.evaluation ?? null,
    comparison: against?.comparison ?? null,
    curves: await readCurves(candidate, world.store),
    warnings,
  };
  return { report: buildReport(parts), gate, comparisons, baselines, evaluation: answered.evaluation };
}

type Checked = Pick<ReportParts, 'validation' | 'findings' | 'drift'>;
type Described = Pick<ReportParts, 'data' | 'params' | 'stages' | 'cost'> & Checked;

async function sinceBaseline(order: JudgeOrder, world: JudgeWorld, warnings: string[]): Promise<Described> {
  const { candidate } = order;
  const baseline = order.baseline?.model ?? null;
  return {
    data: await diffAllData(candidate, baseline, world, warnings),
    params: diffParams(candidate, baseline),
    stages: describeStages(order),
    cost: { seconds: costOf(candidate, baseline), measured: measuredOf(candidate) },
    ...(await checksOf(candidate, world.store)),
  };
}

function sinceMergeBase(
  { data, params, stages, cost, validation, findings, drift, change }: BranchChange,
  candidate: FoundModel,
): Described & Pick<ReportParts, 'change'> {
  const checked = { validation, ...(findings === undefined ? {} : { findings }), ...(drift === undefined ? {} : { drift }) };
  return { data, params, stages, cost: { ...cost, measured: measuredOf(candidate) }, ...checked, change };
}

async function checksOf(candidate: FoundModel, store: Store): Promise<Checked> {
  const found: CheckPart[] = [];
  for (const [run, record] of candidate.records) {
    store.remember([run]);
    const part = await partOfRun(record, store);
    if (part !== null) found.push(part);
  }
  return gathered(found);
}

async function compareMergeBase(
  { change, model }: BranchChange,
  candidate: FoundModel,
  compare: (other: FoundModel) => Promise<Compared | null>,
): Promise<MergeBase> {
  if (model === null) return { commit: change.since, model: null, metrics: null, comparison: null };
  const compared = await compare(model);
  const found = { commit: change.since, model: sideOf(model) };
  if (compared === null) return { ...found, metrics: null, comparison: null };
  const { accuracy, macro, calibration } = compared.evaluation;
  const metrics = { accuracy: accuracy.value, macroF1: macro.f1, ece: calibration.ece };
  if (model.artifact.digest === candidate.artifact.digest) return { ...found, metrics, comparison: null };
  const { plumbline: _, classes: _classes, broken: _broken, fixed: _fixed, ...comparison } = compared.comparison;
  return { ...found, metrics, comparison };
}

function gateOf(policy: Policy, model: string, stage: Stage): { name: string; checks: Policy['gates'][string] } {
  const rule = Object.hasOwn(policy.models, model) ? policy.models[model]?.[stage] : undefined;
  const checks = rule !== undefined && Object.hasOwn(policy.gates, rule.gate) ? policy.gates[rule.gate] : undefined;
  if (rule !== undefined && checks !== undefined) return { name: rule.gate, checks };
  throw new PlumbError('PROMOTION_REFUSED', {
    what:
      rule === undefined
        ? `${files.policy} has no rule for ${model} in ${stage}.${didYouMean(model, Object.keys(policy.models))}`
        : `${files.policy} has no gate "${rule.gate}".${didYouMean(rule.gate, Object.keys(policy.gates))}`,
    where: { file: files.policy },
    mend: 'add it on the base branch: the policy there judges',
  });
}

interface Compared {
  readonly comparison: Comparison;
  /** of the other model, and the run that asked it */
  readonly evaluation: Evaluation;
  readonly evaluated: KeptRecord;
}

async function answersOf(model: FoundModel, evaluated: KeptRecord, store: Store): Promise<Answers> {
  store.remember([evaluated.digest]);
  return readAnswers(await store.pathOf(casesOf(evaluated).digest), model.artifact.digest, evaluated);
}

async function compareWith(other: FoundModel, order: JudgeOrder, candidate: Answers, world: JudgeWorld): Promise<Compared | null> {
  const evaluated = sameQuestions(order.candidate.evaluated.record, other.evaluated.record)
    ? other.evaluated
    : await world.evaluateInstead(order.candidate, other);
  if (evaluated === null) return null;
  const before = await answersOf(other, evaluated, world.store);
  return { comparison: compareCases(before.cases, candidate.cases, { examples }), evaluation: before.evaluation, evaluated };
}

/** Two evaluations asked the same when all that they read, but the model, is equal. */
function sameQuestions(a: RunRecord, b: RunRecord): boolean {
  const questions = (record: RunRecord): string =>
    JSON.stringify(
      Object.entries(record.inputs)
        .filter(([name]) => name === 'suite' || name === 'data')
        .map(([name, input]) => `${name} ${input.digest}`)
        .toSorted(byCodeUnit),
    );
  return JSON.stringify(a.command) === JSON.stringify(b.command) && 'suite' in a.inputs && questions(a) === questions(b);
}

/**
 * The base judges by its policy, but on the suite and the test data of the candidate: whoever changes both the model and its questions says so here.
 * Against what is served in the stage of the gate, else against the baseline.
 */
function questionWarnings({ candidate, served, stage, baseline }: JudgeOrder): string[] {
  const { record } = candidate.evaluated;
  const warnings =
    'cmd' in record.command
      ? [`the answers come from a command (stage "${record.stage}"), which the branch can write as it likes; plumb/evaluate asks the model itself`]
      : [];
  const other = served[stage] === undefined ? baseline : { what: stage, model: served[stage].model };
  if (other === null) return warnings;
  const before = other.model.evaluated.record;
  for (const [name, input] of Object.entries(record.inputs)) {
    if (input.digest === candidate.artifact.digest) continue;
    const was = before.inputs[name];
    if (was?.digest === input.digest) continue;
    const how = was === undefined ? 'is new' : `is another than when the model of ${other.what} was evaluated`;
    warnings.push(`the test ${name} (${input.ref}) ${how}: read its diff; both models answer the new questions`);
  }
  return warnings;
}

function cannotCompare(candidate: FoundModel, stage: Stage): PlumbError {
  return new PlumbError('SUITE_MISMATCH', {
    what: `the gate compares with ${stage}, whose model was evaluated on other cases, and stage "${candidate.evaluated.record.stage}" is a command that cannot be given another model`,
    mend: 'use plumb/evaluate, which can, or keep the suite and its data as they were when that model was promoted',
  });
}

function sideOf(model: FoundModel): Side {
  const { code } = model.made.record;
  return { artifact: model.artifact.digest, run: model.made.digest, commit: code.dirty ? null : code.commit };
}

async function diffAllData(candidate: FoundModel, baseline: FoundModel | null, world: JudgeWorld, warnings: string[]): Promise<DataPart[]> {
  const before = baseline?.data ?? {};
  const names = [...new Set([...Object.keys(candidate.data), ...Object.keys(before)])].toSorted();
  const parts: DataPart[] = [];
  for (const name of names) {
    const sides = [before[name] ?? null, candidate.data[name] ?? null] as const;
    const part = await world.diffData(name, ...sides).catch((error: unknown) => {
      if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
      // the gate is about answers, not rows: it can be judged without them
      warnings.push(`which rows of ${name} changed is not known: ${error.message}`);
      return null;
    });
    if (part !== null) parts.push(part);
  }
  return parts;
}

/** Hyperparameters of every stage in the chain, as people find them in params.yaml; a built-in step's with the stage's name in front. */
function paramsOf(model: FoundModel | null): Map<string, JsonValue> {
  const all = new Map<string, JsonValue>();
  for (const record of model?.records.values() ?? []) {
    const prefix = 'uses' in record.command ? `${record.stage}.` : '';
    for (const [key, value] of flatten(record.params)) all.set(prefix + key, value);
  }
  return all;
}

function diffParams(candidate: FoundModel, baseline: FoundModel | null): ReportParts['params'] {
  const after = paramsOf(candidate);
  const before = paramsOf(baseline);
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => ({ key, before: before.get(key), after: after.get(key) }));
}

/** A stage whose record is the baseline's did not run for this candidate; of the others, why their fingerprint is another. */
function describeStages(order: JudgeOrder): Report['stages'] {
  const before = new Map([...(order.baseline?.model.records.values() ?? [])].map((record) => [record.stage, record]));
  return [...order.candidate.records.values()]
    .toSorted((a, b) => position(order, a.stage) - position(order, b.stage))
    .map((record) => {
      const old = before.get(record.stage);
      const same = old?.fingerprint === record.fingerprint;
      return {
        stage: record.stage,
        state: same ? ('cached' as const) : ('ran' as const),
        why: same ? [] : whyOf(record, old, order),
        seconds: secondsOf(record),
      };
    });
}

function position(order: JudgeOrder, stage: string): number {
  return [...order.stages.keys()].indexOf(stage);
}

function whyOf(record: RunRecord, old: RunRecord | undefined, order: JudgeOrder): string[] {
  const stage = order.stages.get(record.stage);
  if (stage === undefined || old === undefined) return [order.baseline === null ? 'the first model' : 'new'];
  const inputs = Object.fromEntries(Object.entries(record.inputs).map(([name, input]) => [name, input.digest]));
  return explainRun({ stage, inputs, environment: record.environment.fingerprinted }, old);
}

function costOf(candidate: FoundModel, baseline: FoundModel | null): number {
  const before = new Set([...(baseline?.records.values() ?? [])].map((record) => record.fingerprint));
  return [...candidate.records.values()].filter((record) => !before.has(record.fingerprint)).reduce((sum, record) => sum + secondsOf(record), 0);
}

function measuredOf(candidate: FoundModel): Record<string, number> {
  const { made, evaluated } = candidate;
  const prefixed = (kept: KeptRecord): [string, number][] =>
    Object.entries(kept.record.measured).map(([name, value]) => [`${kept.record.stage}.${name}`, value]);
  return Object.fromEntries([...prefixed(made), ...prefixed(evaluated)]);
}

/** No curve of ours is near it. */
const largestCurveBytes = 4_000_000;

/** The curves of built-in steps. What a command wrote under that name is its own affair. */
async function readCurves(candidate: FoundModel, store: Store): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const [run, { stage, command, outputs }] of candidate.records) {
    store.remember([run]);
    const output = outputs['curve'];
    if (output === undefined || !('uses' in command) || output.kind !== 'file' || output.bytes > largestCurveBytes) continue;
    const curve = curveSchema.safeParse(parsed((await store.readBytes(output.digest)).toString('utf8')));
    if (curve.success)
      curves.push({ stage, name: 'epoch', points: curve.data.points.map(({ epoch, ...y }) => ({ x: epoch, y: y as Record<string, number> })) });
  }
  return curves;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
