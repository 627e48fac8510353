// The work tree as the pipeline sees it: where inputs are read, and where outputs are put.
import { lstatSync, type Stats } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepKilled } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError, PlumbError, systemError } from '../base/errors.ts';
import { checkoutFolder } from '../datasets/folder-checkout.ts';
import { describeFolder, storeFolder } from '../datasets/folder.ts';
import { ignorePath } from '../datasets/git-lines.ts';
import { loadLock, requireDataset } from '../datasets/lock.ts';
import { digestOfManifest, readLockedManifest, readManifest } from '../datasets/manifest.ts';
import { refuseWayOut } from '../datasets/paths.ts';
import type { Lock, LockEntry } from '../datasets/schema.ts';
import { digestOfPath, type StatIndex } from '../datasets/stat-index.ts';
import { stateOf } from '../datasets/status.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { RunInput, RunOutput } from './run-record.ts';
import type { PathFacts, SourceTree } from './source-tree.ts';
import type { Workspace } from './stage-world.ts';

/** @param index of this work tree; whoever opened it saves it */
export async function openWorkTree(project: Project, index: StatIndex): Promise<WorkTree> {
  return new WorkTree(project, index, await loadLock(project));
}

export class WorkTree implements SourceTree, Workspace {
  readonly name = 'the work tree';
  readonly lock: Lock;
  readonly #project: Project;
  readonly #index: StatIndex;
  /** a data set is looked at once in a command, however many stages read it */
  readonly #checked = new Map<string, Promise<Digest>>();
  readonly #inside = new Map<string, Promise<void>>();
  readonly #claimed = new Set<string>();

  constructor(project: Project, index: StatIndex, lock: Lock) {
    this.#project = project;
    this.#index = index;
    this.lock = lock;
  }

  get root(): string {
    return this.#project.root;
  }

  get localDir(): string {
    return this.#project.localDir;
  }

  readText(path: string): Promise<string | undefined> {
    return this.#project.readText(path);
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(kindOf(this.#absolute(path)) !== null);
  }

  async facts(path: string): Promise<PathFacts> {
    await refuseWayOut(this.root, path);
    const absolute = this.#absolute(path);
    const kind = kindOf(absolute);
    if (kind === 'folder') {
      const manifest = await describeFolder(this.#index, absolute);
      return { digest: digestOfManifest(manifest), bytes: manifest.bytes, kind };
    }
    const found = kind === null ? null : await digestOfPath(this.#index, absolute);
    if (found === null)
      throw new PlumbError('FILE_MISSING', { what: `${path} is not there`, where: { file: path }, mend: `restore it, or correct ${files.pipeline}` });
    return { digest: found.digest, bytes: found.bytes, kind: 'file' };
  }

  dataset(name: string): Promise<Digest> {
    const known = this.#checked.get(name) ?? this.#checkDataset(name, requireDataset(this.lock, name));
    this.#checked.set(name, known);
    return known;
  }

  async #checkDataset(name: string, entry: LockEntry): Promise<Digest> {
    const state = await stateOf(this.#project, entry, this.#index);
    // what is not there was compared with nothing: whoever brings it back reads the manifest, a plan need not ask the remote for it
    if (state === 'missing') return entry.digest;
    if (state === 'same') {
      // the work tree was compared with the content, the record will say the digest: they must be of one version. Where the manifest is nowhere,
      // it cannot be told; a stage that needs it says so
      await readLockedManifest(this.#project.store, name, entry).catch((error: unknown) => {
        if (!isPlumbError(error, 'BYTES_MISSING') && !isPlumbError(error, 'REMOTE_FAILED')) throw error;
      });
      return entry.digest;
    }
    throw new PlumbError('DATASET_MODIFIED', {
      what: `${entry.path} is not what ${files.lock} says of data set "${name}"`,
      where: { file: entry.path },
      mend: `lock it with \`plumb add ${entry.path}\`, or bring the locked rows back with \`plumb checkout --force ${name}\``,
    });
  }

  async keep(path: string, projectPath: string): Promise<RunOutput> {
    const kind = kindOf(path);
    if (kind === 'folder') return { path: projectPath, kind, ...pick(await storeFolder(this.#project.store, path)) };
    if (kind === 'file') return { path: projectPath, kind, ...(await this.#project.store.putFile(path)) };
    throw new PlumbError('FILE_KIND', {
      what: `${projectPath} is neither a file nor a folder`,
      where: { file: projectPath },
      mend: 'let the stage write files and folders; links and special files cannot be kept',
    });
  }

  async restore(output: RunOutput): Promise<void> {
    await this.#refuseWayOut(dirname(output.path));
    const absolute = this.#absolute(output.path);
    const kind = kindOf(absolute);
    if (output.kind === 'folder') {
      if (kind === 'folder' && digestOfManifest(await describeFolder(this.#index, absolute)) === output.digest) return;
      await checkoutFolder(this.#project.store, output.digest, absolute, { index: this.#index });
      return;
    }
    if (kind === 'file' && (await digestOfPath(this.#index, absolute))?.digest === output.digest) return;
    await sweepKilled(dirname(absolute));
    await this.#project.store.checkoutFile(output.digest, absolute);
  }

  async place(digest: Digest, kind: 'file' | 'folder' | 'dataset', target: string): Promise<string> {
    const { store } = this.#project;
    if (kind === 'file') {
      await symlink(await store.pathOf(digest), target);
      return target;
    }
    const manifest = await readManifest(store, digest);
    if (manifest.kind === 'files') {
      await checkoutFolder(store, digest, target);
      return target;
    }
    const named = `${target}.${manifest.format}`;
    await symlink(await store.pathOf(manifest.content), named);
    return named;
  }

  async claim(path: string): Promise<void> {
    // outputs of built-in steps stand in one folder, which is ignored whole
    const own = path.startsWith(`${files.out}/`) ? files.out : path;
    if (this.#claimed.has(own)) return;
    await this.#refuseWayOut(dirname(path));
    if (await this.#project.git.isTracked(this.#project.prefix + path)) {
      throw new PlumbError('OUT_TRACKED', {
        what: `${path} is an output of a stage, and git tracks it: the stage would write over what is committed, and over edits that are not`,
        where: { file: files.pipeline },
        mend: `name another output, or leave it to the pipeline: git rm --cached ${path}`,
      });
    }
    // a pattern such as out/ is about a folder, and the folder may not be there yet: the file in it is asked about
    if (!(await this.#project.git.isIgnored(this.#project.prefix + path))) await this.#project.mutex(() => ignorePath(this.#project, own));
    this.#claimed.add(own);
  }

  async isStill(input: RunInput): Promise<boolean> {
    if (input.kind === 'file') return (await this.facts(input.ref).catch(() => null))?.digest === input.digest;
    return (await stateOf(this.#project, requireDataset(this.lock, input.ref), this.#index)) !== 'modified';
  }

  async materialise(name: string): Promise<void> {
    const entry = requireDataset(this.lock, name);
    const absolute = this.#absolute(entry.path);
    if (kindOf(absolute) !== null) return;
    await this.#refuseWayOut(dirname(entry.path));
    await mkdir(dirname(absolute), { recursive: true });
    await readLockedManifest(this.#project.store, name, entry);
    if (entry.format === 'files') await checkoutFolder(this.#project.store, entry.digest, absolute, { index: this.#index });
    else await this.#project.store.checkoutFile(entry.content, absolute);
  }

  /** Outputs of many stages stand in few folders: each is looked at once. */
  #refuseWayOut(folder: string): Promise<void> {
    const known = this.#inside.get(folder) ?? refuseWayOut(this.root, folder);
    this.#inside.set(folder, known);
    return known;
  }

  #absolute(path: string): string {
    return join(this.root, path);
  }
}

function pick({ digest, bytes }: { digest: Digest; bytes: number }): { digest: Digest; bytes: number } {
  return { digest, bytes };
}

/** null: nothing there; undefined: a link or a special file. At once: for a stat, going through another thread costs more than the stat. */
function kindOf(path: string): 'file' | 'folder' | null | undefined {
  let facts: Stats | undefined;
  try {
    facts = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // a file stands where a folder of the path should be
    if (errnoOf(error) !== 'ENOTDIR') throw systemError(error, 'look at', path);
  }
  if (facts === undefined) return null;
  return facts.isFile() ? 'file' : facts.isDirectory() ? 'folder' : undefined;
}
