// Do only rows train that the base's policy lets train? Where it has `data`, every data set that a model was made of went through the checks that it names.
import { shortDigest } from '../base/digest.ts';
import { dataOfChecks, findDataFaults } from './data-checks.ts';
import { BaseInputs, type BaseSide } from './judge-inputs.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { Policy } from './schema.ts';
import { oneLine } from './one-line.ts';

/** null: the policy asks nothing of data */
export async function judgeData(promoted: readonly MovedPointer[], policy: Policy | null, input: BaseSide): Promise<Point | null> {
  const asked = policy?.data;
  if (asked === undefined) return null;
  const base = new BaseInputs(input);
  const faults: Fault[] = [];
  for (const { place, pointer, evidence } of promoted) {
    if (pointer === null || evidence === null) continue;
    const model = { run: pointer.run, evaluation: pointer.evaluation, runs: evidence.runs };
    for (const what of findDataFaults(asked, model)) faults.push({ what: `${nameOf(place)}: ${what}` });
    // whoever promotes cannot bring along what says that the rows were reviewed
    for (const { ref, digest } of dataOfChecks(asked, model))
      if ((await base.hadData(ref, digest)) === null)
        faults.push({
          what: `${nameOf(place)}: a check read the data set "${oneLine(ref, 80)}" at ${shortDigest(digest)}, which the base never had: merge it first`,
        });
  }
  const checks = asked.require.map((one) => (typeof one === 'string' ? one : one.check));
  return pointOf('data', faults, `all that it was trained on went through ${[...new Set(checks)].join(', ')}`);
}
