// The report of a branch: what it changes since it left its base, whether there is a model of it or not. What `plumb ci report` prints and the
// action `report` posts.
import { isPlumbError, type ErrorCode, type PlumbError } from '../base/errors.ts';
import { changesSince, type Changes } from '../ci/changes.ts';
import { decideRelevance, readsOf, type Relevance } from '../ci/relevance.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Oid } from '../git/git.ts';
import { openCommitTree } from '../pipeline/commit-tree.ts';
import { wellKnownLockfiles } from '../pipeline/environment.ts';
import { planStages, type PlannedStage } from '../pipeline/plan.ts';
import { isPipelineTrouble } from '../pipeline/reachable.ts';
import { loadPipeline, type Pipeline, type SourceTree } from '../pipeline/source-tree.ts';
import { count, counted } from '../evaluate/words.ts';
import type { Project } from '../project/open.ts';
import { buildReport } from '../report/build.ts';
import { dataPart, lockPart } from '../report/data-part.ts';
import type { BranchChange } from '../report/judge.ts';
import type { DataPart, ReportParts } from '../report/parts.ts';
import { checkWords } from '../report/findings-words.ts';
import type { DriftPart, FindingsPart, Report, ValidationPart } from '../report/schema.ts';
import { describeParams, describeStages, keptOf, type PlannedSide } from '../report/stage-changes.ts';
import { gathered, isBroken, partOfRun, partOfStage, type CheckPart } from '../report/check-parts.ts';
import { onlyModel } from '../registry/found-model.ts';
import type { Cli } from './command.ts';
import { findBase, judgeModel, modelAt, titleOf, type JudgeWish } from './judging.ts';
import type { OpenPipeline } from './open-pipeline.ts';
import { steps } from './steps.ts';

export interface PullWish extends Omit<JudgeWish, 'branch'> {
  /** run id of the CI job that asks; null: none */
  readonly ciRun: string | null;
  readonly links: NonNullable<Report['links']>;
}

/**
 * @returns the report of the work tree; where the model cannot be judged, one that says why and what the branch changes
 * @throws PlumbError what keeps even that from being said: a pipeline that does not hold together, a base that is not there
 */
export async function reportBranch(open: OpenPipeline, wish: PullWish, cli: Cli): Promise<Report> {
  const { project } = open;
  const base = await findBase(project, wish.base);
  const changes = base.commit === null ? null : await changesSince(project, base.commit);
  // on the main branch itself: what is there now stands beside what is served
  if (changes === null || changes.from === (await project.git.resolve('HEAD'))) {
    return (await judgeModel(open, wish, cli)).judgement.report;
  }
  const before = await openBefore(project, changes.from);
  const relevance = relevanceOf(open, before, changes);
  const change = { since: changes.from.slice(0, 12), relevant: relevance.relevant, why: [...relevance.why] };
  const bare = { ...emptyParts, model: wish.model ?? onlyModel(open.pipeline), title: await titleOf(project, wish.base), links: wish.links };
  if (!relevance.relevant) return buildReport({ ...bare, change });
  const branch = await describeBranch(open, { before, change, ciRun: wish.ciRun }, cli);
  try {
    const model = async (name: string): Promise<BranchChange> => ({ ...branch, model: await modelAt(open, changes.from, name).catch(noneIfTrouble) });
    return (await judgeModel(open, { ...wish, branch: model }, cli)).judgement.report;
  } catch (error) {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    return buildReport({ ...bare, ...branch, problem: problemOf(error, branch) });
  }
}

const emptyParts: Omit<ReportParts, 'model' | 'title'> = {
  gate: null,
  candidate: null,
  baseline: null,
  data: [],
  params: [],
  stages: [],
  evaluation: null,
  baselineEvaluation: null,
  comparison: null,
  curves: [],
  cost: { seconds: 0 },
  warnings: [],
};

/** That a stage has not been run is no news where a check does not hold: that is why. */
function problemOf({ code, message: what, mend }: PlumbError, { validation, findings = [], drift = [] }: Checked): NonNullable<Report['problem']> {
  const [rules, found] = [validation.filter(({ state }) => state === 'broken'), findings.filter(({ state }) => state === 'broken')];
  const drifted = drift.filter(({ state, severity }) => state === 'drifted' && severity === 'error');
  if (code !== 'RUN_MISSING' || rules.length + found.length + drifted.length === 0) return { code, what, mend };
  const all = [...rules.map(brokenInWords), ...found.map(foundInWords), ...drifted.map(driftedInWords)];
  if (rules.length > 0) return { code: 'RULES_BROKEN', what: all.join('; '), mend: 'correct the rows, or the rule when the rows are right' };
  const [first] = found;
  return {
    code: first === undefined ? 'DATA_DRIFTED' : codes[first.check],
    what: all.join('; '),
    mend: 'look at the rows below: correct them or take them out, or say in the stage why they may stay',
  };
}

type Checked = Pick<BranchChange, 'validation' | 'findings' | 'drift'>;

/** As the step says it. */
const codes: Readonly<Record<FindingsPart['check'], ErrorCode>> = {
  rules: 'RULES_BROKEN',
  pii: 'PII_FOUND',
  secrets: 'SECRETS_FOUND',
  duplicates: 'DUPLICATES_FOUND',
  leakage: 'LEAKS_FOUND',
  code: 'CODE_FINDINGS',
  provenance: 'PROVENANCE_LACKING',
};

function foundInWords({ check, dataset, rows, flagged, kinds, note }: FindingsPart): string {
  if (note !== undefined) return `${dataset}, to be looked through for ${checkWords[check]}: ${note}`;
  const errors = kinds.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, 3).map(({ kind, rows: many }) => `${kind} in ${counted(many, 'row')}`);
  return `${counted(flagged, 'row')} of ${count(rows)} in ${dataset}, ${checkWords[check]}: ${shown.join(', ')}`;
}

function driftedInWords({ dataset, against, columns }: DriftPart): string {
  return `${dataset} drifted from ${against.join(', ')} in ${columns
    .slice(0, 3)
    .map(({ column }) => column)
    .join(', ')}`;
}

function brokenInWords({ dataset, rules, rows, checks }: ValidationPart): string {
  const [first, ...more] = checks.filter(({ severity }) => severity === 'error');
  if (first === undefined || first.rule === 0) return `${dataset}, to be judged by ${rules}: ${first?.what ?? ''}`;
  const others = more.length === 0 ? '' : ` (and ${counted(more.length, 'more rule')})`;
  return `${counted(first.failing, 'row')} of ${count(rows)} in ${dataset} against rule ${first.rule} of ${rules}: ${first.what}${others}`;
}

/** The commit where the branch left its base. */
interface Before {
  readonly tree: SourceTree;
  /** null: it does not hold together */
  readonly pipeline: Pipeline | null;
}

async function openBefore(project: Project, commit: Oid): Promise<Before> {
  const tree = await openCommitTree(project, commit);
  const pipeline = await loadPipeline(tree, steps).catch((error: unknown) => {
    if (isPipelineTrouble(error)) return null;
    throw error;
  });
  return { tree, pipeline };
}

/** Its stages, with its runs as far as they can be had. */
async function planBefore({ context }: OpenPipeline, { tree, pipeline }: Before): Promise<PlannedSide> {
  if (pipeline === null) return { stages: new Map(), planned: new Map() };
  const planned = await planStages(pipeline.stages, { ...context, tree, pipeline, log: [] }, { force: false }).catch((error: unknown) => {
    // a frozen stage has nothing to stay with, on this machine
    if (isPipelineTrouble(error) || isPlumbError(error, 'RUN_MISSING')) return new Map<string, PlannedStage>();
    throw error;
  });
  return { stages: pipeline.stages, planned };
}

/** What either of the two pipelines reads counts: a stage that is no more read something, too. */
function relevanceOf({ project, pipeline, tree }: OpenPipeline, before: Before, changes: Changes): Relevance {
  const sides = [{ pipeline, lock: tree.lock }, ...(before.pipeline === null ? [] : [{ pipeline: before.pipeline, lock: before.tree.lock }])];
  const reads = new Map(sides.flatMap((side) => [...readsOfSide(side)]));
  return decideRelevance(changes.paths, { prefix: project.prefix, reads });
}

function readsOfSide({ pipeline, lock }: { pipeline: Pipeline; lock: Lock }): Map<string, string> {
  const data = new Map(Object.entries(lock.datasets).map(([name, entry]) => [name, entry.path]));
  return readsOf(pipeline.stages.values(), pipeline.config.environment?.lockfiles ?? wellKnownLockfiles, data);
}

interface Branch {
  readonly before: Before;
  readonly change: BranchChange['change'];
  readonly ciRun: string | null;
}

async function describeBranch(open: OpenPipeline, { before, change, ciRun }: Branch, cli: Cli): Promise<Omit<BranchChange, 'model'>> {
  const { pipeline, context, world } = open;
  const was = await planBefore(open, before);
  const after: PlannedSide = { stages: pipeline.stages, planned: await planStages(pipeline.stages, context, { force: false }) };
  const warnings: string[] = [];
  const parts: CheckPart[] = [];
  const failed = new Set<string>();
  for (const [name, stage] of pipeline.stages) {
    const kept = keptOf(after.planned.get(name));
    const plan = after.planned.get(name);
    const part = kept === undefined ? await partOfStage(stage, plan, world) : await partOfRun(kept.record, context.store);
    if (part === null) continue;
    parts.push(part);
    if (kept === undefined && isBroken(part)) failed.add(name);
  }
  const { stages, cost } = describeStages({ before: was, after, ciRun, failed });
  const data = await changedData(open, before.tree.lock, { cli, warnings });
  return { change, data, params: describeParams(was, after), stages, cost, validation: [], ...gathered(parts), warnings };
}

async function changedData({ project, tree }: OpenPipeline, before: Lock, { cli, warnings }: { cli: Cli; warnings: string[] }): Promise<DataPart[]> {
  const [old, now] = [before.datasets, tree.lock.datasets];
  const parts: DataPart[] = [];
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const sides = { before: old[name] ?? null, after: now[name] ?? null };
    const told = lockPart(name, sides);
    if (told.before === told.after) parts.push(told);
    else
      parts.push(
        await dataPart(project.store, name, told.before, told.after, cli).catch((error: unknown) => {
          if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
          warnings.push(`which rows of ${name} changed is not known: ${error.message}`);
          return told;
        }),
      );
  }
  return parts;
}

function noneIfTrouble(error: unknown): null {
  if (isPlumbError(error) && error.code !== 'INTERRUPTED') return null;
  throw error;
}
