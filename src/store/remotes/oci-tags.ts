// The tags of a repository, page by page. Registries differ in how, and some in whether.
import { remoteFailed } from './failures.ts';
import { readBody, type OciClient } from './oci-client.ts';

/** The most a registry may answer to one page: an old one gives all tags in one, at 70 bytes each. */
const mostPageBytes = 128 << 20;
const tagsAPage = 1000;

interface Page {
  readonly tags: readonly string[];
  readonly next: string | URL | null;
}

/**
 * Tags, each once. A page leads to the next by Link; a registry that has none there is asked for what follows the last tag, if the page was full.
 * Source: OCI distribution spec 1.1, "Listing Tags"
 */
export async function* tagPages(client: OciClient, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const known = new Set<string>();
  for (let at: string | URL | null = `tags/list?n=${tagsAPage}`; at !== null;) {
    const asked: string | URL = at;
    const page: Page = await client.persist(() => readPage(client, asked, signal), signal);
    const fresh = page.tags.filter((tag) => !known.has(tag));
    for (const tag of fresh) known.add(tag);
    yield fresh;
    // a registry that goes round in circles has nothing more to say
    at = fresh.length === 0 ? null : page.next;
  }
}

async function readPage(client: OciClient, at: string | URL, signal: AbortSignal): Promise<Page> {
  const answer = await client.sendOnce({ method: 'GET', at }, signal);
  if (answer.status === 404) {
    // a repository begins with the first thing in it
    await answer.body.dump();
    return { tags: [], next: null };
  }
  if (answer.status !== 200) throw await client.refused('list its tags', answer);
  const body = await readBody(answer, mostPageBytes);
  const tags = body === null ? null : tagsIn(body);
  if (tags === null) throw remoteFailed(client.url, 'lists its tags in a form that is none');
  const [, link] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(answer.header('link') ?? '') ?? [];
  const last = tags.at(-1);
  const follows = tags.length === tagsAPage && last !== undefined ? `tags/list?n=${tagsAPage}&last=${encodeURIComponent(last)}` : null;
  return { tags, next: link === undefined ? follows : client.resolve(link, answer.url) };
}

function tagsIn(body: Buffer): readonly string[] | null {
  try {
    // null: a repository that has lost all its tags
    const { tags } = JSON.parse(body.toString()) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : null;
  } catch {
    return null;
  }
}
