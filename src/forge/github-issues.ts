// Issues and the conversations below them on GitHub, those of pull requests too. Source: docs.github.com/en/rest/issues
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { openConversation, type Conversation } from './conversation.ts';
import type { ReadComment } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { openIssues, type FoundIssue, type IssueCalls, type Issues } from './issues.ts';

type Calls = RestEndpointMethodTypes['issues'];
type CommentData = Calls['getComment']['response']['data'];
type IssueData = Calls['listForRepo']['response']['data'][number];

export function openGitHubConversation({ session, rest, repository, options }: GitHubPlace): Conversation {
  return openConversation({ list, create, update }, options.author, session);

  async function* list(number: number): AsyncGenerator<ReadComment> {
    const ask = (page: number) => rest.issues.listComments({ ...repository, issue_number: number, per_page: 100, page });
    for await (const one of session.entries<CommentData>(`the conversation of pull request ${number}`, ask)) yield commentOf(one);
  }

  async function create(number: number, body: string): Promise<ReadComment> {
    return commentOf((await rest.issues.createComment({ ...repository, issue_number: number, body, request: { once: true } })).data);
  }

  async function update(id: number, body: string): Promise<ReadComment> {
    return commentOf((await rest.issues.updateComment({ ...repository, comment_id: id, body })).data);
  }
}

export function openGitHubIssues({ session, rest, repository, options }: GitHubPlace, conversation: Conversation): Issues {
  return openIssues({ list, create, update }, conversation, options.author, session);

  async function* list(): AsyncGenerator<FoundIssue> {
    const ours = { ...repository, creator: options.author, state: 'all' as const, per_page: 100 };
    const ask = (page: number) => rest.issues.listForRepo({ ...ours, page });
    // to GitHub a pull request is an issue
    for await (const one of session.entries<IssueData>('the list of our issues', ask)) if (one.pull_request === undefined) yield issueOf(one);
  }

  async function create({ title, body, labels }: Parameters<IssueCalls['create']>[0]): Promise<FoundIssue> {
    // labels that it does not have yet are made
    return issueOf((await rest.issues.create({ ...repository, title, body, labels: [...labels], request: { once: true } })).data);
  }

  async function update(number: number, { open, ...change }: Parameters<IssueCalls['update']>[1]): Promise<void> {
    await rest.issues.update({ ...repository, issue_number: number, ...change, state: open ? 'open' : 'closed' });
  }
}

/** Of the object, or of an entry of a list. */
export function commentOf(data: CommentData): ReadComment {
  return {
    id: data.id,
    number: Number(/\/(\d+)$/.exec(data.issue_url)?.[1]),
    author: data.user?.login ?? '',
    body: data.body ?? '',
    createdAt: new Date(data.created_at),
    updatedAt: new Date(data.updated_at),
    url: data.html_url,
  };
}

function issueOf({ number, user, title, body, state, html_url: url }: IssueData): FoundIssue {
  return { number, author: user?.login ?? '', title, body: body ?? '', open: state === 'open', url };
}
