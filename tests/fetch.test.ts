// What `plumb fetch` brings: the data of this revision, of every branch, of the history. The store is the real one, plumb a process of its own.
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../src/base/digest.ts';
import { openCache } from '../src/store/cache/open.ts';
import { TestProject } from './project.ts';

const rowsOf = (label: string): string => Array.from({ length: 300 }, (_, id) => `${JSON.stringify({ id, text: `${label} ${id}` })}\n`).join('');

/** Three versions: an old one and a new one on main, one on a branch; all in the remote, none in the cache. @returns digests of their rows */
async function threeVersions(): Promise<{ project: TestProject; rows: Record<'old' | 'topic' | 'now', Digest> }> {
  const project = TestProject.create({ '.gitignore': '.plumb/\n/data/\n' }, { remote: true });
  const lock = async (label: string): Promise<Digest> => {
    project.write('data/rows.jsonl', rowsOf(label));
    await project.done('add', 'data/rows.jsonl');
    project.git('add', '-A');
    project.git('commit', '-qm', label);
    await project.done('push');
    return digestOf(rowsOf(label));
  };
  const old = await lock('old');
  project.git('checkout', '-q', '-b', 'topic');
  const topic = await lock('topic');
  project.git('checkout', '-q', 'main');
  const now = await lock('now');
  rmSync(project.path('.plumb'), { recursive: true });
  return { project, rows: { old, topic, now } };
}

test('of this revision, of the history, of every branch: each brings what it says, and what is here is not fetched again', async () => {
  const { project, rows } = await threeVersions();
  using _ = project;
  const here = async (): Promise<string[]> => {
    const cache = openCache(project.path('.plumb/cache'), { env: {} });
    const found: string[] = [];
    for (const [name, digest] of Object.entries(rows)) if (await cache.has(digest)) found.push(name);
    return found;
  };
  expect(await here()).toEqual([]);
  await project.done('fetch');
  expect(await here()).toEqual(['now']);
  await project.done('fetch', '--with-history');
  expect(await here()).toEqual(['old', 'now']);
  await project.done('fetch', '--all-branches');
  expect(await here()).toEqual(['old', 'topic', 'now']);
  expect(await project.done('fetch', '--all-branches', '--with-history')).toMatchObject({ objects: 0, bytes: 0 });
}, 90_000);
