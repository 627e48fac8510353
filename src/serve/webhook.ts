// A forge tells that something happened. Who knows the secret may make the server look at its repository now, and nothing else: what the message says is not
// read. Source: docs.github.com, "Validating webhook deliveries" (X-Hub-Signature-256); Gitea and Forgejo sign the same bytes under names of their own.
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Deliveries } from './deliveries.ts';

export const webhookPath = '/hooks/forge';

/** Shorter ones can be guessed by whoever saw one signed message. Bytes. */
const leastSecret = 16;

/** @throws PlumbError USAGE */
export function readWebhookSecret(env: Readonly<Record<string, string | undefined>>): Buffer {
  const secret = Buffer.from(env['PLUMB_WEBHOOK_SECRET'] ?? '');
  if (secret.length >= leastSecret) return secret;
  throw new PlumbError('USAGE', {
    what:
      secret.length === 0 ? 'PLUMB_WEBHOOK_SECRET is not set' : `PLUMB_WEBHOOK_SECRET has ${secret.length} bytes; at least ${leastSecret} are needed`,
    mend: 'make one with `openssl rand -hex 32`, and give it to the forge too, with the webhook',
  });
}

/** Header -> what stands before the hex digits. */
const signatureHeaders: Readonly<Record<string, string>> = { 'x-hub-signature-256': 'sha256=', 'x-gitea-signature': '', 'x-forgejo-signature': '' };
const deliveryHeaders = ['x-github-delivery', 'x-gitea-delivery', 'x-forgejo-delivery'] as const;

/** The signatures that a request claims; empty where one of them is not even the form of one. */
function claimedSignatures(headers: IncomingHttpHeaders): Buffer[] {
  const claimed: Buffer[] = [];
  for (const [name, prefix] of Object.entries(signatureHeaders)) {
    const value = headers[name];
    if (value === undefined) continue;
    const hex = typeof value === 'string' && value.startsWith(prefix) ? value.slice(prefix.length) : '';
    if (!/^[0-9a-f]{64}$/.test(hex)) return [];
    claimed.push(Buffer.from(hex, 'hex'));
  }
  return claimed;
}

/** Is the body signed with the secret? Every signature that is claimed has to be right, in whatever time a wrong one takes. */
export function isSigned(headers: IncomingHttpHeaders, body: Uint8Array, secret: Uint8Array): boolean {
  const claimed = claimedSignatures(headers);
  const right = createHmac('sha256', secret).update(body).digest();
  return claimed.length > 0 && claimed.every((signature) => timingSafeEqual(signature, right));
}

/**
 * What a delivery is known by: its bytes, and the number that the forge gave it. The number is not signed, so it alone would let the same bytes in again.
 */
export function namesOfDelivery(headers: IncomingHttpHeaders, body: Uint8Array): string[] {
  const numbers = deliveryHeaders.flatMap((name) => headers[name] ?? []).map((id) => hash('sha256', `delivery ${id}`, 'hex'));
  return [hash('sha256', Buffer.concat([Buffer.from('body '), body]), 'hex'), ...numbers];
}

export interface WebhookParts {
  readonly secret: Uint8Array;
  readonly deliveries: Deliveries;
  /** Look now. */
  hint(): void;
  onTrouble(error: PlumbError): void;
  /** milliseconds of a clock that never goes back */
  clock(): number;
  readonly limits: WebhookLimits;
}

export interface WebhookLimits {
  /** bytes of one message; GitHub sends at most 25 MiB, and most are below 100 kB */
  readonly bytes: number;
  /** messages that are read at once */
  readonly atOnce: number;
  /** good ones that are taken one after the other, and how many are taken in a minute from then on */
  readonly burst: number;
  readonly perMinute: number;
}

export const defaultWebhookLimits: WebhookLimits = { bytes: 4 << 20, atOnce: 8, burst: 60, perMinute: 60 };

/** Adds the route. What the server's own error handler says of a refusal has no word of why: 401 is all that a stranger learns. */
export function addWebhook(app: FastifyInstance, parts: WebhookParts): void {
  const { limits, deliveries } = parts;
  const allowance = createAllowance(limits, () => parts.clock());
  let reading = 0;
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // the very bytes that were signed
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', async (request, reply) => {
      if (claimedSignatures(request.headers).length === 0) throw refused();
      if (reading >= limits.atOnce) throw tooMany();
      reading += 1;
      reply.raw.once('close', () => (reading -= 1));
    });
    scope.post(webhookPath, { bodyLimit: limits.bytes }, async (request, reply) => {
      const body = bodyOf(request);
      if (!isSigned(request.headers, body, parts.secret)) throw refused();
      const names = namesOfDelivery(request.headers, body);
      // before the allowance: what is sent again must not use up that of the forge
      if (deliveries.has(names)) throw replayed();
      if (!allowance()) throw tooMany();
      if (!(await take(deliveries, names, parts))) throw replayed();
      parts.hint();
      return reply.code(202).send({ accepted: true, request: request.id });
    });
  });
}

function bodyOf({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}

/** What cannot be written down is still known as long as this process lives. */
async function take(deliveries: Deliveries, names: readonly string[], parts: Pick<WebhookParts, 'onTrouble'>): Promise<boolean> {
  return deliveries.take(names).catch((error: unknown) => {
    if (!isPlumbError(error)) throw error;
    parts.onTrouble(error);
    return true;
  });
}

function createAllowance({ burst, perMinute }: WebhookLimits, clock: () => number): () => boolean {
  let left = burst;
  let at = clock();
  return () => {
    const now = clock();
    left = Math.min(burst, left + ((now - at) / 60_000) * perMinute);
    at = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}

function refused(): PlumbError {
  return new PlumbError('WEBHOOK_REFUSED', {
    what: 'this is not signed with the secret of the webhook',
    mend: 'give the forge the secret that the server has',
  });
}

function replayed(): PlumbError {
  return new PlumbError('WEBHOOK_REPLAYED', { what: 'this delivery came before', mend: 'nothing is to be done: the server looks by itself, too' });
}

function tooMany(): PlumbError {
  return new PlumbError('WEBHOOK_LIMIT', {
    what: 'more deliveries came than are taken',
    mend: 'nothing is to be done: the server looks by itself, too',
  });
}
