// Keeping house, as a user does it: what goes, what is damaged, what takes how much.
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder, newProject, type Repository } from './plumb.ts';

async function project(): Promise<{ repository: Repository; remote: string }> {
  const remote = join(await newFolder(), 'remote');
  const repository = await newProject({ 'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(remote)}\nrepository: story\n` });
  return { repository, remote };
}

async function version(repository: Repository, label: string): Promise<void> {
  for (let at = 0; at < 30; at += 1) await repository.write(`images/${at}.txt`, at % 3 === 0 ? `${label} ${at} `.repeat(900) : `file ${at}`);
  expect((await repository.plumb('add', 'images')).exit).toBe(0);
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', label);
  expect((await repository.plumb('push')).stderr).toBe('');
}

interface Error {
  readonly error?: { readonly code: string; readonly mend: string };
}

test('a branch goes, and its data with it, here and in the remote; the rest can be fetched', async () => {
  const { repository, remote } = await project();
  await version(repository, 'first');
  await repository.git('branch', 'topic');
  await version(repository, 'second');
  const before = await repository.plumb('gc');
  expect(before).toMatchObject({ exit: 0, stderr: '' });
  expect(before.stdout).toContain('kept  branch topic');
  expect(before.stdout).toContain('nothing to let go of');
  await repository.git('branch', '-D', 'topic');
  const plan = await repository.plumb('gc', '--now');
  expect(plan.stdout).toMatch(/would let go of \d+ that nobody names, .*: plumb gc --yes/);
  const planned = await repository.json<{ plan: { objects: { all: number; dead: number } }; done: null }>('gc', '--now');
  expect(planned.plan.objects.dead).toBeGreaterThan(9);
  expect(planned.done).toBeNull();
  const done = await repository.plumb('gc', '--now', '--yes');
  expect(done).toMatchObject({ exit: 0, stderr: '' });
  expect(done.stdout).toMatch(/let go of \d+ of \d+ that nobody names/);
  const there = await repository.plumb('gc', '--remote', '--now');
  expect(there.stdout).toContain('would take back 1 version or run');
  expect((await repository.plumb('gc', '--remote', '--now', '--yes')).stdout).toMatch(/pack deleted, .* freed/);
  expect((await repository.plumb('gc', '--remote')).stdout).toContain('nothing to let go of');
  rmSync(join(repository.folder, '.plumb'), { recursive: true });
  rmSync(join(repository.folder, 'images'), { recursive: true });
  expect(await repository.plumb('pull')).toMatchObject({ exit: 0, stderr: '' });
  expect(await repository.read('images/3.txt')).toContain('second 3');
  expect(readdirSync(join(remote, 'condemned'))).toEqual([]);
});

test('a remote that names nobody lets nothing go, and says how to give it a name', async () => {
  const { repository, remote } = await project();
  await repository.write('plumbline.yaml', `version: 1\nremote: ${JSON.stringify(remote)}\n`);
  await version(repository, 'first');
  const refused = await repository.plumb('gc', '--remote', '--json');
  expect(refused.exit).toBe(3);
  expect((JSON.parse(refused.stdout) as Error).error).toMatchObject({ code: 'CONFIG_INVALID', mend: expect.stringContaining('repository: NAME') });
  expect((await repository.plumb('gc', '--remote', '--workspace')).exit).toBe(2);
});

test('--workspace keeps what the work tree names; the other comes back from the remote', async () => {
  const { repository } = await project();
  await version(repository, 'first');
  await repository.git('branch', 'topic');
  await version(repository, 'second');
  expect(await repository.plumb('gc', '--workspace', '--now', '--yes')).toMatchObject({ exit: 0, stderr: '' });
  await repository.git('checkout', '--quiet', 'topic');
  expect(await repository.plumb('pull')).toMatchObject({ exit: 0, stderr: '' });
  expect(await repository.read('images/3.txt')).toContain('first 3');
});

test('damage is told with an exit code of 1, and repaired from the other side', async () => {
  const { repository, remote } = await project();
  await version(repository, 'first');
  expect(await repository.plumb('fsck')).toMatchObject({ exit: 0, stdout: expect.stringContaining('all good') });
  expect(await repository.plumb('fsck', '--remote')).toMatchObject({ exit: 0, stdout: expect.stringContaining('all good') });
  const pack = join(remote, 'packs', readdirSync(join(remote, 'packs'))[0]!);
  spoil(pack);
  const damaged = await repository.plumb('fsck', '--remote');
  expect(damaged.exit).toBe(1);
  expect(damaged.stdout).toContain('needed by');
  expect(damaged.stdout).toContain('plumb fsck --remote --repair');
  expect((await repository.plumb('fsck', '--remote', '--repair')).exit).toBe(0);
  expect((await repository.plumb('fsck', '--remote')).exit).toBe(0);
  const cache = join(repository.folder, '.plumb/cache/packs');
  spoil(join(cache, readdirSync(cache)[0]!));
  expect((await repository.plumb('fsck')).exit).toBe(1);
  const repaired = await repository.json<{ faults: { state: string }[] }>('fsck', '--repair');
  expect(repaired.faults.map(({ state }) => state)).not.toContain('set aside');
  expect((await repository.plumb('fsck')).exit).toBe(0);
});

function spoil(path: string): void {
  const bytes = readFileSync(path);
  bytes[40] = bytes[40]! ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

test('du says who uses what, and its lines add up', async () => {
  const { repository } = await project();
  await version(repository, 'first');
  const text = await repository.plumb('du');
  expect(text.exit).toBe(0);
  expect(text.stdout).toMatch(/data set images +\S+ kB +0 B +\S+ kB now, 1 version/);
  const usage = await repository.json<{
    uses: { own: number }[];
    shared: number;
    unreferenced: number;
    trash: number;
    bad: number;
    overhead: number;
    disk: number;
  }>('du');
  const { uses, shared, unreferenced, trash, bad, overhead, disk } = usage;
  expect(uses.reduce((sum, { own }) => sum + own, 0) + shared + unreferenced + trash + bad + overhead).toBe(disk);
  expect((await repository.plumb('du', '--remote')).stdout).toMatch(/data set images +\S+ kB/);
});

test.each(['gc', 'fsck', 'du'])('%s says how it is used, with an example and its exit codes', async (command) => {
  const { repository } = await project();
  const help = await repository.plumb(command, '--help');
  expect(help.exit).toBe(0);
  expect(help.stdout).toContain(`$ plumb ${command}`);
  expect(help.stdout).toContain('Exit codes: 0 ');
});
