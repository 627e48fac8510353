import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PlumbError } from '../base/errors.ts';
import { createProject, jsonl, quiet } from '../datasets/project.fixture.ts';
import { findRowChanges } from '../datasets/row-changes.ts';
import { openCheckedData, openRowsAnywhere, rowDatasets, type OpenedData } from './checked-data.ts';
import { openRemembered, rememberedAs } from './checked-rows.ts';
import { checkDigest, type RememberedState } from './memory.ts';

const rows = Array.from({ length: 300 }, (_, at) => ({ id: `r${at}`, text: `text ${at} `.repeat(20) }));
const check = checkDigest('a check');

async function recalled({ world }: OpenedData): Promise<RememberedState[]> {
  const found = [];
  for await (const state of world.memory.recall(check)) found.push(state);
  return found;
}

test('a data set by name, by path and in a revision; what was remembered of it is found from the next version', async () => {
  const project = await createProject();
  await project.write('data/a.jsonl', jsonl(rows));
  await project.add('data/a.jsonl', { key: 'id' });
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'a');
  const asking = { cwd: project.root, ...quiet };
  const first = await openCheckedData(await project.open(), 'a', asking);
  expect(first.rows.source).toMatchObject({ name: 'a', format: 'jsonl', key: 'id', tree: { rows: 300 } });
  await first.world.memory.keep(check, rememberedAs(first.rows), Buffer.from('first'));

  await project.write('data/a.jsonl', jsonl(rows.map((row, at) => (at === 7 ? { ...row, text: 'another' } : row))));
  const edited = await openCheckedData(await project.open(), 'data/a.jsonl', asking);
  expect(edited.rows.content).not.toBe(first.rows.content);
  // nobody could read again what it was
  await edited.world.memory.keep(check, rememberedAs(edited.rows), Buffer.from('edited'));
  const [state, ...others] = await recalled(edited);
  expect(others).toEqual([]);
  expect(state?.state.toString()).toBe('first');
  const before = state === undefined ? null : await openRemembered(edited.world, state.version, 'a');
  if (before === null) throw new Error('the first version is in the cache');
  const changes = await findRowChanges(before, edited.rows.source, { readNode: edited.world.readNode });
  expect([changes.addedCount, changes.removedCount]).toEqual([1, 1]);
  expect(changes.compared).toBeLessThan(300);

  const committed = await openCheckedData(await project.open(), 'a', { ...asking, rev: 'HEAD' });
  expect(committed.rows.content).toBe(first.rows.content);
  expect(await rowDatasets(await project.open())).toEqual(['a']);
});

test('a job of the main branch believes nothing that lies there, nor does one that is not understood', async () => {
  const project = await createProject();
  await project.write('a.jsonl', jsonl(rows));
  await project.add('a.jsonl', { key: 'id' });
  const opened = async (env: Record<string, string>): Promise<Awaited<ReturnType<typeof openCheckedData>>> =>
    openCheckedData(await project.open(), 'a', { cwd: project.root, ...quiet, env });
  const first = await opened({});
  await first.world.memory.keep(check, rememberedAs(first.rows), Buffer.from('nothing was found'));
  expect(await recalled(first)).toHaveLength(1);
  expect(await recalled(await opened({ PLUMB_RUN_DOMAIN: 'pull-7' }))).toHaveLength(1);
  expect(await recalled(await opened({ PLUMB_RUN_DOMAIN: 'trusted' }))).toEqual([]);
  expect(await recalled(await opened({ CI: 'true' }))).toEqual([]);
});

test('a file that is no data set; words that name nothing', async () => {
  const project = await createProject();
  await project.write('loose.csv', 'id\n1\n');
  await project.write('files/x.txt', 'x');
  await project.add('files');
  const open = await project.open();
  const asking = { cwd: project.root, ...quiet };
  const loose = await openCheckedData(open, join(project.root, 'loose.csv'), asking);
  expect(loose).toMatchObject({ entry: null, rows: { source: { format: 'csv' } } });
  await expect(openCheckedData(open, 'files', asking)).rejects.toMatchObject({ code: 'DATASET_FORMAT' });
  await expect(openCheckedData(open, 'file', asking)).rejects.toMatchObject({ code: 'DATASET_UNKNOWN' });
  await expect(openCheckedData(open, 'none.jsonl', asking)).rejects.toMatchObject({ code: 'FILE_MISSING' });
  await expect(openCheckedData(open, 'files', { ...asking, rev: 'no-such' })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  expect(await rowDatasets(open)).toEqual([]);
});

test('outside of a project a file of rows is looked at, and nothing else', async () => {
  const project = await createProject();
  await project.write('loose.csv', 'id,n\n1,x\n');
  const asking = { cwd: project.root, ...quiet };
  const outside = (): Promise<never> => Promise.reject(new PlumbError('NO_GIT_REPOSITORY', { what: 'no repository', mend: 'make one' }));
  const loose = await openRowsAnywhere(outside, 'loose.csv', asking);
  expect(loose.rows.source).toEqual({ path: join(project.root, 'loose.csv'), format: 'csv', name: 'loose.csv' });
  expect([loose.entry, await recalled(loose)]).toEqual([null, []]);
  await expect(openRowsAnywhere(outside, 'none.csv', asking)).rejects.toMatchObject({ code: 'FILE_MISSING', message: 'there is no file none.csv' });
  await expect(openRowsAnywhere(outside, 'intents', asking)).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY' });
  await expect(openRowsAnywhere(outside, 'loose.csv', { ...asking, rev: 'HEAD' })).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY' });
  const inside = await openRowsAnywhere(() => project.open(), 'loose.csv', asking);
  expect(inside.rows.content).toBe(loose.rows.content);
  const broken = (): Promise<never> => Promise.reject(new PlumbError('CONFIG_INVALID', { what: 'plumbline.yaml is wrong', mend: 'mend it' }));
  await expect(openRowsAnywhere(broken, 'loose.csv', asking)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
