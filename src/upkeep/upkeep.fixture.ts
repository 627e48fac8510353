// Projects with versions in a remote, for tests of what is let go of, checked and counted.
import { join } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { pushRootOf, objectsOf } from '../datasets/manifest.ts';
import { loadLock } from '../datasets/lock.ts';
import { createProject, type TestProject } from '../datasets/project.fixture.ts';
import { openStore } from '../store/open.ts';
import type { TransferOptions } from '../store/store.ts';

export const quietly: TransferOptions = { progress: silentProgress, signal: new AbortController().signal };

/** A project in a git repository with the remote beside it, under a name of its own. */
export async function createShared(
  repository = 'ours',
  options: { readonly remote?: string } = {},
): Promise<TestProject & { readonly remote: string }> {
  const project = await createProject({ remote: true });
  const remote = options.remote ?? join(project.root, '../remote');
  await project.write('plumbline.yaml', `version: 1\nremote: ${JSON.stringify(remote)}\nrepository: ${repository}\n`);
  await project.git('checkout', '-q', '-B', 'main');
  return { ...project, remote };
}

/** Locks these files as the data set `data`, commits, pushes. @returns the version */
export async function pushVersion(project: TestProject, files: Readonly<Record<string, string | Uint8Array>>): Promise<Digest> {
  for (const [path, bytes] of Object.entries(files)) await project.write(`data/${path}`, bytes);
  await project.add('data');
  await project.git('add', '--all');
  await project.git('commit', '-qm', 'data');
  const opened = await project.open();
  const version = (await loadLock(opened)).datasets['data']?.digest;
  if (version === undefined) throw new Error('the data set is not in the lock');
  const before = (await opened.git.log('HEAD', { path: 'datasets.lock' })).slice(1);
  const bases: Digest[] = [];
  for (const { oid } of before) {
    const text = (await opened.readTextAt(oid, 'datasets.lock')) ?? '';
    for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) bases.push(digest as Digest);
  }
  await opened.store.push([pushRootOf(opened.store, version, async () => bases)], [], quietly);
  return version;
}

/** Fetches all of a version into an empty cache, where each object is verified. @throws what a fetch throws */
export async function fetchAnew(remote: string, version: Digest, cacheDir: string): Promise<number> {
  const store = await openStore({ cacheDir, remote });
  await store.openRoots([version], quietly);
  const objects = (await Array.fromAsync(objectsOf(store, version))).map(({ digest }) => digest);
  await store.fetch(objects, { ...quietly, within: [version] });
  for (const digest of objects) if (!(await store.cache.has(digest))) throw new Error(`${digest} did not come`);
  return objects.length;
}

/** Is all of it there? */
export async function canBeFetched(remote: string, version: Digest, cacheDir: string): Promise<boolean> {
  return fetchAnew(remote, version, cacheDir).then(
    () => true,
    () => false,
  );
}
