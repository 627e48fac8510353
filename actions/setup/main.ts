// What setup does beside installing: says what kind of machine this is, and where the store's cache of this job is.
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@actions/core';
import { digestOf, hexOf } from '../../src/base/digest.ts';
import { files } from '../../src/project/layout.ts';
import { domainOf, readJobEvent } from '../../src/project/trust-domain.ts';
import { fail, readFolder } from '../job.ts';
import { warnOfLeftovers } from '../runner.ts';
import { cacheKeys, wantsCache } from './store-cache.ts';

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  await warnOfLeftovers(env);
  const folder = readFolder(core.getInput('folder'), env['GITHUB_WORKSPACE'] ?? process.cwd());
  core.setOutput('key', '');
  if (!wantsCache(core.getInput('cache'))) return;
  const path = join(env['RUNNER_TEMP'] ?? tmpdir(), 'plumbline-store');
  const { key, restoreKeys } = cacheKeys(
    domainOf(env, () => readJobEvent(env)),
    {
      os: env['RUNNER_OS'] ?? process.platform,
      lock: lockOf(folder),
      runId: env['GITHUB_RUN_ID'] ?? '0',
      attempt: env['GITHUB_RUN_ATTEMPT'] ?? '1',
      name: env['GITHUB_JOB'] ?? '',
    },
  );
  core.exportVariable('PLUMB_CACHE', path);
  core.setOutput('path', path);
  core.setOutput('key', key);
  core.setOutput('restore-keys', restoreKeys.join('\n'));
}

/** Bytes as they are: where the lock is broken, others say so. */
function lockOf(folder: string): string {
  try {
    return hexOf(digestOf(readFileSync(join(folder, files.lock)))).slice(0, 16);
  } catch {
    return 'none';
  }
}

await main(process.env).catch((error: unknown) => fail(error));
