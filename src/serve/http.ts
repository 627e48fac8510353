// The HTTP face: routes, bounds, errors in our codes. What it says of this machine is nothing: no paths, no stacks.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isPlumbError, PlumbError, type ErrorCode } from '../base/errors.ts';
import type { Prediction } from '../train/predictor.ts';
import type { Host, SlotState } from './host.ts';
import type { Limits } from './limits.ts';
import type { ServeMetrics } from './metrics.ts';
import type { PromotedBy } from './promoted.ts';
import type { FollowState, Readiness } from './readiness.ts';
import { page, pagePolicy } from './page.ts';
import { addWebhook, type WebhookParts } from './webhook.ts';
import { parseBody, predictInTurns, requestInvalid, requestReader, showPrediction, type PredictAnswer, type PredictRequest } from './request.ts';

export interface HttpParts {
  readonly host: Host;
  readonly metrics: ServeMetrics;
  readonly limits: Limits;
  /** names under which a proxy on this machine asks; lower case */
  readonly hosts: readonly string[];
  readiness(): Readiness;
  follow(): FollowState;
  promoted(name: string): PromotedBy | null;
  stopping(): boolean;
  /** undefined: no forge tells this server anything */
  readonly webhook?: WebhookParts | undefined;
  /** An error that is ours, with the request it happened in: for the log, not for the client. */
  onBug(error: unknown, request: string): void;
}

/** The routes of a server that is not listening yet. */
export async function createHttp(parts: HttpParts): Promise<FastifyInstance> {
  const { fastify } = await import('fastify');
  const app = fastify({
    serverFactory: (handler) => boundedServer(handler, parts.limits),
    bodyLimit: parts.limits.bodyBytes,
    routerOptions: { maxParamLength: 1000 },
    genReqId: (request) => requestId(request),
    requestIdHeader: false,
    // requests on connections that are open already are answered while we stop
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply as FastifyReply, parts),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // fastify reads a body after this: whoever may not ask is not listened to
  app.addHook('onRequest', async (request, reply) => {
    if (isAskedAsItself(request.headers.host, request.socket.localAddress, parts.hosts)) return undefined;
    return sendError(requestInvalid('the header Host names another machine'), request, reply, parts, 421);
  });
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (parts.stopping()) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    parts.metrics.requests.inc({ route, model: (request as Measured).plumbModel ?? '', status: reply.statusCode });
    parts.metrics.seconds.observe({ route }, reply.elapsedTime / 1000);
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply, parts));
  app.setNotFoundHandler((request, reply) =>
    sendError(
      new PlumbError('REQUEST_INVALID', {
        what: 'nothing is served at this path with this method',
        mend: 'POST /v1/models/<name>/predict; GET /v1/models',
      }),
      request,
      reply,
      parts,
      404,
    ),
  );
  addReading(app, parts);
  addPredicting(app, parts);
  if (parts.webhook !== undefined) addWebhook(app, parts.webhook);
  return app;
}

/** A request, with the model that it was about; only names of served models come here, so that labels of metrics stay few. */
type Measured = FastifyRequest & { plumbModel?: string };

function addReading(app: FastifyInstance, parts: HttpParts): void {
  app.get('/', (_request, reply) =>
    reply
      .header('content-security-policy', pagePolicy)
      .header('cache-control', 'no-cache')
      .header('referrer-policy', 'no-referrer')
      .type('text/html; charset=utf-8')
      .send(page),
  );
  app.get('/healthz', (_request, reply) => reply.send({ status: 'alive' }));
  app.get('/readyz', (_request, reply) => {
    const { ready, degraded, reasons } = parts.readiness();
    const { ref, commit, log } = parts.follow();
    return reply.code(ready ? 200 : 503).send({ ready, degraded, reasons, ref, commit, ...showLog(log) });
  });
  app.get('/v1/models', (_request, reply) =>
    reply.send({
      ref: parts.follow().ref,
      commit: parts.follow().commit,
      models: parts.host.states().map((slot) => showSlot(slot, parts.promoted(slot.name))),
    }),
  );
  app.get('/metrics', async (_request, reply) => reply.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics()));
}

/** Whose word counts. The whole story of a trouble is in the server's log. */
function showLog(log: FollowState['log']): Record<string, unknown> {
  if (log === undefined) return { decidedBy: null };
  if (log === null) return { decidedBy: 'pointers', note: 'there is no log of decisions: pointers are believed as they stand on the branch' };
  const { branch, records, commit, trust } = log;
  return { decidedBy: 'log', log: { branch, records, commit, trust } };
}

function showSlot(slot: SlotState, promoted: PromotedBy | null): Record<string, unknown> {
  return {
    name: slot.name,
    stage: slot.answering?.stage ?? null,
    digest: slot.answering?.digest ?? null,
    commit: slot.answering?.commit ?? null,
    since: slot.since,
    promoted,
    labels: slot.labels,
    wanted: slot.wanted,
    previous: slot.previous,
    trouble: slot.trouble === null ? null : slot.trouble.code,
  };
}

function addPredicting(app: FastifyInstance, parts: HttpParts): void {
  const { host, metrics, limits } = parts;
  const read = requestReader(limits);
  let inFlight = 0;
  app.post<{ Params: { name: string } }>('/v1/models/:name/predict', async (request, reply) => {
    const asked = read(request.body);
    if (inFlight >= limits.inFlight) throw busy(`${inFlight} predictions run or wait already`);
    inFlight += 1;
    metrics.inFlight.set(inFlight);
    try {
      return await host.use(request.params.name, async (predictor, model) => {
        (request as Measured).plumbModel = model.name;
        const until = performance.now() + limits.predictMs;
        const predictions = await predictInTurns(predictor, asked, () => performance.now() < until && !reply.raw.destroyed);
        if (predictions === null) throw busy('the prediction took too long');
        metrics.texts.inc({ model: model.name }, predictions.length);
        return answer(asked, predictions, { model, request: request.id });
      });
    } finally {
      inFlight -= 1;
      metrics.inFlight.set(inFlight);
    }
  });
}

function answer(asked: PredictRequest, predictions: readonly Prediction[], by: Pick<PredictAnswer, 'model' | 'request'>): PredictAnswer {
  const [first, ...others] = predictions.map((prediction) => showPrediction(prediction, asked.top));
  if (first === undefined) throw new Error('the model gave no prediction');
  return asked.single ? { ...first, ...by } : { predictions: [first, ...others], ...by };
}

function busy(what: string): PlumbError {
  return new PlumbError('SERVER_BUSY', { what, mend: 'ask again after the seconds of the header Retry-After, with fewer texts at once' });
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  MODEL_UNKNOWN: 404,
  MODEL_NOT_READY: 503,
  MODEL_REVOKED: 503,
  SERVER_BUSY: 503,
  WEBHOOK_REFUSED: 401,
  WEBHOOK_REPLAYED: 409,
  WEBHOOK_LIMIT: 429,
};

/** fastify's own complaints about a request, in our words. */
const framework: Readonly<Record<string, { status: number; what: (bodyBytes: number) => string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, what: (bodyBytes) => `the body is larger than ${bodyBytes} bytes` },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, what: () => 'the content type is not application/json' },
  FST_ERR_CTP_EMPTY_TYPE: { status: 415, what: () => 'the content type is missing' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, what: () => 'the body does not have the length that its header says' },
  FST_ERR_BAD_URL: { status: 400, what: () => 'the path is not well-formed' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 404, what: () => 'no model has a name this long' },
};

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, parts: HttpParts, wantedStatus?: number): FastifyReply {
  const known = framework[(error as { code?: string }).code ?? ''];
  const told =
    known !== undefined ? requestInvalid(known.what(request.routeOptions.bodyLimit ?? parts.limits.bodyBytes)) : isPlumbError(error) ? error : null;
  const status = wantedStatus ?? known?.status ?? (told === null ? 500 : statusOf[told.code]) ?? 500;
  if (status === 500) parts.onBug(error, request.id);
  if (status === 503) reply.header('retry-after', '1');
  if (status === 429) reply.header('retry-after', '60');
  parts.metrics.errors.inc({ code: status === 500 ? 'BUG' : (told?.code ?? 'BUG') });
  const body =
    told === null || status === 500
      ? { code: 'BUG', what: 'the server made a mistake', mend: "report it with this request's id and the server's log" }
      : { code: told.code, what: told.message, mend: told.mend };
  return reply.code(status).send({ error: body, request: request.id });
}

const loopback = /^(127\.|::1$|::ffff:127\.)/;
const ownNames = /^(localhost|[^:/?#@]+\.localhost|127(\.\d{1,3}){3}|\[::1\])\.?(:\d+)?$/i;

/**
 * A page of a stranger whose name suddenly resolves to 127.0.0.1 (DNS rebinding) may ask as the browser's user; its Host still is the stranger's name.
 * What comes over a real network has no such user: there the proxy in front decides.
 */
function isAskedAsItself(host: string | undefined, localAddress: string | undefined, others: readonly string[]): boolean {
  if (localAddress === undefined || !loopback.test(localAddress) || host === undefined || ownNames.test(host)) return true;
  return others.includes(host.replace(/:\d+$/, '').toLowerCase());
}

/** A caller's own id where it is a plain word, so that two logs can be laid side by side. */
function requestId(request: { headers: IncomingMessage['headers'] }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

function boundedServer(handler: (request: IncomingMessage, response: ServerResponse) => void, limits: Limits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
      maxHeaderSize: 16_384,
    },
    handler,
  );
  server.setTimeout(limits.idleMs);
  server.maxConnections = limits.connections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const [status, what] =
      error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not arrive in time']
        : error.code === 'HPE_HEADER_OVERFLOW'
          ? ['431 Request Header Fields Too Large', 'the head of the request is too large']
          : ['400 Bad Request', 'this is not HTTP'];
    const body = JSON.stringify({ error: { code: 'REQUEST_INVALID', what, mend: 'send a well-formed HTTP/1.1 request' } });
    const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
    socket.end(head + body, () => socket.destroy());
  });
  return server;
}
