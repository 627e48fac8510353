// The static checks of a commit: what its files say is read as data, by code that the branch cannot change.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import * as core from '@actions/core';
import { baseOfCheckout } from '../../src/ci/base-of-checkout.ts';
import type { CiContext } from '../../src/ci/context.ts';
import type { StaticChecks } from '../../src/ci/static-checks.ts';
import { checkPlace, openPlace, type CheckedPlace } from '../../src/cli/ci-validate.ts';
import { fail, jobCli, readEvent, requireContext } from '../job.ts';
import { readInputs, type Inputs } from './inputs.ts';
import { describeChecks } from './plan.ts';

async function main(): Promise<void> {
  const context = requireContext(process.env, readEvent(process.env));
  const inputs = readInputs((name) => core.getInput(name), process.env['GITHUB_WORKSPACE'] ?? process.cwd());
  const cli = jobCli(inputs.folder, process.env);
  const place = await openPlace(cli);
  const base = await findBase(place, context, inputs);
  const checks = await checkPlace(place, { base, fork: context.pullRequest?.fork === true }, cli);
  await tell(checks, prefixOf(place));
}

/** null: all data sets are looked at. */
async function findBase({ git }: CheckedPlace, context: CiContext, inputs: Inputs): Promise<string | null> {
  const wanted = inputs.base ?? (await baseOfCheckout(git, context));
  const base = wanted === null ? null : await git.resolve(wanted);
  if (wanted !== null && base === null)
    core.warning(
      `This clone does not have the base ${wanted}: all data sets are looked at. With \`fetch-depth: 0\` of actions/checkout only those that changed are.`,
    );
  return base;
}

function prefixOf({ root, git }: CheckedPlace): string {
  const path = relative(git.workTree ?? root, root)
    .split(sep)
    .join('/');
  return path === '' ? '' : `${path}/`;
}

async function tell(checks: StaticChecks, prefix: string): Promise<void> {
  const { outputs, annotations, summary } = describeChecks(checks, prefix);
  const path = join(process.env['RUNNER_TEMP'] ?? tmpdir(), 'plumbline-findings.json');
  writeFileSync(path, JSON.stringify(checks));
  for (const [name, value] of Object.entries({ ...outputs, findings: path })) core.setOutput(name, value);
  for (const line of annotations) process.stdout.write(`${line}\n`);
  if (process.env['GITHUB_STEP_SUMMARY'] !== undefined) await core.summary.addRaw(summary, true).write();
  if (checks.holds) core.info(`Configuration, lock and rows are in order; data sets looked at: ${checks.datasets.looked.length}`);
  else process.exitCode = 1;
}

await main().catch((error: unknown) => fail(error));
