// A gc without any grace time, run from beginning to end before each request of a push in turn: the push ends well, or says that it must be repeated.
import { randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { loadLock } from '../datasets/lock.ts';
import { pushRootOf } from '../datasets/manifest.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Remote } from '../store/remote.ts';
import { RemoteStore } from '../store/transfer/remote-store.ts';
import { collectRemote, planRemote } from './gc-remote.ts';
import { createShared, fetchAnew, pushVersion, quietly } from './upkeep.fixture.ts';

const files = (label: string, bytes: number) => ({ 'own.bin': randomBytes(bytes), [`${label}.txt`]: label });

interface Scene {
  /** folder of the repository and its remote, to be copied */
  readonly top: string;
  readonly base: Digest;
  readonly next: Digest;
}

/** The next version is committed and not pushed; what it builds on is named by a branch, or by nobody any more. */
async function scene(baseIsNamed: boolean): Promise<Scene> {
  const project = await createShared('ours', { remote: '../remote' });
  await pushVersion(project, { 'same.bin': randomBytes(30_000), ...files('oldest', 200_000) });
  const base = await pushVersion(project, files('base', 5000));
  if (baseIsNamed) await project.git('branch', 'topic');
  await project.write('data/own.bin', randomBytes(7000));
  await project.add('data');
  await project.git('commit', '-qam', 'next');
  const next = (await loadLock(await project.open())).datasets['data']!.digest;
  return { top: dirname(project.root), base, next };
}

async function collect(project: Project): Promise<void> {
  const request = { ...quietly, force: false, graceMs: 0, now: new Date() };
  await collectRemote(project, await planRemote(project, request), request);
}

/** Does something before the request of a number, counted from 0. */
function interrupted(real: Remote, number: number, meanwhile: () => Promise<void>): { remote: Remote; requests: () => number } {
  let count = 0;
  const step = async (): Promise<void> => {
    count += 1;
    if (count - 1 === number) await meanwhile();
  };
  const remote: Remote = {
    ...real,
    read: (...words) => step().then(() => real.read(...words)),
    has: (...words) => step().then(() => real.has(...words)),
    write: (...words) => step().then(() => real.write(...words)),
    writePack: (...words) => step().then(() => real.writePack(...words)),
    async *readPack(...words) {
      await step();
      yield* real.readPack(...words);
    },
  };
  return { remote, requests: () => count };
}

test.each([
  ['a base that a branch names', true, true],
  ['a base that nobody names any more', false, true],
  ['nothing', false, false],
])('a gc in the middle of a push on %s loses nothing', { timeout: 60_000 }, async (_, baseIsNamed, hasBase) => {
  const { top, base, next } = await scene(baseIsNamed);
  let repeated = 0;
  let steps = 0;
  for (let number = 0; number <= steps; number += 1) {
    const copy = await mkdtemp(join(tmpdir(), 'plumb-between-'));
    cpSync(top, copy, { recursive: true });
    const project = await openProject({ cwd: join(copy, 'repo'), env: {} });
    const { store } = project;
    const { remote, requests } = interrupted(store.remote!, number, () => collect(project));
    const push = (to: Remote): Promise<unknown> =>
      new RemoteStore(to, store.cache).push(
        { roots: [pushRootOf(store, next, async () => (hasBase ? [base] : []))], names: [], repository: 'ours' },
        quietly,
      );
    try {
      await push(remote);
    } catch (error) {
      if (!isPlumbError(error, 'REMOTE_FAILED') && !isPlumbError(error, 'BYTES_MISSING')) throw error;
      repeated += 1;
      await push(store.remote!);
    }
    steps = Math.max(steps, requests() - 1);
    expect(await fetchAnew(join(copy, 'remote'), next, join(copy, 'empty')), `before request ${number}`).toBeGreaterThan(3);
    if (baseIsNamed) await fetchAnew(join(copy, 'remote'), base, join(copy, 'empty'));
  }
  expect(steps).toBeGreaterThan(3);
  // the window is there: a test that never met it would prove nothing. Of what was just sent, no gc lets go
  expect(repeated > 0).toBe(hasBase);
});
