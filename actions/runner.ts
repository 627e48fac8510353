// What kind of machine a job is on. One that is used again keeps what earlier jobs left: caches, files of other pull requests, processes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as core from '@actions/core';
import { jobMark, type Environment } from './plumb-process.ts';

/** Outside of what the runner empties for each job: beside its temporary folder. */
const markerName = '.plumbline-job';

/** Says once a job that another was on this machine before. A machine of the forge's own is always new. */
export async function warnOfLeftovers(env: Environment): Promise<void> {
  const temporary = env['RUNNER_TEMP'];
  if (env['RUNNER_ENVIRONMENT'] !== 'self-hosted' || temporary === undefined || temporary === '') return;
  const file = join(dirname(temporary), markerName);
  const before = readMarker(file);
  const { value } = jobMark(env);
  if (before === value) return;
  if (before !== null) {
    core.warning(
      'This runner has run other jobs before this one, and what they left is still there: a pull request may have left a file, a process or a cache that this job uses. Register runners with --ephemeral.',
      { title: 'The runner is used again' },
    );
  }
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, value);
  } catch {
    // a machine where nothing can be written keeps nothing
  }
}

function readMarker(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
