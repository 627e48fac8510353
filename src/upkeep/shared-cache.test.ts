// A cache of a group: whoever is in it can write there, and whoever writes there is known, or a gc of somebody else takes what he has not pushed.
import { chmodSync, mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { collectObjects } from '../datasets/reachable.ts';
import { openProject, type Project } from '../project/open.ts';
import { neighbours } from '../project/shared-cache.ts';
import { checkCache } from './fsck-local.ts';
import { checkRemote } from './fsck-remote.ts';
import { planLocal } from './gc-local.ts';
import { createShared, quietly } from './upkeep.fixture.ts';

async function scene(): Promise<{ cache: string; root: string; open: () => Promise<Project> }> {
  const { root, write } = await createShared();
  const cache = join(root, '../shared');
  mkdirSync(cache);
  chmodSync(cache, 0o2775);
  await write('data/large', Buffer.alloc(100_000, 'x'));
  return { cache, root, open: () => openProject({ cwd: root, env: { PLUMB_CACHE: cache } }) };
}

test('each folder that a command makes in it can be written to by the group, whatever the umask', async () => {
  const before = process.umask(0o022);
  try {
    const { cache, root, open } = await scene();
    const project = await open();
    const { addDataset } = await import('../datasets/add.ts');
    await addDataset(project, { argument: 'data', cwd: root, ...quietly });
    const { roots } = await collectObjects(project);
    await project.store.push(roots, [], quietly);
    await project.store.writeName({ kind: 'runs', key: '0'.repeat(64) }, `sha256:${'1'.repeat(64)}`);
    await checkRemote(project, { ...quietly, repair: false, now: new Date() });
    mkdirSync(join(cache, 'packs'), { recursive: true });
    writeFileSync(join(cache, 'packs', `${'0'.repeat(64)}.pack`), 'not a pack');
    await checkCache(project, { ...quietly, repair: false, now: new Date() });
    const folders = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
    const paths = folders.map((entry) => join(entry.parentPath, entry.name));
    for (const name of ['repositories', 'names/runs', 'bad', 'objects']) expect(paths).toContain(join(cache, name));
    for (const name of ['indexes', 'outgoing', 'unfinished']) expect(paths.some((path) => path.endsWith(name))).toBe(true);
    for (const path of paths) expect([path, (statSync(path).mode & 0o7777).toString(8)]).toEqual([path, '2775']);
  } finally {
    process.umask(before);
  }
});

test('a project whose name was cut off by a full disk makes every other one refuse to guess, until it is used again', async () => {
  const { cache, root, open } = await scene();
  await open();
  expect(neighbours(cache)).toEqual([root]);
  const [name = ''] = readdirSync(join(cache, 'repositories'));
  truncateSync(join(cache, 'repositories', name), 0);
  expect(() => neighbours(cache)).toThrow(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
  await open();
  expect(neighbours(cache)).toEqual([root]);
  expect(readdirSync(join(cache, 'repositories'))).toEqual([name]);
});

test('who may write to it and cannot be known in it writes nothing', async () => {
  const { cache, open } = await scene();
  writeFileSync(join(cache, 'repositories'), 'in the way');
  await expect(open()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  expect(readdirSync(cache)).toEqual(['repositories']);
});

test('a repository of another user, which git does not read, is told by name and with what to say to git; nothing is guessed', async () => {
  const { cache, root, open } = await scene();
  const [ours, { root: theirs }] = [await open(), await createShared()];
  await openProject({ cwd: theirs, env: { PLUMB_CACHE: cache } });
  try {
    // git's own way to test this without a second user
    vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1');
    const home = join(root, '../home');
    mkdirSync(home);
    writeFileSync(join(home, '.gitconfig'), `[safe]\n\tdirectory = ${root}\n`);
    vi.stubEnv('HOME', home);
    vi.stubEnv('XDG_CONFIG_HOME', home);
    const request = { workspaceOnly: false, force: false, graceMs: 0, now: new Date(), signal: quietly.signal };
    await expect(planLocal(ours, request)).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining(theirs),
      mend: expect.stringContaining(`git config --global --add safe.directory ${theirs}`),
    });
  } finally {
    vi.unstubAllEnvs();
  }
});
