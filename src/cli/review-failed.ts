// Rows that wait because a check does not hold. Such a check leaves no run, and just its rows are those that somebody has to look at: it is run again for
// them, which costs what it remembers not (quality/memory.ts), and what it flagged is kept under the fingerprint of what it read.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { hexOf } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { planStages, type ReadyStage } from '../pipeline/plan.ts';
import { tryStep, type StageWorld } from '../pipeline/stage-run.ts';
import type { RunInput } from '../pipeline/run-record.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { Cli } from './command.ts';
import type { OpenPipeline } from './open-pipeline.ts';

/** What a stage flagged that has no run for what is there now: a file of this machine, flagged/1. */
export interface FailedCheck {
  readonly stage: string;
  readonly path: string;
}

/**
 * Checks that `plumb run` began here and that did not hold.
 * @returns none where nothing was run here, and where the pipeline does not hold together: `plumb run` says why
 */
export async function failedChecks(project: Project, data: string, cli: Cli): Promise<FailedCheck[]> {
  const begun = new Set((await readdir(join(project.localDir, 'logs')).catch(() => [])).map((name) => name.replace(/\.log$/, '')));
  if (begun.size === 0 || (await project.readText(files.pipeline)) === undefined) return [];
  const { withPipeline } = await import('./open-pipeline.ts');
  try {
    return await withPipeline(project, cli, (open) => flaggedAgain(open, { data, begun }));
  } catch (error) {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    cli.note(`what checks flagged that do not hold is not known: ${error.message}`);
    return [];
  }
}

async function flaggedAgain(open: OpenPipeline, { data, begun }: { data: string; begun: ReadonlySet<string> }): Promise<FailedCheck[]> {
  const { pipeline, context, world, project } = open;
  const planned = await planStages(pipeline.stages, context, { force: false });
  const folder = join(project.localDir, 'flagged');
  const failed: FailedCheck[] = [];
  const current = new Set<string>();
  for (const [stage, plan] of planned) {
    if (plan.state !== 'runs' || !begun.has(stage)) continue;
    const path = join(folder, `${hexOf(plan.ready.fingerprint)}.jsonl`);
    current.add(path);
    if (!isCheckOf(plan.ready, data)) continue;
    const isThere = existsSync(path) || (await writeFlagged(path, plan.ready, world));
    if (isThere) failed.push({ stage, path });
  }
  await sweep(folder, current);
  return failed;
}

function isCheckOf({ stage, inputs }: ReadyStage, data: string): boolean {
  return stage.step !== null && !stage.spec.always && stage.outputs['flagged'] !== undefined && mayFlag(inputs, data);
}

/** Of a check of leaks the evaluation rows are flagged, of others the data. Rows of an output may be rows of any data set: their digests tell. */
export function mayFlag(inputs: Readonly<Record<string, RunInput>>, data: string): boolean {
  const flagged = inputs['eval'] ?? inputs['data'];
  return flagged === undefined || flagged.kind !== 'data' || flagged.ref === data;
}

/** @returns false: the step did not come as far as to write it */
async function writeFlagged(path: string, ready: ReadyStage, world: StageWorld): Promise<boolean> {
  const { texts } = await tryStep(ready, { ...world, onLine: () => undefined }, ['flagged']);
  const text = texts.flagged;
  if (text === null) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, text);
  return true;
}

/** Of what was read before, nothing is asked any more. */
async function sweep(folder: string, current: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (!current.has(path)) await rm(path, { force: true });
  }
}
