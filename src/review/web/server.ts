// The page's server: of this machine only, for one sitting, for whoever has the token.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isPlumbError } from '../../base/errors.ts';
import type { Annotator, ReviewRole } from '../schema.ts';
import type { Sitting } from '../sitting.ts';
import { page, pagePolicy } from './page.ts';
import { refusalOf } from './security.ts';
import { carryOut, stateOf, type PageRequest } from './state.ts';

export interface PageServer {
  /** with the token behind '#', which a browser never sends anywhere */
  readonly url: string;
  /** Resolves when the page ended the sitting. @throws what a decision could not be written for */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const mostBody = 32 * 1024 * 1024;

/** @param options port: 0 takes a free one */
export async function servePage(
  sitting: Sitting,
  { data, who, role, port }: { readonly data: string; readonly who: Annotator; readonly role: ReviewRole; readonly port: number },
): Promise<PageServer> {
  const token = randomBytes(24).toString('base64url');
  let end = (): void => undefined;
  let fail = (_error: unknown): void => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  // nobody may be waiting yet
  ended.catch(() => undefined);
  // one after the other: two keys at once are two decisions, not half of each
  let turn: Promise<unknown> = Promise.resolve();
  const answer = async (request: PageRequest): Promise<{ status: number; body: object }> => {
    try {
      const over = await carryOut(sitting, request);
      if (over) end();
      return { status: 200, body: { state: stateOf(sitting, { data, who, role }), over } };
    } catch (error) {
      if (!isPlumbError(error)) throw error;
      return { status: 422, body: { error: `${error.message} ${error.mend}`, state: stateOf(sitting, { data, who, role }) } };
    }
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      fail(error);
      if (!response.headersSent) send(response, 500, { error: 'this cannot be done; the terminal says why' });
      response.end();
    });
  });
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const api = request.url === '/api' && request.method === 'POST';
    const refusal = refusalOf(request.headers, { port: portOf(server), token, api });
    if (refusal !== null) return send(response, 403, { error: refusal });
    if (request.url === '/' && request.method === 'GET') return sendPage(response);
    if (!api) return send(response, 404, { error: 'there is nothing here' });
    const asked = requestOf(await bodyOf(request));
    if (asked === null) return send(response, 400, { error: 'the request is not understood' });
    const done = turn.then(() => answer(asked));
    turn = done.catch(() => undefined);
    const { status, body } = await done;
    send(response, status, body);
  };
  server.requestTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/#${token}`,
    ended,
    async close() {
      await turn;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

const guarded = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
};

function sendPage(response: ServerResponse): void {
  response.writeHead(200, { ...guarded, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy }).end(page);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { ...guarded, 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBody) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function requestOf(body: string | null): PageRequest | null {
  let value: unknown;
  try {
    value = JSON.parse(body ?? '');
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  const { op, row = null, text, columns } = value as Record<string, unknown>;
  if (typeof op !== 'string' || !(row === null || typeof row === 'string') || !(text === undefined || typeof text === 'string')) return null;
  if (columns !== undefined && !isTexts(columns)) return null;
  return { op, row, ...(text === undefined ? {} : { text }), ...(columns === undefined ? {} : { columns }) };
}

function isTexts(value: unknown): value is Record<string, string> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.values(value).every((text) => typeof text === 'string');
}
