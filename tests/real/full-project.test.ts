// A disk that fills up under a whole project: a real tmpfs with so and so many pages left, from none to enough. Each time: DISK_FULL and nothing
// changed, or done. Mounting takes root, so this is skipped elsewhere, but never in CI.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { filesBelow, type TestProject } from '../project.ts';
import { createTopics, createTrained } from '../topics.ts';

const disk = mkdtempSync(join(tmpdir(), 'plumb-full-'));

/** Why there can be no small disk here, or null. */
const obstacle = ((): string | null => {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk], { encoding: 'utf8' });
  if (mounted.status === 0) return null;
  return `cannot mount a tmpfs: ${mounted.error?.message ?? mounted.stderr.trim()}`;
})();
if (obstacle !== null && process.env['CI'] !== undefined) throw new Error(`${obstacle}; in CI this test must run`);
const note = obstacle === null ? '' : ` (skipped: ${obstacle})`;

afterAll(() => {
  if (obstacle === null) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

const filler = join(disk, 'filler');

/** Fills the disk but for so many pages of 4 KiB. */
function leave(pages: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc((bavail - pages) * bsize));
}

interface Fill {
  readonly words: readonly string[];
  readonly prepare: () => Promise<TestProject> | TestProject;
  /** free pages to try, until the command goes through */
  readonly pages: (round: number) => number;
  /** files below these stay when the disk is full: they name nothing, or are found again */
  readonly mayChange?: RegExp;
  readonly least: number;
}

const pictures = Array.from({ length: 4 }, (_, at) => [`data/pictures/${at}.bin`, String(at).repeat(5000)] as const);

const fills: Readonly<Record<string, Fill>> = {
  add: {
    words: ['add', 'data/pictures'],
    prepare: () => {
      const project = createTopics();
      for (const [path, text] of pictures) project.write(path, text);
      return project;
    },
    pages: (round) => round,
    least: 8,
  },
  run: {
    words: ['run'],
    prepare: async () => {
      const project = createTopics();
      await project.done('add', 'data/topics.jsonl', 'data/asked.jsonl', '--key', 'id');
      return project;
    },
    pages: (round) => Math.round(round ** 1.9),
    mayChange: /^out\//,
    least: 8,
  },
  promote: { words: ['promote', 'topics', '--to', 'production'], prepare: () => createTrained(), pages: (round) => 2 * round, least: 8 },
  push: { words: ['push'], prepare: () => createTrained({ remote: true }), pages: (round) => 2 * round, least: 4 },
};

const without = (snapshot: Record<string, string>, pattern: RegExp | undefined): unknown =>
  Object.entries(snapshot).filter(([path]) => pattern === undefined || !pattern.test(path));

test.skipIf(obstacle !== null).each(Object.entries(fills))(`%s on a disk with no room, a little, and more and more${note}`, async (name, fill) => {
  using base = await fill.prepare();
  let refusals = 0;
  for (let round = 0; ; round += 1) {
    expect(round).toBeLessThan(100);
    const top = join(disk, `${name}-${round}`);
    mkdirSync(top);
    using project = base.copy(top);
    const before = project.snapshot();
    leave(fill.pages(round));
    const answer = await project.plumb(fill.words);
    rmSync(filler);
    if (answer.exit === 0) break;
    refusals += 1;
    const what = `${fill.pages(round)} pages: ${answer.stdout}${answer.stderr}`;
    // a push that fills the disk of the remote says whose disk it was
    expect([[6, 'DISK_FULL'], ...(name === 'push' ? [[4, 'REMOTE_FAILED']] : [])], what).toContainEqual([answer.exit, answer.code]);
    expect(without(project.snapshot(), fill.mayChange), what).toEqual(without(before, fill.mayChange));
    expect(
      filesBelow(top).filter((path) => path.includes('.plumb-tmp-')),
      what,
    ).toEqual([]);
    expect(project.git('fsck', '--strict', '--no-dangling'), what).toBe('');
    const again = await project.plumb(fill.words);
    expect(again, what).toMatchObject({ exit: 0, code: undefined });
  }
  expect(refusals).toBeGreaterThanOrEqual(fill.least);
});
