// Both implementations give the same answers, on random small histories.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Git } from './git.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

const paths = ['a.txt', 'd/a.txt', 'd/e/b.txt', 'd/ж.txt', 'p q.txt', 'd.txt'];

interface Step {
  /** files that the commit writes: which, and one of three contents; 3 removes */
  readonly edits: readonly (readonly [number, number])[];
  /** how many commits back its parents are; more than one makes a merge */
  readonly parents: readonly number[];
  /** seconds after its predecessor: clocks go back, too */
  readonly pause: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  edits: fc.array(fc.tuple(fc.nat(paths.length - 1), fc.nat(3)), { maxLength: 3 }),
  parents: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  pause: fc.integer({ min: -3, max: 5 }),
});

/** The history as a stream for `git fast-import`, which takes commits of any shape. */
function streamOf(steps: readonly Step[]): string {
  let seconds = 1_700_000_000;
  return steps
    .map(({ edits, parents, pause }, at) => {
      seconds += pause;
      const marks = parents.map((back) => at + 1 - back).filter((mark) => mark > 0);
      const lines = [
        `commit refs/heads/c${at + 1}`,
        `mark :${at + 1}`,
        `committer A <a@x> ${seconds} +0000`,
        `data ${Buffer.byteLength(`c${at}`)}`,
        `c${at}`,
      ];
      for (const [number, mark] of marks.entries()) lines.push(`${number === 0 ? 'from' : 'merge'} :${mark}`);
      if (marks.length === 0) lines.push('deleteall');
      for (const [file, content] of edits) {
        const path = JSON.stringify(paths[file]);
        if (content === 3) lines.push(`D ${path}`);
        else lines.push(`M 644 inline ${path}`, 'data 1', String(content));
      }
      return `${lines.join('\n')}\n`;
    })
    .join('\n');
}

async function answers(git: Git, tips: readonly string[]): Promise<unknown> {
  const head = tips.at(-1) ?? '';
  const collected: unknown[] = [];
  for (const revision of [...tips, `${head}~1`, `${head}^2`, `${head}~2^2`, 'HEAD']) collected.push([revision, await git.resolve(revision)]);
  for (const path of [undefined, 'd', ...paths]) {
    for (const firstParent of [false, true]) {
      const log = await git.log(head, { firstParent, ...(path === undefined ? {} : { path }) });
      collected.push([path, firstParent, log, path === undefined ? [] : await git.logChanges(head, { firstParent, path })]);
    }
  }
  const oids = await Promise.all(tips.map(async (tip) => (await git.resolve(tip)) ?? ''));
  for (const one of oids) {
    collected.push(await git.listTree(one, ''), await git.listTree(one, 'd'));
    for (const other of oids) collected.push([one, other, await git.mergeBase(one, other), await git.changedPaths(one, other)]);
  }
  return collected;
}

async function agree(box: Sandbox, question: (git: Git) => Promise<unknown>): Promise<void> {
  expect(await question(await box.open('isomorphic'))).toEqual(await question(await box.open('command')));
}

test('on revisions, logs, trees, merge bases and changed files of random histories', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 9 }), async (steps) => {
      using box = createSandbox();
      execFileSync('git', ['fast-import', '--quiet'], { cwd: box.folder, env: box.env, input: streamOf(steps) });
      box.git('symbolic-ref', 'HEAD', `refs/heads/c${steps.length}`);
      await agree(box, (git) =>
        answers(
          git,
          steps.map((_, at) => `c${at + 1}`),
        ),
      );
    }),
    { numRuns: 12 },
  );
}, 120_000);

test('on what is not committed in random work trees', async () => {
  const change = fc.tuple(fc.nat(paths.length - 1), fc.constantFrom('write', 'write-same', 'remove', 'add', 'unstage', 'executable'));
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(paths),
      fc.array(change, { maxLength: 8 }),
      fc.subarray(['', 'd', 'd/e', ...paths], { minLength: 1 }),
      async (committed, changes, asked) => {
        using box = createSandbox();
        box.commit('base', { '.gitignore': 'p*\n', ...Object.fromEntries(committed.map((path) => [path, '1'])) });
        for (const [file, kind] of changes) {
          const path = paths[file] ?? '';
          if (kind === 'write' || kind === 'write-same') box.write(path, kind === 'write' ? '2' : '1');
          else if (kind === 'remove') box.remove(path);
          else if (kind === 'unstage') box.git('reset', '--quiet', '--', path);
          else if (kind === 'executable') {
            box.write(path, '1');
            box.executable(path);
          } else box.git('add', '--all', '--force', '--ignore-errors', '.');
        }
        await agree(box, (git) => git.dirtyPaths(asked));
      },
    ),
    { numRuns: 20 },
  );
}, 120_000);
