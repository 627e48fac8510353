// The report of a branch: what it changes since it left its base, whether there is a model of it or not. What `plumb ci report` prints and the
// action `report` posts.
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { changesSince, type Changes } from '../ci/changes.ts';
import { decideRelevance, readsOf, type Relevance } from '../ci/relevance.ts';
import type { Lock } from '../datasets/schema.ts';
import { wellKnownLockfiles } from '../pipeline/environment.ts';
import type { Pipeline } from '../pipeline/source-tree.ts';
import { buildReport } from '../report/build.ts';
import { brokenData } from '../report/data-verdict.ts';
import type { BranchChange } from '../report/judge.ts';
import type { Report } from '../report/schema.ts';
import { onlyModel } from '../registry/found-model.ts';
import { describeBranch, openBefore, type Before, type Described } from './branch-change.ts';
import type { Cli } from './command.ts';
import { emptyParts, isOfData, namesModels, reportData, withData } from './data-report.ts';
import { findBaseCommit, judgeModel, modelAt, titleOf, type JudgeWish } from './judging.ts';
import type { OpenPipeline } from './open-pipeline.ts';

export interface PullWish extends Omit<JudgeWish, 'branch'> {
  /** run id of the CI job that asks; null: none */
  readonly ciRun: string | null;
  readonly links: NonNullable<Report['links']>;
}

/**
 * @returns the report of the work tree; where the model cannot be judged, one that says why and what the branch changes; where there is none to judge, that
 *   of the data
 * @throws PlumbError what keeps even that from being said: a pipeline that does not hold together, a base that is not there
 */
export async function reportBranch(open: OpenPipeline, wish: PullWish, cli: Cli): Promise<Report> {
  const { project, pipeline } = open;
  const base = await findBaseCommit(project, wish.base);
  const changes = base.commit === null ? null : await changesSince(project, base.commit);
  // on the main branch itself: what is there now stands beside what is served
  if (changes === null || changes.from === (await project.git.resolve('HEAD'))) {
    return isOfData(wish.model, [pipeline]) ? reportData(open, wish, cli) : (await judgeModel(open, wish, cli)).judgement.report;
  }
  const before = await openBefore(project, changes.from);
  // a branch that names no model any more still answers for that of its base
  const bound = before.pipeline === null ? [pipeline] : [pipeline, before.pipeline.bound];
  if (isOfData(wish.model, bound) && wish.against !== undefined) return reportData(open, wish, cli);
  const model = isOfData(wish.model, bound) ? null : (wish.model ?? onlyModel(bound.find(namesModels) ?? pipeline));
  const relevance = relevanceOf(open, before, changes);
  const change = { since: changes.from.slice(0, 12), relevant: relevance.relevant, why: [...relevance.why] };
  const bare = { ...emptyParts, model, change, title: await titleOf(project, wish.base), links: wish.links };
  if (!relevance.relevant) return buildReport(bare);
  const described = await describeBranch(open, { before, ciRun: wish.ciRun }, cli);
  if (model === null) return buildReport(withData(bare, described, base.warnings));
  try {
    const branch = async (name: string): Promise<BranchChange> => ({
      ...described,
      change,
      model: await modelAt(open, changes.from, name).catch(noneIfTrouble),
    });
    return (await judgeModel(open, { ...wish, model, branch }, cli)).judgement.report;
  } catch (error) {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    return buildReport({ ...bare, ...described, problem: problemOf(error, described) });
  }
}

/** That a stage has not been run is no news where a check does not hold: that is why. */
function problemOf({ code, message: what, mend }: PlumbError, checked: Described): NonNullable<Report['problem']> {
  return (code === 'RUN_MISSING' ? brokenData(checked) : null) ?? { code, what, mend };
}

/** What either of the two pipelines reads counts: a stage that is no more read something, too. */
function relevanceOf({ project, pipeline, tree }: OpenPipeline, before: Before, changes: Changes): Relevance {
  const sides = [{ pipeline, lock: tree.lock }, ...(before.pipeline === null ? [] : [{ pipeline: before.pipeline.bound, lock: before.lock }])];
  const reads = new Map(sides.flatMap((side) => [...readsOfSide(side)]));
  return decideRelevance(changes.paths, { prefix: project.prefix, reads });
}

function readsOfSide({ pipeline, lock }: { pipeline: Pipeline; lock: Lock }): Map<string, string> {
  const data = new Map(Object.entries(lock.datasets).map(([name, entry]) => [name, entry.path]));
  return readsOf(pipeline.stages.values(), pipeline.config.environment?.lockfiles ?? wellKnownLockfiles, data);
}

function noneIfTrouble(error: unknown): null {
  if (isPlumbError(error) && error.code !== 'INTERRUPTED') return null;
  throw error;
}
