// The garbage collection of this machine's cache: a plan first, then two phases. What nobody names is moved to the trash, where whoever misses it takes
// it back; trash is deleted when it is older than the grace time. So a push, an add or a run at the same moment loses nothing.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDigest, type Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError, PlumbError } from '../base/errors.ts';
import { withMutex } from '../base/mutex.ts';
import type { Project } from '../project/open.ts';
import { openCache } from '../store/cache/open.ts';
import { emptyTrash, listTrash, moveToTrash, type Digests, type Trashed } from '../store/cache/trash.ts';
import { objectPath, packPath } from '../store/layout.ts';
import { DigestTable } from '../store/transfer/digest-table.ts';
import { collectLive, type Live } from './live.ts';
import { markLive, whatIs } from './mark.ts';
import { liveOfNeighbours } from './neighbours.ts';
import { readRetention } from './retention.ts';
import { planSetAside, removeSetAside, type SetAside } from './set-aside.ts';

export interface LocalRequest {
  readonly workspaceOnly: boolean;
  /** let go of what the remote does not have, and of what a version held whose tree is damaged */
  readonly force: boolean;
  /** ms: what came in later stays, and what goes can be taken back as long; 0: it is deleted at once */
  readonly graceMs: number;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface LocalPlan {
  readonly live: Live;
  /** all that is needed */
  readonly marks: DigestTable;
  /** what goes: files first, then what lies in packs */
  readonly dead: DigestTable;
  /** how many of it are files */
  readonly deadFiles: number;
  readonly objects: { readonly all: number; readonly dead: number; readonly young: number };
  readonly bytes: { readonly all: number; readonly dead: number; readonly young: number };
  /** what earlier collections let go of, and is old enough to be deleted */
  readonly heaps: number;
  /** what was set aside as bad, and is here again or needed by nobody */
  readonly bad: readonly SetAside[];
}

/** How long what was let go of can be taken back, ms. */
export const localGraceMs = 86_400_000;

/** From half dead on a pack of small objects is written anew. */
const mostlyDead = 0.5;

/**
 * @throws PlumbError as collectLive, liveOfNeighbours and markLive; BYTES_MISSING where something would go that is nowhere else; REPOSITORY_BUSY where a
 *   run is under way and there is no grace time
 */
export async function planLocal(project: Project, request: LocalRequest): Promise<LocalPlan> {
  const { store } = project;
  if (request.graceMs === 0) await refuseWhileRunning(project);
  const live = await liveHere(project, request);
  const marks = await markLive(store, live, { damaged: request.force ? 'pass' : 'refuse', signal: request.signal });
  const counts = { all: 0, young: 0, youngBytes: 0, deadBytes: 0, allBytes: 0, deadFiles: 0 };
  const dead = new DigestTable();
  const age = new Ages(store.cache.root, request);
  for await (const { digest, bytes, pack } of store.cache.list()) {
    counts.all += 1;
    counts.allBytes += bytes;
    if (marks.find(digest) >= 0) continue;
    if (age.isYoung(digest, pack)) {
      counts.young += 1;
      counts.youngBytes += bytes;
      continue;
    }
    dead.add(digest);
    counts.deadBytes += bytes;
    if (pack === null) counts.deadFiles = dead.size;
  }
  if (request.workspaceOnly && !request.force && dead.size > 0) await refuseLoss(project, request, dead);
  const before = endOfGrace(request);
  return {
    live,
    marks,
    dead,
    deadFiles: counts.deadFiles,
    objects: { all: counts.all, dead: dead.size, young: counts.young },
    bytes: { all: counts.allBytes, dead: counts.deadBytes, young: counts.youngBytes },
    heaps: listTrash(store.cache.root).filter(({ time }) => time < before).length,
    bad: await planSetAside(store.cache, marks, before),
  };
}

/** What was let go of before that is deleted: without a grace time, what was moved a moment ago, too. */
function endOfGrace({ graceMs, now }: Pick<LocalRequest, 'graceMs' | 'now'>): Date {
  return new Date(graceMs === 0 ? now.getTime() + 1 : now.getTime() - graceMs);
}

/** What this project and those that share its cache name. */
export async function liveHere(project: Project, request: Pick<LocalRequest, 'workspaceOnly' | 'now'>): Promise<Live> {
  const how = { shallow: 'keep', now: request.now } as const;
  const live = await collectLive(project, { ...how, workspaceOnly: request.workspaceOnly, retention: await readRetention(project) });
  for (const [digest, why] of await liveOfNeighbours(project, how)) if (!live.has(digest)) live.set(digest, why);
  return live;
}

/** What a stage reads and has written is named by nobody before the stage ends. */
async function refuseWhileRunning({ localDir }: Project): Promise<void> {
  try {
    await withMutex(join(localDir, 'run.db'), async () => undefined, { waitMs: 0 });
  } catch (error) {
    if (!isPlumbError(error, 'REPOSITORY_BUSY')) throw error;
    throw new PlumbError('REPOSITORY_BUSY', {
      what: 'a run is under way in this project: what it makes is named by nobody yet',
      mend: 'wait for it to end, or leave out --now: what came in within the grace time stays',
      cause: error,
    });
  }
}

/** Came it in lately? Somebody may be about to name it. */
class Ages {
  readonly #root: string;
  readonly #oldest: number | null;
  readonly #packs = new Map<string, boolean>();

  constructor(root: string, { graceMs, now }: LocalRequest) {
    this.#root = root;
    this.#oldest = graceMs === 0 ? null : now.getTime() - graceMs;
  }

  isYoung(digest: Digest, pack: string | null): boolean {
    if (this.#oldest === null) return false;
    if (pack === null) return isYoungFile(objectPath(this.#root, digest), this.#oldest);
    const known = this.#packs.get(pack) ?? isYoungFile(packPath(this.#root, pack), this.#oldest);
    this.#packs.set(pack, known);
    return known;
  }
}

function isYoungFile(path: string, oldest: number): boolean {
  // of a hard link ctime is that of the last link: it keeps a little longer
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts !== undefined && facts.ctimeMs > oldest;
}

/** Only the work tree counts: versions of other branches go, and must be in the remote. */
async function refuseLoss(project: Project, request: LocalRequest, dead: DigestTable): Promise<void> {
  const roots = new Map<Digest, string>();
  for (const [digest, why] of await liveHere(project, { ...request, workspaceOnly: false })) {
    if (dead.find(digest) === -1) continue;
    const { kind } = await whatIs(project.store, digest);
    if (kind === 'dataset' || kind === 'run') roots.set(digest, why);
  }
  const there = await project.store.remoteHas([...roots.keys()]);
  const lost = [...roots].filter(([root]) => !there.has(root));
  const [first] = lost;
  if (first === undefined) return;
  const [digest, why] = first;
  throw new PlumbError('BYTES_MISSING', {
    what: `${lost.length} ${lost.length === 1 ? 'version or run is' : 'versions and runs are'} only on this machine: ${digest.slice(7, 19)} (${why})${lost.length > 1 ? ', ...' : ''}`,
    mend: 'run `plumb push` on the branches that name them first, or give them up with --force',
    details: { lost: lost.slice(0, 1000).map(([root]) => root) },
  });
}

/** Does what the plan says. @returns what was moved, and the bytes that the disk has back */
export async function collectLocal(project: Project, plan: LocalPlan, request: LocalRequest): Promise<Trashed & { readonly freed: number }> {
  const { root } = project.store.cache;
  const trashed = plan.dead.size === 0 ? { objects: 0, bytes: 0 } : await moveToTrash(root, digestsOf(plan), { now: request.now, mostlyDead });
  forgetNames(root, plan.dead);
  const before = endOfGrace(request);
  await takeBackNamed(project, plan.marks, before);
  return { ...trashed, freed: emptyTrash(root, before) + removeSetAside(plan.bad) };
}

/** A branch that was deleted and is there again: what it names comes out of the trash before that is emptied. */
async function takeBackNamed({ store }: Project, marks: DigestTable, before: Date): Promise<void> {
  for (const { time, folder } of listTrash(store.cache.root)) {
    if (time >= before) continue;
    // a heap is laid out as a cache is; whoever asks for an object takes it back
    for await (const { digest } of openCache(folder, { env: {} }).list()) if (marks.find(digest) >= 0) await store.cache.has(digest);
  }
}

/** What lies in a pack has no file that could be moved: it is asked about, but not gone through. */
function digestsOf({ dead, deadFiles }: LocalPlan): Iterable<Digest> & Digests {
  return {
    has: (digest) => dead.find(digest) >= 0,
    *[Symbol.iterator]() {
      for (let at = 0; at < deadFiles; at += 1) yield dead.digestAt(at);
    },
  };
}

/** A name that leads to a run that went would be asked of the remote for ever. */
function forgetNames(root: string, dead: DigestTable): void {
  const paths = namesIn(join(root, 'names')).flatMap((kind) => namesIn(join(root, 'names', kind)).map((name) => join(root, 'names', kind, name)));
  for (const path of paths) {
    try {
      const [digest] = readFileSync(path, 'utf8').trim().split('\n');
      if (isDigest(digest) && dead.find(digest) >= 0) rmSync(path, { force: true });
    } catch (error) {
      // somebody else was faster
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
