// Which jobs a commit needs: what the run cache has needs none, the rest are jobs in levels, each with why it runs and how long it took before.
import { isPlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { StepRegistry } from '../base/step.ts';
import type { Oid } from '../git/git.ts';
import { openCommitTree } from '../pipeline/commit-tree.ts';
import { wellKnownLockfiles } from '../pipeline/environment.ts';
import { selectStages, type BoundStage } from '../pipeline/graph.ts';
import { digestsOf, planStages, type PlanContext, type PlannedStage, type ReadyStage } from '../pipeline/plan.ts';
import { isPipelineTrouble } from '../pipeline/reachable.ts';
import { readableRecord, type KeptRecord } from '../pipeline/records.ts';
import { refusalText } from '../pipeline/run-names.ts';
import { loadPipeline } from '../pipeline/source-tree.ts';
import { explainRun } from '../pipeline/why.ts';
import type { Project } from '../project/open.ts';
import { domainText } from '../project/trust-domain.ts';
import { cut } from '../report/visible.ts';
import { estimateGpuMinutes, estimateMinutes, secondsByStage, type Minutes } from './estimate.ts';
import { planLevels, type Job, type Work } from './levels.ts';
import { checkMatrix } from './matrix.ts';
import { decideRelevance, readsOf, type Relevance } from './relevance.ts';

export interface CiPlan extends Relevance {
  /** at most as many as asked for; none is empty */
  readonly levels: readonly (readonly Job[])[];
  /** stages that have a usable run, in the order of the pipeline; domain: whose run it is, null of a frozen one */
  readonly cached: readonly { readonly stage: string; readonly run: Digest; readonly domain: string | null }[];
  /** whose runs those of the jobs will be: 'trusted', 'pull-7', 'fork-7', 'laptop' */
  readonly domain: string;
  readonly warnings: readonly string[];
  readonly minutes: Minutes;
  /** null: a stage that wants a GPU has never been measured */
  readonly gpuMinutes: number | null;
}

export interface PlanWish {
  /** how many levels there may be */
  readonly levels: number;
  /** labels for stages that name none */
  readonly runner: readonly string[];
  /** paths that the change touches, relative to the repository; null: nobody knows, so that all may have changed */
  readonly changed: readonly string[] | null;
  /** commit whose runs say why a stage runs and how long it takes; null: only this machine's log says */
  readonly base: Oid | null;
  /** stages that run whatever the cache has; `train` means train@a, too */
  readonly force: readonly string[];
}

interface Planning {
  readonly project: Project;
  /** of the work tree */
  readonly context: PlanContext;
  readonly steps: StepRegistry;
}

/**
 * Reads the work tree, git, the cache and, for run records, the remote; runs nothing.
 * @throws PlumbError CI_MATRIX_LIMIT, STAGE_UNKNOWN, CONFIG_INVALID and what planning throws
 */
export async function planJobs(planning: Planning, wish: PlanWish): Promise<CiPlan> {
  const { context } = planning;
  const relevance = relevanceOf(planning, wish.changed);
  const stages = forceStages(context.pipeline.stages, wish.force);
  if (!relevance.relevant && wish.force.length === 0) return { ...relevance, ...assemble([], [], new Map(), { ...wish, context }) };
  const planned = [...(await planStages(stages, context, { force: false }))];
  const cached = planned.flatMap(([stage, plan]) => ('kept' in plan ? [{ stage, run: plan.kept.digest, domain: whoseRun(plan.kept, context) }] : []));
  const known = cached.length === planned.length ? new Map<string, KeptRecord>() : await recordsOf(wish.base, planning);
  const seconds = secondsByStage([...known.values(), ...(cached.length === planned.length ? [] : await loggedRecords(context))]);
  const work = planned.flatMap(([name, plan]) => workOf(stages.get(name), plan, { known, seconds, forced: wish.force, context }));
  return { ...relevance, ...assemble(work, cached, seconds, { ...wish, context }) };
}

function assemble(
  work: readonly Work[],
  cached: CiPlan['cached'],
  seconds: ReadonlyMap<string, number>,
  { levels: most, runner, context }: PlanWish & Pick<Planning, 'context'>,
): Omit<CiPlan, keyof Relevance> {
  const { levels, warnings } = planLevels(work, { most, runner });
  checkMatrix(levels);
  return {
    levels,
    cached,
    domain: domainText(context.runs.domain),
    warnings,
    minutes: estimateMinutes(levels, seconds),
    gpuMinutes: estimateGpuMinutes(levels.flat()),
  };
}

function whoseRun(kept: KeptRecord, { runs }: PlanContext): string | null {
  const found = runs.found.get(kept.digest);
  return found === undefined ? null : domainText(found.domain);
}

function relevanceOf({ project, context }: Planning, changed: readonly string[] | null): Relevance {
  if (changed === null) return { relevant: true, why: ['there is nothing to compare with'] };
  const { pipeline, tree } = context;
  const data = new Map(Object.entries(tree.lock.datasets).map(([name, entry]) => [name, entry.path]));
  const reads = readsOf(pipeline.stages.values(), pipeline.config.environment?.lockfiles ?? wellKnownLockfiles, data);
  return decideRelevance(changed, { prefix: project.prefix, reads });
}

/** To be run in any case is what `always` means. */
function forceStages(stages: ReadonlyMap<string, BoundStage>, names: readonly string[]): ReadonlyMap<string, BoundStage> {
  if (names.length === 0) return stages;
  selectStages(stages, names);
  return new Map(
    [...stages].map(([name, stage]) => [name, isNamed(name, names) ? { ...stage, spec: { ...stage.spec, always: true, frozen: false } } : stage]),
  );
}

function isNamed(stage: string, names: readonly string[]): boolean {
  return names.some((name) => stage === name || stage.startsWith(`${name}@`));
}

/** Characters of the reason that a job is shown with; a stage may read thousands of files. */
const mostWhy = 500;

interface Known {
  readonly known: ReadonlyMap<string, KeptRecord>;
  readonly seconds: ReadonlyMap<string, number>;
  readonly forced: readonly string[];
  readonly context: PlanContext;
}

function workOf(stage: BoundStage | undefined, plan: PlannedStage, { known, seconds, forced, context }: Known): Work[] {
  if (stage === undefined || 'kept' in plan) return [];
  const { name, resources } = stage.spec;
  const why =
    plan.state === 'waits' ? `waits for ${plan.on.join(', ')}` : isNamed(name, forced) ? 'asked for' : whyText(plan, known.get(name), context);
  const { labels, gpus, minutes } = resources;
  return [{ stage: name, after: stage.after, labels, gpus, minutes, seconds: seconds.get(name) ?? null, why: cut(why, mostWhy) }];
}

/** Against the run of the base: this machine, being new, knows none. */
function whyText(
  { ready, why }: { readonly ready: ReadyStage; readonly why: readonly string[] },
  before: KeptRecord | undefined,
  { runs }: PlanContext,
): string {
  const { stage, inputs, environment, fingerprint } = ready;
  if (stage.spec.always || before === undefined) return why.join('; ');
  return [...explainRun({ stage, inputs: digestsOf(inputs), environment }, before.record), ...refusalText(runs, fingerprint)].join('; ');
}

/** The runs of a commit's pipeline, as far as they can be found. A commit whose pipeline does not hold together has none. */
async function recordsOf(base: Oid | null, { project, context, steps }: Planning): Promise<Map<string, KeptRecord>> {
  if (base === null) return new Map();
  try {
    const tree = await openCommitTree(project, base);
    const pipeline = await loadPipeline(tree, steps);
    const planned = await planStages(pipeline.stages, { ...context, tree, pipeline, log: [] }, { force: false });
    return new Map([...planned].flatMap(([stage, plan]) => ('kept' in plan ? [[stage, plan.kept] as const] : [])));
  } catch (error) {
    if (isPipelineTrouble(error) || isPlumbError(error, 'LOCK_CONFLICT')) return new Map();
    throw error;
  }
}

/** Of one stage. */
const mostLogged = 5;

/** The last runs of each stage here. */
async function loggedRecords({ log, store }: PlanContext): Promise<KeptRecord[]> {
  const runs = [...Map.groupBy(log, ({ stage }) => stage).values()].flatMap((entries) =>
    [...new Set(entries.toReversed().map(({ run }) => run))].slice(0, mostLogged),
  );
  const records: KeptRecord[] = [];
  for (const run of runs) {
    const kept = (await store.has(run)) ? await readableRecord(store, run) : undefined;
    if (kept !== undefined) records.push(kept);
  }
  return records;
}
