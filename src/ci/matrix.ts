// A level of a plan as the text that a workflow makes its matrix of.
import { PlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { Job } from './levels.ts';

/** GitHub: "A matrix will generate a maximum of 256 jobs per workflow run"; Gitea has no such number and is not asked for more. */
const mostJobs = 256;

/**
 * Refuses a plan that no forge would start, or that would take every machine of one.
 * @throws PlumbError CI_MATRIX_LIMIT
 */
export function checkMatrix(levels: readonly (readonly Job[])[]): void {
  const wide = levels.findIndex((jobs) => jobs.length > mostJobs);
  if (wide === -1) return;
  throw new PlumbError('CI_MATRIX_LIMIT', {
    what: `${levels[wide]?.length} stages have to run side by side, more than the ${mostJobs} jobs that a matrix has`,
    where: { file: files.pipeline },
    mend: 'take values out of foreach or matrix, or let one stage do the work of several',
  });
}

/** JSON for `strategy.matrix`; '[]' for a level without a job, which a workflow's `if:` compares with. */
export function matrixText(jobs: readonly Job[]): string {
  return jobs.length === 0 ? '[]' : JSON.stringify({ include: jobs });
}
