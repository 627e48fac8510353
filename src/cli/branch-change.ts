// What a work tree changes since a commit: data, hyperparameters, stages, and what the checks of its data say, whether there is a model or not.
import { isPlumbError } from '../base/errors.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Oid } from '../git/git.ts';
import { openCommitTree } from '../pipeline/commit-tree.ts';
import { planStages, type PlannedStage } from '../pipeline/plan.ts';
import { isPipelineTrouble } from '../pipeline/reachable.ts';
import { loadPipeline, type Pipeline, type SourceTree } from '../pipeline/source-tree.ts';
import type { Project } from '../project/open.ts';
import { broughtRows } from '../report/brought-rows.ts';
import { checkInWords, gathered, isBroken, partOfRun, partOfStage, type CheckPart } from '../report/check-parts.ts';
import { dataPart, lockPart, newDataPart } from '../report/data-part.ts';
import type { BranchChange } from '../report/judge.ts';
import type { DataPart } from '../report/parts.ts';
import { isSidecar } from '../quality/provenance/sidecar.ts';
import { describeParams, describeStages, keptOf, type PlannedSide } from '../report/stage-changes.ts';
import type { Store } from '../store/store.ts';
import { driftSince } from './branch-drift.ts';
import type { Cli } from './command.ts';
import type { OpenPipeline } from './open-pipeline.ts';
import { steps } from './steps.ts';

/** The commit that is compared with. */
export interface Before {
  /** null: there is none */
  readonly commit: Oid | null;
  readonly lock: Lock;
  /** null: it is not there, or does not hold together */
  readonly pipeline: { readonly tree: SourceTree; readonly bound: Pipeline } | null;
}

/** What was there before the first commit. */
export const nothingBefore: Before = { commit: null, lock: { version: 1, datasets: {} }, pipeline: null };

export async function openBefore(project: Project, commit: Oid): Promise<Before> {
  const tree = await openCommitTree(project, commit);
  const bound = await loadPipeline(tree, steps).catch((error: unknown) => {
    if (isPipelineTrouble(error)) return null;
    throw error;
  });
  return { commit, lock: tree.lock, pipeline: bound === null ? null : { tree, bound } };
}

/** Its stages, with its runs as far as they can be had. */
async function planBefore({ context }: OpenPipeline, { pipeline }: Before): Promise<PlannedSide> {
  if (pipeline === null) return { stages: new Map(), planned: new Map() };
  const { tree, bound } = pipeline;
  const planned = await planStages(bound.stages, { ...context, tree, pipeline: bound, log: [] }, { force: false }).catch((error: unknown) => {
    // a frozen stage has nothing to stay with, on this machine
    if (isPipelineTrouble(error) || isPlumbError(error, 'RUN_MISSING')) return new Map<string, PlannedStage>();
    throw error;
  });
  return { stages: bound.stages, planned };
}

interface Branch {
  readonly before: Before;
  /** run id of the CI job that asks; null: none */
  readonly ciRun: string | null;
}

export type Described = Omit<BranchChange, 'model' | 'change'>;

/** @throws PlumbError DATASET_MODIFIED, and whatever keeps the pipeline of the work tree from being planned */
export async function describeBranch(open: OpenPipeline, { before, ciRun }: Branch, cli: Cli): Promise<Described> {
  const { pipeline, context, world } = open;
  const was = await planBefore(open, before);
  const after: PlannedSide = { stages: pipeline.stages, planned: await planStages(pipeline.stages, context, { force: false }) };
  const warnings = goneChecks(was, after);
  const data = await changedData(open, before.lock, { cli, warnings });
  const brought = broughtRows(data);
  const parts: CheckPart[] = [];
  const failed = new Set<string>();
  for (const [name, stage] of pipeline.stages) {
    const kept = keptOf(after.planned.get(name));
    const plan = after.planned.get(name);
    const part = kept === undefined ? await partOfStage(stage, plan, world, brought) : await partOfRun(kept.record, context.store, brought);
    if (part === null) continue;
    parts.push(part);
    if (kept === undefined && isBroken(part)) failed.add(name);
  }
  if (before.commit !== null) parts.push(...(await driftSince(open.project, { base: before.commit, data, lock: open.tree.lock, warnings }, cli)));
  const { stages, cost } = describeStages({ before: was, after, ciRun, failed });
  return { data, params: describeParams(was, after), stages, cost, validation: [], ...gathered(parts), warnings };
}

/** A check that is not asked any more finds nothing: whoever reads the report is to know. */
function goneChecks(before: PlannedSide, after: PlannedSide): string[] {
  const names = (side: PlannedSide): string[] => [...side.stages.values()].flatMap((stage) => checkInWords(stage) ?? []);
  const now = new Set(names(after));
  return [...new Set(names(before))].filter((name) => !now.has(name)).map((name) => `no stage looks for ${name} any more: one of the base did`);
}

async function changedData({ project, tree }: OpenPipeline, before: Lock, { cli, warnings }: { cli: Cli; warnings: string[] }): Promise<DataPart[]> {
  const [old, now] = [before.datasets, tree.lock.datasets];
  const parts: DataPart[] = [];
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const sides = { before: old[name] ?? null, after: now[name] ?? null };
    const told = lockPart(name, sides);
    if (told.before === told.after) parts.push({ ...told, brought: new Set() });
    else
      parts.push(
        await changedPart(project.store, told, { cli, now }).catch((error: unknown) => {
          if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
          warnings.push(`which rows of ${name} changed is not known: ${error.message}`);
          return told;
        }),
      );
  }
  return parts;
}

/** Lines of a sidecar are digests: how many came says all that a reader learns of them. */
async function changedPart(store: Store, { name, before, after }: DataPart, { cli, now }: { cli: Cli; now: Lock['datasets'] }): Promise<DataPart> {
  if (isSidecar(name, Object.keys(now))) return { ...(await dataPart(store, name, before, after, cli)), samples: [] };
  return before === null && after !== null ? newDataPart(store, name, after, cli) : dataPart(store, name, before, after, cli);
}
