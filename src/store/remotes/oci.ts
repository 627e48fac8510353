// A remote in an OCI registry: packs are blobs, receipts and names are manifests found by a tag. GitHub's registry takes the token of the job, so a team
// has a remote without any infrastructure.
//
// A registry lists no blobs, has no compare-and-swap for tags, and drops blobs that no manifest names by itself, when and if it likes. So: packs are
// known from receipts only; of two writers of one name at the same instant the last one wins (see `writeOnce`); nothing can be condemned, and a gc of
// such a remote is the removal of receipts.
import { createReadStream } from 'node:fs';
import { homedir } from 'node:os';
import { Readable } from 'node:stream';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import { mapInParallel } from '../parallel.ts';
import type { PackRef, Remote, RemoteEntry, RemoteKind, RequestOptions } from '../remote.ts';
import { remoteFailed } from './failures.ts';
import { keyedRemote, type Found, type KeyedReader, type Part } from './keyed.ts';
import { checkKey } from './keys.ts';
import { parseOciAddress } from './oci-address.ts';
import { abandon, bodyOf, OciClient, readBody, type Answer } from './oci-client.ts';
import { findLogin, type Environment } from './oci-login.ts';
import {
  emptyBlob,
  keyOf,
  manifestType,
  mostManifestBytes,
  readManifest,
  tagOf,
  writeManifest,
  type ManifestKind,
  type Written,
} from './oci-manifest.ts';
import { patience, type Patience } from './oci-retry.ts';

/** Manifests that a listing reads at a time. */
const listWidth = 8;
/** The most a registry may answer to one page of tags: an old one gives all tags in one, at 70 bytes each. */
const mostTagBytes = 128 << 20;
const tagsAPage = 1000;
const pieceBytes = 1 << 18;

export interface OciOptions {
  /** PLUMB_REGISTRY_USER, PLUMB_REGISTRY_PASSWORD, GITHUB_TOKEN, GITHUB_ACTOR, DOCKER_CONFIG, PATH (for docker's helpers), http_proxy and its kin */
  readonly env: Environment;
  /** of the user, for ~/.docker/config.json */
  readonly home?: string;
  readonly patience?: Patience;
  readonly now?: () => number;
}

/**
 * Nothing is asked before the first use.
 * @param address oci://host[:port]/name; oci+http:// for a registry without TLS that is not on this machine
 * @throws PlumbError CONFIG_INVALID
 */
export function openOciRemote(address: string, options: OciOptions): Remote {
  const place = parseOciAddress(address);
  const home = options.home ?? homedir();
  const how = options.patience ?? patience;
  const client = new OciClient({
    address: place,
    env: options.env,
    findLogin: () => findLogin(place.registry, { env: options.env, home }),
    patience: how,
    now: options.now ?? Date.now,
  });
  const registry = new Registry(place.url, client);
  // cut connections, parts and aborts of reading are the same for all
  const { readPack } = keyedRemote(registry, null, how);
  return {
    url: place.url,
    canWrite: true,
    canList: true,
    dropsPacks: true,
    read: async (kind, key, request) => {
      const text = (await registry.readThing(kind, key, request))?.text;
      return text === undefined ? null : Buffer.from(text);
    },
    has: (kind, key, request) => registry.hasThing(kind, key, request),
    write: (kind, key, bytes, what, request) => registry.write(kind, key, bytes, what, request),
    writePack: (digest, file, request) => registry.writePack(digest, file, request),
    readPack,
    list: (kind, request) => registry.list(kind, request),
    remove: (kind, key, request) => registry.remove(kind, key, request),
    movePack: () =>
      Promise.reject(registry.cannot('take a pack out of sight', 'remove the receipts that name it: what none names, the registry drops by itself')),
  };
}

class Registry implements KeyedReader {
  readonly url: string;
  readonly #client: OciClient;
  #emptyBlob: Promise<unknown> | undefined;

  constructor(url: string, client: OciClient) {
    this.url = url;
    this.#client = client;
  }

  /** Part of a pack. Where a registry gives the whole, what comes before is read over, and what comes after is not. */
  async get(path: string, part: Part, { signal }: RequestOptions): Promise<Found | null> {
    if (!path.startsWith('packs/')) return null;
    const at = `blobs/sha256:${path.slice('packs/'.length)}`;
    const whole = part.start === 0 && part.end === null;
    const range = `bytes=${part.start}-${part.end === null ? '' : part.end - 1}`;
    const answer = await this.#client.send({ method: 'GET', at, headers: whole ? {} : { range } }, signal);
    if (answer.status === 200) return partOf(answer, part);
    if (answer.status === 206) return this.#found(answer, part);
    if (answer.status !== 404 && answer.status !== 416) throw await this.#client.refused(`give ${at}`, answer);
    await answer.body.dump();
    return answer.status === 404 ? null : { bytes: 0, body: bodyOf(answer) };
  }

  async has(path: string, request: RequestOptions): Promise<boolean> {
    return path.startsWith('packs/') && this.#isThere(`blobs/sha256:${path.slice('packs/'.length)}`, request.signal);
  }

  #found(answer: Answer, part: Part): Found {
    const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(answer.header('content-range') ?? '') ?? [];
    if (Number(first) === part.start) return { bytes: Number(last) + 1 - part.start, body: bodyOf(answer) };
    abandon(answer);
    throw remoteFailed(this.url, `was asked for the bytes from ${part.start} on and gives others`);
  }

  async hasThing(kind: RemoteKind, key: string, request: RequestOptions): Promise<boolean> {
    checkKey(kind, key);
    if (kind === 'condemned') return false;
    return this.#isThere(kind === 'packs' ? `blobs/sha256:${key}` : `manifests/${tagOf(kind, key)}`, request.signal);
  }

  #isThere(at: string, signal: AbortSignal): Promise<boolean> {
    return this.#client.persist(() => this.#isThereOnce(at, signal), signal);
  }

  async #isThereOnce(at: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#client.sendOnce({ method: 'HEAD', at, headers: { accept: manifestType } }, signal);
    await answer.body.dump();
    if (answer.status === 404) return false;
    // a redirect says where it is, so it is there: storage services do not always answer HEAD
    if (answer.status < 400) return true;
    throw await this.#client.refused(`say whether it has ${at}`, answer);
  }

  async readThing(kind: ManifestKind, key: string, request: RequestOptions): Promise<Written | null> {
    return (await this.#readManifest(kind, key, request))?.written ?? null;
  }

  async #readManifest(kind: ManifestKind, key: string, { signal, onBytes }: RequestOptions): Promise<{ written: Written; digest: Digest } | null> {
    const at = `manifests/${tagOf(kind, key)}`;
    const bytes = await this.#client.persist(async () => {
      const answer = await this.#client.sendOnce({ method: 'GET', at, headers: { accept: manifestType } }, signal);
      if (answer.status === 200) return { found: await readBody(answer, mostManifestBytes) };
      if (answer.status !== 404) throw await this.#client.refused(`give ${at}`, answer);
      await answer.body.dump();
      return null;
    }, signal);
    if (bytes === null) return null;
    const written = bytes.found === null ? null : readManifest(kind, key, bytes.found);
    if (bytes.found === null || written === null) {
      const what = `the remote ${this.url} has something else at the tag ${tagOf(kind, key)}`;
      throw new PlumbError(kind === 'receipts' ? 'RECEIPT_INVALID' : 'REMOTE_FAILED', {
        what,
        mend: 'see who writes to it; a remote has its repository of the registry to itself',
      });
    }
    await onBytes?.(bytes.found.length);
    return { written, digest: digestOf(bytes.found) };
  }

  async write(
    kind: ManifestKind,
    key: string,
    bytes: Uint8Array,
    what: { readonly ifAbsent: boolean; readonly packs: readonly PackRef[] },
    request: RequestOptions,
  ): Promise<boolean> {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return what.ifAbsent ? this.#writeOnce(kind, key, text, what.packs, request) : this.#put(kind, key, text, what.packs, request);
  }

  /**
   * Asked, written, read back. Two that write one name within these three requests may both be told that they were first; the last one's text stays and
   * is what everybody reads from then on. A name leads to a run record of one fingerprint, so both texts are true.
   */
  async #writeOnce(kind: ManifestKind, key: string, text: string, packs: readonly PackRef[], request: RequestOptions): Promise<boolean> {
    if (await this.hasThing(kind, key, request)) return false;
    await this.#put(kind, key, text, packs, request);
    return (await this.readThing(kind, key, request))?.text === text;
  }

  async #put(kind: ManifestKind, key: string, text: string, packs: readonly PackRef[], { signal, onBytes }: RequestOptions): Promise<true> {
    const at = `manifests/${tagOf(kind, key)}`;
    await (this.#emptyBlob ??= this.#sendBlob(digestOf(emptyBlob), { bytes: emptyBlob.length, body: () => emptyBlob }, signal).catch(
      (error: unknown) => {
        this.#emptyBlob = undefined;
        throw error;
      },
    ));
    const body = writeManifest(kind, { key, text, packs, created: this.#client.date });
    const answer = await this.#client.send({ method: 'PUT', at, headers: { 'content-type': manifestType }, body: () => body }, signal);
    if (answer.status >= 300) throw await this.#refusedWrite(`keep ${at}`, answer);
    await answer.body.dump();
    await onBytes?.(body.length);
    return true;
  }

  writePack(digest: Digest, file: { readonly path: string; readonly bytes: number }, request: RequestOptions): Promise<number> {
    const body = (): Readable => Readable.from(piecesOf(file.path, request), { objectMode: false });
    return this.#sendBlob(digest, { bytes: file.bytes, body }, request.signal);
  }

  /**
   * A session, then all bytes in one PUT: pieces (PATCH) are cut at 4 MiB by GitHub's registry, and one request (POST ?digest=) is not taken by distribution.
   * @returns bytes that travelled
   */
  async #sendBlob(
    digest: Digest,
    blob: { readonly bytes: number; readonly body: () => Readable | Uint8Array },
    signal: AbortSignal,
  ): Promise<number> {
    let sent = 0;
    return this.#client.persist(async () => {
      // a try whose answer was lost may have done it
      if (await this.#isThereOnce(`blobs/${digest}`, signal)) return sent;
      const session = await this.#client.sendOnce({ method: 'POST', at: 'blobs/uploads/' }, signal);
      if (session.status !== 202) throw await this.#refusedWrite('take a pack', session);
      await session.body.dump();
      const at = this.#client.resolve(session.header('location'), session.url);
      at.search += `${at.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(blob.bytes) };
      sent = blob.bytes;
      const answer = await this.#client.sendOnce({ method: 'PUT', at, headers, body: blob.body }, signal);
      if (answer.status !== 201) throw await this.#refusedWrite(`keep the pack ${digest}`, answer);
      await answer.body.dump();
      return sent;
    }, signal);
  }

  async *list(kind: RemoteKind, request: RequestOptions): AsyncGenerator<RemoteEntry> {
    if (kind === 'packs') return yield* this.#listPacks(request);
    if (kind === 'condemned') return;
    for await (const { key, text, created } of this.#things(kind, request)) {
      yield { key, bytes: Buffer.byteLength(text), modified: created === null ? null : new Date(created) };
    }
  }

  /** Those that a receipt names: of others the registry does not tell. */
  async *#listPacks(request: RequestOptions): AsyncGenerator<RemoteEntry> {
    const known = new Set<Digest>();
    for await (const { packs } of this.#things('receipts', request)) {
      for (const { digest, bytes } of packs) {
        if (known.has(digest)) continue;
        known.add(digest);
        yield { key: hexOf(digest), bytes, modified: null };
      }
    }
  }

  /** Every manifest of a kind, read: one request each. */
  async *#things(kind: ManifestKind, request: RequestOptions): AsyncGenerator<Written> {
    for await (const tags of this.#tagPages(request.signal)) {
      const keys = tags.flatMap((tag) => keyOf(kind, tag) ?? []);
      for (let at = 0; at < keys.length; at += listWidth) {
        const some = keys.slice(at, at + listWidth);
        const read = await mapInParallel(some, { width: listWidth, signal: request.signal }, (key) => this.readThing(kind, key, request));
        // one that was removed meanwhile is not there
        for (const thing of read) if (thing !== null) yield thing;
      }
    }
  }

  /**
   * Tags, each once. A page leads to the next by Link; a registry that has none there is asked for what follows the last tag, if the page was full.
   * Source: OCI distribution spec 1.1, "Listing Tags"
   */
  async *#tagPages(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const known = new Set<string>();
    for (let at: string | URL | null = `tags/list?n=${tagsAPage}`; at !== null;) {
      const page: { tags: readonly string[]; next: string | URL | null } = await this.#tagPage(at, signal);
      const fresh = page.tags.filter((tag) => !known.has(tag));
      for (const tag of fresh) known.add(tag);
      yield fresh;
      // a registry that goes round in circles has nothing more to say
      at = fresh.length === 0 ? null : page.next;
    }
  }

  #tagPage(at: string | URL, signal: AbortSignal): Promise<{ tags: readonly string[]; next: string | URL | null }> {
    return this.#client.persist(async () => {
      const answer = await this.#client.sendOnce({ method: 'GET', at }, signal);
      if (answer.status === 404) {
        // a repository begins with the first thing in it
        await answer.body.dump();
        return { tags: [], next: null };
      }
      if (answer.status !== 200) throw await this.#client.refused('list its tags', answer);
      const body = await readBody(answer, mostTagBytes);
      const tags = body === null ? null : tagsIn(body);
      if (tags === null) throw remoteFailed(this.url, 'lists its tags in a form that is none');
      const [, link] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(answer.header('link') ?? '') ?? [];
      const last = tags.at(-1);
      const follows = tags.length === tagsAPage && last !== undefined ? `tags/list?n=${tagsAPage}&last=${encodeURIComponent(last)}` : null;
      return { tags, next: link === undefined ? follows : this.#client.resolve(link, answer.url) };
    }, signal);
  }

  /** Whatever stands at the key's tag: the manifest is deleted, the registry drops the packs that no other names. */
  async remove(kind: RemoteKind, key: string, request: RequestOptions): Promise<void> {
    checkKey(kind, key);
    if (kind === 'condemned') return;
    if (kind === 'packs') throw this.cannot('delete a pack', 'remove the receipts that name it: what none names, the registry drops by itself');
    const found = await this.#readManifest(kind, key, request);
    if (found === null) return;
    // by its digest: a tag alone is not what every registry deletes, and what another wrote meanwhile stays
    const answer = await this.#client.send({ method: 'DELETE', at: `manifests/${found.digest}` }, request.signal);
    if (answer.status === 405 || answer.status === 400 || answer.status === 501) {
      await answer.body.dump();
      throw this.cannot('delete', howToDelete(this.url));
    }
    if (answer.status >= 300 && answer.status !== 404) throw await this.#client.refused(`delete ${found.digest}`, answer);
    await answer.body.dump();
  }

  cannot(what: string, mend: string): PlumbError {
    return new PlumbError('REMOTE_CANNOT', { what: `the remote ${this.url} is a registry, and cannot ${what}`, mend });
  }

  async #refusedWrite(doing: string, answer: Answer): Promise<PlumbError> {
    if (answer.status !== 405 && answer.status !== 501) return this.#client.refused(doing, answer);
    await answer.body.dump();
    return new PlumbError('REMOTE_READ_ONLY', {
      what: `the remote ${this.url} can only be read`,
      mend: 'push to the registry that it is a mirror of, or end its maintenance',
    });
  }
}

function howToDelete(url: string): string {
  return url.startsWith('oci://ghcr.io/')
    ? 'delete versions of the package on its page, or with `gh api --method DELETE /orgs/OWNER/packages/container/NAME/versions/ID`'
    : 'allow deletion in the configuration of the registry';
}

/** The answer that is whole, cut to a part of it. */
function partOf(answer: Answer, part: Part): Found {
  const length = Number.parseInt(answer.header('content-length') ?? '', 10);
  const end = Math.min(part.end ?? Number.POSITIVE_INFINITY, Number.isFinite(length) ? length : Number.POSITIVE_INFINITY);
  return { bytes: Number.isFinite(length) ? Math.max(0, end - part.start) : null, body: cut(answer, part.start, end) };
}

async function* cut(answer: Answer, start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of bodyOf(answer)) {
    const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= end) return;
  }
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

function tagsIn(body: Buffer): readonly string[] | null {
  try {
    // null: a repository that has lost all its tags
    const { tags } = JSON.parse(body.toString()) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : null;
  } catch {
    return null;
  }
}
