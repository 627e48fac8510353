// What would have to go for a document or a person to be forgotten: rows in every version, what was made of them, runs, models, and where their bytes still are.
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { cellText } from '../datasets/row-content.ts';
import type { Project } from '../project/open.ts';
import type { ProvenanceRow, ProvenanceSource } from '../quality/provenance/schema.ts';
import { collectKnownRuns, collectLineage } from './runs.ts';
import { dataVersions, isSidecar, matchAll, searchSidecars, unreadVersions } from './trace.ts';
import { Uses, type Certainty, type ModelUse, type RunUse } from './uses.ts';
import { searchVersions, type MatchedVersion } from './version-rows.ts';
import { collectVersions, type DataVersion } from './versions.ts';

/** provenance: a document, an annotator or a source of a sidecar; column: the value of a column; text: whatever row has it somewhere in a text, such as a keyed hash */
export type ForgetWish =
  | { readonly by: 'provenance'; readonly what: string }
  | { readonly by: 'column'; readonly column: string; readonly what: string }
  | { readonly by: 'text'; readonly what: string };

export interface ForgottenVersion {
  readonly data: string;
  readonly digest: Digest;
  readonly commit: DataVersion['commit'];
  readonly current: boolean;
  readonly tips: readonly string[];
  readonly rows: number;
}

/** Bytes that hold the rows, or were made with them. */
export interface HeldBytes {
  readonly digest: Digest;
  readonly what: string;
  readonly certainty: Certainty;
  /** in the cache of this machine */
  readonly here: boolean;
  /** in the remote; null: there is none, or it does not say */
  readonly remote: boolean | null;
}

export interface ForgetPlan {
  /** by what they say */
  readonly rows: ReadonlySet<Digest>;
  /** of them: those that fit, those that were made of others, and those that another source has as well */
  readonly counts: { readonly matched: number; readonly derived: number; readonly shared: number };
  /** of data and sidecars, oldest first */
  readonly versions: readonly ForgottenVersion[];
  readonly runs: readonly RunUse[];
  readonly models: readonly (ModelUse & { readonly now: readonly string[] })[];
  readonly held: readonly HeldBytes[];
  /** files below reviews/ that name the rows */
  readonly reviews: readonly string[];
  readonly unknown: readonly string[];
}

interface World {
  readonly project: Project;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Reads and changes nothing. @throws PlumbError USAGE, and what reading rows throws */
export async function planForget(wish: ForgetWish, world: World): Promise<ForgetPlan> {
  if (wish.what.trim() === '')
    throw new PlumbError('USAGE', { what: 'nothing is named that shall be forgotten', mend: 'name a document or a person' });
  const { project } = world;
  const known = await collectKnownRuns(project);
  const { index, unread } = await collectLineage(known, world);
  const { versions, whole } = await collectVersions(project);
  for (const { row, made = [] } of (await searchSidecars(versions, ({ made: ways }) => ways !== undefined, world)).values())
    for (const { from, by } of made) index.add({ row, from, by });
  const { matched, shared } = await findMatched(wish, versions, world);
  const rows = index.descendantsOf(matched);
  const data = await matchAll(versions, rows, world);
  const sidecars = await matchSidecars(versions, rows, world);
  const uses = new Uses(rows, data, known, world);
  const runs = rows.size === 0 ? [] : await uses.runs();
  const touched = [...data, ...sidecars].flatMap(touchedVersion);
  return {
    rows,
    counts: { matched: matched.size, derived: rows.size - matched.size, shared },
    versions: touched,
    runs: runs.filter(({ certainty }) => certainty === 'yes' || touched.length > 0),
    models: await withPointers(uses.models(), project),
    held: await findHeld([...data, ...sidecars], uses, project),
    reviews: await reviewsNaming(rows, project),
    unknown: [
      ...(whole ? [] : ['this clone is shallow: what came before its first commit is not told']),
      ...unreadVersions([...data, ...sidecars]),
      ...(unread.length === 0
        ? []
        : [`what ${unread.length} runs rewrote is not on this machine, so rows made of these may be missing here: run \`plumb fetch\``]),
      ...(known.missing.size === 0 ? [] : [`the records of ${known.missing.size} runs are nowhere`]),
    ],
  };
}

async function findMatched(wish: ForgetWish, versions: readonly DataVersion[], world: World): Promise<{ matched: Set<Digest>; shared: number }> {
  if (wish.by === 'provenance') {
    const fits = (named: ProvenanceSource): boolean => [named.document, named.annotator, named.source].includes(wish.what);
    const said = await searchSidecars(versions, ({ sources }: ProvenanceRow) => sources.some(fits), world);
    const shared = [...said.values()].filter(({ sources }) => !sources.every(fits)).length;
    return { matched: new Set(said.keys()), shared };
  }
  const matched = new Set<Digest>();
  const match = (value: Readonly<Record<string, unknown>>): true | undefined => (isMeant(value, wish) ? true : undefined);
  for (const [, all] of Map.groupBy(dataVersions(versions), ({ data }) => data))
    await searchVersions(all, { match, found: (_, row) => void matched.add(row) }, world);
  return { matched, shared: 0 };
}

function isMeant(value: Readonly<Record<string, unknown>>, wish: Exclude<ForgetWish, { by: 'provenance' }>): boolean {
  if (wish.by === 'column') return Object.hasOwn(value, wish.column) && cellText(value[wish.column]) === wish.what;
  return Object.values(value).some((cell) => cellText(cell).includes(wish.what));
}

async function matchSidecars(versions: readonly DataVersion[], rows: ReadonlySet<Digest>, world: World): Promise<MatchedVersion[]> {
  const names = new Set(versions.map(({ data }) => data));
  const matched: MatchedVersion[] = [];
  const sidecars = versions.filter(({ data }) => isSidecar(data, names));
  const search = { match: ({ row }: Record<string, unknown>) => (rows.has(row as Digest) ? true : undefined), found: () => undefined };
  for (const [, all] of Map.groupBy(sidecars, ({ data }) => data)) matched.push(...(await searchVersions(all, search, world)));
  return matched;
}

function touchedVersion({ data, digest, commit, current, tips, rows }: MatchedVersion): ForgottenVersion[] {
  const count = [...(rows?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  return count === 0 ? [] : [{ data, digest, commit, current, tips, rows: count }];
}

/** In which stages the main branch has a model now. */
async function withPointers(models: readonly ModelUse[], { git, prefix, config }: Project): Promise<ForgetPlan['models']> {
  const main = (await git.resolve(`refs/heads/${config.main}`)) ?? (await git.resolve(`refs/remotes/origin/${config.main}`));
  const now: { model: string; stage: string; artifact: Digest }[] = [];
  if (main !== null) {
    const [{ commitTree }, { listPointers, readPointer }] = await Promise.all([import('../registry/tree.ts'), import('../registry/pointer.ts')]);
    const tree = commitTree(git, prefix, main);
    for (const { model, stage } of await listPointers(tree)) {
      const pointer = await readPointer(tree, model, stage).catch((error: unknown) => {
        if (isPlumbError(error)) return null;
        throw error;
      });
      if (pointer !== null) now.push({ model, stage, artifact: pointer.artifact.digest });
    }
  }
  return models.map((one) => ({
    ...one,
    now: now.filter(({ model, artifact }) => model === one.model && artifact === one.artifact).map(({ stage }) => stage),
  }));
}

async function findHeld(versions: readonly MatchedVersion[], uses: Uses, { store }: Project): Promise<HeldBytes[]> {
  const files = versions.flatMap(({ data, digest, entry, rows }) =>
    rows === null || rows.size === 0 ? [] : [{ digest: entry.content, root: digest, what: `a version of ${data}`, certainty: 'yes' as const }],
  );
  const outputs = uses.outputs().map(({ run, stage, name, digest, certainty }) => ({ digest, root: run, what: `${stage}.${name}`, certainty }));
  // the empty file holds nothing of anybody, and is an output of many stages
  const all = [...new Map([...files, ...outputs].map((one) => [one.digest, one])).values()].filter(({ digest }) => digest !== digestOf(''));
  const remote = await remoteHas(store, [...new Set(all.map(({ root }) => root))]);
  const held: HeldBytes[] = [];
  for (const { digest, root, what, certainty } of all)
    held.push({ digest, what, certainty, here: await store.has(digest), remote: remote === null ? null : remote.has(root) });
  return held;
}

async function remoteHas(store: Project['store'], roots: readonly Digest[]): Promise<ReadonlySet<Digest> | null> {
  if (store.remoteUrl === null || roots.length === 0) return null;
  return store.remoteHas(roots).catch((error: unknown) => {
    if (isPlumbError(error, 'REMOTE_FAILED')) return null;
    throw error;
  });
}

/** As the commit that is checked out has them. */
async function reviewsNaming(rows: ReadonlySet<Digest>, { git, prefix }: Project): Promise<string[]> {
  const head = await git.resolve('HEAD');
  if (head === null || rows.size === 0) return [];
  const paths = (await git.listTree(head, `${prefix}reviews`)).map(({ path }) => path);
  const blobs = await git.readBlobs(head, paths);
  const names = new Set([...rows].map(hexOf));
  return paths.filter((_, at) =>
    [
      ...Buffer.from(blobs[at] ?? new Uint8Array())
        .toString('latin1')
        .matchAll(/sha256:([0-9a-f]{64})/g),
    ].some(([, hex = '']) => names.has(hex)),
  );
}
