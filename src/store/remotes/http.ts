// A remote that is only read: the folder layout behind any web server. A bearer token goes to that server alone, and never in the clear over a network.
import type { Dispatcher } from 'undici';
import { errnoOf, isPlumbError } from '../../base/errors.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import { remoteDenied, remoteFailed } from './failures.ts';
import { parseHttpAddress, type HttpAddress } from './http-address.ts';
import { keyedRemote, type Found, type KeyedReader, type Part } from './keyed.ts';
import { isLoopback } from './oci-address.ts';
import { askedWait, Passing, patience, persist, type Patience } from './oci-retry.ts';

export interface HttpOptions {
  /** PLUMB_HTTP_TOKEN; http_proxy, https_proxy and no_proxy, in small letters or capitals */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly patience?: Patience;
}

const mostRedirects = 5;
const connectMs = 10_000;
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
      return { bytes: lengthOf(answer), body: piecesOf(answer) };
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
    answer.body.on('error', () => undefined).destroy();
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
      answer.body.on('error', () => undefined).destroy();
      throw remoteFailed(this.url, 'changes what it serves, by compressing it', 'let the web server serve these files as they are');
    }
    const length = lengthOf(answer);
    const end = Math.min(part.end ?? Number.POSITIVE_INFINITY, length ?? Number.POSITIVE_INFINITY);
    return { bytes: length === null ? null : Math.max(0, end - part.start), body: cutPieces(piecesOf(answer), part.start, end) };
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
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
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
    const [{ request }, dispatcher] = await Promise.all([import('undici'), (this.#dispatcher ??= openDispatcher(this.#base, this.#env))]);
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
    if ([408, 429, 500, 502, 503, 504].includes(raw.statusCode)) {
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

/** Only what the connection does is a failure of the connection: what our reader throws passes by. */
async function* piecesOf(answer: Answer): AsyncGenerator<Uint8Array> {
  const pieces = answer.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await pieces.next().catch((error: unknown) => Promise.reject(passingOf(error)));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    answer.body.on('error', () => undefined).destroy();
  }
}

async function* cutPieces(pieces: AsyncIterable<Uint8Array>, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces) {
    const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= end) return;
  }
}

/** A connection that broke or stays silent; anything else comes back as it is. */
function passingOf(error: unknown): unknown {
  if (isPlumbError(error)) return error;
  const code = errnoOf(error) ?? '';
  const ours = ['UND_ERR_INVALID_ARG', 'UND_ERR_ABORTED'].includes(code);
  return /^(?:UND_ERR_|E[A-Z]+$|HPE_)/.test(code) && !ours ? new Passing(`does not answer (${code})`) : error;
}

/** Connections of its own, through the proxy that the environment names; never for this machine itself. */
async function openDispatcher(base: URL, env: HttpOptions['env']): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const connect = { timeout: connectMs };
  if (isLoopback(base.hostname)) return new Agent({ connect });
  const named = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? '';
  return new EnvHttpProxyAgent({ connect, httpProxy: named('http_proxy'), httpsProxy: named('https_proxy'), noProxy: named('no_proxy') });
}
