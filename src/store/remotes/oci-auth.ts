// How a registry is told who asks: Basic, or a token that another service gives for it. The login goes to the registry itself and to the service
// that it names, and to nobody else; tokens go to the registry only.
import { PlumbError } from '../../base/errors.ts';
import { isLoopback, type OciAddress } from './oci-address.ts';
import type { FoundLogin, Login } from './oci-login.ts';

/** What is to be done in the repository, as scopes name it: 'pull', 'pull,push', 'delete'. */
export type Actions = 'pull' | 'pull,push' | 'delete';

interface Token {
  readonly text: string;
  readonly expiresAt: number;
}

interface Bearer {
  readonly scheme: 'bearer';
  readonly realm: URL;
  readonly service: string | null;
}

export interface AuthorizerParts {
  readonly address: OciAddress;
  readonly findLogin: () => Promise<FoundLogin>;
  /** GETs JSON, retried, without following redirects; value: undefined where it is none */
  readonly ask: (url: URL, authorization: string | null, signal: AbortSignal) => Promise<{ status: number; value: unknown }>;
  readonly now: () => number;
}

/** Where a token does not say how long it is good for. Source: distribution, Token Authentication Specification, "expires_in" */
const defaultSeconds = 60;

export class Authorizer {
  readonly #parts: AuthorizerParts;
  #scheme: Bearer | { readonly scheme: 'basic' } | null = null;
  #login: Promise<FoundLogin> | undefined;
  /** by actions; those who want one token wait for one question */
  readonly #tokens = new Map<Actions, Promise<Token>>();
  readonly #secrets = new Set<string>();

  constructor(parts: AuthorizerParts) {
    this.#parts = parts;
  }

  /** What goes along with a request to the registry, from what it asked for before; null: nothing. */
  async header(actions: Actions, signal: AbortSignal): Promise<string | null> {
    if (this.#scheme === null) return null;
    if (this.#scheme.scheme === 'basic') {
      const { login } = await this.#findLogin();
      return login === null ? null : this.#basic(login);
    }
    return `Bearer ${(await this.#token(this.#scheme, actions, signal)).text}`;
  }

  /**
   * Learns from a 401 what the registry wants.
   * @param sent what had gone along, so that a token that has become stale is asked for anew
   * @returns false where there is nothing new to try
   */
  async learn(challenge: string | null, actions: Actions, sent: string | null): Promise<boolean> {
    const wanted = challengesIn(challenge ?? '');
    const bearer = wanted.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      this.#scheme = { scheme: 'bearer', realm: this.#realm(bearer.facts.get('realm') ?? ''), service: bearer.facts.get('service') ?? null };
      const known = await this.#tokens.get(actions)?.catch(() => null);
      if (sent !== null && sent === `Bearer ${known?.text}`) this.#tokens.delete(actions);
      return true;
    }
    if (!wanted.some(({ scheme }) => scheme === 'basic')) return false;
    this.#scheme = { scheme: 'basic' };
    return sent === null && (await this.#findLogin()).login !== null;
  }

  /** Where the login is from, for messages. */
  source(): Promise<FoundLogin> {
    return this.#findLogin();
  }

  /** A text of the other side, without what it may repeat of the login or of tokens. */
  withoutSecrets(text: string): string {
    return [...this.#secrets].reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
  }

  #findLogin(): Promise<FoundLogin> {
    return (this.#login ??= this.#parts.findLogin());
  }

  #basic({ user, password }: Login): string {
    const text = Buffer.from(`${user}:${password}`).toString('base64');
    for (const secret of [password, text]) if (secret !== '') this.#secrets.add(secret);
    return `Basic ${text}`;
  }

  /** @throws PlumbError REMOTE_DENIED for a service that must not be told a password, nor asked for a token */
  #realm(text: string): URL {
    const { address } = this.#parts;
    const realm = URL.parse(text);
    const itself = realm?.origin === address.origin;
    const nearby = realm !== null && isLoopback(realm.hostname) && isLoopback(new URL(address.origin).hostname);
    if (realm !== null && realm.username === '' && (realm.protocol === 'https:' || (realm.protocol === 'http:' && (itself || nearby)))) return realm;
    throw new PlumbError('REMOTE_DENIED', {
      what: `the remote ${address.url} wants a token from ${realm === null ? 'no address' : realm.origin}, which is not spoken to over TLS`,
      mend: 'correct the realm in the configuration of the registry',
    });
  }

  async #token(from: Bearer, actions: Actions, signal: AbortSignal): Promise<Token> {
    const known = this.#tokens.get(actions);
    const token = await known?.catch(() => null);
    if (token && token.expiresAt > this.#parts.now()) return token;
    if (this.#tokens.get(actions) === known) this.#tokens.delete(actions);
    const asked = this.#tokens.get(actions) ?? this.#askToken(from, actions, signal);
    this.#tokens.set(actions, asked);
    return asked;
  }

  /** Source: distribution, Token Authentication Specification */
  async #askToken({ realm, service }: Bearer, actions: Actions, signal: AbortSignal): Promise<Token> {
    const { address, ask, now } = this.#parts;
    const url = new URL(realm);
    if (service !== null) url.searchParams.set('service', service);
    // what the challenge says of it may be a placeholder (GitHub's: repository:user/image:pull), or of an action that we did not ask for
    url.searchParams.set('scope', `repository:${address.name}:${actions}`);
    const { login, from } = await this.#findLogin();
    // http only to this machine: see #realm; a login goes there only where it is the registry itself
    const may = url.protocol === 'https:' || url.origin === address.origin;
    const asked = now();
    const { status, value } = await ask(url, login === null || !may ? null : this.#basic(login), signal);
    if (status !== 200) {
      throw new PlumbError('REMOTE_DENIED', {
        what: `the remote ${address.url} gives no token to ${actions} (${status} of ${url.origin}; ${login === null ? from : `with the login of ${from}`})`,
        mend: howToLogIn(address.registry),
      });
    }
    const { token, access_token: other, expires_in: seconds } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const text = typeof token === 'string' && token !== '' ? token : other;
    if (typeof text !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(text)) {
      throw new PlumbError('REMOTE_FAILED', {
        what: `the token service ${url.origin} of the remote ${address.url} answers without a token`,
        mend: 'check that the address is that of an OCI registry',
      });
    }
    this.#secrets.add(text);
    const lasts = (typeof seconds === 'number' && seconds > 0 ? seconds : defaultSeconds) * 1000;
    // not used in its last moments: a request takes a while
    return { text, expiresAt: asked + lasts - Math.min(10_000, lasts / 2) };
  }
}

export function howToLogIn(registry: string): string {
  return registry === 'ghcr.io'
    ? 'in a workflow: give the job `permissions: packages: write` and the step GITHUB_TOKEN; else `docker login ghcr.io`, or PLUMB_REGISTRY_USER and PLUMB_REGISTRY_PASSWORD'
    : `\`docker login ${registry}\`, or give PLUMB_REGISTRY_USER and PLUMB_REGISTRY_PASSWORD`;
}

interface Challenge {
  /** lower case */
  readonly scheme: string;
  readonly facts: ReadonlyMap<string, string>;
}

/**
 * The challenges of WWW-Authenticate: `Bearer realm="https://...",service="ghcr.io",scope="repository:a/b:pull,push", Basic realm="x"`.
 * @param header several headers are joined by ', '
 * Source: RFC 9110, 11.6.1
 */
export function challengesIn(header: string): readonly Challenge[] {
  const challenges: { scheme: string; facts: Map<string, string> }[] = [];
  // a name with a value is a fact of the challenge before it, a name alone begins the next one
  const parts = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g;
  for (const [, name = '', quoted, plain] of header.slice(0, 16_384).matchAll(parts)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), facts: new Map() });
    else challenges.at(-1)?.facts.set(name.toLowerCase(), value);
  }
  return challenges;
}
