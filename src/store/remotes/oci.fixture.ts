// A registry in memory that behaves as oddly as a test wants. What it answers otherwise is what distribution answers; the real one is in tests/real.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import type { Remote } from '../remote.ts';
import type { Patience } from './retry.ts';
import { openOciRemote, type OciOptions } from './oci.ts';

export interface Seen {
  readonly method: string;
  /** below /v2/<name>/, or the whole path; with the query */
  readonly at: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Answers a request itself (true), or leaves it to the registry. */
export type Oddity = (seen: Seen, request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

export interface FakeRegistry extends AsyncDisposable {
  readonly origin: string;
  readonly address: string;
  readonly seen: Seen[];
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, Buffer>;
  readonly tags: Map<string, string>;
  odd: Oddity;
  /** 'GET manifests/x' of all requests so far, the digest in it cut short */
  log(): string[];
  close(): Promise<void>;
}

export async function startFake(odd: Oddity = () => false): Promise<FakeRegistry> {
  const seen: Seen[] = [];
  const [blobs, manifests, tags] = [new Map<string, Buffer>(), new Map<string, Buffer>(), new Map<string, string>()];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const at = url.replace(/^\/v2\/team\/data\//, '');
    const entry: Seen = { method, at, authorization: headers.authorization, range: headers.range };
    seen.push(entry);
    void (async () => {
      if (await fake.odd(entry, request, response)) return;
      await answerAsRegistry(entry, request, response, { blobs, manifests, tags });
    })().catch(() => response.destroy());
  });
  const origin = await listen(server);
  const fake: FakeRegistry = {
    origin,
    address: `${origin.replace('http', 'oci')}/team/data`,
    seen,
    blobs,
    manifests,
    tags,
    odd,
    log: () =>
      seen.map(({ method, at }) => `${method} ${at.replaceAll(/(sha256(?::|%3A)...)[0-9a-f]{61}/g, '$1').replace(/\?.*digest=/, '?digest=')}`),
    close: () => stop(server),
    [Symbol.asyncDispose]: () => stop(server),
  };
  return fake;
}

/** A storage service: another origin, which must never see a login. */
export async function startStorage(answer: Oddity): Promise<{ origin: string; seen: Seen[]; close(): Promise<void> } & AsyncDisposable> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const entry = { method, at: url, authorization: headers.authorization, range: headers.range };
    seen.push(entry);
    void answer(entry, request, response);
  });
  const origin = await listen(server);
  return { origin, seen, close: () => stop(server), [Symbol.asyncDispose]: () => stop(server) };
}

export function reply(response: ServerResponse, status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): true {
  response.writeHead(status, headers).end(body);
  return true;
}

export function refuse(response: ServerResponse, status: number, code: string, message = '', headers: Record<string, string> = {}): true {
  return reply(response, status, { 'content-type': 'application/json', ...headers }, JSON.stringify({ errors: [{ code, message }] }));
}

/** A range as servers give it. */
export function replyRange(response: ServerResponse, range: string | undefined, bytes: Buffer): true {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) return reply(response, 200, { 'content-length': String(bytes.length) }, bytes);
  const start = Number(first);
  if (start >= bytes.length) return refuse(response, 416, 'RANGE_INVALID');
  const end = last === '' || last === undefined ? bytes.length : Math.min(bytes.length, Number(last) + 1);
  const headers = { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}`, 'content-length': String(end - start) };
  return reply(response, 206, headers, bytes.subarray(start, end));
}

export async function bodyOfRequest(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat((await Array.fromAsync(request)) as Buffer[]);
}

async function answerAsRegistry(
  { method, at, range }: Seen,
  request: IncomingMessage,
  response: ServerResponse,
  { blobs, manifests, tags }: Pick<FakeRegistry, 'blobs' | 'manifests' | 'tags'>,
): Promise<true> {
  const body = await bodyOfRequest(request);
  const url = new URL(at, 'http://fake/');
  const path = url.pathname.slice(1);
  if (method === 'POST' && path === 'blobs/uploads/') {
    // relative, with a query of its own whose letters must not change
    return reply(response, 202, { location: `/v2/team/data/blobs/uploads/${randomBytes(6).toString('hex')}?_state=a%2Bb+c==` });
  }
  if (method === 'PUT' && path.startsWith('blobs/uploads/')) {
    const digest = url.searchParams.get('digest') ?? '';
    if (!at.includes('?_state=a%2Bb+c==&')) return refuse(response, 400, 'BLOB_UPLOAD_INVALID', 'the state is another');
    if (digestOf(body) !== digest) return refuse(response, 400, 'DIGEST_INVALID');
    blobs.set(digest, body);
    return reply(response, 201, { location: `/v2/team/data/blobs/${digest}` });
  }
  if (path.startsWith('blobs/')) {
    const blob = blobs.get(path.slice('blobs/'.length));
    return blob === undefined ? refuse(response, 404, 'BLOB_UNKNOWN') : replyRange(response, range, blob);
  }
  if (path.startsWith('manifests/')) return answerManifest(method, path.slice('manifests/'.length), body, response, { blobs, manifests, tags });
  if (path === 'tags/list') return replyTags(response, url, [...tags.keys()].toSorted(), true);
  return refuse(response, 404, 'UNSUPPORTED', `${method} ${path}`);
}

function answerManifest(
  method: string,
  reference: string,
  body: Buffer,
  response: ServerResponse,
  { blobs, manifests, tags }: Pick<FakeRegistry, 'blobs' | 'manifests' | 'tags'>,
): true {
  if (method === 'PUT') {
    const { config, layers } = JSON.parse(body.toString()) as { config: { digest: string }; layers: { digest: string }[] };
    if ([config, ...layers].some(({ digest }) => !blobs.has(digest)))
      return refuse(response, 400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry');
    manifests.set(digestOf(body), body);
    tags.set(reference, digestOf(body));
    return reply(response, 201);
  }
  const digest = reference.startsWith('sha256:') ? reference : (tags.get(reference) ?? '');
  const found = manifests.get(digest);
  if (found === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN');
  if (method !== 'DELETE') return reply(response, 200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }, found);
  // by digest only, as old registries have it
  if (reference !== digest) return refuse(response, 400, 'DIGEST_INVALID');
  manifests.delete(digest);
  for (const [tag, to] of tags) if (to === digest) tags.delete(tag);
  return reply(response, 202);
}

/** @param link does it say where the next page is? */
export function replyTags(response: ServerResponse, url: URL, all: readonly string[], link: boolean): true {
  const [n, last] = [Number(url.searchParams.get('n') ?? 100), url.searchParams.get('last')];
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const page = rest.slice(0, n);
  const more = link && rest.length > n ? { link: `</v2/team/data/tags/list?n=${n}&last=${page.at(-1)}>; rel="next"` } : {};
  return reply(response, 200, { 'content-type': 'application/json', ...more }, JSON.stringify({ name: 'team/data', tags: page }));
}

/** Waits for nothing, and says how long it would have been. */
export function noWait(waits: number[] = []): Patience {
  return { pause: async (ms) => void waits.push(ms), random: () => 0.5 };
}

export function openFake(fake: { readonly address: string }, more: Partial<OciOptions> = {}): Remote {
  return openOciRemote(fake.address, { env: {}, home: '/nowhere', patience: noWait(), ...more });
}

/** A pack on this disk, until the end of the test. */
export function packOf(bytes: Buffer): { digest: Digest; hex: string; file: { path: string; bytes: number } } {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-oci-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'pack');
  writeFileSync(path, bytes);
  return { digest: digestOf(bytes), hex: hexOf(digestOf(bytes)), file: { path, bytes: bytes.length } };
}

export function refused(code: string, text: string | RegExp = ''): object {
  return expect.objectContaining({ code, message: typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text) });
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
