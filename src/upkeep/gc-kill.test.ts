// A gc that is killed at any instant loses nothing that lives. The long test is in tests/real.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { objectsOf } from '../datasets/manifest.ts';
import { seeded } from '../store/transfer/faulty.fixture.ts';
import { createShared, fetchAnew, pushVersion } from './upkeep.fixture.ts';

const program = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
const rounds = 8;

/** @returns whether it was killed before it ended */
async function killedAfter(cwd: string, ms: number | null, words: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...words], { cwd, stdio: 'ignore', env: { ...process.env, PLUMB_CACHE: undefined } });
  const ended = new Promise<boolean>((resolve) => child.once('close', (_, signal) => resolve(signal === 'SIGKILL')));
  if (ms !== null) await Promise.race([sleep(ms), ended]);
  if (ms !== null) child.kill('SIGKILL');
  return ended;
}

test.each([
  ['here', []],
  ['in the remote', ['--remote']],
])('a gc %s that is killed anywhere loses nothing that lives', { timeout: 120_000 }, async (_, where) => {
  const project = await createShared();
  const random = seeded(7);
  const words = ['gc', '--now', '--yes', ...where];
  // something that lives in every pack that has something dead
  const files = (label: string) => ({
    ...Object.fromEntries(Array.from({ length: 60 }, (__, at) => [`${label}-${at}.txt`, `${label} ${at} ${randomBytes(900).toString('hex')}`])),
    'large.bin': randomBytes(200_000),
  });
  const live: Digest[] = [await pushVersion(project, { 'first.txt': 'first' })];
  let killed = 0;
  // how long one takes now: other tests run beside this one
  let usual = 0;
  const timed = async (ms: number | null): Promise<boolean> => {
    const began = Date.now();
    const wasKilled = await killedAfter(project.root, ms, words);
    if (!wasKilled) usual = Date.now() - began;
    return wasKilled;
  };
  await timed(null);
  for (let round = 0; round < rounds; round += 1) {
    await pushVersion(project, files('going'));
    await rm(join(project.root, 'data'), { recursive: true });
    live.splice(0, 1, await pushVersion(project, files('staying')));
    if (await timed(usual * (0.3 + 0.7 * random()))) killed += 1;
    for (const version of live) {
      expect(await fetchAnew(project.remote, version, await mkdtemp(join(tmpdir(), 'plumb-empty-')))).toBeGreaterThan(60);
      const { store } = await project.open();
      for await (const { digest } of objectsOf(store, version)) expect(await store.cache.verify(digest)).toBe(true);
    }
  }
  expect(killed).toBeGreaterThan(0);
  // and the next one ends
  expect(await killedAfter(project.root, null, words)).toBe(false);
  expect(await fetchAnew(project.remote, live[0]!, await mkdtemp(join(tmpdir(), 'plumb-empty-')))).toBeGreaterThan(60);
});
