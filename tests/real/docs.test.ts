// The README's day and the engineer's tutorial, followed as a reader would. The tutorials that begin with the demo are in demo.test.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { followPage, readBlocks, readPage } from './page.ts';

async function inEmptyFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-page-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the tutorial for engineers works from an empty folder', async () => {
  const blocks = readBlocks(await readPage('docs/tutorial-engineer.md'));
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(50);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

test("the README's day works in an empty repository", async () => {
  // its first block is for a clone of Plumbline itself: CI runs it
  const blocks = readBlocks(await readPage('README.md'), 'What a day looks like');
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(6);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

test('the page of personal data works from an empty folder', async () => {
  const blocks = readBlocks(await readPage('docs/pii.md'));
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(6);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

test.each(['docs/secrets.md', 'docs/code.md'])('%s works from an empty folder', async (page) => {
  const blocks = readBlocks(await readPage(page));
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(3);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

test('the tutorial for annotators works from an empty folder', async () => {
  const blocks = readBlocks(await readPage('docs/tutorial-annotator.md'));
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(15);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

describe('a page that is wrong is found', () => {
  const page = (...lines: string[]): string => lines.join('\n');

  test('by the code that a command ends with', async () => {
    const blocks = readBlocks(page('```sh', 'echo one', 'false', 'echo never', '```'));
    await inEmptyFolder(async (folder) => {
      const faults = await followPage(blocks, folder);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('line 3: false\nended with 1, the page says 0');
    });
  });

  test('by a code that it promises and does not get', async () => {
    const blocks = readBlocks(page('```sh', 'true # exit 3', '```'));
    await inEmptyFolder(async (folder) => expect((await followPage(blocks, folder))[0]).toContain('ended with 0, the page says 3'));
  });

  test('by output that is not printed', async () => {
    const blocks = readBlocks(page('```sh', "cat <<'END'", 'a   1', 'b 2', 'END', '```', '```output', 'a 1', '… 2', 'c 3', '```'));
    await inEmptyFolder(async (folder) => {
      const faults = await followPage(blocks, folder);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toContain('c 3');
    });
  });

  test('and one that is right is not: folders, variables and background jobs last from line to line', async () => {
    const blocks = readBlocks(
      page(
        '```text',
        'false',
        '```',
        '```sh',
        'mkdir a && cd a',
        'word=there',
        '```',
        '```sh',
        'pwd',
        'echo $word \\',
        '  again',
        'false # exit 1',
        '```',
      ) + page('', '```output', '…/a', 'there again', '```'),
    );
    await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
  });
});
