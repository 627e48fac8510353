import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf, hexOf } from '../../base/digest.ts';
import { openFolderRemote } from './folder.ts';
import { remoteContract } from './remote.contract.ts';

const { signal } = new AbortController();
const options = { signal };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

remoteContract('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-folder-'));
  return { remote: openFolderRemote(join(folder, 'remote')), close: async () => rmSync(folder, { recursive: true, force: true }) };
});

function packIn(folder: string, text: string): { digest: ReturnType<typeof digestOf>; file: { path: string; bytes: number } } {
  const path = join(folder, 'a.pack');
  writeFileSync(path, text, { mode: 0o600 });
  return { digest: digestOf(text), file: { path, bytes: text.length } };
}

describe('on the disk', () => {
  test('the layout is the documented one, read-only, with nothing left in tmp', async () => {
    const folder = temporaryFolder();
    const root = join(folder, 'remote');
    const remote = openFolderRemote(root);
    const { digest, file } = packIn(folder, 'bytes of a pack');
    const hex = hexOf(digest);
    await remote.writePack(digest, file, options);
    await remote.write('receipts', hex, Buffer.from('{}'), { ifAbsent: false, packs: [] }, options);
    await remote.write('names', `runs/${hex}`, Buffer.from('x'), { ifAbsent: true, packs: [] }, options);
    expect(readFileSync(join(root, 'packs', hex), 'utf8')).toBe('bytes of a pack');
    for (const path of [`packs/${hex}`, `receipts/${hex.slice(0, 2)}/${hex}`, `names/runs/${hex}`]) {
      expect(statSync(join(root, path)).mode & 0o222).toBe(0);
      expect(statSync(join(root, path)).mode & 0o400).toBe(0o400);
    }
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  test('a pack of its sender is copied, a disposable one is linked', async () => {
    const folder = temporaryFolder();
    const remote = openFolderRemote(join(folder, 'remote'));
    const [kept, taken] = [packIn(temporaryFolder(), 'kept'), packIn(temporaryFolder(), 'taken')];
    await remote.writePack(kept.digest, kept.file, options);
    await remote.writePack(taken.digest, { ...taken.file, disposable: true }, options);
    const inode = (path: string): number => statSync(path).ino;
    expect(inode(join(folder, 'remote/packs', hexOf(kept.digest)))).not.toBe(inode(kept.file.path));
    expect(inode(join(folder, 'remote/packs', hexOf(taken.digest)))).toBe(inode(taken.file.path));
  });

  test.skipIf(!existsSync('/dev/shm'))('a disposable pack on another file system is copied', async () => {
    const elsewhere = mkdtempSync('/dev/shm/plumb-folder-');
    onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }));
    const folder = temporaryFolder();
    const { digest, file } = packIn(elsewhere, 'far away');
    await openFolderRemote(join(folder, 'remote')).writePack(digest, { ...file, disposable: true }, options);
    expect(readFileSync(join(folder, 'remote/packs', hexOf(digest)), 'utf8')).toBe('far away');
    expect(readdirSync(join(folder, 'remote/tmp'))).toEqual([]);
  });

  test('files of dead writers are swept after an hour, by the clock of the share; those of others stay', async () => {
    const folder = temporaryFolder();
    const tmp = join(folder, 'remote', 'tmp');
    mkdirSync(tmp, { recursive: true });
    const names = ['.plumb-tmp-4194305-aaaaaaaaaaaa-old', '.plumb-tmp-4194305-bbbbbbbbbbbb-young', 'not-ours'];
    for (const name of names) writeFileSync(join(tmp, name), '');
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const name of [names[0], names[2]]) utimesSync(join(tmp, name ?? ''), longAgo, longAgo);
    const remote = openFolderRemote(join(folder, 'remote'));
    await remote.write('receipts', '0'.repeat(64), Buffer.from('x'), { ifAbsent: false, packs: [] }, options);
    expect(readdirSync(tmp).toSorted()).toEqual([names[1], names[2]]);
  });

  test('what others keep in the folder is not listed', async () => {
    const root = join(temporaryFolder(), 'remote');
    mkdirSync(join(root, 'packs', 'sub'), { recursive: true });
    mkdirSync(join(root, 'receipts', 'ff'), { recursive: true });
    writeFileSync(join(root, 'packs', 'README'), '');
    writeFileSync(join(root, 'packs', 'sub', '0'.repeat(64)), '');
    // in the wrong folder: nobody would find it there
    writeFileSync(join(root, 'receipts', 'ff', '0'.repeat(64)), '');
    writeFileSync(join(root, 'packs', '1'.repeat(64)), 'x');
    const remote = openFolderRemote(root);
    expect(await Array.fromAsync(remote.list('packs', options))).toMatchObject([{ key: '1'.repeat(64), bytes: 1 }]);
    expect(await Array.fromAsync(remote.list('receipts', options))).toEqual([]);
  });
});

describe('a share', () => {
  test('of a group can be written to by all of it, whatever the umask of who was first', async () => {
    const root = join(temporaryFolder(), 'remote');
    mkdirSync(root);
    chmodSync(root, 0o2775);
    const before = process.umask(0o022);
    try {
      const remote = openFolderRemote(root);
      await remote.write('receipts', '0'.repeat(64), Buffer.from('x'), { ifAbsent: false, packs: [] }, options);
      await remote.write('names', `runs/${'0'.repeat(64)}`, Buffer.from('x'), { ifAbsent: true, packs: [] }, options);
    } finally {
      process.umask(before);
    }
    for (const path of ['tmp', 'receipts', 'receipts/00', 'names', 'names/runs'])
      expect([path, statSync(join(root, path)).mode & 0o7777]).toEqual([path, 0o2775]);
  });

  test('with a pipe or a folder where a file should be is not waited for', async () => {
    const root = join(temporaryFolder(), 'remote');
    const [pipe, folder] = ['0'.repeat(64), '1'.repeat(64)];
    mkdirSync(join(root, 'receipts/00'), { recursive: true });
    mkdirSync(join(root, 'receipts/11', folder), { recursive: true });
    mkdirSync(join(root, 'packs'));
    execFileSync('mkfifo', [join(root, 'receipts/00', pipe), join(root, 'packs', pipe)]);
    const remote = openFolderRemote(root);
    const failed = expect.objectContaining({ code: 'REMOTE_FAILED', message: expect.stringContaining('that is no file') });
    for (const key of [pipe, folder]) await expect(remote.read('receipts', key, options)).rejects.toEqual(failed);
    await expect(Array.fromAsync(remote.readPack(`sha256:${pipe}`, null, options))).rejects.toEqual(failed);
  });

  test('that is not mounted is neither written nor believed to be empty', async () => {
    const folder = temporaryFolder();
    const remote = openFolderRemote(join(folder, 'mount', 'remote'));
    const failed = expect.objectContaining({ code: 'REMOTE_FAILED', message: expect.stringContaining('the folder that it stands in is not there') });
    const { digest, file } = packIn(folder, 'x');
    await expect(remote.writePack(digest, file, options)).rejects.toEqual(failed);
    await expect(remote.write('receipts', hexOf(digest), Buffer.from('x'), { ifAbsent: true, packs: [] }, options)).rejects.toEqual(failed);
    await expect(remote.read('receipts', hexOf(digest), options)).rejects.toEqual(failed);
    await expect(Array.fromAsync(remote.list('packs', options))).rejects.toEqual(failed);
    expect(existsSync(join(folder, 'mount'))).toBe(false);
  });

  test('nothing is made by reading', async () => {
    const root = join(temporaryFolder(), 'remote');
    expect(await openFolderRemote(root).read('receipts', '0'.repeat(64), options)).toBe(null);
    expect(existsSync(root)).toBe(false);
  });

  test('a file where the folder should be is a failure of the remote', async () => {
    const root = join(temporaryFolder(), 'remote');
    writeFileSync(root, '');
    await expect(openFolderRemote(root).has('packs', '0'.repeat(64), options)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_FAILED' }));
  });

  test('that may not be written to refuses', async () => {
    const folder = temporaryFolder();
    const root = join(folder, 'remote');
    mkdirSync(root);
    const { digest, file } = packIn(folder, 'x');
    for (const path of [folder, root]) chmodSync(path, 0o555);
    const asRoot = process.geteuid?.() === 0;
    // root may write anywhere: be nobody for a moment
    if (asRoot) process.seteuid?.(65_534);
    try {
      await expect(openFolderRemote(root).writePack(digest, file, options)).rejects.toEqual(expect.objectContaining({ code: 'REMOTE_DENIED' }));
    } finally {
      if (asRoot) process.seteuid?.(0);
      for (const path of [folder, root]) chmodSync(path, 0o755);
    }
  });
});
