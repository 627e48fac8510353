// A remote in an OCI registry: packs are blobs, receipts and names are manifests found by a tag. GitHub's registry takes the token of the job, so a team
// has a remote without any infrastructure.
//
// A registry lists no blobs, has no compare-and-swap for tags, and drops blobs that no manifest names by itself, when and if it likes. So: packs are
// known from receipts only; of two writers of one name at the same instant the last one wins (see `writeOnce`); nothing can be condemned, and a gc of
// such a remote is the removal of receipts.
import { homedir } from 'node:os';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { PackRef, Remote, RemoteEntry, RemoteKind, RequestOptions } from '../remote.ts';
import { remoteFailed } from './failures.ts';
import { keyedRemote } from './keyed.ts';
import { checkKey } from './keys.ts';
import { parseOciAddress } from './oci-address.ts';
import { packReader, sendBlob, sendPack } from './oci-blobs.ts';
import { OciClient, readBody } from './oci-client.ts';
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
import { patience, type Patience } from './retry.ts';
import { tagPages } from './oci-tags.ts';

/** Manifests that a listing reads at a time. */
const listWidth = 8;
const byItself = 'remove the receipts that name it: what none names, the registry drops by itself';

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
    findLogin: () => findLogin(place, { env: options.env, home }),
    patience: how,
    now: options.now ?? Date.now,
  });
  const registry = new Registry(client);
  // cut connections, parts and aborts of reading are the same for all
  const { readPack } = keyedRemote(packReader(client), null, how);
  return {
    url: place.url,
    canWrite: true,
    canList: true,
    dropsPacks: true,
    read: async (kind, key, request) => {
      const text = await registry.read(kind, key, request);
      return text === null ? null : Buffer.from(text);
    },
    has: (kind, key, request) => registry.has(kind, key, request),
    write: (kind, key, bytes, what, request) => registry.write(kind, key, bytes, what, request),
    writePack: (digest, file, request) => sendPack(client, digest, file, request),
    readPack,
    list: (kind, request) => registry.list(kind, request),
    remove: (kind, key, request) => registry.remove(kind, key, request),
    movePack: () => Promise.reject(registry.cannot('take a pack out of sight', byItself)),
  };
}

/** What stands at a tag. */
interface Tagged {
  readonly bytes: number;
  readonly digest: Digest;
  /** null: it is not ours */
  readonly written: Written | null;
}

class Registry {
  readonly #client: OciClient;
  #emptyBlob: Promise<unknown> | undefined;

  constructor(client: OciClient) {
    this.#client = client;
  }

  async has(kind: RemoteKind, key: string, { signal }: RequestOptions): Promise<boolean> {
    checkKey(kind, key);
    if (kind === 'condemned') return false;
    const at = kind === 'packs' ? `blobs/sha256:${key}` : `manifests/${tagOf(kind, key)}`;
    return this.#client.persist(() => this.#client.has(at, signal), signal);
  }

  async read(kind: ManifestKind, key: string, request: RequestOptions): Promise<string | null> {
    const found = await this.#readTag(kind, key, request);
    if (found === null || found.written !== null) return found?.written?.text ?? null;
    throw new PlumbError(kind === 'receipts' ? 'RECEIPT_INVALID' : 'REMOTE_FAILED', {
      what: `the remote ${this.#client.url} has something else at the tag ${tagOf(kind, key)}`,
      mend: 'see who writes to it; a remote has its repository of the registry to itself',
    });
  }

  async #readTag(kind: ManifestKind, key: string, { signal, onBytes }: RequestOptions): Promise<Tagged | null> {
    const at = `manifests/${tagOf(kind, key)}`;
    const found = await this.#client.persist(async () => {
      const answer = await this.#client.sendOnce({ method: 'GET', at, headers: { accept: manifestType } }, signal);
      if (answer.status === 200) return (await readBody(answer, mostManifestBytes)) ?? 'too large';
      if (answer.status !== 404) throw await this.#client.refused(`give ${at}`, answer);
      await answer.body.dump();
      return null;
    }, signal);
    if (found === null) return null;
    if (found === 'too large') throw remoteFailed(this.#client.url, `has more than ${mostManifestBytes} bytes at ${at}`, 'see who writes to it');
    await onBytes?.(found.length);
    return { bytes: found.length, digest: digestOf(found), written: readManifest(kind, key, found) };
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
    if (await this.has(kind, key, request)) return false;
    await this.#put(kind, key, text, packs, request);
    return (await this.read(kind, key, request)) === text;
  }

  async #put(kind: ManifestKind, key: string, text: string, packs: readonly PackRef[], { signal, onBytes }: RequestOptions): Promise<true> {
    const at = `manifests/${tagOf(kind, key)}`;
    await this.#sendEmptyBlob(signal);
    const body = writeManifest(kind, { key, text, packs, created: this.#client.date });
    const answer = await this.#client.send({ method: 'PUT', at, headers: { 'content-type': manifestType }, body: () => body }, signal);
    if (answer.status >= 300) throw await this.#client.refusedWrite(`keep ${at}`, answer);
    await answer.body.dump();
    await onBytes?.(body.length);
    return true;
  }

  /** The config of every manifest; once. */
  #sendEmptyBlob(signal: AbortSignal): Promise<unknown> {
    this.#emptyBlob ??= sendBlob(this.#client, digestOf(emptyBlob), { bytes: emptyBlob.length, body: () => emptyBlob }, signal).catch(
      (error: unknown) => {
        this.#emptyBlob = undefined;
        throw error;
      },
    );
    return this.#emptyBlob;
  }

  async *list(kind: RemoteKind, request: RequestOptions): AsyncGenerator<RemoteEntry> {
    if (kind === 'packs') return yield* this.#listPacks(request);
    if (kind === 'condemned') return;
    for await (const [key, { written, bytes }] of this.#readTags(kind, request)) {
      const created = written?.created ?? null;
      yield { key, bytes: written === null ? bytes : Buffer.byteLength(written.text), modified: created === null ? null : new Date(created) };
    }
  }

  /** Those that a receipt names: of others the registry does not tell. */
  async *#listPacks(request: RequestOptions): AsyncGenerator<RemoteEntry> {
    const known = new Set<Digest>();
    for await (const [, { written }] of this.#readTags('receipts', request)) {
      for (const { digest, bytes } of written?.packs ?? []) {
        if (known.has(digest)) continue;
        known.add(digest);
        yield { key: hexOf(digest), bytes, modified: null };
      }
    }
  }

  /** Every manifest of a kind, read: one request each. */
  async *#readTags(kind: ManifestKind, request: RequestOptions): AsyncGenerator<readonly [key: string, found: Tagged]> {
    for await (const tags of tagPages(this.#client, request.signal)) {
      const keys = tags.flatMap((tag) => keyOf(kind, tag) ?? []);
      for (let at = 0; at < keys.length; at += listWidth) {
        const some = keys.slice(at, at + listWidth);
        const read = await Promise.all(some.map(async (key) => [key, await this.#readTag(kind, key, request)] as const));
        // one that was removed meanwhile is not there
        for (const [key, found] of read) if (found !== null) yield [key, found];
      }
    }
  }

  /** Whatever stands at the key's tag: the manifest is deleted, the registry drops the packs that no other names. */
  async remove(kind: RemoteKind, key: string, request: RequestOptions): Promise<void> {
    checkKey(kind, key);
    if (kind === 'condemned') return;
    if (kind === 'packs') throw this.cannot('delete a pack', byItself);
    const found = await this.#readTag(kind, key, request);
    if (found === null) return;
    // by its digest: a tag alone is not what every registry deletes, and what another wrote meanwhile stays
    const answer = await this.#client.send({ method: 'DELETE', at: `manifests/${found.digest}` }, request.signal);
    if (answer.status === 405 || answer.status === 501) {
      await answer.body.dump();
      throw this.cannot('delete', howToDelete(this.#client.url));
    }
    if (answer.status >= 300 && answer.status !== 404) throw await this.#client.refused(`delete ${found.digest}`, answer);
    await answer.body.dump();
  }

  cannot(what: string, mend: string): PlumbError {
    return new PlumbError('REMOTE_CANNOT', { what: `the remote ${this.#client.url} is a registry, and cannot ${what}`, mend });
  }
}

function howToDelete(url: string): string {
  return url.startsWith('oci://ghcr.io/')
    ? 'delete versions of the package on its page, or with `gh api --method DELETE /orgs/OWNER/packages/container/NAME/versions/ID`'
    : 'allow deletion in the configuration of the registry';
}
