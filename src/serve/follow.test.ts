import { afterEach, expect, test } from 'vitest';
import { openGit } from '../git/open.ts';
import { followRef, type Sighting } from './follow.ts';
import { createTestbed, type Testbed } from './testbed.ts';

const opened: Testbed[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((bed) => bed.remove()))));

async function repository(): Promise<Testbed> {
  const bed = await createTestbed();
  opened.push(bed);
  return bed;
}

function follow(git: Testbed['git'], ref = 'main', pollMs = 50): { next(): Promise<Sighting>; stop: AbortController; ended(): Promise<boolean> } {
  const stop = new AbortController();
  const sightings = followRef({ git, ref, pollMs, signal: stop.signal, now: () => performance.now() });
  return {
    stop,
    async next() {
      const { value, done } = await sightings.next();
      if (done === true || value === undefined) throw new Error('the follower ended');
      return value;
    },
    ended: async () => (await sightings.next()).done === true,
  };
}

test('where the branch is comes at once, and then each move of it', async () => {
  const bed = await repository();
  const follower = follow(bed.git);
  expect(await follower.next()).toMatchObject({ kind: 'commit', commit: await bed.gitCommand('rev-parse', 'HEAD') });
  const moved = follower.next();
  const commit = await bed.commit({ 'a.txt': 'a' }, 'a');
  expect(await moved).toMatchObject({ kind: 'commit', commit });
  follower.stop.abort();
  expect(await follower.ended()).toBe(true);
});

test('every look is told, also while the branch stands still', async () => {
  const bed = await repository();
  const stop = new AbortController();
  let looks = 0;
  const onLook = (): void => {
    looks += 1;
    if (looks === 4) stop.abort();
  };
  const seen: Sighting[] = [];
  for await (const sighting of followRef({ git: bed.git, ref: 'main', pollMs: 5, signal: stop.signal, now: () => 0, onLook })) seen.push(sighting);
  expect(seen).toHaveLength(1);
  expect(looks).toBe(4);
});

test('whoever is slow gets the newest commit, not all of them', async () => {
  const bed = await repository();
  const follower = follow(bed.git);
  await follower.next();
  await bed.commit({ 'a.txt': 'a' }, 'a');
  await bed.commit({ 'a.txt': 'b' }, 'b');
  const last = await bed.commit({ 'a.txt': 'c' }, 'c');
  expect(await follower.next()).toMatchObject({ commit: last });
  follower.stop.abort();
});

test('packed refs, a force-push to an older commit and a branch with slashes are seen', async () => {
  const bed = await repository();
  const first = await bed.gitCommand('rev-parse', 'HEAD');
  await bed.gitCommand('branch', 'teams/ä/live', 'HEAD');
  const follower = follow(bed.git, 'teams/ä/live');
  expect(await follower.next()).toMatchObject({ commit: first });
  const second = await bed.commit({ 'a.txt': 'a' }, 'a');
  const moved = follower.next();
  await bed.gitCommand('branch', '--force', 'teams/ä/live', second);
  expect(await moved).toMatchObject({ commit: second });
  await bed.gitCommand('pack-refs', '--all');
  const back = follower.next();
  await bed.gitCommand('update-ref', 'refs/heads/teams/ä/live', first);
  expect(await back).toMatchObject({ commit: first });
  follower.stop.abort();
});

test('a branch that is not there yet is said, and seen when it comes', async () => {
  const bed = await repository();
  const follower = follow(bed.git, 'later');
  expect((await follower.next()).kind).toBe('absent');
  const moved = follower.next();
  await bed.gitCommand('branch', 'later');
  expect((await moved).kind).toBe('commit');
  follower.stop.abort();
});

test('a bare clone that somebody fetches into is followed', async () => {
  const bed = await repository();
  await bed.gitCommand('clone', '--quiet', '--mirror', '.', 'mirror.git');
  const follower = follow(await openGit(`${bed.root}/mirror.git`, process.env));
  await follower.next();
  const commit = await bed.commit({ 'a.txt': 'a' }, 'a');
  const moved = follower.next();
  await bed.gitCommand('-C', 'mirror.git', 'fetch', '--quiet');
  expect(await moved).toMatchObject({ kind: 'commit', commit });
  follower.stop.abort();
});

test('trouble is told once, and the follower goes on when it is over', async () => {
  const bed = await repository();
  let broken = false;
  const git = {
    gitDir: bed.git.gitDir,
    resolve: (revision: string) => bed.git.resolve(revision),
    refToken: async (ref: string) => (broken ? Promise.reject(new Error('disk')) : bed.git.refToken(ref)),
  };
  const stop = new AbortController();
  const sightings = followRef({ git, ref: 'main', pollMs: 5, signal: stop.signal, now: () => 0 });
  expect((await sightings.next()).value).toMatchObject({ kind: 'commit' });
  broken = true;
  expect((await sightings.next()).value).toMatchObject({ kind: 'trouble' });
  setTimeout(() => (broken = false), 40);
  expect((await sightings.next()).value).toMatchObject({ kind: 'commit' });
  stop.abort();
});
