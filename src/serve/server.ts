// The parts of a server, put together: a follower tells what the ref says, the host makes it so, HTTP answers.
import type { AddressInfo } from 'node:net';
import { errnoOf, isPlumbError, PlumbError } from '../base/errors.ts';
import type { Git } from '../git/git.ts';
import type { Stage } from '../registry/schema.ts';
import type { Store } from '../store/store.ts';
import { openArtifact, type OpenModel } from './artifact.ts';
import { Authority } from './authority.ts';
import { createBell, type Bell } from './bell.ts';
import { followRef } from './follow.ts';
import { createHost, type Host, type HostEvent } from './host.ts';
import { createHttp } from './http.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { openMemory, type Memory } from './memory.ts';
import { createMetrics, type ServeMetrics } from './metrics.ts';
import { followOrigin, type Origin, type OriginParts } from './origin.ts';
import { pointerPath, type PointerScope } from './pointers.ts';
import { findPromotion, type PromotedBy } from './promoted.ts';
import { decideReadiness, type FollowState, type Readiness } from './readiness.ts';
import type { WebhookParts } from './webhook.ts';

export type ServeEvent =
  | HostEvent
  | { readonly event: 'listening'; readonly url: string; readonly port: number }
  | { readonly event: 'ready'; readonly commit: string; readonly decidedBy: 'log' | 'pointers' }
  | { readonly event: 'trouble'; readonly error: PlumbError }
  | { readonly event: 'waiting'; readonly why: string }
  | { readonly event: 'bug'; readonly error: unknown; readonly request: string };

export interface ServeParts {
  readonly git: Git;
  readonly store: Store;
  /** folder of the project in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  readonly ref: string;
  readonly stage: Stage;
  /** this model only */
  readonly model?: string;
  /** public key of the log of decisions, or digest of its first record, that the operator pinned */
  readonly pin?: string | undefined;
  /** what was believed before; left out: nothing was, and nothing will be known to the next process */
  readonly memory?: Memory;
  readonly open: OpenModel;
  tell(event: ServeEvent): void;
}

export interface ServeOptions extends ServeParts {
  readonly address: { readonly host: string; readonly port: number };
  /** names, besides localhost, under which requests reach the loopback */
  readonly hosts?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly pollMs?: number;
  /** left out: somebody else fetches */
  readonly origin?: OriginWish | undefined;
  /** left out: no forge tells this server anything */
  readonly webhook?: Pick<WebhookParts, 'secret' | 'deliveries' | 'limits'> | undefined;
}

/** How this server brings here what origin has. */
export type OriginWish = Pick<OriginParts, 'git' | 'remote' | 'everyMs' | 'leastMs' | 'reconcile'> & {
  /** short name of the main branch at origin */
  readonly main: string;
};

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readiness(): Readiness;
  /** Stops listening, finishes what runs, within drainMs; then closes what is left. */
  close(): Promise<void>;
}

/**
 * Serves the models that the pointers of a ref name, until it is closed. It listens at once; it is ready when the models have been loaded.
 * @throws PlumbError SERVE_FAILED when it cannot listen
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const stop = new AbortController();
  const state = new ServerState(options, options.memory ?? (await openMemory(null)), stop.signal);
  const origin = options.origin === undefined ? null : state.originOf(options.origin);
  const metrics = await createMetrics(() => ({ slots: state.host.states(), follow: state.follow, ready: state.readiness().ready }));
  state.metrics = metrics;
  const app = await createHttp({
    host: state.host,
    metrics,
    limits,
    hosts: (options.hosts ?? []).map((name) => name.toLowerCase()),
    readiness: () => state.readiness(),
    follow: () => state.follow,
    promoted: (name) => state.promoted.get(name) ?? null,
    stopping: () => stop.signal.aborted,
    webhook: options.webhook === undefined ? undefined : webhookOf(options, options.webhook, origin),
    onBug: (error, request) => options.tell({ event: 'bug', error, request }),
  });
  await app.listen(options.address).catch((error: unknown) => Promise.reject(cannotListen(error, options.address)));
  const { port } = app.server.address() as AddressInfo;
  const url = `http://${options.address.host.includes(':') ? `[${options.address.host}]` : options.address.host}:${port}`;
  options.tell({ event: 'listening', url, port });
  const following = Promise.all([state.run(options.pollMs ?? 200), origin?.run()]);
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    readiness: () => state.readiness(),
    close: () =>
      (closing ??= (async () => {
        stop.abort();
        const force = setTimeout(() => app.server.closeAllConnections(), limits.drainMs);
        await app.close();
        clearTimeout(force);
        await following;
        await state.host.close();
        metrics.registry.clear();
      })()),
  };
}

/**
 * Loads once what the pointers name now, without listening or following: can this ref be served from here?
 * @throws PlumbError GIT_REVISION_UNKNOWN
 */
export async function tryOnce(parts: ServeParts): Promise<Readiness> {
  const state = new ServerState(parts, parts.memory ?? (await openMemory(null)), new AbortController().signal);
  const commit = await parts.git.resolve(parts.ref);
  if (commit !== null) await state.read(commit, performance.now());
  await state.host.settled();
  const readiness = state.readiness();
  await state.host.close();
  return readiness;
}

function webhookOf(options: ServeOptions, webhook: NonNullable<ServeOptions['webhook']>, origin: Origin | null): WebhookParts {
  return {
    ...webhook,
    hint: () => origin?.hint(),
    onTrouble: (error) => options.tell({ event: 'trouble', error }),
    clock: () => performance.now(),
  };
}

/** So long until a log that is not believed is looked at again, though nothing moved. */
const lookAgainMs = 10_000;

class ServerState {
  readonly host: Host;
  readonly promoted = new Map<string, PromotedBy>();
  metrics: ServeMetrics | undefined;
  follow: FollowState;
  readonly #parts: ServeParts;
  readonly #scope: PointerScope;
  readonly #signal: AbortSignal;
  readonly #memory: Memory;
  readonly #authority: Authority;
  readonly #bell: Bell = createBell();
  #wasReady = false;
  #newest: string | null = null;
  #again: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(parts: ServeParts, memory: Memory, signal: AbortSignal) {
    this.#parts = parts;
    this.#memory = memory;
    this.#signal = signal;
    this.#scope = { prefix: parts.prefix, stage: parts.stage, ...(parts.model === undefined ? {} : { model: parts.model }) };
    this.#authority = new Authority({ git: parts.git, scope: this.#scope, memory, pin: parts.pin });
    this.follow = { ref: parts.ref, commit: null, trouble: null };
    this.host = createHost({
      open: (model) => openArtifact(model, parts.store, parts.open),
      earlier: (models) => this.#authority.earlier(models),
      tell: (event) => this.#onHost(event),
      now: () => new Date(),
      clock: () => performance.now(),
      retryMs: { first: 500, most: 30_000 },
    });
  }

  readiness(): Readiness {
    return decideReadiness({ follow: this.follow, slots: this.host.states(), wasReady: this.#wasReady, stopping: this.#signal.aborted });
  }

  originOf({ main, ...wish }: OriginWish): Origin {
    return followOrigin({
      ...wish,
      branches: () => [main, this.#authority.branch],
      onRound: (trouble) => this.#originTrouble(trouble),
      onMoved: () => this.#bell.ring(),
      signal: this.#signal,
      clock: () => performance.now(),
    });
  }

  async run(pollMs: number): Promise<void> {
    const { git, ref } = this.#parts;
    const onLook = (): void => this.metrics?.lookedAt.set(Date.now() / 1000);
    const also = (): readonly string[] => this.#authority.refs;
    const looks = followRef({ git, ref, also, pollMs, signal: this.#signal, now: () => performance.now(), onLook, bell: this.#bell });
    for await (const sighting of looks) {
      clearTimeout(this.#again);
      if (sighting.kind === 'trouble') this.#trouble(sighting.error);
      else if (sighting.kind === 'absent') this.#absent();
      else {
        this.#newest = sighting.commit;
        await this.#readOrRetry(sighting.commit, sighting.noticedMs, 0);
      }
    }
    clearTimeout(this.#again);
    await this.#memory.flush().catch((error: unknown) => this.#trouble(error));
  }

  /** Makes the host follow what is decided as of a commit. One reading at a time. */
  read(commit: string, noticedMs: number): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read(commit, noticedMs));
    return this.#reading;
  }

  async #read(commit: string, noticedMs: number): Promise<void> {
    const { reading, revoked, log } = await this.#authority.read(commit);
    this.host.forbid(revoked);
    // a retry may end after the ref has moved on
    if (this.#newest !== null && this.#newest !== commit) return;
    const told = this.follow.log?.trouble;
    this.follow = { ...this.follow, commit, trouble: null, log };
    if (log !== null && log.trouble !== null) {
      if (told?.message !== log.trouble.message) this.#tellTrouble(log.trouble);
      this.#again = setTimeout(() => void this.#readOrRetry(commit, performance.now(), 0), lookAgainMs).unref();
    }
    if (reading === null) return;
    this.host.follow(reading, noticedMs);
    if (reading.named.size + reading.broken.size > 0) return;
    const what = `no pointer of ${this.#scope.model ?? 'any model'} for ${this.#scope.stage}`;
    this.#parts.tell({ event: 'waiting', why: log === null ? `${what} at ${commit.slice(0, 12)}` : `${what} in the log of decisions` });
  }

  /** The objects of a commit that a fetch brings may lag a moment behind its ref, and git itself may fail; the ref does not move again for that. */
  async #readOrRetry(commit: string, noticedMs: number, failures: number): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await this.read(commit, noticedMs);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (failures === 3) this.#trouble(error);
      this.#again = setTimeout(() => void this.#readOrRetry(commit, noticedMs, failures + 1), Math.min(5000, 50 * 2 ** failures)).unref();
    }
  }

  #absent(): void {
    this.follow = { ...this.follow, trouble: this.follow.commit === null ? null : noRef(this.#parts.ref) };
    this.#parts.tell({ event: 'waiting', why: `${this.#parts.ref} names no commit` });
  }

  #trouble(error: unknown): void {
    const known = isPlumbError(error)
      ? error
      : new PlumbError('GIT_FAILED', {
          what: `the ref ${this.#parts.ref} cannot be read: ${String(error)}`,
          mend: 'run `plumb doctor`',
          cause: error,
        });
    this.follow = { ...this.follow, trouble: known };
    this.#tellTrouble(known);
  }

  #tellTrouble(error: PlumbError): void {
    this.metrics?.errors.inc({ code: error.code });
    this.#parts.tell({ event: 'trouble', error });
  }

  #originTrouble(trouble: PlumbError | null): void {
    const told = this.follow.origin;
    this.follow = { ...this.follow, origin: trouble };
    if (trouble !== null && told?.message !== trouble.message) this.#tellTrouble(trouble);
  }

  #onHost(event: HostEvent): void {
    if (event.event === 'broken') this.metrics?.errors.inc({ code: event.error.code });
    if (event.event === 'withdrawn') this.promoted.delete(event.name);
    if (event.event === 'swap') {
      this.metrics?.swaps.inc({ model: event.model.name, from: event.warm ? 'warm' : 'cold' });
      this.metrics?.swapSeconds.observe(event.seconds);
      void this.#findPromotion(event.model.name, event.model.commit);
    }
    this.#parts.tell(event);
    if (!this.#wasReady && this.readiness().ready) {
      this.#wasReady = true;
      this.#parts.tell({ event: 'ready', commit: this.follow.commit ?? '', decidedBy: this.follow.log ? 'log' : 'pointers' });
    }
  }

  /** Who promoted is for people who look; no swap waits for it. */
  async #findPromotion(name: string, commit: string): Promise<void> {
    const found = await findPromotion(this.#parts.git, commit, pointerPath(name, this.#scope));
    if (found === null) this.promoted.delete(name);
    else this.promoted.set(name, found);
  }
}

function noRef(ref: string): PlumbError {
  return new PlumbError('GIT_REVISION_UNKNOWN', { what: `the ref ${ref} is gone; the last models go on answering`, mend: 'restore the branch' });
}

function cannotListen(error: unknown, address: { host: string; port: number }): PlumbError {
  const errno = errnoOf(error);
  const where = `port ${address.port} on ${address.host}`;
  const told: Record<string, [string, string]> = {
    EADDRINUSE: [`${where} is taken`, 'stop what listens there, or give another --port; 0 takes a free one'],
    EACCES: [`${where} needs a permission that this user has not`, 'give a --port of 1024 or more'],
    EADDRNOTAVAIL: [`this machine has no address ${address.host}`, 'give a --host of this machine: 127.0.0.1, or 0.0.0.0 for all'],
    ENOTFOUND: [`the host name ${address.host} is not known`, 'give a --host of this machine: 127.0.0.1, or 0.0.0.0 for all'],
  };
  const [what, mend] = told[errno ?? ''] ?? [`cannot listen at ${where}: ${errno ?? String(error)}`, 'give another --host or --port'];
  return new PlumbError('SERVE_FAILED', { what, mend, cause: error });
}
