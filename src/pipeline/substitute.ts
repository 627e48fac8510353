// The same evaluation for another model: what is in production must answer the very cases that the candidate answered.
import type { Digest } from '../base/digest.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { BoundStage } from './graph.ts';
import { digestsOf, findUsable } from './plan.ts';
import type { KeptRecord } from './records.ts';
import { executeStage, type StageWorld } from './stage-run.ts';

/**
 * Runs an evaluation stage again, from the cache where it can, with one artifact in the place of another.
 * @param stage a built-in step; a command cannot be given another model
 * @param evaluated the run whose other inputs are kept
 * @returns null where the stage is a command, or never read the first artifact
 */
export async function evaluateInstead(
  stage: BoundStage,
  evaluated: KeptRecord,
  swap: { readonly from: Digest; readonly to: Digest; readonly run: Digest },
  world: StageWorld,
): Promise<KeptRecord | null> {
  const { record } = evaluated;
  const place = Object.entries(record.inputs).find(([, input]) => input.digest === swap.from);
  if (stage.step === null || place === undefined) return null;
  const [name, input] = place;
  const inputs = { ...record.inputs, [name]: { ...input, digest: swap.to, run: swap.run } };
  // the training that had to end before is that of the other model
  const after = Object.fromEntries(Object.entries(record.after).map(([before, run]) => [before, run === input.run ? swap.run : run]));
  const environment = record.environment.fingerprinted;
  const ready = {
    stage,
    inputs,
    environment,
    after,
    fingerprint: fingerprintOf({ stage, inputs: digestsOf(inputs), environment }),
  };
  const kept = await findUsable(ready, world);
  if (kept !== undefined) return kept;
  return (await executeStage(ready, ['the same cases for another model'], world, { restore: false, forced: false })).kept;
}
