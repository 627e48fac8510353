// What the jobs of a matrix are called. A stage may have a name in any script; a job's name goes into statuses, logs and file names of others.
import { createHash } from 'node:crypto';

const longest = 60;

/**
 * Names for jobs, each by the stages that it runs: letters and digits of ASCII, '_', '-', '.', '@', at most 80 characters, no two alike (not even
 * where upper and lower case are one), the same for the same stages whatever the order of the jobs.
 * @param jobs the stages of each job, at least one
 */
export function jobNames(jobs: readonly (readonly string[])[]): string[] {
  const plain = jobs.map(plainName);
  const counts = new Map<string, number>();
  for (const { name } of plain) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1);
  return plain.map(({ name, isExact }, at) => {
    if (isExact && counts.get(name.toLowerCase()) === 1) return name;
    const digest = createHash('sha256').update(JSON.stringify(jobs[at])).digest('hex');
    // '+' is in no name of a stage: what was made unlike its stage is like no other stage
    return `${name}+${digest.slice(0, 12)}`;
  });
}

function plainName(stages: readonly string[]): { readonly name: string; readonly isExact: boolean } {
  const [first = ''] = stages;
  const ascii = first.replaceAll(/[^A-Za-z0-9_.@-]/g, '_');
  const name = ascii.slice(0, longest);
  return { name: stages.length === 1 ? name : `${name}+${stages.length - 1}`, isExact: name === first };
}
