// What GitHub writes into the file of GITHUB_EVENT_PATH: docs.github.com/en/webhooks/webhook-events-and-payloads
import type { Objects } from './objects.ts';
import type { State } from './state.ts';

export interface Events {
  pullRequest(number: number, action?: string): Record<string, unknown>;
  /** @param id of a comment */
  issueComment(id: number, action?: string): Record<string, unknown>;
  push(ref: string, before: string, after: string): Record<string, unknown>;
  /** @param number of a pull request that is in the merge queue */
  mergeGroup(number: number): Record<string, unknown>;
  workflowDispatch(ref: string, inputs: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

export function eventsOf(state: State, objects: Objects): Events {
  const pullOf = (number: number) => {
    const pull = state.pulls.find((one) => one.number === number);
    if (pull === undefined) throw new Error(`there is no pull request ${number}`);
    return pull;
  };
  const from = (login: string) => ({ repository: objects.repository(), sender: objects.user(login) });
  return {
    pullRequest: (number, action = 'opened') => {
      const pull = pullOf(number);
      return { action, number, pull_request: objects.pull(pull), ...from(pull.author ?? 'ann') };
    },
    issueComment: (id, action = 'created') => {
      const comment = state.comments.find((one) => one.id === id);
      if (comment === undefined) throw new Error(`there is no comment ${id}`);
      const { url, html_url: html, title, state: open, user, labels } = objects.pull(pullOf(comment.issue));
      const issue = { number: comment.issue, title, state: open, user, labels, html_url: html, pull_request: { url, html_url: html } };
      return { action, issue, comment: objects.comment(comment), ...from(comment.login) };
    },
    push: (ref, before, after) => ({ ref, before, after, created: false, deleted: false, forced: false, ...from('ann') }),
    mergeGroup: (number) => {
      const queued = state.queue.find((one) => one.pull === number);
      if (queued === undefined) throw new Error(`pull request ${number} is not in the queue`);
      const base = `refs/heads/${pullOf(number).baseRef ?? state.defaultBranch}`;
      const group = { head_sha: queued.head, head_ref: `refs/heads/${queued.branch}`, base_sha: queued.base, base_ref: base };
      return { action: 'checks_requested', merge_group: group, ...from('github-merge-queue[bot]') };
    },
    workflowDispatch: (ref, inputs) => ({ ref, inputs, ...from('github-actions[bot]') }),
  };
}
