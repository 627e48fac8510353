// What every remote over HTTP does alike: connections through a proxy, bodies that may break, failures that may pass.
import type { Dispatcher } from 'undici';
import { errnoOf } from '../../base/errors.ts';
import { isLoopback } from './oci-address.ts';
import { Passing } from './retry.ts';

type Body = Dispatcher.ResponseData['body'];

const connectMs = 20_000;

/**
 * Connections of our own, through the proxy that the environment names; never for this machine itself.
 * @param env http_proxy, https_proxy and no_proxy, in small letters or capitals
 */
export async function openDispatcher(host: string, env: Readonly<Record<string, string | undefined>>): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const connect = { timeout: connectMs };
  if (isLoopback(host)) return new Agent({ connect });
  const named = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? '';
  return new EnvHttpProxyAgent({ connect, httpProxy: named('http_proxy'), httpsProxy: named('https_proxy'), noProxy: named('no_proxy') });
}

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** An answer after which the same may be asked again. */
export function isPassingStatus(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status);
}

/** What undici says of our own side. */
const ours = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);

/** A connection that broke or stays silent becomes Passing; anything else comes back as it is. */
export function passingOf(error: unknown): unknown {
  const code = errnoOf(error) ?? '';
  if (!/^(?:UND_ERR_|HPE_|EAI_|E[A-Z]+$)/.test(code) || ours.has(code)) return error;
  // that is how a proxy is told that refuses
  const why = code === 'UND_ERR_ABORTED' ? (error as Error).message : code;
  return new Passing(`does not answer (${why})`, { cause: error });
}

/** Ends the connection of an answer whose body nobody wants. */
export function abandon(body: Body): void {
  // undici tells a body that is ended before its end, and who is not listening ends with it
  body.on('error', () => undefined).destroy();
}

/** The body as it comes. @throws Passing where the connection breaks */
export async function* bodyPieces(body: Body): AsyncGenerator<Buffer> {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      // only what the connection does is a failure of the connection: what our reader throws passes by
      const next = await pieces.next().catch((error: unknown) => Promise.reject(passingOf(error)));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    abandon(body);
  }
}

/** A part of a body, from byte `start` to before `end`: what comes before is read over, what comes after is not read. */
export async function* cutPieces(pieces: AsyncIterable<Uint8Array>, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces) {
    const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= end) return;
  }
}
