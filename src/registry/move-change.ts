// What a pull request changes on the branch that it would be merged into, or a commit of that branch did: its paths sorted by what they are, the tree that
// comes out, and each pointer that moves with the history that it moves in.
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Git, Oid, TreeEntry } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { evidenceOf, type Evidence, type Finding } from './evidence.ts';
import { kindOfNext, pointerHistory, type ChangeKind, type PointerHistory } from './history.ts';
import { placeOf, pointerPath, pointerText, readPointer, type PointerPlace } from './pointer.ts';
import { revocationOf } from './revocation.ts';
import type { Pointer } from './schema.ts';
import { commitTree, type FileTree } from './tree.ts';
import { verifyPointer } from './verify-pointer.ts';

export interface FileChange {
  /** project-relative */
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed';
}

export interface MovedPointer {
  readonly place: PointerPlace;
  /** project-relative */
  readonly path: string;
  /** SHA-256 of its bytes; null: it is taken away */
  readonly digest: Digest | null;
  /** null: it is taken away, or is no pointer */
  readonly pointer: Pointer | null;
  readonly evidence: Evidence | null;
  readonly findings: readonly Finding[];
  readonly kind: ChangeKind;
  /** of the base branch, newest first */
  readonly history: PointerHistory;
}

export interface MoveChange {
  /** the base branch */
  readonly base: FileTree;
  /** as it is, or would be, after the merge */
  readonly tree: FileTree;
  /** the two have a common past */
  readonly related: boolean;
  /** all that differs, relative to the repository, sorted */
  readonly paths: readonly string[];
  /** by model, then stage */
  readonly pointers: readonly MovedPointer[];
  readonly evidence: readonly FileChange[];
  readonly revocations: readonly FileChange[];
  /** pointers that stay, and whose evidence changed: what is wrong with them now, and the files that they lead to */
  readonly unsettled: { readonly findings: readonly Finding[]; readonly paths: readonly string[] };
  /** policy.yaml changes */
  readonly policy: boolean;
  /** paths that are none of these, relative to the repository */
  readonly others: readonly string[];
  /** paths of these that are no plain files: links, executables, other repositories */
  readonly odd: readonly string[];
}

/** The two sides of a change. */
export interface Sides {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  readonly before: Oid;
  readonly after: Oid;
}

/** @throws PlumbError GIT_TOO_SHALLOW */
export async function readMoveChange(sides: Sides): Promise<MoveChange> {
  const { git, prefix, before, after } = sides;
  const since = await git.mergeBase(before, after);
  const paths = await changedSince(sides, since);
  const changed = paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  const tree = mergedTree(sides, new Set(changed));
  const base = commitTree(git, prefix, before);
  const isTouched = changed.some((path) => path.startsWith(`${files.models}/`));
  const [was, is] = isTouched ? await Promise.all([entriesOf(sides, before), entriesOf(sides, after)]) : [new Map(), new Map()];
  const changeOf = (path: string): FileChange => ({ path, change: !is.has(path) ? 'removed' : was.has(path) ? 'changed' : 'added' });
  const places = changed.flatMap((path) => placeAt(path) ?? []);
  const pointers = await Promise.all(places.map((place) => readMoved(sides, tree, place)));
  const evidence = changed.filter((path) => isEvidence(path)).map(changeOf);
  return {
    base,
    tree,
    related: since !== null,
    paths,
    pointers,
    evidence,
    revocations: changed.filter((path) => revocationOf(path) !== null).map(changeOf),
    unsettled: await findUnsettled(tree, evidence, places),
    policy: changed.includes(files.policy),
    others: paths.filter((path) => !path.startsWith(prefix) || !isOurs(path.slice(prefix.length))),
    odd: changed.filter((path) => (is.get(path)?.mode ?? '100644') !== '100644'),
  };
}

/** Nothing of it is for anybody here to judge. */
export function changesNothing({ pointers, evidence, revocations, policy }: MoveChange): boolean {
  return pointers.length + evidence.length + revocations.length === 0 && !policy;
}

/** What a branch changed since it left its base, as far as the base does not have the same by now. */
async function changedSince({ git, before, after }: Sides, since: Oid | null): Promise<string[]> {
  const differing = await git.changedPaths(before, after);
  if (since === null || since === before) return differing;
  const own = new Set(await git.changedPaths(since, after));
  return differing.filter((path) => own.has(path));
}

/** What a tree has in a stage; null: nothing, or nothing that is a pointer. */
export async function pointerOrNull(tree: FileTree, { model, stage }: PointerPlace): Promise<Pointer | null> {
  return readPointer(tree, model, stage).catch((error: unknown) => {
    if (isPlumbError(error, 'POINTER_INVALID')) return null;
    throw error;
  });
}

function placeAt(path: string): PointerPlace | null {
  const place = placeOf(path);
  return place !== null && isName(place.model) ? place : null;
}

function isEvidence(path: string): boolean {
  const found = evidenceOf(path);
  return found !== null && isName(found.place.model);
}

function isOurs(path: string): boolean {
  return path === files.policy || placeAt(path) !== null || isEvidence(path) || revocationOf(path) !== null;
}

async function entriesOf({ git, prefix }: Sides, commit: Oid): Promise<Map<string, TreeEntry>> {
  const entries = await git.listTree(commit, prefix + files.models);
  return new Map(entries.map((entry) => [entry.path.slice(prefix.length), entry]));
}

/** The base with what the branch changed: what a merge without conflicts makes. */
function mergedTree({ git, prefix, before, after }: Sides, changed: ReadonlySet<string>): FileTree {
  const [base, branch] = [commitTree(git, prefix, before), commitTree(git, prefix, after)];
  return {
    commit: after,
    read: async (paths) => {
      const fromBranch = paths.filter((path) => changed.has(path));
      const fromBase = paths.filter((path) => !changed.has(path));
      const found = new Map<string, Uint8Array | null>();
      for (const [tree, some] of [
        [branch, fromBranch],
        [base, fromBase],
      ] as const) {
        const bytes = some.length === 0 ? [] : await tree.read(some);
        for (const [at, path] of some.entries()) found.set(path, bytes[at] ?? null);
      }
      return paths.map((path) => found.get(path) ?? null);
    },
    list: async (folder) => {
      const kept = (await base.list(folder)).filter((path) => !changed.has(path));
      const came = (await branch.list(folder)).filter((path) => changed.has(path));
      return [...kept, ...came].toSorted();
    },
  };
}

async function readMoved({ git, prefix, before }: Sides, tree: FileTree, place: PointerPlace): Promise<MovedPointer> {
  const path = pointerPath(place);
  const history = await pointerHistory(git, prefix, before, place.model, place.stage);
  const [bytes = null] = await tree.read([path]);
  const moved = { place, path, history };
  if (bytes === null) return { ...moved, digest: null, pointer: null, evidence: null, findings: [], kind: 'removed' };
  const { pointer, evidence, findings } = await verifyPointer(tree, place);
  const next = { text: pointerText(bytes), pointer, promotion: evidence?.promotion ?? null };
  return { ...moved, digest: digestOf(bytes), pointer, evidence, findings, kind: kindOfNext(history, next) };
}

/** Evidence that is taken away or changed may be that of a pointer that stays. */
async function findUnsettled(
  tree: FileTree,
  evidence: readonly FileChange[],
  moved: readonly PointerPlace[],
): Promise<{ findings: Finding[]; paths: string[] }> {
  const known = new Set(moved.map(pointerPath));
  const all = { findings: [] as Finding[], paths: [] as string[] };
  for (const { path } of evidence) {
    const place = evidenceOf(path)?.place;
    if (place === undefined || known.has(pointerPath(place))) continue;
    known.add(pointerPath(place));
    const [bytes = null] = await tree.read([pointerPath(place)]);
    if (bytes === null) continue;
    const { evidence: loaded, findings } = await verifyPointer(tree, place);
    all.findings.push(...findings);
    all.paths.push(...(loaded?.paths ?? []));
  }
  return all;
}
