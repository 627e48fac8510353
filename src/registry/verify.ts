// Does what the pointers say hold? Offline, from git alone: of the work tree, of a commit, or of every commit of a branch.
import { PlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { Git, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { Store } from '../store/store.ts';
import { verifyBytes } from './bytes.ts';
import type { Finding } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { listPointers, type PointerPlace } from './pointer.ts';
import type { Pointer, Stage } from './schema.ts';
import { commitTree, workTree, type FileTree } from './tree.ts';
import { verifyHistory } from './verify-history.ts';
import { checkEvidenceFile, verifyPointer } from './verify-pointer.ts';
import { checkRevocations } from './verify-revocations.ts';

export interface VerifyInput {
  readonly git: Git;
  /** the project's folder in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** absolute; for the work tree */
  readonly root: string;
  /** null: the work tree as it is now */
  readonly revision: string | null;
  /** also every commit on the first-parent line of the revision (of HEAD) that touched models/ */
  readonly history: boolean;
  /** also the bytes themselves: model files and data; null: only what is in git */
  readonly store: Store | null;
}

export interface Verification {
  /** of the tree that was asked for */
  readonly pointers: readonly PointerVerdict[];
  /** evidence files that were hashed, in the tree and in history */
  readonly evidenceFiles: number;
  /** commits of history that were looked at */
  readonly commits: number;
  /** objects of the store that were looked at */
  readonly objects: number;
  /** each once; empty: all holds */
  readonly findings: readonly Finding[];
}

export interface PointerVerdict {
  readonly model: string;
  readonly stage: Stage;
  /** null when the pointer cannot be read */
  readonly artifact: Digest | null;
  readonly holds: boolean;
}

/**
 * Checks every digest of every pointer, and every evidence file against its name.
 * @throws PlumbError GIT_REVISION_UNKNOWN, GIT_TOO_SHALLOW (history only)
 */
export async function verifyPointers(input: VerifyInput): Promise<Verification> {
  const { git, prefix, store } = input;
  const commit = input.revision === null ? null : await resolve(git, input.revision);
  const here = await verifyTree(commit === null ? workTree(input.root) : commitTree(git, prefix, commit));
  const from = commit ?? (await git.resolve('HEAD'));
  const past = input.history && from !== null ? await verifyHistory({ git, prefix, revision: from }) : null;
  const pointers = [...here.pointers.map(({ pointer }) => pointer), ...(past?.pointers ?? [])].filter((pointer) => pointer !== null);
  const bytes = store === null ? null : await verifyBytes(store, pointers);
  return {
    pointers: here.pointers.map(({ place, pointer, findings }) => ({
      ...place,
      artifact: pointer?.artifact.digest ?? null,
      holds: findings.length === 0,
    })),
    evidenceFiles: here.evidenceFiles + (past?.evidenceFiles ?? 0),
    commits: past?.commits ?? 0,
    objects: bytes?.objects ?? 0,
    findings: eachOnce([...here.findings, ...(past?.findings ?? []), ...(bytes?.findings ?? [])]),
  };
}

async function resolve(git: Git, revision: string): Promise<Oid> {
  const commit = await git.resolve(revision);
  if (commit !== null) return commit;
  throw new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `"${oneLine(revision, 100)}" names no commit`,
    mend: '`git log --oneline` lists commits, `git branch -a` branches',
  });
}

interface TreeVerification {
  readonly pointers: readonly { readonly place: PointerPlace; readonly pointer: Pointer | null; readonly findings: readonly Finding[] }[];
  readonly evidenceFiles: number;
  readonly findings: readonly Finding[];
}

async function verifyTree(tree: FileTree): Promise<TreeVerification> {
  const evidence = (await tree.list(files.models)).filter((path) => path.split('/')[2] === 'evidence');
  const findings: Finding[] = [];
  for (let at = 0; at < evidence.length; at += 64) {
    const batch = evidence.slice(at, at + 64);
    const bytes = await tree.read(batch);
    findings.push(...batch.flatMap((path, place) => checkEvidenceFile(path, bytes[place] ?? null, tree.commit)));
  }
  const pointers = [];
  for (const place of await listPointers(tree)) pointers.push({ place, ...(await verifyPointer(tree, place)) });
  const revoked = await checkRevocations(
    tree,
    pointers.flatMap(({ pointer }) => pointer ?? []),
  );
  return { pointers, evidenceFiles: evidence.length, findings: [...findings, ...pointers.flatMap((one) => one.findings), ...revoked] };
}

/** A broken evidence file is found by its own name and by every pointer that leads to it. */
function eachOnce(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.commit} ${finding.file} ${finding.what}`, finding])).values()];
}
