// Which objects of runs somebody else needs: outputs, run records, and the names that lead from a fingerprint to them.
import { canonicalJson } from '../base/canonical.ts';
import { isPlumbError, type ErrorCode } from '../base/errors.ts';
import { objectsOf } from '../datasets/manifest.ts';
import type { Reachable } from '../datasets/reachable.ts';
import type { PushRoot, Store } from '../store/store.ts';
import type { BoundStage } from './graph.ts';
import { planStages, type PlanContext } from './plan.ts';
import type { KeptRecord } from './records.ts';
import type { RunNames } from './run-names.ts';

/** Records of the stages as they stand, as far as they were run; a stage that was not, and those behind it, are left out. */
export async function presentRuns(stages: ReadonlyMap<string, BoundStage>, context: PlanContext): Promise<KeptRecord[]> {
  const plan = await planStages(stages, context, { force: false });
  return [...plan.values()].flatMap((planned) => (planned.state === 'cached' || planned.state === 'frozen' ? [planned.kept] : []));
}

/** What these runs made: of each run its record, with all files that it wrote, and the name that leads to it. */
export function collectRuns(runs: readonly KeptRecord[], store: Store, nameOf: RunNames['nameOf']): Reachable {
  return { roots: runs.map((kept) => runRoot(kept, store)), names: runs.map((kept) => nameOf(kept.record.fingerprint)) };
}

/** A run is found by its record, and its outputs by the record: they have no receipt of their own. */
export function runRoot({ digest, record }: KeptRecord, store: Store): PushRoot {
  return {
    digest,
    bases: async () => [],
    async *objects() {
      yield { digest, bytes: Buffer.byteLength(canonicalJson(record)), role: 'meta' };
      for (const output of Object.values(record.outputs)) {
        if (output.kind === 'folder') yield* objectsOf(store, output.digest);
        else yield { digest: output.digest, bytes: output.bytes, role: 'data' };
      }
    },
  };
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
