// A commit as the pipeline sees it: what would its stages' fingerprints be? Nothing is checked out.
import { digestOf, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { loadLockAt, requireDataset } from '../datasets/lock.ts';
import { digestOfManifest, filesManifest, type FilesManifest } from '../datasets/manifest.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Git, Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { createFileTreeBuilder } from '../store/tree/file-builder.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import type { PathFacts, SourceTree } from './source-tree.ts';

export async function openCommitTree(project: Project, commit: Oid): Promise<SourceTree> {
  return new CommitTree(project, commit, await loadLockAt(project, commit));
}

/** Digest of a folder of a commit as manifest/1; null: there is none. @param folder relative to the repository */
export async function folderDigest(git: Git, commit: Oid, folder: string): Promise<Digest | null> {
  const manifest = await folderManifest(git, commit, folder);
  return manifest === null ? null : digestOfManifest(manifest);
}

async function folderManifest(git: Git, commit: Oid, folder: string): Promise<FilesManifest | null> {
  const entries = await git.listTree(commit, folder);
  if (entries.length === 0) return null;
  const blobs = await git.readBlobs(
    commit,
    entries.map((entry) => entry.path),
  );
  const found = entries.map((entry, at) => ({ path: entry.path.slice(folder.length + 1), blob: blobs[at] ?? new Uint8Array(), mode: entry.mode }));
  const tree = createFileTreeBuilder(digestOf);
  for (const { path: name, blob, mode } of found.toSorted((a, b) => compareUtf8(a.path, b.path)))
    tree.add({ path: name, digest: digestOf(blob), bytes: blob.length, executable: mode === '100755' });
  return filesManifest(tree.finish());
}

class CommitTree implements SourceTree {
  readonly name: string;
  readonly lock: Lock;
  readonly #project: Project;
  readonly #commit: Oid;

  constructor(project: Project, commit: Oid, lock: Lock) {
    this.name = `commit ${commit.slice(0, 10)}`;
    this.lock = lock;
    this.#project = project;
    this.#commit = commit;
  }

  readText(path: string): Promise<string | undefined> {
    return this.#project.readTextAt(this.#commit, path);
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#read(path)) !== null || (await this.#list(path)).length > 0;
  }

  async facts(path: string): Promise<PathFacts> {
    const bytes = await this.#read(path);
    if (bytes !== null) return { digest: digestOf(bytes), bytes: bytes.length, kind: 'file' };
    const manifest = await folderManifest(this.#project.git, this.#commit, this.#project.prefix + path);
    if (manifest === null)
      throw new PlumbError('FILE_MISSING', {
        what: `${path} is not in ${this.name}`,
        where: { file: path },
        mend: 'commit it there, or correct pipeline.yaml',
      });
    return { digest: digestOfManifest(manifest), bytes: manifest.bytes, kind: 'folder' };
  }

  dataset(name: string): Promise<Digest> {
    return Promise.resolve(requireDataset(this.lock, name).digest);
  }

  #read(path: string): Promise<Uint8Array | null> {
    return this.#project.git.readBlob(this.#commit, this.#project.prefix + path);
  }

  #list(path: string): ReturnType<Project['git']['listTree']> {
    return this.#project.git.listTree(this.#commit, this.#project.prefix + path);
  }
}
