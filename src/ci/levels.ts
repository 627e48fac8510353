// Stages that have to run, as jobs: those that wait for nobody in the first level, those that wait for them in the second, and so on. A forge's
// matrix is known before its first job starts, so the number of levels is fixed; what is deeper goes into the last one, in order, in one job.
import { PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import { jobNames } from './job-name.ts';

/** A stage that has to run, as far as can be told before others have run. */
export interface Work {
  readonly stage: string;
  /** stages that must have ended before; those that are no work themselves do not matter */
  readonly after: readonly string[];
  /** of its runner; none: any */
  readonly labels: readonly string[];
  readonly gpus: number;
  /** its time limit, where it has one */
  readonly minutes: number | undefined;
  /** how long it will take; null: nobody knows */
  readonly seconds: number | null;
  readonly why: string;
}

/** One job of a matrix: what the workflow reads of it has the names that the workflow uses. */
export interface Job {
  /** letters and digits of ASCII, '_', '-', '.', '@', '+'; no two jobs of a plan have the same */
  readonly name: string;
  /** in the order in which they run */
  readonly stages: readonly string[];
  readonly 'runs-on': readonly string[];
  /** time limit of the job: that of its stages, and time to come and go */
  readonly minutes: number;
  /** minutes; null: not known */
  readonly estimate: number | null;
  readonly gpus: number;
  readonly why: string;
}

export interface Levels {
  /** at most as many as asked for; none is empty */
  readonly levels: readonly (readonly Job[])[];
  /** what somebody should know of runners before the jobs start */
  readonly warnings: readonly string[];
}

/** To start a machine, fetch what the stages read and push what they made. */
const aroundMinutes = 10;
/** Of a stage without a limit: with what is around it, what GitHub gives a job on its own machines. */
const usualMinutes = 350;
/** GitHub ends every job after five days. */
const mostMinutes = 7200;

/**
 * @param work in an order in which each stage comes after all that it needs
 * @param limits most: how many levels there may be, from 1; runner: labels of stages that name none
 * @throws PlumbError CONFIG_INVALID for a label that is none
 */
export function planLevels(work: readonly Work[], limits: { readonly most: number; readonly runner: readonly string[] }): Levels {
  for (const one of work) checkLabels(one);
  const depths = depthsOf(work);
  const last = limits.most - 1;
  const levels: Work[][][] = [];
  const deep = work.filter(({ stage }) => (depths.get(stage) ?? 0) >= last);
  for (const one of work) {
    const depth = depths.get(one.stage) ?? 0;
    if (depth < last) (levels[depth] ??= []).push([one]);
  }
  if (deep.length > 0) levels[last] = connected(deep);
  const names = jobNames(levels.flat().map((group) => group.map(({ stage }) => stage)));
  let at = 0;
  return {
    levels: levels.map((groups) => groups.map((group) => jobOf(group, names[at++] ?? '', limits.runner))),
    warnings: [...gpuWarnings(work), ...levels.flat().flatMap(runnerWarning)],
  };
}

/** How many stages come one after the other before each. */
function depthsOf(work: readonly Work[]): Map<string, number> {
  const depths = new Map<string, number>();
  const stages = new Set(work.map(({ stage }) => stage));
  for (const { stage, after } of work) {
    const before = after.filter((name) => stages.has(name)).map((name) => depths.get(name));
    if (before.includes(undefined)) throw new Error(`stage ${stage} comes before one that it needs`);
    depths.set(stage, Math.max(-1, ...before.map(Number)) + 1);
  }
  return depths;
}

/** Stages that hang together, each group in the order given, groups in the order of their first stages. */
function connected(work: readonly Work[]): Work[][] {
  const above = new Map(work.map(({ stage }) => [stage, stage]));
  const topOf = (stage: string): string => {
    let top = stage;
    for (let next = above.get(top); next !== undefined && next !== top; next = above.get(top)) top = next;
    above.set(stage, top);
    return top;
  };
  for (const { stage, after } of work) for (const before of after) if (above.has(before)) above.set(topOf(before), topOf(stage));
  return [...Map.groupBy(work, ({ stage }) => topOf(stage)).values()];
}

function jobOf(group: readonly Work[], name: string, runner: readonly string[]): Job {
  const labels = [...new Set(group.flatMap((one) => one.labels))];
  const limit = group.reduce((minutes, one) => minutes + (one.minutes ?? usualMinutes), 0);
  const seconds = group.reduce<number | null>((total, one) => (total === null || one.seconds === null ? null : total + one.seconds), 0);
  return {
    name,
    stages: group.map(({ stage }) => stage),
    'runs-on': labels.length === 0 ? runner : labels,
    minutes: Math.min(mostMinutes, Math.ceil(limit) + aroundMinutes),
    estimate: seconds === null ? null : tenths(seconds / 60),
    gpus: Math.max(...group.map(({ gpus }) => gpus)),
    why: group.length === 1 ? (group[0]?.why ?? '') : group.map(({ stage, why }) => `${stage}: ${why}`).join('\n'),
  };
}

/** One digit behind the point, rounded up: nobody plans by seconds, and nothing takes no time. */
export function tenths(minutes: number): number {
  return Math.ceil(Math.max(0, minutes * 10 - 1e-9)) / 10;
}

const mostLabels = 20;

/** They go to the forge as they are: printable, and of a length that a label has. */
function checkLabels({ stage, labels }: Work): void {
  const wrong = labels.find((label) => !/^[^\p{C}]{1,256}$/u.test(label));
  if (wrong === undefined && labels.length <= mostLabels) return;
  throw new PlumbError('CONFIG_INVALID', {
    what:
      wrong === undefined
        ? `stage "${stage}" has ${labels.length} runner labels, at most ${mostLabels} are taken`
        : `stage "${stage}": ${JSON.stringify(wrong.slice(0, 100))} is no label of a runner`,
    where: { file: files.pipeline },
    mend: 'write the labels that the runner has, such as [self-hosted, gpu]',
  });
}

function gpuWarnings(work: readonly Work[]): string[] {
  return work
    .filter(({ gpus, labels }) => gpus > 0 && labels.length === 0)
    .map(({ stage, gpus }) => `stage "${stage}" wants ${gpus} GPU and names no runner that has one: add resources.labels to ${files.pipeline}`);
}

/** Stages that share a job share its machine. */
function runnerWarning(group: readonly Work[]): string[] {
  const wanted = new Set(group.filter(({ labels }) => labels.length > 0).map(({ labels }) => JSON.stringify(labels.toSorted())));
  if (wanted.size < 2) return [];
  const [first, ...rest] = group.map(({ stage }) => stage);
  return [`stage "${first}" and ${rest.length} behind it run in one job and name different runners: allow more levels, or give them the same labels`];
}
