// A proxy in front of a real server that does what networks and busy servers do. What it does not disturb is the server's own answer.
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  /** with the query */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** What happens to a request instead of being passed on; null: it is passed on. */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** the connection ends before an answer */
  | { readonly kind: 'cut' }
  /** it ends after that many bytes of the answer's body */
  | { readonly kind: 'cut-body'; readonly afterBytes: number }
  /** it is passed on so many ms later */
  | { readonly kind: 'slow'; readonly ms: number }
  | null;

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** requests so far, those that were disturbed, too */
  readonly seen: readonly Seen[];
  /** decides from now on */
  disturb(decide: (request: Seen, at: number) => Fault): void;
  stop(): Promise<void>;
}

/** @param target http://127.0.0.1:<port>; as a function where the server is started after the proxy, because it must know it */
export async function startFaultProxy(target: string | (() => string)): Promise<FaultProxy> {
  const seen: Seen[] = [];
  let decide: (request: Seen, at: number) => Fault = () => null;
  const server = createServer((incoming, response) => {
    const asked = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers };
    const fault = decide(asked, seen.push(asked) - 1);
    if (fault?.kind === 'cut') return void incoming.socket.destroy();
    if (fault?.kind !== 'answer') {
      const to = typeof target === 'string' ? target : target();
      const forward = (): void => pass(to, incoming, response, fault?.kind === 'cut-body' ? fault.afterBytes : Number.POSITIVE_INFINITY);
      return void (fault?.kind === 'slow' ? setTimeout(forward, fault.ms) : forward());
    }
    // a server that is busy answers before it has read the body
    response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    incoming.resume();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, port, seen, disturb: (next) => void (decide = next), stop, [Symbol.asyncDispose]: stop };
}

/** The Host header stays the client's: it is signed. */
function pass(target: string, incoming: IncomingMessage, response: ServerResponse, cutAfter: number): void {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  const outgoing = request(target, { method, path: url, setHost: false });
  for (let at = 0; at < rawHeaders.length; at += 2) outgoing.appendHeader(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    let passed = 0;
    answer.on('data', (piece: Buffer) => {
      const kept = piece.subarray(0, cutAfter - passed);
      passed += kept.length;
      response.write(kept, () => passed >= cutAfter && setTimeout(() => response.destroy(), 10));
    });
    answer.on('end', () => passed < cutAfter && response.end());
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
