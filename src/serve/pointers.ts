// Which model shall answer, as a commit says it. Read from git alone: what lies in a work tree is nobody's decision.
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Git, Oid, TreeEntry } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { parsePointer, pointerPath as pathInProject, pointerText } from '../registry/pointer.ts';
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
}

/**
 * Reads the pointers of a stage at a commit. One that is broken does not hide the others.
 * @throws PlumbError GIT_FAILED
 */
export async function readPointers(git: Git, commit: Oid, scope: PointerScope): Promise<PointerReading> {
  const found = (await git.listTree(commit, `${scope.prefix}${files.models}`)).flatMap((entry) => {
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
      named.set(name, await readOne(blobs[at] ?? null, { name, entry, commit, scope }));
    } catch (error) {
      if (!isPlumbError(error)) throw error;
      broken.set(name, error);
    }
  }
  return { commit, named, broken };
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

async function readOne(bytes: Uint8Array | null, place: { name: string; entry: TreeEntry; commit: Oid; scope: PointerScope }): Promise<NamedModel> {
  const { name, entry, commit, scope } = place;
  const refuse = (what: string): PlumbError =>
    new PlumbError('POINTER_INVALID', {
      what: `${entry.path} ${what}`,
      where: { file: entry.path },
      mend: 'run `git revert` on the commit that changed it, or promote again',
    });
  if (entry.mode !== '100644' && entry.mode !== '100755') throw refuse('is no plain file');
  if (bytes === null) throw refuse('cannot be read');
  if (bytes.length > maxPointerBytes) throw refuse(`has ${bytes.length} bytes; a pointer has about a thousand`);
  const { artifact, run } = await parsePointer(pointerText(bytes), { model: name, stage: scope.stage });
  return { name, stage: scope.stage, digest: artifact.digest, bytes: artifact.bytes, run, commit, path: entry.path };
}
