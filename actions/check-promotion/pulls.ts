// Which pull requests an event asks to be checked. The event is data: numbers and commits are looked up anew, and what a pull request's own workflow says of itself
// is never asked.
import { PlumbError } from '../../src/base/errors.ts';
import { at } from '../../src/project/trust-domain.ts';
import { wrongInput } from '../job.ts';

export interface Asked {
  readonly numbers: readonly number[];
  /** heads of open pull requests */
  readonly commits: readonly string[];
  /** all that come from a branch that `plumb` made */
  readonly all: boolean;
}

const nothing: Asked = { numbers: [], commits: [], all: false };

/**
 * @param input the input `pull`, '' when it is not given
 * @throws PlumbError ACTION_EVENT for events whose workflow file is the pull request's own; ACTION_INPUT
 */
export function pullsOf(name: string, event: unknown, input: string): Asked {
  if (input !== '') {
    if (/^[1-9]\d{0,9}$/.test(input)) return { ...nothing, numbers: [Number(input)] };
    throw wrongInput('pull', input, 'the number of a pull request');
  }
  switch (name) {
    case 'pull_request_target':
      return { ...nothing, numbers: [at(event, 'pull_request', 'number')].filter(isNumber) };
    case 'workflow_run':
      return ofRun(event);
    case 'schedule':
    case 'workflow_dispatch':
    case 'push':
      return { ...nothing, all: true };
    default:
      throw new PlumbError('ACTION_EVENT', {
        what: `the workflow was started by ${name.slice(0, 80) || 'nothing that is known'}`,
        mend: "use pull_request_target and workflow_run, which run the main branch's file: on pull_request and pull_request_review the file is the pull request's own, and could say anything",
      });
  }
}

/** Each is a request. Whoever may push can make branches that look like plumb's and have no pull request. */
const mostCommits = 100;

/** Heads whose pull requests are looked for, those of the event first. @returns left: there are more */
export function commitsToAsk(commits: readonly string[], heads: readonly string[]): { readonly some: readonly string[]; readonly left: boolean } {
  const all = [...new Set([...commits, ...heads])];
  return { some: all.slice(0, mostCommits), left: all.length > mostCommits };
}

/** Of review-noticed.yml. GitHub names the pull requests of this repository; those of a fork are found by their head. */
function ofRun(payload: unknown): Asked {
  const run = at(payload, 'workflow_run');
  const event = at(run, 'event');
  // Gitea also says how it was reviewed: pull_request_review_approved
  if (typeof event !== 'string' || !event.startsWith('pull_request_review')) return nothing;
  const pulls = at(run, 'pull_requests');
  const numbers = (Array.isArray(pulls) ? pulls : []).map((pull: unknown) => at(pull, 'number')).filter(isNumber);
  const head = at(run, 'head_sha');
  const commits = typeof head === 'string' && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(head) ? [head] : [];
  return { numbers, commits, all: false };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
