import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryBeside } from '../base/atomic.ts';
import { storeFolder } from './folder.ts';
import { checkoutFolder } from './folder-checkout.ts';
import { NewFolder } from './new-folder.ts';
import { createProject } from './project.fixture.ts';
import { openStatIndex, type StatIndex } from './stat-index.ts';
import type { Store } from '../store/store.ts';

const count = 40;

/** A stored folder that is not in the work tree any more. */
async function gone(): Promise<{
  store: Store;
  folder: string;
  index: StatIndex;
  again(onBytes: () => void, signal?: AbortSignal): Promise<unknown>;
}> {
  const project = await createProject();
  const opened = await project.open();
  // large ones are files of their own in the cache, small ones lie in packs
  for (let at = 0; at < count; at += 1) await project.write(`data/files/${at % 3}/${at}`, `${at}`.repeat(at % 2 === 0 ? 10 : 9000));
  const folder = join(project.root, 'data/files');
  const { digest } = await storeFolder(opened.store, folder);
  await rm(folder, { recursive: true });
  const index = await openStatIndex(opened);
  const again = (onBytes: () => void, signal?: AbortSignal): Promise<unknown> =>
    checkoutFolder(opened.store, digest, folder, { index, onBytes, ...(signal === undefined ? {} : { signal }) });
  return { store: opened.store, folder, index, again };
}

function filesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

test('a folder that was not there is not there until it is whole', async () => {
  const { folder, index, again } = await gone();
  const seen = new Set<boolean>();
  await again(() => seen.add(existsSync(folder)));
  expect(seen).toEqual(new Set([false]));
  expect(filesIn(folder)).toBe(count);
  // what was placed is known: nothing is read again
  const inode = statSync(join(folder, '0/0')).ino;
  await again(() => expect.unreachable());
  expect(statSync(join(folder, '0/0')).ino).toBe(inode);
  expect(readdirSync(dirname(index.fileOf(folder)))).toEqual([basename(index.fileOf(folder))]);
});

test('a checkout that is stopped leaves nothing, here or aside, and the next one is whole', async () => {
  const { folder, index, again } = await gone();
  const stop = new AbortController();
  await expect(again(() => stop.abort(new Error('enough')), stop.signal)).rejects.toThrow('enough');
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(dirname(index.fileOf(folder)))).toEqual([]);
  await again(() => undefined);
  expect(filesIn(folder)).toBe(count);
});

test('what somebody puts there meanwhile stays, and is told', async () => {
  for (const precious of ['file', 'folder']) {
    const { folder, again } = await gone();
    const path = precious === 'file' ? folder : join(folder, 'mine');
    const put = (): void => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'precious');
    };
    await expect(again(put)).rejects.toMatchObject({ code: 'FILE_CHANGED', where: { file: folder } });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(readdirSync(dirname(folder))).toEqual([basename(folder)]);
  }
});

test('what a killed process left aside goes with the next command', async () => {
  const { folder, index } = await gone();
  const aside = dirname(index.fileOf(folder));
  const left = new NewFolder(folder, aside);
  expect(dirname(left.path)).toBe(aside);
  writeFileSync(join(left.path, 'half'), '');
  const killed = join(aside, basename(left.path).replace(String(process.pid), '4194305'));
  await rename(left.path, killed);
  await openStatIndex({ root: dirname(folder), localDir: dirname(aside), store: { cache: { hashFiles: index.hashFiles } } });
  expect(existsSync(killed)).toBe(false);
});

test('where a rename from aside does not work, a folder is filled beside its place', async () => {
  const { folder } = await gone();
  // another file system than that of the work tree: /proc, where nothing can be made, either
  const made = new NewFolder(folder, '/proc/self');
  expect(dirname(made.path)).toBe(dirname(temporaryBeside(folder)));
  made.settle();
  expect(readdirSync(dirname(folder))).toEqual([basename(folder)]);
});
