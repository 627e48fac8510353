// The plan of a commit as matrices of jobs. What the branch holds is read as data: no process of it is started, and plumb need not be installed.
import * as core from '@actions/core';
import { isPlumbError, PlumbError } from '../../src/base/errors.ts';
import { baseOfCheckout } from '../../src/ci/base-of-checkout.ts';
import { changesSince } from '../../src/ci/changes.ts';
import type { CiContext } from '../../src/ci/context.ts';
import { findMergedPulls } from '../../src/ci/merged-pulls.ts';
import { planProject, type JobPlan } from '../../src/cli/ci-plan.ts';
import type { Forge } from '../../src/forge/index.ts';
import { openProject, type Project } from '../../src/project/open.ts';
import { at } from '../../src/project/trust-domain.ts';
import { openJobForge } from '../job-forge.ts';
import { fail, jobCli, readEvent, requireContext, say } from '../job.ts';
import { readInputs, type Inputs } from './inputs.ts';
import { describeFork, describePlan, nothingPlanned, type Outcome } from './plan.ts';

async function main(): Promise<void> {
  const event = readEvent(process.env);
  const context = requireContext(process.env, event);
  setOutputs(nothingPlanned(context));
  const inputs = readInputs((name) => core.getInput(name), process.env['GITHUB_WORKSPACE'] ?? process.cwd());
  if (context.event === 'pull_request' && context.pullRequest?.fork === true) return tell(describeFork(context));
  const cli = jobCli(inputs.folder, process.env);
  const project = await openProject(cli);
  try {
    const forge = openJobForge({ ...context, kind: context.forge }, inputs.token);
    await checkStarted(forge, context);
    const merged = await findMergedPulls(forge, context, event).catch(toldOf(mergesUnknown, ''));
    const basis = await findBasis(project, { context, inputs, event, forge });
    const wish = { levels: inputs.levels, runner: inputs.runner, force: inputs.force, ...basis };
    const env = { ...process.env, PLUMB_MERGED_PULLS: merged || process.env['PLUMB_MERGED_PULLS'] };
    const plan = await planProject(project, wish, { ...cli, env });
    log(plan);
    await tell(describePlan(plan, context, merged));
  } catch (error) {
    fail(error, project.prefix);
  }
}

/**
 * Whoever may start a workflow by hand writes into its inputs what he likes; what the jobs make would be signed for that pull request.
 * @throws PlumbError ACTION_EVENT for another commit, branch or kind of pull request than the forge knows
 */
async function checkStarted(forge: Forge, { event, pullRequest: said }: CiContext): Promise<void> {
  if (event !== 'workflow_dispatch' || said === null) return;
  const pull = await forge.findPullRequest({ number: said.number });
  if (pull?.state === 'open' && pull.head === said.head && pull.baseRef === said.baseRef && pull.fork === said.fork) return;
  const kind = said.fork ? 'one from a fork' : 'one of this repository';
  throw new PlumbError('ACTION_EVENT', {
    what: `pull request ${said.number} is not, or is no more, ${kind} that is open, goes into ${said.baseRef.slice(0, 80)} and ends with ${said.head}`,
    mend: 'comment /plumb run or /plumb approve <commit> on the pull request as it is now',
  });
}

const mergesUnknown = 'which pull requests were merged is not known, so that what they ran counts for nothing';

interface Basis {
  readonly base: string | null;
  readonly changed: readonly string[] | null;
}

interface Around {
  readonly context: CiContext;
  readonly inputs: Inputs;
  readonly event: unknown;
  readonly forge: Forge;
}

/**
 * What the change is compared with: of a pull request what it would be merged into. A push to a branch is compared with nothing, for all of it has to
 * be there; what was there before says why something is not.
 */
async function findBasis(project: Project, { context, inputs, event, forge }: Around): Promise<Basis> {
  const { pullRequest } = context;
  const wanted = inputs.base ?? (await baseOfCheckout(project.git, context));
  const base = wanted === null ? null : await project.git.resolve(wanted);
  if (base !== null) {
    const { from, paths } = await changesSince(project, base);
    return { base: from, changed: paths };
  }
  if (inputs.base !== null) core.warning(`this clone does not have the base ${inputs.base}: all counts as changed`);
  if (pullRequest === null) return { base: await commitBefore(project, event), changed: null };
  core.info(
    'This clone does not have the base of the pull request: the forge is asked what changed. With `fetch-depth: 0` the plan says why a stage runs.',
  );
  const files = await forge.changedFiles(pullRequest.number).catch(toldOf('what changed is not known, so that all counts as changed', null));
  return { base: null, changed: files?.flatMap(({ path, previousPath }) => (previousPath === null ? [path] : [path, previousPath])) ?? null };
}

/** Where the branch of a push was before it. */
async function commitBefore({ git }: Project, event: unknown): Promise<string | null> {
  const before = at(event, 'before');
  return typeof before === 'string' && /^[0-9a-f]{40,64}$/.test(before) ? git.resolve(before) : null;
}

/** A forge that does not answer costs machine time, never a wrong plan. */
function toldOf<T>(consequence: string, otherwise: T): (error: unknown) => T {
  return (error) => {
    if (!isPlumbError(error)) throw error;
    core.warning(`${consequence}: ${error.message}`);
    return otherwise;
  };
}

function log(plan: JobPlan): void {
  for (const why of plan.why) say(why);
  for (const [level, jobs] of plan.levels.entries()) for (const job of jobs) say(`level ${level + 1}: ${job.stages.join(', ')}: ${job.why}`);
  for (const { stage } of plan.cached) say(`from the cache: ${stage}`);
  for (const warning of plan.warnings) core.warning(warning);
}

function setOutputs(outputs: Outcome['outputs']): void {
  for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
}

async function tell({ outputs, summary, notice }: Outcome): Promise<void> {
  setOutputs(outputs);
  if (notice !== null) core.notice(notice);
  if (process.env['GITHUB_STEP_SUMMARY'] !== undefined) await core.summary.addRaw(summary, true).write();
}

await main().catch((error: unknown) => fail(error));
