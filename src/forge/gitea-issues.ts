// Issues and the conversations below them on Gitea, those of pull requests too.
import { z } from 'zod';
import { openConversation, type Conversation } from './conversation.ts';
import type { ReadComment } from './forge.ts';
import { accountData, perPage, read, readList, type GiteaPlace } from './gitea-place.ts';
import { openIssues, type FoundIssue, type IssueCalls, type Issues } from './issues.ts';

const commentData = z.object({
  id: z.int(),
  user: accountData,
  body: z.string(),
  created_at: z.coerce.date(),
  updated_at: z.coerce.date(),
  html_url: z.string(),
  issue_url: z.string(),
  pull_request_url: z.string(),
});
const issueData = z.object({ number: z.int(), user: accountData, title: z.string(), body: z.string(), state: z.string(), html_url: z.string() });
const labelData = z.object({ id: z.int(), name: z.string() });

const labelColour = '#8250df';

export function openGiteaConversation({ session, options, ask }: GiteaPlace): Conversation {
  return openConversation({ list, create, update }, options.author, session);

  async function* list(number: number): AsyncGenerator<ReadComment> {
    // this list has no pages
    yield* readList((await ask('GET', '/issues/{number}/comments', { number })).data).map(commentOf);
  }

  async function create(number: number, body: string): Promise<ReadComment> {
    return commentOf((await ask('POST', '/issues/{number}/comments', { number, body, request: { once: true } })).data);
  }

  async function update(id: number, body: string): Promise<ReadComment> {
    return commentOf((await ask('PATCH', '/issues/comments/{id}', { id, body })).data);
  }
}

export function openGiteaIssues({ session, options, ask, all }: GiteaPlace, conversation: Conversation): Issues {
  return openIssues({ list, create, update }, conversation, options.author, session);

  async function* list(): AsyncGenerator<FoundIssue> {
    const ours = { type: 'issues', state: 'all', created_by: options.author };
    yield* session.entries<FoundIssue>('the list of our issues', async (page) => {
      const { data, headers } = await ask('GET', '/issues', { ...ours, limit: perPage, page });
      return { data: readList(data).map(issueOf), headers };
    });
  }

  async function create({ title, body, labels }: Parameters<IssueCalls['create']>[0]): Promise<FoundIssue> {
    const numbers = await labelNumbers(labels);
    return issueOf((await ask('POST', '/issues', { title, body, labels: numbers, request: { once: true } })).data);
  }

  /** Gitea knows a label by its number alone, and makes none by itself. */
  async function labelNumbers(names: readonly string[]): Promise<number[]> {
    if (names.length === 0) return [];
    const known = await all({ what: 'the list of labels', path: '/labels' }, (data) => read(labelData, data));
    const numbers: number[] = [];
    for (const name of names) {
      const label = known.find((one) => one.name === name) ?? read(labelData, (await ask('POST', '/labels', { name, color: labelColour })).data);
      numbers.push(label.id);
    }
    return numbers;
  }

  async function update(number: number, { open, ...change }: Parameters<IssueCalls['update']>[1]): Promise<void> {
    await ask('PATCH', '/issues/{number}', { number, ...change, state: open ? 'open' : 'closed' });
  }
}

export function commentOf(data: unknown): ReadComment {
  const { id, user, body, created_at: createdAt, updated_at: updatedAt, html_url: url, ...of } = read(commentData, data);
  const number = Number(/\/(\d+)$/.exec(of.pull_request_url || of.issue_url)?.[1]);
  return { id, number, author: user?.login ?? '', body, createdAt, updatedAt, url };
}

function issueOf(data: unknown): FoundIssue {
  const { number, user, title, body, state, html_url: url } = read(issueData, data);
  return { number, author: user?.login ?? '', title, body, open: state === 'open', url };
}
