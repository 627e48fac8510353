// A comment on a pull request: reads what it asks for, decides (src/ci/command.ts), and carries out.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import * as core from '@actions/core';
import { PlumbError, isPlumbError } from '../../src/base/errors.ts';
import { budgetOf, limitCommand, type Budget } from '../../src/ci/budget.ts';
import { decideCommand, parseCommand, type Decision } from '../../src/ci/command.ts';
import { readCiContext } from '../../src/ci/context.ts';
import { headOfReport, reportMarker } from '../../src/ci/report-comment.ts';
import type { Forge, PullRequest, ReadComment } from '../../src/forge/index.ts';
import { openJobForge } from '../job-forge.ts';
import { explain } from './explain.ts';

interface Inputs {
  readonly folder: string;
  /** null: the only one of pipeline.yaml */
  readonly model: string | null;
  readonly explain: string;
  /** null: that of the forge's own token for jobs */
  readonly author: string | null;
  readonly token: string;
}

async function main(): Promise<void> {
  const inputs = readInputs();
  const event: unknown = JSON.parse(readFileSync(process.env['GITHUB_EVENT_PATH'] ?? '', 'utf8'));
  const context = readCiContext(process.env, event, ['issue_comment']);
  const id = (event as { comment?: { id?: unknown } }).comment?.id;
  if (context?.event !== 'issue_comment' || typeof id !== 'number')
    throw new PlumbError('ACTION_EVENT', { what: 'this workflow was not started by a comment', mend: 'use `on: issue_comment`' });
  const author = inputs.author ?? (context.forge === 'gitea' ? 'gitea-actions' : 'github-actions[bot]');
  const forge = openJobForge({ ...context, kind: context.forge }, inputs.token, author);
  const comment = await forge.readComment(id);
  const outputs = inputs.explain === '' ? await answer(forge, comment, inputs) : await answerCase(forge, comment, inputs);
  for (const name of ['done', 'case', 'head'] as const) core.setOutput(name, outputs[name] ?? '');
}

interface Outputs {
  readonly done: 'dispatched' | 'explain' | 'explained' | 'refused' | 'nothing';
  readonly case?: string;
  readonly head?: string;
}

async function answer(forge: Forge, comment: ReadComment, inputs: Inputs): Promise<Outputs> {
  const parsed = parseCommand(comment.body);
  if (parsed === null) return { done: 'nothing' };
  const permission = await forge.permissionOf(comment.author);
  const pull = await forge.findPullRequest({ number: comment.number });
  if (pull === null) throw new PlumbError('ACTION_EVENT', { what: `${comment.number} is no pull request`, mend: 'ask on a pull request' });
  const { author, createdAt, updatedAt } = comment;
  const asked = { parsed, comment: { author, createdAt, edited: updatedAt > createdAt }, permission, pull };
  const wanted = decideCommand({ ...asked, seen: await seenHead(forge, comment.number, inputs) });
  const decision = await withinBudget(wanted, { forge, comment, pull, folder: inputs.folder });
  core.info(`${comment.author} (${permission}): ${decision.do}`);
  return carryOut(decision, { forge, comment, branch: pull.baseRef });
}

const hourMs = 3_600_000;

/** Whoever gets no answer costs nothing, and nobody can use up the answers of others by writing what is no command of theirs. */
async function withinBudget(
  decision: Decision,
  { forge, comment, pull, folder }: { forge: Forge; comment: ReadComment; pull: PullRequest; folder: string },
): Promise<Decision> {
  if (decision.do === 'refuse' && decision.reply === null) return decision;
  const answered = await forge.answered(comment.number, new Date(comment.createdAt.getTime() - hourMs), comment.id);
  return limitCommand(decision, { answered, most: (await readBudget(forge, pull, folder)).commands });
}

/** Of the base branch. A job that may not read it, or a policy that does not parse, leaves what is usual. */
async function readBudget(forge: Forge, { base }: PullRequest, folder: string): Promise<Budget> {
  try {
    const bytes = await forge.fileAt(base, posix.join(folder, 'policy.yaml'));
    return await budgetOf(bytes === null ? undefined : Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    core.warning(`the budget of policy.yaml is not known, so that the usual one holds: ${error.message}`);
    return budgetOf(undefined);
  }
}

async function carryOut(decision: Decision, { forge, comment, branch }: { forge: Forge; comment: ReadComment; branch: string }): Promise<Outputs> {
  if (decision.do === 'refuse') {
    await forge.react(comment.id, decision.reaction);
    if (decision.reply !== null) await forge.reply(comment, decision.reply);
    return { done: 'refused' };
  }
  // first the eyes: whatever happens next, somebody has read it
  await forge.react(comment.id, 'eyes');
  if (decision.do === 'explain') return { done: 'explain', case: decision.case, head: decision.head };
  const run = await forge.dispatch({ workflow: decision.workflow, ref: branch, inputs: decision.inputs });
  await forge.reply(comment, run === null ? decision.reply : `${decision.reply} [The run](<${run}>)`);
  return { done: 'dispatched' };
}

/** What our report on the pull request says that it is about. */
async function seenHead(forge: Forge, pullRequest: number, { folder, model }: Inputs): Promise<{ head: string; since: Date } | null> {
  const report = await forge.findComment(pullRequest, reportMarker({ place: folder, model, stage: 'production' }));
  const head = report === null ? null : headOfReport(report.body);
  return report === null || head === null ? null : { head, since: report.updatedAt };
}

async function answerCase(forge: Forge, comment: ReadComment, inputs: Inputs): Promise<Outputs> {
  await forge.reply(comment, await explain({ wanted: inputs.explain, model: inputs.model, folder: inputs.folder, env: process.env }));
  return { done: 'explained' };
}

function readInputs(): Inputs {
  const token = core.getInput('token');
  if (token === '')
    throw new PlumbError('ACTION_INPUT', { what: 'the input token is empty', mend: 'leave it out: the token of the job is its default' });
  return {
    folder: placeOf(core.getInput('folder')),
    model: core.getInput('model') || null,
    explain: core.getInput('explain'),
    author: core.getInput('author') || null,
    token,
  };
}

/** As actions/report writes it: '.' or 'teams/a'. */
function placeOf(folder: string): string {
  const place = posix.normalize(folder === '' ? '.' : folder).replace(/\/$/, '');
  if (!place.startsWith('/') && place !== '..' && !place.startsWith('../')) return place;
  throw new PlumbError('ACTION_INPUT', { what: `the input folder is "${folder.slice(0, 100)}"`, mend: 'write a folder of the work space' });
}

await main().catch((error: unknown) =>
  core.setFailed(
    isPlumbError(error) ? `${error.message}\nMend: ${error.mend} [${error.code}]` : error instanceof Error ? error.message : String(error),
  ),
);
