// Our comments among those of others: found by a marker, made once, kept up to date. The same on every forge.
import type { Comment, PostedComment, ReadComment } from './forge.ts';
import type { Session } from './session.ts';

/** What a forge has for comments. */
export interface CommentCalls {
  list(pullRequest: number): AsyncGenerator<ReadComment>;
  /** Asked once: whether a comment whose answer was lost is there is seen by looking. */
  create(pullRequest: number, body: string): Promise<ReadComment>;
  update(id: number, body: string): Promise<ReadComment>;
}

const mostCharacters = 65_536;

export interface Conversation {
  find(pullRequest: number, marker: string): Promise<ReadComment | null>;
  upsert(pullRequest: number, comment: Comment): Promise<PostedComment>;
  reply(to: ReadComment, body: string): Promise<PostedComment>;
  answered(pullRequest: number, since: Date, but: number): Promise<number>;
}

const answer = '<!-- plumbline:answer:';

/** @param author login of ours */
export function openConversation(calls: CommentCalls, author: string, session: Session): Conversation {
  return { find, upsert, answered, reply: (to, body) => upsert(to.number, { marker: `${answer}${to.id} -->`, body }) };

  async function find(pullRequest: number, marker: string): Promise<ReadComment | null> {
    for await (const one of calls.list(pullRequest)) {
      if (one.author === author && one.body.split(/\r?\n/, 1)[0] === marker) return one;
    }
    return null;
  }

  async function answered(pullRequest: number, since: Date, but: number): Promise<number> {
    let count = 0;
    for await (const one of calls.list(pullRequest))
      if (one.author === author && one.createdAt >= since && one.body.startsWith(answer) && !one.body.startsWith(`${answer}${but} -->`)) count += 1;
    return count;
  }

  async function upsert(pullRequest: number, comment: Comment): Promise<PostedComment> {
    const body = markedText(comment);
    for (let attempt = 0; ; attempt += 1) {
      const found = await find(pullRequest, comment.marker);
      if (found !== null) return update(found, body);
      try {
        const made = await calls.create(pullRequest, body);
        return { url: made.url, state: 'made', author: made.author };
      } catch (error) {
        // the comment may be there although its answer was lost: look again before it is made a second time
        await session.pauseOrThrow(error, attempt);
      }
    }
  }

  async function update(found: ReadComment, body: string): Promise<PostedComment> {
    // a forge may keep lines as they come from a browser
    if (found.body.replaceAll('\r\n', '\n') === body) return { url: found.url, state: 'unchanged', author };
    const { url } = await calls.update(found.id, body);
    return { url, state: 'updated', author };
  }
}

/** The text with its marker before it, as a forge takes it. @throws Error: a marker that is none, or a text that is too long */
export function markedText({ marker, body }: Comment): string {
  if (!/^<!-- [^>]* -->$/.test(marker)) throw new Error(`a marker is one HTML comment, not ${marker}`);
  const text = `${marker}\n${body}`;
  if (text.length > mostCharacters) throw new Error(`a text of ${text.length} characters is over a forge's ${mostCharacters}`);
  return text;
}
