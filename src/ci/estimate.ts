// How long it will take, from how long it took before. What nobody has measured stays unknown: half an estimate is a wrong one.
import type { KeptRecord } from '../pipeline/records.ts';
import { tenths, type Job } from './levels.ts';

/** The middle of what was measured; null: nothing was. @param seconds of runs of one stage, whatever the order */
export function medianSeconds(seconds: readonly number[]): number | null {
  const sorted = seconds.filter((value) => Number.isFinite(value) && value >= 0).toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return null;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Median seconds of each stage that has a record among these; each record once. */
export function secondsByStage(records: Iterable<KeptRecord>): Map<string, number> {
  const measured = new Map<string, Map<string, number>>();
  for (const { digest, record } of records) {
    // not `measured.seconds`: a step may say there what part of it took
    const last = (Date.parse(record.finished) - Date.parse(record.started)) / 1000;
    // what went on from a checkpoint had run before
    const seconds = last + (record.measured['earlierSeconds'] ?? 0);
    const known = measured.get(record.stage) ?? new Map<string, number>();
    measured.set(record.stage, known.set(digest, seconds));
  }
  return new Map(
    [...measured].flatMap(([stage, runs]) => {
      const median = medianSeconds([...runs.values()]);
      return median === null ? [] : [[stage, median] as const];
    }),
  );
}

export interface Minutes {
  /** of all machines together; null as long as one stage is unknown */
  readonly estimate: number | null;
  /** until the last job ends, when no job waits for a machine; null as `estimate` */
  readonly elapsed: number | null;
  /** stages whose time is known */
  readonly known: number;
  /** stages that have a job */
  readonly of: number;
}

/** @param seconds of each stage, where known */
export function estimateMinutes(levels: readonly (readonly Job[])[], seconds: ReadonlyMap<string, number>): Minutes {
  const jobs = levels.flat();
  const stages = jobs.flatMap((job) => job.stages);
  const known = stages.filter((stage) => seconds.has(stage)).length;
  const isWhole = known === stages.length;
  const longest = levels.map((level) => Math.max(0, ...level.map((job) => job.estimate ?? 0)));
  return {
    estimate: isWhole ? tenths(sum(jobs.map((job) => job.estimate ?? 0))) : null,
    elapsed: isWhole ? tenths(sum(longest)) : null,
    known,
    of: stages.length,
  };
}

/** Minutes of one processor times the number of them; 0: no job wants one; null: a job that does has no estimate. */
export function estimateGpuMinutes(jobs: readonly Job[]): number | null {
  const wanting = jobs.filter((job) => job.gpus > 0);
  return wanting.some((job) => job.estimate === null) ? null : tenths(sum(wanting.map((job) => job.gpus * (job.estimate ?? 0))));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
