// Which objects of runs somebody else needs: outputs, run records, and the names that lead from a fingerprint to them.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, type ErrorCode } from '../base/errors.ts';
import { readManifest } from '../datasets/manifest.ts';
import type { Reachable } from '../datasets/reachable.ts';
import type { Store } from '../store/store.ts';
import type { BoundStage } from './graph.ts';
import { planStages, type PlanContext } from './plan.ts';
import { runName, type KeptRecord } from './records.ts';

/** Records of the stages as they stand, as far as they were run; a stage that was not, and those behind it, are left out. */
export async function presentRuns(stages: ReadonlyMap<string, BoundStage>, context: PlanContext): Promise<KeptRecord[]> {
  const plan = await planStages(stages, context, { force: false });
  return [...plan.values()].flatMap((planned) => (planned.state === 'cached' || planned.state === 'frozen' ? [planned.kept] : []));
}

/**
 * What these runs made, in waves: files, then the manifests of folders, then the records that name them all; names last.
 * @throws PlumbError BYTES_MISSING when a folder's manifest is nowhere
 */
export async function collectRuns(runs: readonly KeptRecord[], store: Store): Promise<Reachable> {
  const bytes = new Set<Digest>();
  const folders = new Set<Digest>();
  for (const { record } of runs) {
    for (const output of Object.values(record.outputs)) {
      if (output.kind === 'file') bytes.add(output.digest);
      else folders.add(output.digest);
    }
  }
  for (const folder of folders) for (const part of (await readManifest(store, folder)).parts) bytes.add(part.digest);
  return { waves: [[...bytes], [...folders], runs.map((kept) => kept.digest)], names: runs.map((kept) => runName(kept.record.fingerprint)) };
}

/** The pipeline may be broken, or not there: data can be sent and fetched all the same. */
export function isPipelineTrouble(error: unknown): boolean {
  return isPlumbError(error) && troubles.has(error.code);
}

const troubles: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'YAML_SYNTAX',
  'PIPELINE_CYCLE',
  'PIPELINE_DEP_MISSING',
  'PIPELINE_OUT_TWICE',
  'STEP_UNKNOWN',
  'PARAM_MISSING',
  'RUN_MISSING',
  'DATASET_MODIFIED',
  'PATH_OUTSIDE',
  'FILE_MISSING',
]);
