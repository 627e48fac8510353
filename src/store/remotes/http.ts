// A remote that is only read: the folder layout behind any web server. A bearer token goes to that server alone, and never in the clear over a network.
import type { Dispatcher } from 'undici';
import { errnoOf } from '../../base/errors.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import { abandon, bodyPieces, cutPieces, isPassingStatus, isRedirect, openDispatcher, passingOf } from './connection.ts';
import { remoteDenied, remoteFailed } from './failures.ts';
import { parseHttpAddress, type HttpAddress } from './http-address.ts';
import { keyedRemote, type Found, type KeyedReader, type Part } from './keyed.ts';
import { askedWait, Passing, patience, persist, type Patience } from './retry.ts';

export interface HttpOptions {
  /** PLUMB_HTTP_TOKEN; http_proxy, https_proxy and no_proxy, in small letters or capitals */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly patience?: Patience;
}

const mostRedirects = 5;
const silenceMs = 60_000;

/** Nothing is asked before the first use. @param address http(s)://host[:port]/path @throws PlumbError CONFIG_INVALID */
export function openHttpRemote(address: string, options: HttpOptions): Remote {
  const how = options.patience ?? patience;
  return keyedRemote(new WebServer(parseHttpAddress(address, options.env), options.env, how), null, how);
}

interface Answer {
  readonly status: number;
  readonly body: Dispatcher.ResponseData['body'];
  header(name: string): string;
}

class WebServer implements KeyedReader {
  readonly url: string;
  readonly #base: URL;
  readonly #token: string;
  readonly #env: HttpOptions['env'];
  readonly #how: Patience;
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(address: HttpAddress, env: HttpOptions['env'], how: Patience) {
    this.url = address.url;
    this.#base = address.base;
    this.#token = address.token;
    this.#env = env;
    this.#how = how;
  }

  async get(path: string, part: Part, { signal }: RequestOptions): Promise<Found | null> {
    const whole = part.start === 0 && part.end === null;
    const range = `bytes=${part.start}-${part.end === null ? '' : part.end - 1}`;
    const answer = await this.#ask('GET', path, whole ? {} : { range }, signal);
    const { status } = answer;
    if (status === 200) return this.#wholeCutTo(part, answer);
    if (status === 206 && Number(/^bytes (\d+)-/.exec(answer.header('content-range'))?.[1]) === part.start) {
      return { bytes: lengthOf(answer), body: bodyPieces(answer.body) };
    }
    await answer.body.dump();
    if (isAbsent(status)) return null;
    if (status === 416) return { bytes: 0, body: emptiness() };
    throw this.#refusal(status, status === 206 ? 'with another range than it was asked for' : `when asked for ${path}`);
  }

  async has(path: string, { signal }: RequestOptions): Promise<boolean> {
    const asked = await this.#ask('HEAD', path, {}, signal);
    await asked.body.dump();
    // some servers know only GET
    if (asked.status !== 405 && asked.status !== 501) return this.#isThere(asked.status, path);
    const answer = await this.#ask('GET', path, { range: 'bytes=0-0' }, signal);
    abandon(answer.body);
    return answer.status === 416 || this.#isThere(answer.status, path);
  }

  #isThere(status: number, path: string): boolean {
    if (isAbsent(status)) return false;
    if (status === 200 || status === 206) return true;
    throw this.#refusal(status, `when asked whether ${path} is there`);
  }

  /** A server that knows no ranges gives all: what comes before the part is read over, and what comes after is not read. */
  #wholeCutTo(part: Part, answer: Answer): Found {
    const encoding = answer.header('content-encoding');
    if (encoding !== '' && encoding !== 'identity') {
      abandon(answer.body);
      throw remoteFailed(this.url, 'changes what it serves, by compressing it', 'let the web server serve these files as they are');
    }
    const length = lengthOf(answer);
    const end = Math.min(part.end ?? Number.POSITIVE_INFINITY, length ?? Number.POSITIVE_INFINITY);
    return { bytes: length === null ? null : Math.max(0, end - part.start), body: cutPieces(bodyPieces(answer.body), part.start, end) };
  }

  /** Asks until there is an answer that counts. */
  #ask(method: 'GET' | 'HEAD', path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    const start = new URL(`${this.url}/${path}`);
    return persist(() => this.#follow(method, start, headers, signal), this.url, this.#how, signal);
  }

  async #follow(method: 'GET' | 'HEAD', start: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    let at = start;
    for (let redirects = 0; redirects <= mostRedirects; redirects++) {
      const answer = await this.#exchange(method, at, headers, signal);
      if (!isRedirect(answer.status)) return answer;
      await answer.body.dump();
      const next = URL.parse(answer.header('location'), at.href);
      if (next === null || (next.protocol !== 'https:' && (next.protocol !== 'http:' || at.protocol === 'https:'))) {
        throw remoteFailed(this.url, 'leads to what is no address, or gives up TLS', 'correct the redirects of the web server');
      }
      at = next;
    }
    throw remoteFailed(this.url, `leads elsewhere more than ${mostRedirects} times`, 'correct the redirects of the web server');
  }

  async #exchange(method: 'GET' | 'HEAD', at: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    const [{ request }, dispatcher] = await Promise.all([import('undici'), (this.#dispatcher ??= openDispatcher(this.#base.hostname, this.#env))]);
    // an address that a redirect gave may have a user in it: undici would take it for ours
    at.username = at.password = '';
    const own: Record<string, string> = at.origin === this.#base.origin && this.#token !== '' ? { authorization: `Bearer ${this.#token}` } : {};
    const sent = { 'user-agent': 'plumbline', 'accept-encoding': 'identity', ...headers, ...own };
    const timeouts = { headersTimeout: silenceMs, bodyTimeout: silenceMs };
    // undici closes the connection after HEAD, for servers that send a body all the same: `reset`
    const raw = await request(at, { method, headers: sent, ...timeouts, reset: false, dispatcher, signal }).catch((error: unknown) =>
      Promise.reject(signal.aborted ? signal.reason : (this.#lasting(error) ?? passingOf(error))),
    );
    const header = (name: string): string => [raw.headers[name] ?? ''].flat().join(', ');
    if (isPassingStatus(raw.statusCode)) {
      await raw.body.dump();
      throw new Passing(`answers ${raw.statusCode}`, { afterMs: askedWait(header('retry-after') || null, '', Date.now()) });
    }
    return { status: raw.statusCode, body: raw.body, header };
  }

  /** Failures that another try does not mend. */
  #lasting(error: unknown): unknown {
    const code = errnoOf(error) ?? '';
    if (code === 'ENOTFOUND')
      return remoteFailed(this.url, 'is at a host that no name server knows', 'check the spelling of the address, and the network');
    if (!/CERT|SELF_SIGNED|^ERR_TLS|^ERR_SSL|^UNABLE_TO_/.test(code)) return undefined;
    return remoteFailed(
      this.url,
      `shows a certificate that does not hold (${code})`,
      'NODE_EXTRA_CA_CERTS names a file with certificates that are trusted, too',
    );
  }

  #refusal(status: number, when: string): unknown {
    if (status !== 401 && status !== 403)
      return remoteFailed(this.url, `answers ${status} ${when}`, 'check the address, and what the log of the web server says');
    const mend =
      this.#token === ''
        ? 'set PLUMB_HTTP_TOKEN where the server asks for a token; a bucket served without the right to list it refuses what is not there, too'
        : 'check PLUMB_HTTP_TOKEN, and what it may read';
    return remoteDenied(this.url, `it answers ${status} ${when}`, mend);
  }
}

function isAbsent(status: number): boolean {
  return status === 404 || status === 410;
}

function lengthOf(answer: Answer): number | null {
  const text = answer.header('content-length');
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

async function* emptiness(): AsyncGenerator<Uint8Array> {
  // a part behind the end
}
