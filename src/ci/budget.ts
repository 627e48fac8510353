// What a pull request may cost, by `budget` of the policy that its base has: whoever may push to a branch may write a matrix, and whoever may comment a command.
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import { policySchema, type Policy } from '../registry/schema.ts';
import type { Decision } from './command.ts';
import { tenths, type Job } from './levels.ts';

export type Budget = Policy['budget'];

/** @param text policy.yaml of the base; undefined: it has none, and what is usual holds @throws PlumbError CONFIG_INVALID, YAML_SYNTAX */
export async function budgetOf(text: string | undefined): Promise<Budget> {
  return text === undefined ? policySchema.shape.budget.parse(undefined) : (await parseYaml(text, files.policy, policySchema)).budget;
}

/**
 * What nobody has measured counts as its time limit, which the forge holds it to: a stage that is new is not free.
 * @throws PlumbError CI_BUDGET
 */
export function checkBudget(levels: readonly (readonly Job[])[], { jobs: mostJobs, minutes: mostMinutes }: Budget): void {
  const jobs = levels.flat();
  const minutes = tenths(jobs.reduce((sum, job) => sum + (job.estimate ?? job.minutes), 0));
  const overJobs = jobs.length > mostJobs;
  if (!overJobs && (mostMinutes === undefined || minutes <= mostMinutes)) return;
  const unknown = jobs.filter((job) => job.estimate === null).length;
  const limits = unknown === 0 ? '' : ` (${unknown} of ${jobs.length} jobs were never measured and count with their time limit)`;
  throw new PlumbError('CI_BUDGET', {
    what: overJobs
      ? `this pull request would start ${jobs.length} jobs, and ${files.policy} of its base allows ${mostJobs}`
      : `this pull request would take about ${minutes} minutes of machines${limits}, and ${files.policy} of its base allows ${mostMinutes}`,
    where: { file: files.pipeline },
    mend: `change less at a time, give new stages a time limit (resources: minutes), or have budget of ${files.policy} raised on the base branch`,
    details: { jobs: jobs.length, minutes, budget: { jobs: mostJobs, minutes: mostMinutes ?? null } },
  });
}

/**
 * A command, as long as the hour has answers left. That there are none is said once.
 * @param spent answered: commands on this pull request that we answered within an hour, this one not among them
 */
export function limitCommand(decision: Decision, spent: { readonly answered: number; readonly most: number }): Decision {
  const { answered, most } = spent;
  if (answered < most || (decision.do === 'refuse' && decision.reply === null)) return decision;
  if (answered > most) return { do: 'refuse', reaction: '-1', reply: null };
  const budget = `${most} ${most === 1 ? 'command' : 'commands'} an hour`;
  return {
    do: 'refuse',
    reaction: 'confused',
    reply: `The budget of this pull request, ${budget}, is used up: this and further commands are not carried out until the hour is over.`,
  };
}
