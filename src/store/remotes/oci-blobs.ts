// Packs in a registry: blobs. Nothing lists them, and they stay as long as a manifest names them.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';
import type { RequestOptions } from '../remote.ts';
import { remoteFailed } from './failures.ts';
import type { Found, KeyedReader, Part } from './keyed.ts';
import { abandon, bodyPieces, cutPieces } from './connection.ts';
import type { Answer, OciClient } from './oci-client.ts';

const pieceBytes = 1 << 18;

/** Reads packs as the other remotes do, so that what is above this (cut connections, ranges, aborts) is the same for all. */
export function packReader(client: OciClient): KeyedReader {
  return {
    url: client.url,
    get: (path, part, { signal }) => (path.startsWith('packs/') ? readPart(client, blobOf(path), part, signal) : Promise.resolve(null)),
    has: async (path, { signal }) => path.startsWith('packs/') && client.persist(() => client.has(blobOf(path), signal), signal),
  };
}

function blobOf(path: string): string {
  return `blobs/sha256:${path.slice('packs/'.length)}`;
}

async function readPart(client: OciClient, at: string, part: Part, signal: AbortSignal): Promise<Found | null> {
  const whole = part.start === 0 && part.end === null;
  const range = `bytes=${part.start}-${part.end === null ? '' : part.end - 1}`;
  const answer = await client.send({ method: 'GET', at, headers: whole ? {} : { range } }, signal);
  if (answer.status === 200) return cutPart(answer, part);
  if (answer.status === 206) return checkPart(client, answer, part);
  if (answer.status !== 404 && answer.status !== 416) throw await client.refused(`give ${at}`, answer);
  await answer.body.dump();
  return answer.status === 404 ? null : { bytes: 0, body: bodyPieces(answer.body) };
}

function checkPart(client: OciClient, answer: Answer, part: Part): Found {
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(answer.header('content-range') ?? '') ?? [];
  if (Number(first) === part.start) return { bytes: Number(last) + 1 - part.start, body: bodyPieces(answer.body) };
  abandon(answer.body);
  throw remoteFailed(client.url, `was asked for the bytes from ${part.start} on and gives others`);
}

/** Of an answer that is whole, because the registry knows no ranges: what comes before is read over, what comes after is not read. */
function cutPart(answer: Answer, part: Part): Found {
  const length = Number.parseInt(answer.header('content-length') ?? '', 10);
  const end = Math.min(part.end ?? Number.POSITIVE_INFINITY, Number.isFinite(length) ? length : Number.POSITIVE_INFINITY);
  return { bytes: Number.isFinite(length) ? Math.max(0, end - part.start) : null, body: cutPieces(bodyPieces(answer.body), part.start, end) };
}

/** @returns bytes that travelled: 0 where the registry had it */
export function sendPack(
  client: OciClient,
  digest: Digest,
  file: { readonly path: string; readonly bytes: number },
  request: RequestOptions,
): Promise<number> {
  const body = (): Readable => Readable.from(piecesOf(file.path, request), { objectMode: false });
  return sendBlob(client, digest, { bytes: file.bytes, body }, request.signal);
}

/**
 * A session, then all bytes in one PUT: pieces (PATCH) are cut at 4 MiB by GitHub's registry, and one request (POST ?digest=) is not taken by distribution.
 * @param blob body: made anew for every try
 * @returns bytes that travelled: 0 where the registry had it
 */
export function sendBlob(
  client: OciClient,
  digest: Digest,
  blob: { readonly bytes: number; readonly body: () => Readable | Uint8Array },
  signal: AbortSignal,
): Promise<number> {
  let sent = 0;
  return client.persist(async () => {
    // a try whose answer was lost may have done it
    if (await client.persist(() => client.has(`blobs/${digest}`, signal), signal)) return sent;
    const session = await client.send({ method: 'POST', at: 'blobs/uploads/' }, signal);
    if (session.status !== 202) throw await client.refusedWrite('take a pack', session);
    await session.body.dump();
    const at = client.resolve(session.header('location'), session.url);
    // appended to the text: the query is the registry's own, and must not be written anew
    at.search += `${at.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(blob.bytes) };
    sent = blob.bytes;
    // once: a session that was cut is not good for a second try everywhere
    const answer = await client.sendOnce({ method: 'PUT', at, headers, body: blob.body }, signal);
    if (answer.status !== 201) throw await client.refusedWrite(`keep the pack ${digest}`, answer);
    await answer.body.dump();
    return sent;
  }, signal);
}

async function* piecesOf(path: string, { onBytes }: RequestOptions): AsyncGenerator<Uint8Array> {
  const pieces = createReadStream(path, { highWaterMark: pieceBytes })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await pieces.next().catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
    if (next.done === true) return;
    await onBytes?.(next.value.length);
    yield next.value;
  }
}
