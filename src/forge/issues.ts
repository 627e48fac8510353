// Our issues among those of others: found by a marker, opened once, kept up to date, opened again, closed. The same on every forge.
import { markedText, type Conversation } from './conversation.ts';
import type { Forge, NewIssue } from './forge.ts';
import type { Session } from './session.ts';
import { cut } from './text.ts';

export interface FoundIssue {
  readonly number: number;
  readonly author: string;
  readonly title: string;
  readonly body: string;
  readonly open: boolean;
  readonly url: string;
}

/** What a forge has for issues. */
export interface IssueCalls {
  /** Open and closed ones of our own author, no pull requests. Of the database, not of the search: that is behind. */
  list(): AsyncGenerator<FoundIssue>;
  /** Asked once: whether an issue whose answer was lost is there is seen by looking. */
  create(issue: Omit<NewIssue, 'marker'>): Promise<FoundIssue>;
  update(number: number, change: { readonly title?: string; readonly body?: string; readonly open: boolean }): Promise<void>;
}

export type Issues = { readonly upsert: Forge['upsertIssue']; readonly close: Forge['closeIssue'] };

const mostTitle = 255;
const closing = '<!-- plumbline:closed -->';

/** @param author login of ours */
export function openIssues(calls: IssueCalls, conversation: Conversation, author: string, session: Session): Issues {
  return { upsert, close };

  /** Of several, made by two jobs at the same moment, the first. */
  async function find(marker: string): Promise<FoundIssue | null> {
    let first: FoundIssue | null = null;
    for await (const one of calls.list()) {
      if (one.author !== author || one.body.split(/\r?\n/, 1)[0] !== marker) continue;
      if (first === null || one.number < first.number) first = one;
    }
    return first;
  }

  async function upsert(issue: NewIssue): ReturnType<Issues['upsert']> {
    const wanted = { title: cut(issue.title, mostTitle), body: markedText(issue) };
    for (let attempt = 0; ; attempt += 1) {
      const found = await find(issue.marker);
      if (found !== null) return update(found, { ...wanted, open: found.open || issue.reopen !== false });
      try {
        const { number, url } = await calls.create({ ...wanted, labels: issue.labels });
        return { number, url, state: 'made' };
      } catch (error) {
        // it may be there although its answer was lost: look again before it is made a second time
        await session.pauseOrThrow(error, attempt);
      }
    }
  }

  async function update(found: FoundIssue, { title, body, open }: { title: string; body: string; open: boolean }): ReturnType<Issues['upsert']> {
    const { number, url } = found;
    // a forge may keep lines as they come from a browser
    const same = found.open === open && found.title === title && found.body.replaceAll('\r\n', '\n') === body;
    if (!same) await calls.update(number, { title, body, open });
    return { number, url, state: same ? 'unchanged' : 'updated' };
  }

  async function close(marker: string, why: string): Promise<boolean> {
    const found = await find(marker);
    if (found === null || !found.open) return false;
    // the reason first: killed in between, the next one finds it open and says it no second time
    await conversation.upsert(found.number, { marker: closing, body: why });
    await calls.update(found.number, { open: false });
    return true;
  }
}
