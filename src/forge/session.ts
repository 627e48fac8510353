// Requests to a forge: counted, asked again where that can help, answered from memory when the forge says that nothing changed, and with errors
// that hold no token. Octokit speaks HTTP for both forges; what a request means is the adapters' business.
import { Octokit } from '@octokit/rest';
import { PlumbError } from '../base/errors.ts';
import type { ForgeOptions } from './forge.ts';
import { nextCursor } from './link.ts';
import { decideRetry, isRateLimit, type Failure } from './retry.ts';

/** Of 100 entries each, or of 50 on Gitea: a list that is longer is not read to its end. */
const mostPages = 60;
const mostRemembered = 200;
const timeoutMs = 30_000;

/** What failed, as far as it may be told. */
export interface RequestFailure extends Failure {
  /** 'POST /repos/o/r/statuses/…' */
  readonly asked: string;
}

export interface Session {
  readonly octokit: Octokit;
  readonly requests: number;
  /**
   * The entries of a list, page by page.
   * @param ask one page, from 1
   * @throws PlumbError FORGE_LIMIT after `mostPages`
   */
  entries<T>(
    what: string,
    ask: (page: number) => Promise<{ readonly data: readonly T[]; readonly headers: { link?: string | undefined } }>,
  ): AsyncGenerator<T>;
  /**
   * The same of a list whose pages are named by cursors.
   * @param ask the page after this cursor; null: the first
   */
  cursors<T>(
    what: string,
    ask: (after: string | null) => Promise<{ readonly data: readonly T[]; readonly headers: { link?: string | undefined } }>,
  ): AsyncGenerator<T>;
  /** Waits until the same may be tried again after it failed, or throws what it failed with. @param attempt how often it has failed before */
  pauseOrThrow(error: unknown, attempt: number): Promise<void>;
  /** What a method of the port is worth to its caller: octokit's errors become ours. */
  told<T>(work: Promise<T>): Promise<T>;
}

/** Nothing is asked yet. @param forge its name in errors */
export function openSession(forge: 'GitHub' | 'Gitea', options: ForgeOptions): Session {
  let requests = 0;
  const remembered = new Map<string, { etag: string; answer: object }>();
  const octokit = openOctokit(options);
  octokit.hook.wrap('request', async (request, asked) => {
    const { url } = octokit.request.endpoint.parse(asked);
    if (hasDots(url))
      throw new PlumbError('FORGE_FAILED', { what: `${forge} has nothing of a name that is . or ..`, mend: 'look at the names asked for' });
    const address = asked.method === 'GET' ? url : null;
    const known = address === null ? undefined : remembered.get(address);
    // octokit hands every hook this one object and no other: what is to be sent is changed in it
    if (known !== undefined) asked.headers = { ...asked.headers, 'if-none-match': known.etag };
    for (let attempt = 0; ; attempt += 1) {
      try {
        requests += 1;
        asked.request = { ...asked.request, signal: AbortSignal.timeout(timeoutMs) };
        const answer = await request(asked);
        if (address !== null) remember(address, answer);
        return answer;
      } catch (error) {
        const failure = failureOf(error);
        if (failure?.status === 304 && known !== undefined) return known.answer as never;
        // what may have been done already is asked again only by who can look whether it was; a limit refuses before anything is done
        if (asked.request['once'] === true && (failure === null || !isRateLimit(failure))) throw error;
        await pauseOrThrow(error, attempt);
      }
    }
  });
  return {
    octokit,
    get requests() {
      return requests;
    },
    entries,
    cursors,
    pauseOrThrow,
    told: (work) => work.catch((error: unknown) => Promise.reject(forgeError(forge, error, options.token))),
  };

  function remember(address: string, answer: { headers: { etag?: string | undefined } }): void {
    const { etag } = answer.headers;
    if (etag === undefined) return;
    remembered.delete(address);
    remembered.set(address, { etag, answer });
    const [oldest] = remembered.keys();
    if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest);
  }

  async function pauseOrThrow(error: unknown, attempt: number): Promise<void> {
    const failure = failureOf(error);
    if (failure === null) throw error;
    const decision = decideRetry(failure, attempt, { nowMs: options.nowMs(), random: options.random() });
    if (decision === 'too long') throw busy(forge, failure);
    if (decision === 'no') throw error;
    await options.pause(decision.waitMs);
  }

  // the address of the next page is made here: the one that a server sends may lead, with our token, to another server
  async function* entries<T>(what: string, ask: Parameters<Session['entries']>[1]): AsyncGenerator<T> {
    for (let page = 1; page <= mostPages; page += 1) {
      const { data, headers } = await ask(page);
      yield* data as readonly T[];
      if (!/\brel="next"/.test(headers.link ?? '')) return;
    }
    throw tooLong(what);
  }

  async function* cursors<T>(what: string, ask: Parameters<Session['cursors']>[1]): AsyncGenerator<T> {
    let after: string | null = null;
    for (let page = 1; page <= mostPages; page += 1) {
      const { data, headers } = await ask(after);
      yield* data as readonly T[];
      after = nextCursor(headers.link);
      if (after === null) return;
    }
    throw tooLong(what);
  }
}

function tooLong(what: string): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `${what} is longer than ${mostPages} pages`,
    mend: 'open a new pull request; what a report would say is in the summary of the run',
  });
}

/** A name that comes from elsewhere is encoded, but for one that means "here" or "above": with our token it would be another request. */
function hasDots(url: string): boolean {
  return /\/\.{1,2}(?=[/?#]|$)/.test(url);
}

function openOctokit(options: ForgeOptions): Octokit {
  const silent = (): void => undefined;
  return new Octokit({
    auth: options.token,
    baseUrl: options.apiUrl.replace(/\/+$/, ''),
    userAgent: 'plumbline',
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: options.fetch },
  });
}

/** @returns null for what is no answer to a request */
export function failureOf(error: unknown): RequestFailure | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  const { request, response } = error as { request?: { method: string; url: string }; response?: { headers: Failure['headers'] } };
  const asked = request === undefined ? 'a request' : `${request.method} ${new URL(request.url).pathname}`;
  return { status: error.status, headers: response?.headers ?? {}, message: error.message, asked };
}

/** No cause: octokit's error holds headers, and a server may send back what it was sent. */
function forgeError(forge: string, error: unknown, token: string): unknown {
  const failure = failureOf(error);
  if (failure === null) return error;
  const hidden = failure.message.replaceAll(token, '***').replaceAll(/\s+/g, ' ').slice(0, 300);
  const what = `${forge} answered ${failure.status} to ${failure.asked}: ${hidden}`;
  const details = { status: failure.status };
  if (failure.status === 401) return new PlumbError('FORGE_DENIED', { what, mend: 'give a token that is valid', details });
  if (failure.status === 403 || failure.status === 404) return new PlumbError('FORGE_DENIED', { what, mend: whatIsLacking(failure), details });
  const mend =
    forge === 'GitHub' ? 'run the job again; githubstatus.com says when GitHub is in trouble' : `run the job again; the server's log says why`;
  return new PlumbError('FORGE_FAILED', { what, mend, details });
}

function whatIsLacking(failure: RequestFailure): string {
  if (/not permitted to create or approve pull requests/i.test(failure.message)) {
    return 'give the token of an App or a fine-grained one, or allow it: Settings, Actions, General, "Allow GitHub Actions to create and approve pull requests"';
  }
  // of Gitea, and the token of a job is never one
  if (/can query all permissions/i.test(failure.message)) return 'give the token of an administrator of the repository';
  // said for the tokens of Apps, of jobs and fine-grained ones: 'issues=write; pull_requests=write', one of which is enough
  const accepted = failure.headers['x-accepted-github-permissions']?.toString() ?? '';
  if (/^[a-z_=,; ]{1,200}$/.test(accepted)) {
    const needed = accepted.replaceAll('_', '-').replaceAll('=', ': ').replaceAll(';', ' or');
    return `the token needs the permission ${needed}: in a job by \`permissions:\`, but never in one of a pull request from a fork`;
  }
  const lacks = 'the job needs `permissions:` contents: read, pull-requests: write, statuses: write; a pull request from a fork never has them';
  // a forge says 404 of what is not there, and of what the token may not see
  return failure.status === 404 ? `look whether it is there at all. If it is, the token may not see it: ${lacks}` : lacks;
}

function busy(forge: string, failure: RequestFailure): PlumbError {
  return new PlumbError('FORGE_BUSY', {
    what: `${forge} limits how often we ask and wants ${failure.asked} to wait`,
    mend: `run the job again later${forge === 'GitHub' ? '; the token of a job has 1,000 requests an hour for the repository' : ''}`,
    details: { status: failure.status },
  });
}
