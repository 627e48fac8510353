// What is large: a file beyond 4 GiB, a folder of a hundred thousand files. Right bytes from end to end, in bounded memory.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestProject } from '../project.ts';
import { cloneOf, noise } from './stored.ts';

const mebibyte = 1 << 20;
/** as docs/store.md promises it, whatever the size */
const mostPeak = 350 * mebibyte;

/** Runs plumb. @returns what it said, and its peak of memory in bytes */
async function measured(project: TestProject, words: readonly string[], env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const file = join(project.top, 'peak');
  rmSync(file, { force: true });
  const preload = `--import=${new URL('./peak.ts', import.meta.url).href}`;
  const answer = await project.plumb(words, { env: { ...env, NODE_OPTIONS: preload, PLUMB_TEST_PEAK: file } });
  expect(answer, `${words.join(' ')}: ${answer.stdout}${answer.stderr}`).toMatchObject({ exit: 0, code: undefined });
  const peak = Number(readFileSync(file, 'utf8')) * 1024;
  expect(peak, `bytes of memory of ${words.join(' ')}`).toBeGreaterThan(20 * mebibyte);
  expect(peak, `bytes of memory of ${words.join(' ')}`).toBeLessThan(mostPeak);
  return answer.json;
}

async function digestOfFile(path: string): Promise<string> {
  const state = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 4 * mebibyte })) state.update(piece as Buffer);
  return state.digest('hex');
}

test('a file of 4.5 GB goes to the remote and comes back', { timeout: 600_000 }, async () => {
  using project = TestProject.create({ '.gitignore': '.plumb/\n/data/\n' }, { remote: true });
  // the cache's file and the work tree's are one: the disk of a test machine is small
  const env = { PLUMB_LINK: 'hardlink' };
  const path = project.path('data/big/file.bin');
  const bytes = 4_500_000_000;
  mkdirSync(project.path('data/big'), { recursive: true });
  writeFileSync(path, noise('start', 3 * mebibyte));
  truncateSync(path, bytes);
  const write = (name: string, at: number): void => {
    const file = openSync(path, 'r+');
    writeSync(file, noise(name, 2 * mebibyte), 0, 2 * mebibyte, at);
    closeSync(file);
  };
  // over the border where 32 bits end, and at the end
  write('border', 2 ** 32 - mebibyte);
  write('end', bytes - 2 * mebibyte);
  await measured(project, ['add', 'data/big'], env);
  project.git('add', '-A');
  project.git('commit', '-qm', 'one');
  const { bytes: sent } = await measured(project, ['push'], env);
  expect(sent).toBeLessThan(16 * mebibyte);
  const wanted = await digestOfFile(path);
  // room for the clone
  rmSync(project.path('data'), { recursive: true });
  rmSync(project.path('.plumb/cache'), { recursive: true });
  const clone = cloneOf(project, 'clone');
  await measured(clone, ['fetch'], env);
  await measured(clone, ['checkout'], env);
  expect(statSync(clone.path('data/big/file.bin')).size).toBe(bytes);
  expect(await digestOfFile(clone.path('data/big/file.bin'))).toBe(wanted);
});

/** A disk in memory where there is one with so much room: many small files should not wait for whoever else writes to this disk. */
function roomyFolder(bytes: number): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > bytes ? memory : tmpdir();
}

test('a hundred thousand files in one folder', { timeout: 600_000 }, async () => {
  using made = TestProject.create({ '.gitignore': '.plumb/\n/data/\n' }, { remote: true });
  using project = made.copy(mkdtempSync(join(roomyFolder(4096 * mebibyte), 'plumb-test-')));
  const count = 100_000;
  mkdirSync(project.path('data/many'), { recursive: true });
  for (let at = 0; at < count; at += 1) writeFileSync(project.path(`data/many/${at}.txt`), `this is ${at}\n`);
  await measured(project, ['add', 'data/many']);
  project.git('add', '-A');
  project.git('commit', '-qm', 'one');
  await measured(project, ['status', '--check']);
  await measured(project, ['push']);
  writeFileSync(project.path('data/many/77777.txt'), 'edited\n');
  writeFileSync(project.path('data/many/0.txt'), 'edited, too\n');
  rmSync(project.path('data/many/99999.txt'));
  const status = await measured(project, ['status']);
  expect(status['datasets']).toMatchObject([{ state: 'modified', modified: 2, added: 0, removed: 1 }]);
  await measured(project, ['checkout', '--force']);
  await measured(project, ['status', '--check']);
  expect(readFileSync(project.path('data/many/77777.txt'), 'utf8')).toBe('this is 77777\n');
  rmSync(project.path('data'), { recursive: true });
  rmSync(project.path('.plumb'), { recursive: true });
  await measured(project, ['pull']);
  await measured(project, ['status', '--check']);
  for (let at = 0; at < count; at += 9973) expect(readFileSync(project.path(`data/many/${at}.txt`), 'utf8')).toBe(`this is ${at}\n`);
  expect(existsSync(project.path(`data/many/${count}.txt`))).toBe(false);
});
