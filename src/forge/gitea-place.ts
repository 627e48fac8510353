// What each part of the Gitea adapter works with. What Gitea answers is checked, for no library describes it.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import type { ForgeOptions } from './forge.ts';
import { listCutShort } from './refusals.ts';
import { failureOf, openSession, type Session } from './session.ts';

/** DEFAULT_PAGING_NUM and MAX_RESPONSE_ITEMS of a server that nobody changed; one that gives fewer says so by its number of all. */
export const perPage = 50;

type Words = Readonly<Record<string, unknown>>;
type Headers = Words & { readonly link?: string | undefined };

export interface GiteaAnswer {
  readonly data: unknown;
  readonly headers: Headers;
}

export interface GiteaPlace {
  readonly session: Session;
  readonly options: ForgeOptions;
  /** @param path below the repository; names in braces are taken from `words`, the rest of them is query or body */
  ask(method: 'GET' | 'POST' | 'PATCH', path: string, words?: Words): Promise<GiteaAnswer>;
  /** The same, below the top. */
  askServer(method: 'GET', path: string, words?: Words): Promise<GiteaAnswer>;
  /** All of a list, or FORGE_LIMIT. @param top below the top, not the repository */
  all<T>(
    list: { readonly what: string; readonly path: string; readonly words?: Words; readonly top?: boolean },
    readOne: (data: unknown) => T,
  ): Promise<T[]>;
}

/** Nothing is asked yet. */
export function openPlace(options: ForgeOptions): GiteaPlace {
  const session = openSession('Gitea', options);
  const { octokit } = session;
  octokit.hook.before('request', (asked) => {
    asked.headers.accept = 'application/json';
  });
  return { session, options, ask, askServer, all };

  function ask(method: 'GET' | 'POST' | 'PATCH', path: string, words: Words = {}): Promise<GiteaAnswer> {
    return octokit.request(`${method} /repos/{owner}/{repo}${path}`, { owner: options.owner, repo: options.repo, ...words });
  }

  function askServer(method: 'GET', path: string, words: Words = {}): Promise<GiteaAnswer> {
    return octokit.request(`${method} ${path}`, { ...words });
  }

  async function all<T>({ what, path, words, top = false }: Parameters<GiteaPlace['all']>[0], readOne: (data: unknown) => T): Promise<T[]> {
    let total = 0;
    const entries = session.entries<unknown>(what, async (page) => {
      const { data, headers } = await (top ? askServer : ask)('GET', path, { ...words, limit: perPage, page });
      total = totalOf(headers);
      return { data: readList(data), headers };
    });
    const found = await Array.fromAsync(entries, readOne);
    if (found.length < total) throw listCutShort(what, found.length);
    return found;
  }
}

/** How many entries a list has on all of its pages. */
export function totalOf(headers: Headers): number {
  return Number(headers['x-total-count'] ?? headers['x-total'] ?? 0);
}

const list = z.array(z.unknown());

/** An empty one may come as null. */
export function readList(data: unknown): unknown[] {
  return read(list, data ?? []);
}

/** @throws PlumbError FORGE_FAILED */
export function read<T>(schema: z.ZodType<T>, data: unknown): T {
  const { success, error, data: known } = schema.safeParse(data);
  if (success) return known;
  const what = `Gitea answered what it is not documented to answer: ${z.prettifyError(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`;
  throw new PlumbError('FORGE_FAILED', { what, mend: 'report it with the version of the server' });
}

/** @param statuses that stand for "there is none", or "you may not see it" */
export async function orNull<T>(work: Promise<T>, statuses: readonly number[] = [404]): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (statuses.includes(failureOf(error)?.status ?? 0)) return null;
    throw error;
  });
}

export const accountData = z.object({ login: z.string() }).nullish();
