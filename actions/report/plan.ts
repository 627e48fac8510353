// What is to be said where, from values alone: main.ts carries it out.
import { createHash } from 'node:crypto';
import { code, prose } from '../../src/report/markdown-text.ts';
import { headlineOf } from '../../src/report/headline.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import type { Report } from '../../src/report/schema.ts';
import type { Comment, Status } from '../../src/forge/index.ts';
import type { Inputs, Run } from './inputs.ts';

/** What `plumb report --json` came to. */
export type Answer = { readonly report: Report } | { readonly failure: { readonly code: string; readonly what: string; readonly mend: string } };

export interface Plan {
  /** Markdown, far under the 1 MiB over which GitHub shows nothing */
  readonly summary: string;
  readonly outputs: { readonly holds: 'true' | 'false'; readonly verdict: string };
  readonly comment: Comment | null;
  readonly status: Status | null;
  /** why something is not posted, for the log */
  readonly notice: string | null;
}

/** GitHub takes 65,536 characters in a comment. */
const commentBytes = 60_000;
/** Of 1 MiB; the report itself is bounded at 160 kB of JSON. */
const summaryBytes = 900_000;

/** Words for `plumb`, after its name. Values go behind `=` or `--`, so that none is taken for an option. */
export function reportArguments(inputs: Inputs, run: Run): string[] {
  // the base branch judges: not the branch that plumbline.yaml of the pull request calls the main one
  const base = inputs.base ?? run.pullRequest?.base ?? null;
  return [
    'report',
    '--json',
    `--stage=${inputs.stage}`,
    ...(inputs.against === null ? [] : [`--against=${inputs.against}`]),
    ...(base === null ? [] : [`--base=${base}`]),
    ...(inputs.model === null ? [] : ['--', inputs.model]),
  ];
}

export function planReport(answer: Answer, inputs: Inputs, run: Run): Plan {
  const fork = run.pullRequest?.fork === true;
  return {
    summary: markdownOf(answer, summaryBytes, null),
    outputs: outputsOf(answer),
    comment: inputs.comment && !fork ? { marker: markerOf(inputs), body: markdownOf(answer, commentBytes, run.url) } : null,
    status: inputs.status && !fork ? statusOf(answer, inputs, run) : null,
    notice:
      fork && (inputs.comment || inputs.status)
        ? 'The pull request comes from a fork, whose token may only read: no comment and no status. The report is in the summary of this run.'
        : null,
  };
}

function outputsOf(answer: Answer): Plan['outputs'] {
  if ('failure' in answer) return { holds: 'false', verdict: 'none' };
  return { holds: answer.report.gate?.holds === true ? 'true' : 'false', verdict: answer.report.verdict };
}

function statusOf(answer: Answer, inputs: Inputs, run: Run): Status {
  const common = { context: ['plumb/gate', ...subject(inputs)].join(' '), link: run.url };
  if ('failure' in answer) return { ...common, state: 'error', description: `No report: ${answer.failure.what}` };
  const { gate, verdict } = headlineOf(answer.report);
  return { ...common, state: answer.report.gate?.holds === true ? 'success' : 'failure', description: `${gate}: ${verdict}` };
}

function markdownOf(answer: Answer, limitBytes: number, link: string | null): string {
  if ('report' in answer) return renderMarkdown(answer.report, { limitBytes, ...(link === null ? {} : { link }) });
  const { code: name, what, mend } = answer.failure;
  return `## ⛔ There is no report for this commit\n\n**${prose(what)}**\n\n${prose(mend)} (${code(name)})\n`;
}

/** Several reports on one pull request (projects, models, stages) have a comment and a status each. */
function subject(inputs: Inputs): string[] {
  return [inputs.place === '.' ? null : inputs.place, inputs.model, inputs.stage === 'production' ? null : inputs.stage].filter(
    (part) => part !== null,
  );
}

/** A digest, since a folder may be called `-->`. */
function markerOf(inputs: Inputs): string {
  const digest = createHash('sha256').update(JSON.stringify([inputs.place, inputs.model, inputs.stage]));
  return `<!-- plumbline report ${digest.digest('hex').slice(0, 16)} -->`;
}
