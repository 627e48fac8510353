// The report of a pull request: reads, asks plumb, and carries out what plan.ts decides.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as core from '@actions/core';
import { context } from '@actions/github';
import { defaults } from '@actions/github/lib/utils';
import { isPlumbError } from '../../src/base/errors.ts';
import { openGitHub, type Forge } from '../../src/forge/index.ts';
import { readInputs, readRun, type Inputs, type Run } from './inputs.ts';
import { planReport, reportArguments, type Answer, type Plan } from './plan.ts';
import { askPlumb, findPlumb } from './plumb.ts';

async function main(): Promise<void> {
  const workspace = process.env['GITHUB_WORKSPACE'] ?? process.cwd();
  const inputs = readInputs((name) => core.getInput(name), workspace);
  const run = readRun(context);
  const answer = await ask(inputs, run, workspace);
  const plan = planReport(answer, inputs, run);
  await tell(plan, answer);
  const troubles = await post(plan, run, { forge: openForge(inputs), author: inputs.author });
  for (const trouble of troubles) core.error(describe(trouble));
  if ('failure' in answer) throw new Error(`there is no report: ${answer.failure.what} [${answer.failure.code}]`);
  if (troubles.length > 0) throw new Error('the report is in the summary of this run, but not all of it could be posted');
}

async function ask(inputs: Inputs, run: Run, workspace: string): Promise<Answer> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const script = findPlumb(inputs.folder, workspace, process.env);
  const order = { script, words: reportArguments(inputs, run), folder: inputs.folder, env: process.env, signal: stop.signal };
  return askPlumb(order, (text) => void process.stdout.write(`${text}\n`));
}

/** What needs no network comes first: whatever GitHub answers, the run shows its report. */
async function tell(plan: Plan, answer: Answer): Promise<void> {
  core.setOutput('holds', plan.outputs.holds);
  core.setOutput('verdict', plan.outputs.verdict);
  core.setOutput('report', 'report' in answer ? keep(JSON.stringify(answer.report)) : '');
  if (plan.notice !== null) core.notice(plan.notice);
  if (process.env['GITHUB_STEP_SUMMARY'] === undefined) core.notice('This runner shows no summaries.');
  else await core.summary.addRaw(plan.summary, true).write();
}

function keep(report: string): string {
  const name = createHash('sha256').update(report).digest('hex').slice(0, 16);
  const path = join(process.env['RUNNER_TEMP'] ?? tmpdir(), `plumbline-report-${name}.json`);
  writeFileSync(path, report);
  return path;
}

function openForge(inputs: Inputs): Forge {
  return openGitHub({
    apiUrl: context.apiUrl,
    ...context.repo,
    token: inputs.token,
    author: inputs.author,
    // goes through the proxy of the runner where there is one
    fetch: defaults.request?.fetch ?? globalThis.fetch,
    pause: (ms) => pause(ms),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  });
}

interface Poster {
  readonly forge: Forge;
  /** who its comments should be by */
  readonly author: string;
}

/** @returns what failed; the one does not keep the other from being posted */
async function post(plan: Plan, run: Run, { forge, author }: Poster): Promise<unknown[]> {
  const { status, comment } = plan;
  const work = [
    ...(status === null ? [] : [() => forge.setStatus(run.commit, status)]),
    ...(comment === null ? [] : [() => postComment(comment, run, { forge, author })]),
  ];
  const troubles: unknown[] = [];
  for (const step of work) await step().catch((error: unknown) => troubles.push(error));
  return troubles;
}

async function postComment(comment: NonNullable<Plan['comment']>, run: Run, { forge, author }: Poster): Promise<void> {
  const pull = await forge.findPullRequest(run.pullRequest === null ? { commit: run.commit } : { number: run.pullRequest.number });
  if (pull === null) return core.info('No open pull request ends with this commit: no comment.');
  // a run that was slow, or started again, shall not write over the report of a later push
  if (pull.head !== run.commit) return core.notice(`Pull request ${pull.number} has a later commit: its comment stays as it is.`);
  const posted = await forge.upsertComment(pull.number, comment);
  core.info(`Comment ${posted.state}: ${posted.url}`);
  if (posted.author !== author) core.warning(`The comment is by ${posted.author}: write "author: ${posted.author}", so that the next run finds it.`);
}

function describe(error: unknown): string {
  if (isPlumbError(error)) return `${error.message}\nMend: ${error.mend} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}

await main().catch((error: unknown) => core.setFailed(describe(error)));
