// Which model shall answer, as a commit says it. Read from git alone: what lies in a work tree is nobody's decision.
import { digestOf, type Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Git, Oid, TreeEntry } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { parsePointer, pointerPath as pathInProject, pointerText } from '../registry/pointer.ts';
import { digestsOf, revokedBy } from '../registry/revocation.ts';
import type { Stage } from '../registry/schema.ts';

/** A pointer is about 1 kB; whoever writes a megabyte does not mean a pointer. */
const maxPointerBytes = 1 << 20;

/** Which pointers are looked at. */
export interface PointerScope {
  /** folder of the project in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  readonly stage: Stage;
  /** this model only */
  readonly model?: string;
}

/** A model that a pointer names. */
export interface NamedModel {
  readonly name: string;
  readonly stage: Stage;
  readonly digest: Digest;
  /** what moves with it as one, and takes it out when it is revoked */
  readonly parts: readonly Digest[];
  readonly bytes: number;
  /** the run that made it: its receipt says where in the remote the bytes are */
  readonly run: Digest;
  /** the commit that it was read at */
  readonly commit: Oid;
  /** the pointer's path in the repository */
  readonly path: string;
}

/** All pointers of a stage at one commit: those that name a model, and those that cannot be understood. */
export interface PointerReading {
  readonly commit: Oid;
  readonly named: ReadonlyMap<string, NamedModel>;
  readonly broken: ReadonlyMap<string, PlumbError>;
  /** names of models that one decision moved: they are swapped together; a model that is in none moves alone */
  readonly units: readonly (readonly string[])[];
  /** what was taken out for good, artifacts and parts of them: never served, whatever names it */
  readonly revoked: ReadonlySet<Digest>;
}

/** Was this model taken out for good, itself or by a part that moves with it? */
export function isRevoked(model: Pick<NamedModel, 'digest' | 'parts'>, revoked: ReadonlySet<Digest>): boolean {
  return [model.digest, ...model.parts].some((digest) => revoked.has(digest));
}

/** What the files of a commit take out for good. @throws PlumbError GIT_FAILED */
export async function revokedAt(git: Git, commit: Oid, prefix: string): Promise<Set<Digest>> {
  return revokedBy((await git.listTree(commit, `${prefix}${files.models}`)).map((entry) => entry.path.slice(prefix.length)));
}

/**
 * Reads the pointers of a stage at a commit. One that is broken does not hide the others.
 * @throws PlumbError GIT_FAILED
 */
export async function readPointers(git: Git, commit: Oid, scope: PointerScope): Promise<PointerReading> {
  const entries = await git.listTree(commit, `${scope.prefix}${files.models}`);
  const found = entries.flatMap((entry) => {
    const name = modelOf(entry.path, scope);
    return name === undefined || (scope.model !== undefined && name !== scope.model) ? [] : [{ name, entry }];
  });
  const blobs = await git.readBlobs(
    commit,
    found.map(({ entry }) => entry.path),
  );
  const named = new Map<string, NamedModel>();
  const broken = new Map<string, PlumbError>();
  for (const [at, { name, entry }] of found.entries()) {
    try {
      named.set(name, await readOne(blobs[at] ?? null, { name, entry, commit, stage: scope.stage }));
    } catch (error) {
      if (!isPlumbError(error)) throw error;
      broken.set(name, error);
    }
  }
  const revoked = revokedBy(entries.map((entry) => entry.path.slice(scope.prefix.length)));
  return { commit, named, broken, units: [], revoked };
}

/** A pointer that was decided about. */
export interface DecidedPointer {
  readonly name: string;
  readonly commit: Oid;
  /** SHA-256 of the pointer's bytes */
  readonly pointer: Digest;
  /** what it names */
  readonly artifact: Digest;
}

/**
 * A pointer as a commit has it, where it is the one that was decided about.
 * @throws PlumbError POINTER_INVALID, GIT_REVISION_UNKNOWN
 */
export async function readPointerAt(git: Git, { name, commit, pointer, artifact }: DecidedPointer, scope: PointerScope): Promise<NamedModel> {
  const path = pointerPath(name, scope);
  const bytes = await git.readBlob(commit, path);
  const model = await readOne(bytes, { name, entry: { path, mode: '100644' }, commit, stage: scope.stage });
  if (bytes !== null && digestOf(bytes) === pointer && model.digest === artifact) return model;
  throw refusal(path, `of commit ${commit.slice(0, 12)} is not what was decided about`);
}

/**
 * The models that a pointer named before this commit, newest first, as the branch saw them. Ends where the pointer was not there.
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function* earlierModels(git: Git, commit: Oid, name: string, scope: PointerScope): AsyncGenerator<NamedModel> {
  const path = pointerPath(name, scope);
  const moves = await git.log(commit, { path, firstParent: true, max: 20 });
  for (const move of moves.slice(1)) {
    const reading = await readPointers(git, move.oid, { ...scope, model: name });
    const model = reading.named.get(name);
    if (model !== undefined) yield model;
    else if (!reading.broken.has(name)) return;
  }
}

/** 'sub/models/intents/production.json' */
export function pointerPath(name: string, scope: Pick<PointerScope, 'prefix' | 'stage'>): string {
  return scope.prefix + pathInProject({ model: name, stage: scope.stage });
}

function modelOf(path: string, scope: PointerScope): string | undefined {
  const [name, file, ...rest] = path.slice(scope.prefix.length + files.models.length + 1).split('/');
  return name !== undefined && file === `${scope.stage}.json` && rest.length === 0 && isName(name) ? name : undefined;
}

interface Place {
  readonly name: string;
  readonly entry: Pick<TreeEntry, 'path' | 'mode'>;
  readonly commit: Oid;
  readonly stage: Stage;
}

async function readOne(bytes: Uint8Array | null, { name, entry, commit, stage }: Place): Promise<NamedModel> {
  const { path, mode } = entry;
  if (mode !== '100644' && mode !== '100755') throw refusal(path, 'is no plain file');
  if (bytes === null) throw refusal(path, 'cannot be read');
  if (bytes.length > maxPointerBytes) throw refusal(path, `has ${bytes.length} bytes; a pointer has about a thousand`);
  const pointer = await parsePointer(pointerText(bytes), { model: name, stage });
  const [digest = pointer.artifact.digest, ...parts] = digestsOf(pointer);
  return { name, stage, digest, parts, bytes: pointer.artifact.bytes, run: pointer.run, commit, path };
}

function refusal(path: string, what: string): PlumbError {
  return new PlumbError('POINTER_INVALID', {
    what: `${path} ${what}`,
    where: { file: path },
    mend: 'run `git revert` on the commit that changed it, or promote again',
  });
}
