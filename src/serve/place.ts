// Where a server, or an auditor, stands: the repository, the settings and the bytes. Settings come from git too, so that a bare clone, which has no work tree, is as good a
// place as any; a deployment is then one `git clone --mirror` and whatever fetches into it.
import { resolve } from 'node:path';
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import { openGit } from '../git/open.ts';
import { projectConfigSchema, type ProjectConfig } from '../project/config.ts';
import { files } from '../project/layout.ts';
import { openProject } from '../project/open.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { readOnlyGit } from './read-only-git.ts';

export interface ServePlace {
  /** for reading alone */
  readonly git: Git;
  /** the same repository, for what brings refs and commits of origin here */
  readonly clone: Git;
  readonly store: Store;
  /** folder of the project in the repository: '' or 'sub/folder/' */
  readonly prefix: string;
  readonly config: ProjectConfig;
  /** absolute folder of the project; null in a bare repository */
  readonly root: string | null;
  /** absolute: what is of this clone on this machine only */
  readonly localDir: string;
}

export interface World {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens what reading decisions needs, in a work tree or in a bare repository.
 * @param ref whose plumbline.yaml counts in a bare repository; HEAD when undefined
 * @throws PlumbError NO_GIT_REPOSITORY, NOT_A_PROJECT, CONFIG_INVALID
 */
export async function openPlace(world: World, ref: string | undefined): Promise<ServePlace> {
  const git = await openGit(world.cwd, world.env);
  if (git.workTree !== null) {
    const project = await openProject(world);
    const config = await configAt(git, project.prefix, [ref, 'HEAD']);
    const { store, prefix, root, localDir } = project;
    return { git: readOnlyGit(project.git), clone: project.git, store, prefix, config: config ?? project.config, root, localDir };
  }
  const prefix = await prefixInBare(git, ref ?? 'HEAD');
  const config = await configAt(git, prefix, [ref, 'HEAD']);
  if (config === undefined) throw new Error('plumbline.yaml was found a moment ago');
  // there is no project folder: a relative remote counts from the repository's own folder
  const localDir = resolve(git.gitDir, 'plumb');
  const cacheDir = resolve(git.gitDir, world.env['PLUMB_CACHE'] ?? 'plumb/cache');
  const store = await openStore({ cacheDir, root: git.gitDir, env: world.env, ...(config.remote === undefined ? {} : { remote: config.remote }) });
  return { git: readOnlyGit(git), clone: git, store, prefix, config, root: null, localDir };
}

/** The first of these revisions that has a plumbline.yaml says the settings. */
async function configAt(git: Git, prefix: string, revisions: readonly (string | undefined)[]): Promise<ProjectConfig | undefined> {
  for (const revision of revisions) {
    const commit = revision === undefined ? null : await git.resolve(revision);
    const bytes = commit === null ? null : await git.readBlob(commit, prefix + files.config);
    if (bytes !== null) return parseYaml(Buffer.from(bytes).toString('utf8'), prefix + files.config, projectConfigSchema);
  }
  return undefined;
}

/** Without a work tree nobody stands in a sub-folder: the one project of the repository is meant. */
async function prefixInBare(git: Git, revision: string): Promise<string> {
  const commit = await git.resolve(revision);
  if (commit === null) {
    throw new PlumbError('NOT_A_PROJECT', {
      what: `${revision} names no commit of this bare repository`,
      mend: 'name a branch that is there',
    });
  }
  return projectFolder(git, commit, revision);
}

async function projectFolder(git: Git, commit: Oid, revision: string): Promise<string> {
  const found = (await git.listTree(commit, ''))
    .map((entry) => entry.path)
    .filter((path) => path === files.config || path.endsWith(`/${files.config}`));
  const top = found.find((path) => path === files.config) ?? found[0];
  if (top !== undefined && (top === files.config || found.length === 1)) return top.slice(0, -files.config.length);
  throw new PlumbError('NOT_A_PROJECT', {
    what: found.length === 0 ? `no ${files.config} at ${revision}` : `several projects at ${revision}: ${found.slice(0, 5).join(', ')}`,
    mend: found.length === 0 ? 'name a branch that holds a project' : 'work in a clone with a work tree, in the folder of the project',
  });
}
