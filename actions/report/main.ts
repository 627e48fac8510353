// The report of a pull request: reads, asks plumb, and carries out what plan.ts decides.
import { lstatSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as core from '@actions/core';
import { isPlumbError } from '../../src/base/errors.ts';
import { baseOfCheckout } from '../../src/ci/base-of-checkout.ts';
import type { CiContext } from '../../src/ci/context.ts';
import type { Forge } from '../../src/forge/index.ts';
import { openGit } from '../../src/git/open.ts';
import { findPlumb } from '../find-plumb.ts';
import { openJobForge } from '../job-forge.ts';
import { readEvent, requireContext } from '../job.ts';
import { annotationsOf } from './annotations.ts';
import { readInputs, type Inputs } from './inputs.ts';
import { planReport, reportArguments, type Answer, type Plan } from './plan.ts';
import { askPlumb } from './plumb.ts';

async function main(): Promise<void> {
  const workspace = process.env['GITHUB_WORKSPACE'] ?? process.cwd();
  const inputs = readInputs((name) => core.getInput(name), workspace);
  const context = requireContext(process.env, readEvent(process.env));
  const answer = await ask(inputs, context, workspace);
  const annotations = await annotationsOf(answer, inputs.place, (path) => readSmall(join(inputs.folder, path)));
  const plan = planReport(answer, { inputs, context, annotations });
  await tell(plan, answer);
  const author = inputs.author ?? (context.forge === 'gitea' ? 'gitea-actions' : 'github-actions[bot]');
  const troubles = await post(plan, context, { forge: openJobForge({ ...context, kind: context.forge }, inputs.token, author), author });
  for (const trouble of troubles) core.error(describe(trouble));
  if (plan.trouble !== null) throw new Error(plan.trouble);
  if (troubles.length > 0) throw new Error('the report is in the summary of this run, but not all of it could be posted');
}

async function ask(inputs: Inputs, context: CiContext, workspace: string): Promise<Answer> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const script = inputs.plumb ?? findPlumb(workspace, process.env);
  // the base judges: not the branch that plumbline.yaml of the pull request calls the main one
  const base = inputs.base ?? (await baseOfCheckout(await openGit(inputs.folder, process.env), context));
  const order = { script, words: reportArguments(inputs, context, base), folder: inputs.folder, env: process.env, signal: stop.signal };
  return askPlumb(order, (text) => void process.stdout.write(`${text}\n`));
}

/** A file that people write by hand, and nothing that a link or a device would give. */
function readSmall(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= 4_000_000 ? readFileSync(path, 'utf8') : null;
}

/** What needs no network comes first: whatever the forge answers, the run shows its report. */
async function tell(plan: Plan, answer: Answer): Promise<void> {
  const folder = mkdtempSync(join(process.env['RUNNER_TEMP'] ?? tmpdir(), 'plumbline-report-'));
  const keep = (name: string, text: string | null): string => {
    if (text === null) return '';
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const paths = { report: keep('report.json', 'report' in answer ? JSON.stringify(answer.report) : null), html: keep('report.html', plan.html) };
  for (const [name, value] of Object.entries({ ...plan.outputs, ...paths })) core.setOutput(name, value);
  if (plan.notice !== null) core.notice(plan.notice);
  if (process.env['GITHUB_STEP_SUMMARY'] === undefined) core.notice('This runner shows no summaries.');
  else await core.summary.addRaw(plan.summary, true).write();
}

interface Poster {
  readonly forge: Forge;
  /** who its comments should be by */
  readonly author: string;
}

/** @returns what failed; the one does not keep the others from being posted */
async function post({ status, comment, check }: Plan, context: CiContext, poster: Poster): Promise<unknown[]> {
  const { forge } = poster;
  const { checks } = forge;
  const work = [
    ...(status === null ? [] : [() => forge.setStatus(context.commit, status)]),
    ...(check === null || checks === null ? [] : [() => checks.upsert(context.commit, check)]),
    ...(comment === null ? [] : [() => postComment(comment, context, poster)]),
  ];
  const troubles: unknown[] = [];
  for (const step of work) await step().catch((error: unknown) => troubles.push(error));
  return troubles;
}

async function postComment(comment: NonNullable<Plan['comment']>, { pullRequest, commit }: CiContext, { forge, author }: Poster): Promise<void> {
  const pull = await forge.findPullRequest(pullRequest === null ? { commit } : { number: pullRequest.number });
  if (pull === null) return core.info('No open pull request ends with this commit: no comment.');
  // a run that was slow, or started again, shall not write over the report of a later push
  if (pull.head !== commit) return core.notice(`Pull request ${pull.number} has a later commit: its comment stays as it is.`);
  if (!comment.make && (await forge.findComment(pull.number, comment.marker)) === null)
    return core.info('Nothing changed that a model comes out of, or is judged by: no comment.');
  const posted = await forge.upsertComment(pull.number, comment);
  core.info(`Comment ${posted.state}: ${posted.url}`);
  if (posted.author !== author) core.warning(`The comment is by ${posted.author}: write "author: ${posted.author}", so that the next run finds it.`);
}

function describe(error: unknown): string {
  if (isPlumbError(error)) return `${error.message}\nMend: ${error.mend} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}

await main().catch((error: unknown) => core.setFailed(describe(error)));
