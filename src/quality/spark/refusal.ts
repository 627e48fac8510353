// What Spark cannot answer as our other engines do is refused by name, before anything runs: a verdict that is nearly the same is another verdict.
import { PlumbError } from '../../base/errors.ts';

/** Thrown inside the compiler. */
export class NotOnSpark extends Error {}

export function refuseOnSpark(reason: string): never {
  throw new NotOnSpark(reason);
}

export interface SparkRefusal {
  /** number of the rule */
  readonly rule: number | null;
  readonly check: string;
  readonly reason: string;
}

/** CONFIG_INVALID that names each check that is nothing for Spark. @param file rules file */
export function refusedRules(refusals: readonly SparkRefusal[], file: string): PlumbError {
  const texts = refusals.map(({ rule, check, reason }) => `${rule === null ? '' : `rule ${rule}, `}${check}: ${reason}`);
  const [first] = refusals;
  return new PlumbError('CONFIG_INVALID', {
    what: `not on Spark with the same verdict: ${texts.slice(0, 3).join('; ')}${texts.length > 3 ? `; and ${texts.length - 3} more` : ''}`,
    where: { file, ...(first === undefined || first.rule === null ? {} : { path: `rules.${first.rule - 1}` }) },
    mend: 'take these rules into a file of their own, for the engine of this machine (leave out --engine spark)',
    details: { refused: refusals.map((refusal) => ({ ...refusal })) },
  });
}
