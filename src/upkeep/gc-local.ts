// The garbage collection of this machine's cache: a plan first, then two phases. What nobody names is moved to the trash, where whoever misses it takes
// it back; trash is deleted when it is older than the grace time. So a push, an add or a run at the same moment loses nothing.
import { statSync } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import { emptyTrash, listTrash, moveToTrash, type Trashed } from '../store/cache/trash.ts';
import { objectPath, packPath } from '../store/layout.ts';
import { DigestTable } from '../store/transfer/digest-table.ts';
import { collectLive, type Live } from './live.ts';
import { markLive } from './mark.ts';
import { liveOfNeighbours } from './neighbours.ts';
import { readRetention } from './retention.ts';

export interface LocalRequest {
  readonly workspaceOnly: boolean;
  /** let go of what the remote does not have, too */
  readonly force: boolean;
  /** no grace: what came a moment ago may go, and what goes is deleted at once */
  readonly immediately: boolean;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface LocalPlan {
  readonly live: Live;
  /** what goes */
  readonly dead: DigestTable;
  readonly objects: { readonly all: number; readonly dead: number; readonly young: number };
  readonly bytes: { readonly all: number; readonly dead: number };
  /** bytes in the trash that are old enough to be deleted */
  readonly heaps: number;
}

/** How long what was let go of can be taken back, ms. */
export const graceMs = 86_400_000;

/** From half dead on a pack of small objects is written anew. */
const mostlyDead = 0.5;

/** @throws PlumbError as collectLive and markLive, BYTES_MISSING when something would go that is nowhere else */
export async function planLocal(project: Project, request: LocalRequest): Promise<LocalPlan> {
  const { store } = project;
  const live = await collectLive(project, { ...request, retention: await readRetention(project) });
  for (const [digest, why] of await liveOfNeighbours(project, request.now)) if (!live.has(digest)) live.set(digest, why);
  const marks = await markLive(store, live, request);
  const plan = { all: 0, allBytes: 0, young: 0, deadBytes: 0 };
  const dead = new DigestTable();
  const age = new Ages(store.cache.root, request.immediately ? null : request.now.getTime() - graceMs);
  for await (const { digest, bytes, pack } of store.cache.list()) {
    plan.all += 1;
    plan.allBytes += bytes;
    if (marks.find(digest) >= 0) continue;
    if (age.isYoung(digest, pack)) {
      plan.young += 1;
      continue;
    }
    dead.add(digest);
    plan.deadBytes += bytes;
  }
  if (request.workspaceOnly && !request.force && dead.size > 0) await refuseLoss(project, request, dead);
  return {
    live,
    dead,
    objects: { all: plan.all, dead: dead.size, young: plan.young },
    bytes: { all: plan.allBytes, dead: plan.deadBytes },
    heaps: listTrash(store.cache.root).filter(({ time }) => time.getTime() < request.now.getTime() - graceMs).length,
  };
}

/** Came it in lately? Somebody may be about to name it. */
class Ages {
  readonly #root: string;
  readonly #oldest: number | null;
  readonly #packs = new Map<string, boolean>();

  constructor(root: string, oldest: number | null) {
    this.#root = root;
    this.#oldest = oldest;
  }

  isYoung(digest: Digest, pack: string | null): boolean {
    if (this.#oldest === null) return false;
    if (pack === null) return this.#isYoungFile(objectPath(this.#root, digest), this.#oldest);
    const known = this.#packs.get(pack) ?? this.#isYoungFile(packPath(this.#root, pack), this.#oldest);
    this.#packs.set(pack, known);
    return known;
  }

  #isYoungFile(path: string, oldest: number): boolean {
    // of a hard link ctime is that of the last link: it keeps a little longer
    const facts = statSync(path, { throwIfNoEntry: false });
    return facts !== undefined && facts.ctimeMs > oldest;
  }
}

/** Only the work tree counts: versions of other branches go, and must be in the remote. */
async function refuseLoss(project: Project, request: LocalRequest, dead: DigestTable): Promise<void> {
  const named = await collectLive(project, { ...request, workspaceOnly: false, retention: await readRetention(project) });
  const roots: Digest[] = [];
  await markLive(project.store, new Map([...named].filter(([digest]) => dead.find(digest) >= 0)), {
    ...request,
    onRoot: (root, kind) => {
      if (kind !== 'object') roots.push(root);
    },
  });
  const there = await project.store.remoteHas(roots);
  const lost = roots.filter((root) => !there.has(root));
  if (lost.length === 0) return;
  const [first] = lost;
  throw new PlumbError('BYTES_MISSING', {
    what: `${lost.length} versions and runs that other branches or tags name are only here: ${first === undefined ? '' : `${first.slice(7, 19)} (${named.get(first) ?? ''})`}${lost.length > 1 ? ', ...' : ''}`,
    mend: 'run `plumb push` on those branches first (or `plumb push --all-branches`), or give them up with --force',
    details: { lost: lost.slice(0, 1000) },
  });
}

/** Does what the plan says. @returns what was moved, and the bytes that the disk has back */
export async function collectLocal(project: Project, plan: LocalPlan, request: LocalRequest): Promise<Trashed & { readonly freed: number }> {
  const { root } = project.store.cache;
  const digests = {
    has: (digest: Digest) => plan.dead.find(digest) >= 0,
    *[Symbol.iterator]() {
      for (let at = 0; at < plan.dead.size; at += 1) yield plan.dead.digestAt(at);
    },
  };
  const trashed = plan.dead.size === 0 ? { objects: 0, bytes: 0 } : await moveToTrash(root, digests, { now: request.now, mostlyDead });
  const before = request.immediately ? new Date(request.now.getTime() + 1) : new Date(request.now.getTime() - graceMs);
  return { ...trashed, freed: emptyTrash(root, before) };
}
