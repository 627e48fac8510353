// One repository of one registry over HTTP: who we are, redirects, what a refusal says. A redirect to another host (the signed address of a storage
// service) is followed without the login; it is never shown either, for its query is a key.
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { errnoOf, PlumbError } from '../../base/errors.ts';
import { bodyPieces, isPassingStatus, isRedirect, openDispatcher, passingOf } from './connection.ts';
import type { OciAddress } from './oci-address.ts';
import { Authorizer, howToLogIn, type Actions } from './oci-auth.ts';
import type { Environment, FoundLogin } from './oci-login.ts';
import { manifestType } from './oci-manifest.ts';
import { askedWait, Passing, persist, type Patience } from './retry.ts';

export interface Question {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** in the repository: 'manifests/<tag>'; or a whole address that the registry gave */
  readonly at: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** made anew for every try */
  readonly body?: () => Readable | Uint8Array;
}

export interface Answer {
  readonly status: number;
  /** who answered, after redirects; not to be shown: it may be signed */
  readonly url: URL;
  readonly body: Dispatcher.ResponseData['body'];
  /** the first of that name; null: none */
  header(name: string): string | null;
}

export interface ClientParts {
  readonly address: OciAddress;
  readonly env: Environment;
  readonly findLogin: () => Promise<FoundLogin>;
  readonly patience: Patience;
  readonly now: () => number;
}

const headersMs = 60_000;
/** A registry that has received a pack may move and hash it before it answers. */
const uploadedMs = 300_000;
const silenceMs = 60_000;
const mostRedirects = 5;
const mostRefusalBytes = 65_536;

export class OciClient {
  readonly #parts: ClientParts;
  readonly #auth: Authorizer;
  #dispatcher: Promise<Dispatcher> | undefined;
  /** the registry's clock, as its last answer told it; ISO 8601 */
  #date: string | null = null;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const ask = (url: URL, authorization: string | null, signal: AbortSignal): Promise<{ status: number; value: unknown }> =>
      this.persist(() => this.#askJson(url, authorization, signal), signal);
    this.#auth = new Authorizer({ address: parts.address, findLogin: parts.findLogin, ask, now: parts.now });
  }

  get url(): string {
    return this.#parts.address.url;
  }

  get date(): string | null {
    return this.#date;
  }

  persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return persist(work, this.#parts.address.url, this.#parts.patience, signal);
  }

  /** Asks until there is an answer that counts. */
  send(question: Question, signal: AbortSignal): Promise<Answer> {
    return this.persist(() => this.sendOnce(question, signal), signal);
  }

  /**
   * @returns an answer of 2xx, 3xx (none of GET), or 4xx; the caller reads its body, or dumps it
   * @throws Passing for what is worth another try; PlumbError REMOTE_DENIED after a 401 or 403
   */
  async sendOnce(question: Question, signal: AbortSignal): Promise<Answer> {
    const { address } = this.#parts;
    const url = typeof question.at === 'string' ? new URL(`${address.origin}/v2/${address.name}/${question.at}`) : question.at;
    const answer = await this.#sendAuthorized(question, url, signal);
    if (answer.status === 401 || answer.status === 403) throw await this.#denied(question, answer);
    return answer;
  }

  /** Is something there? One HEAD. */
  async has(at: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.sendOnce({ method: 'HEAD', at, headers: { accept: manifestType } }, signal);
    await answer.body.dump();
    if (answer.status === 404) return false;
    // a redirect says where it is, so it is there: storage services do not always answer HEAD
    if (answer.status < 400) return true;
    throw await this.refused(`say whether it has ${at}`, answer);
  }

  /** `refused` for what was to be written: there are mirrors, and registries under maintenance. */
  async refusedWrite(doing: string, answer: Answer): Promise<PlumbError> {
    if (answer.status !== 405 && answer.status !== 501) return this.refused(doing, answer);
    await answer.body.dump();
    return new PlumbError('REMOTE_READ_ONLY', {
      what: `the remote ${this.url} can only be read`,
      mend: 'push to the registry that it is a mirror of, or end its maintenance',
    });
  }

  /** What the answer that does not fit says, as an error; its body is read. */
  async refused(doing: string, answer: Answer): Promise<PlumbError> {
    const said = await this.#reason(answer);
    return new PlumbError('REMOTE_FAILED', {
      what: `the remote ${this.url} answers ${answer.status} when asked to ${doing}${said === '' ? '' : `: ${said}`}`,
      mend: 'check that the address is that of an OCI registry, and what its log says',
    });
  }

  /** An address that the registry gives, for the next step. @throws PlumbError REMOTE_FAILED for one that is none, or gives TLS up */
  resolve(location: string | null, base: URL | string): URL {
    const { address } = this.#parts;
    const url = location === null ? null : URL.parse(location, new URL(base, address.origin).href);
    if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && address.origin.startsWith('http:'))) && url.username === '')
      return url;
    throw new PlumbError('REMOTE_FAILED', {
      what: `the remote ${address.url} leads to ${url === null ? 'no address' : `${url.origin}, without TLS`}`,
      mend: 'set the address of the registry in its configuration, or let the proxy before it say X-Forwarded-Proto: https',
    });
  }

  /** The login is asked for where the registry wants it, and goes nowhere else. */
  async #sendAuthorized(question: Question, url: URL, signal: AbortSignal): Promise<Answer> {
    const { origin } = this.#parts.address;
    const actions = actionsOf(question.method);
    for (let challenges = 0; ; challenges++) {
      const authorization = url.origin === origin ? await this.#auth.header(actions, signal) : null;
      const answer = await this.#exchange(question, url, authorization, signal);
      const challenged = answer.status === 401 && url.origin === origin && challenges < 2;
      if (challenged && (await this.#auth.learn(answer.header('www-authenticate'), actions, authorization))) {
        await answer.body.dump();
        continue;
      }
      return question.method === 'GET' && isRedirect(answer.status) ? this.#follow(question, url, answer, signal) : answer;
    }
  }

  async #follow(question: Question, from: URL, redirect: Answer, signal: AbortSignal): Promise<Answer> {
    let [at, answer] = [from, redirect];
    for (let redirects = 0; isRedirect(answer.status) && redirects < mostRedirects; redirects++) {
      await answer.body.dump();
      at = this.resolve(answer.header('location'), at);
      const own = at.origin === this.#parts.address.origin;
      const authorization = own ? await this.#auth.header('pull', signal) : null;
      answer = await this.#exchange(question, at, authorization, signal);
      // a signed address is good for minutes, and the next one is another
      if (!own && (answer.status === 401 || answer.status === 403)) {
        await answer.body.dump();
        throw new Passing(`leads to ${at.origin}, which answers ${answer.status}`);
      }
    }
    if (isRedirect(answer.status)) throw await this.refused('read, and again and again leads elsewhere', answer);
    return answer;
  }

  async #exchange(question: Question, url: URL, authorization: string | null, signal: AbortSignal): Promise<Answer> {
    const { method, headers, body } = question;
    const raw = await this.#request(
      url,
      { method, headers: { ...headers, ...(authorization === null ? {} : { authorization }) }, body: body?.() ?? (method === 'POST' ? '' : null) },
      signal,
    );
    const answer: Answer = { status: raw.statusCode, url, body: raw.body, header: (name) => firstOf(raw.headers[name]) };
    const date = Date.parse(answer.header('date') ?? '');
    if (url.origin === this.#parts.address.origin && Number.isFinite(date)) this.#date = new Date(date).toISOString();
    if (isPassingStatus(answer.status)) {
      const said = await this.#reason(answer);
      throw new Passing(`answers ${answer.status}${said === '' ? '' : ` (${said})`}`, {
        afterMs: askedWait(answer.header('retry-after'), said, this.#parts.now()),
      });
    }
    return answer;
  }

  /** @throws Passing where no answer comes */
  async #request(
    url: URL,
    what: { readonly method: Question['method']; readonly headers: Record<string, string>; readonly body: Readable | Uint8Array | string | null },
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    signal.throwIfAborted();
    const [{ request }, dispatcher] = await Promise.all([
      import('undici'),
      (this.#dispatcher ??= openDispatcher(new URL(this.#parts.address.origin).hostname, this.#parts.env)),
    ]);
    try {
      return await request(url, {
        ...what,
        headers: { 'user-agent': 'plumbline', ...what.headers },
        headersTimeout: what.method === 'PUT' ? uploadedMs : headersMs,
        bodyTimeout: silenceMs,
        // undici closes the connection after HEAD, for servers that send a body all the same
        reset: false,
        dispatcher,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#lasting(error, url) ?? passingOf(error);
    }
  }

  /** Failures that another try does not mend. */
  #lasting(error: unknown, url: URL): PlumbError | null {
    const code = errnoOf(error) ?? '';
    const known = lastingFailures.find(({ codes }) => codes.test(code));
    if (known === undefined) return null;
    const what = `the remote ${this.url} cannot be asked: ${url.host} ${known.what} (${code})`;
    return new PlumbError('REMOTE_FAILED', { what, mend: known.mend, cause: error });
  }

  async #askJson(url: URL, authorization: string | null, signal: AbortSignal): Promise<{ status: number; value: unknown }> {
    const answer = await this.#exchange({ method: 'GET', at: url, headers: { accept: 'application/json' } }, url, authorization, signal);
    const text = (await readBody(answer, 1 << 20))?.toString() ?? '';
    try {
      return { status: answer.status, value: JSON.parse(text) };
    } catch {
      return { status: answer.status, value: undefined };
    }
  }

  async #denied(question: Question, answer: Answer): Promise<PlumbError> {
    const { address } = this.#parts;
    const said = await this.#reason(answer);
    const { login, from } = await this.#auth.source();
    const who = login === null ? from : `logged in by ${from}`;
    return new PlumbError('REMOTE_DENIED', {
      what: `the remote ${address.url} does not let us ${doings[actionsOf(question.method)]} (${answer.status}; ${who})${said === '' ? '' : `: ${said}`}`,
      mend: howToLogIn(address.registry),
    });
  }

  /** "CODE: message" of the first error in the body, fit to be shown. */
  async #reason(answer: Answer): Promise<string> {
    const text = (await readBody(answer, mostRefusalBytes).catch(() => null))?.toString() ?? '';
    const said = reasonOf(text);
    return this.#auth.withoutSecrets(said).slice(0, 300);
  }
}

const doings: Record<Actions, string> = { pull: 'read', 'pull,push': 'write', delete: 'delete' };

function actionsOf(method: Question['method']): Actions {
  return method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' ? 'delete' : 'pull,push';
}

function firstOf(value: string | string[] | undefined): string | null {
  // several headers of one name are one list (RFC 9110, 5.3)
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
}

/** A body, whole. @returns null where it is larger than that. @throws Passing where it is cut */
export async function readBody(answer: Answer, most: number): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of bodyPieces(answer.body)) {
    bytes += piece.length;
    // leaving the loop ends the connection
    if (bytes > most) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The machine-readable name of the first error in a refusal, with its words. Source: OCI distribution spec 1.1, "Error Codes" */
function reasonOf(text: string): string {
  let found: { code?: unknown; message?: unknown } | undefined;
  try {
    const value = JSON.parse(text) as { errors?: unknown } | null;
    found = Array.isArray(value?.errors) ? (value.errors[0] as typeof found) : undefined;
  } catch {
    return '';
  }
  const words = [found?.code, found?.message].filter((word) => typeof word === 'string' && word !== '');
  return words.join(': ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

const lastingFailures = [
  { codes: /^ENOTFOUND$/, what: 'is not known to the name server', mend: 'check the spelling of the address, and the network' },
  { codes: /^EPROTO$|^ERR_SSL/, what: 'does not speak TLS', mend: 'write oci+http:// for a registry without TLS' },
  {
    codes: /CERT|SELF_SIGNED|^ERR_TLS|^UNABLE_TO_/,
    what: 'shows a certificate that does not hold',
    mend: 'name a file with the certificates that you trust in NODE_EXTRA_CA_CERTS',
  },
] as const;
