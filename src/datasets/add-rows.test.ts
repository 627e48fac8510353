import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { readManifest } from './manifest.ts';
import { createProject, jsonl } from './project.fixture.ts';

const rows = Array.from({ length: 3000 }, (_, id) => ({ id, label: `l${id % 4}`, text: digestOf(String(id)).slice(7) }));

test('what was added before leads to the same version as a first look at everything', async () => {
  const [project, fresh] = [await createProject(), await createProject()];
  await project.write('data/a.jsonl', jsonl(rows));
  await project.add('data/a.jsonl', { key: 'id', label: 'label' });
  expect((await stat(join(project.root, '.plumb/rows/a'))).size).toBeGreaterThan(3000 * 8);
  const edited = jsonl(rows.with(1500, { id: 1500, label: 'new', text: 'edited' }).toSpliced(20, 1));
  for (const one of [project, fresh]) await one.write('data/a.jsonl', edited);
  const again = await project.add('data/a.jsonl');
  expect(again.entry).toEqual((await fresh.add('data/a.jsonl', { key: 'id', label: 'label' })).entry);
  const manifest = await readManifest((await project.open()).store, again.entry.digest);
  expect(manifest).toMatchObject({
    kind: 'rows',
    rows: 2999,
    labels: [
      ['l0', 748],
      ['l1', 750],
      ['l2', 750],
      ['l3', 750],
      ['new', 1],
    ],
  });
  // a row that only a chunk of before has is found to be there twice
  await appendFile(join(project.root, 'data/a.jsonl'), jsonl([{ id: 7 }]));
  await expect(project.add('data/a.jsonl')).rejects.toMatchObject({ code: 'ROW_KEY', details: { rows: [8, 3000], key: '7' } });
});

test('people edit rows: the cache has a copy of its own', async () => {
  const project = await createProject();
  await project.write('data/a.jsonl', jsonl(rows));
  const { entry } = await project.add('data/a.jsonl');
  if (entry.format === 'files') throw new Error('rows');
  await appendFile(join(project.root, 'data/a.jsonl'), '{"id":"more"}\n');
  const { store } = await project.open();
  expect(await readFile(await store.pathOf(entry.content), 'utf8')).toBe(jsonl(rows));
});
