// One run of `plumb reconcile` in a job: its token and its key go to it and to nothing else, for no stage and no other process is started beside git.
import * as core from '@actions/core';
import { reconcileNow } from '../../src/cli/reconcile-run.ts';
import { fail, jobCli, readEvent, requireContext } from '../job.ts';
import { readInputs } from './inputs.ts';
import { describeRun } from './plan.ts';

async function main(): Promise<void> {
  requireContext(process.env, readEvent(process.env));
  const inputs = readInputs((name) => core.getInput(name), process.env['GITHUB_WORKSPACE'] ?? process.cwd());
  for (const secret of Object.values(inputs.env)) core.setSecret(secret);
  const cli = jobCli(inputs.folder, { ...process.env, ...inputs.env });
  const { done, troubles } = await reconcileNow(inputs.options, cli);
  const { outputs, summary, trouble, notice } = describeRun(done);
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
  if (process.env['GITHUB_STEP_SUMMARY'] !== undefined) await core.summary.addRaw(summary, true).write();
  if (notice !== null) core.notice(notice);
  for (const one of troubles) fail(one);
  if (trouble !== null) core.setFailed(trouble);
}

await main().catch((error: unknown) => fail(error));
