// What is to be said where, from values alone: main.ts carries it out.
import type { CiContext } from '../../src/ci/context.ts';
import { headLine, reportMarker } from '../../src/ci/report-comment.ts';
import type { Annotation, Check, Comment, Status } from '../../src/forge/index.ts';
import { saysBroken } from '../../src/report/data-verdict.ts';
import { headlineOf, mayGoOn } from '../../src/report/headline.ts';
import { renderFailure, renderHtml, renderMarkdown, type Failure } from '../../src/report/index.ts';
import type { Report } from '../../src/report/schema.ts';
import type { Inputs } from './inputs.ts';

/** What `plumb ci report --json` came to. */
export type Answer = { readonly report: Report } | { readonly failure: Failure };

export interface Plan {
  /** Markdown, far under the 1 MiB over which GitHub shows nothing */
  readonly summary: string;
  /** the report as a page; null: there is none */
  readonly html: string | null;
  readonly outputs: { readonly holds: 'true' | 'false'; readonly verdict: string; readonly relevant: 'true' | 'false' };
  readonly comment: (Comment & { /** one is made where there is none; else only an old one is brought up to date */ readonly make: boolean }) | null;
  readonly status: Status | null;
  readonly check: Check | null;
  /** why something is not posted, for the log */
  readonly notice: string | null;
  /** why the step fails when all is said; null: it does not */
  readonly trouble: string | null;
}

/** GitHub takes 65,536 characters in a comment, and 65,535 in a check. */
const commentBytes = 60_000;
/** Of 1 MiB; the report itself is bounded at 160 kB of JSON. */
const summaryBytes = 900_000;

/** Words for `plumb`, after its name. Values go behind `=` or `--`, so that none is taken for an option. @param base that judges; null: as plumb does */
export function reportArguments(inputs: Inputs, { runUrl, runId }: CiContext, base: string | null): string[] {
  return [
    'ci',
    'report',
    '--json',
    `--stage=${inputs.stage}`,
    `--run=${runId}`,
    `--link=${runUrl}`,
    // where GitHub and Gitea list what a run uploaded
    `--page=${runUrl}#artifacts`,
    ...(inputs.against === null ? [] : [`--against=${inputs.against}`]),
    ...(base === null ? [] : [`--base=${base}`]),
    ...(inputs.model === null ? [] : ['--', inputs.model]),
  ];
}

/** @param annotations on lines of the branch's files, the most important first */
export function planReport(
  answer: Answer,
  { inputs, context, annotations }: { inputs: Inputs; context: CiContext; annotations: readonly Annotation[] },
): Plan {
  // the token of a fork's pull request may only read; a workflow that a maintainer started for its commit has one that may write
  const readOnly = context.event === 'pull_request' && context.pullRequest?.fork === true;
  const relevant = !('report' in answer) || answer.report.change?.relevant !== false;
  const posts = inputs.comment || inputs.status || inputs.check;
  return {
    summary: markdownOf(answer, summaryBytes, context),
    html: 'report' in answer ? renderHtml(answer.report) : null,
    outputs: outputsOf(answer, relevant),
    comment: inputs.comment && !readOnly ? commentOf(answer, { inputs, context, relevant }) : null,
    status: inputs.status && !readOnly ? statusOf(answer, inputs, context) : null,
    check: inputs.check && !readOnly ? checkOf(answer, { inputs, context, annotations }) : null,
    notice:
      readOnly && posts
        ? 'The pull request comes from a fork, whose token may only read: no comment, no status and no check. The report is in the summary of this run.'
        : null,
    trouble: troubleOf(answer),
  };
}

function outputsOf(answer: Answer, relevant: boolean): Plan['outputs'] {
  const holds = stateOf(answer) === 'success' ? 'true' : 'false';
  return { holds, verdict: 'report' in answer ? answer.report.verdict : 'none', relevant: relevant ? 'true' : 'false' };
}

/** The marker, and the commit that it is about: commands in comments are bound to it. */
function commentOf(answer: Answer, { inputs, context, relevant }: { inputs: Inputs; context: CiContext; relevant: boolean }): Plan['comment'] {
  return { marker: reportMarker(inputs), body: `${headLine(context.commit)}\n${markdownOf(answer, commentBytes, context)}`, make: relevant };
}

/** error: there is no answer, whose fault that may be. failure: the answer is no. */
function stateOf(answer: Answer): 'success' | 'failure' | 'error' {
  if ('failure' in answer) return 'error';
  const { report } = answer;
  if (mayGoOn(report)) return 'success';
  return report.problem === undefined || saysBroken(report.problem.code) ? 'failure' : 'error';
}

function statusOf(answer: Answer, inputs: Inputs, context: CiContext): Status {
  return { context: nameOf('plumb/gate', inputs, context), link: context.runUrl, state: stateOf(answer), description: titleOf(answer) };
}

function titleOf(answer: Answer): string {
  if ('failure' in answer) return `No report: ${answer.failure.what}`;
  const { gate, verdict, why } = headlineOf(answer.report);
  return `${gate}: ${verdict === '' ? why : verdict}`;
}

function checkOf(
  answer: Answer,
  { inputs, context, annotations }: { inputs: Inputs; context: CiContext; annotations: readonly Annotation[] },
): Check {
  const title = titleOf(answer);
  return {
    name: nameOf('plumbline', inputs, context),
    conclusion: stateOf(answer) === 'success' ? 'success' : 'failure',
    title: title.length <= 200 ? title : `${title.slice(0, 199).toWellFormed()}…`,
    summary: markdownOf(answer, commentBytes, context),
    text: null,
    annotations,
    link: context.runUrl,
  };
}

function markdownOf(answer: Answer, limitBytes: number, { runUrl }: CiContext): string {
  return 'report' in answer ? renderMarkdown(answer.report, { limitBytes }) : renderFailure(answer.failure, runUrl);
}

function troubleOf(answer: Answer): string | null {
  const trouble = 'failure' in answer ? answer.failure : answer.report.problem;
  if (trouble === undefined) return null;
  const said = 'report' in answer && answer.report.model === null ? headlineOf(answer.report).gate.toLowerCase() : 'there is no model to judge';
  return `${said}: ${trouble.what} [${trouble.code}]`;
}

/**
 * Several reports on one pull request (projects, models, stages) have a status and a check each. They stand on the commit, whatever pull requests it is
 * in: what the policy of another branch than the main one says must not count for that.
 */
function nameOf(first: string, inputs: Inputs, { pullRequest, defaultBranch }: CiContext): string {
  const into = pullRequest === null || defaultBranch === null || pullRequest.baseRef === defaultBranch ? null : `into ${pullRequest.baseRef}`;
  const rest = [inputs.place === '.' ? null : inputs.place, inputs.model, inputs.stage === 'production' ? null : inputs.stage, into];
  return [first, ...rest.filter((part) => part !== null)].join(' ');
}
