// The README's day, tutorials and the pages of the data checks, followed as a reader would. The tutorials that begin with the demo are in demo.test.ts.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

test.each([
  ['docs/tutorial-data.md', 30],
  ['docs/pii.md', 6],
  ['docs/secrets.md', 3],
  ['docs/code.md', 3],
  ['docs/duplicates.md', 3],
  ['docs/leakage.md', 4],
  ['docs/forget.md', 7],
  ['docs/rules-import.md', 4],
] as const)('%s works from an empty folder', async (page, least) => {
  const blocks = readBlocks(await readPage(page));
  expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(least);
  await inEmptyFolder(async (folder) => expect(await followPage(blocks, folder)).toEqual([]));
});

describe('pages about `intents`, of the template', () => {
  const setUp = `\`\`\`sh
plumb init --git --template classifier
plumb add data/intents.jsonl data/intents-test.jsonl --key id --label label
git add . && git commit -q -m "Intents: data, pipeline, policy"
\`\`\``;
  let intents: string;

  beforeAll(async () => {
    intents = await mkdtemp(join(tmpdir(), 'plumb-page-intents-'));
    const faults = await followPage(readBlocks(setUp), intents);
    if (faults.length > 0) throw new Error(faults.join('\n'));
  });
  afterAll(() => rm(intents, { recursive: true, force: true }));

  test.each(['docs/card.md', 'docs/drift.md', 'docs/profile.md', 'docs/provenance.md', 'docs/validation.md'])('%s', async (page) => {
    const blocks = readBlocks(await readPage(page));
    expect(blocks.flatMap((block) => block.commands).length).toBeGreaterThan(1);
    await inEmptyFolder(async (folder) => {
      await cp(intents, folder, { recursive: true, verbatimSymlinks: true });
      expect(await followPage(blocks, folder)).toEqual([]);
    });
  });
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
