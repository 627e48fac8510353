import { symlink } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { earlierModels, readPointers } from './pointers.ts';
import { findModel } from './find-model.ts';
import { createTestbed, pointerText, type Testbed } from './testbed.ts';

const opened: Testbed[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((bed) => bed.remove()))));

async function repository(options: Parameters<typeof createTestbed>[0] = {}): Promise<Testbed> {
  const bed = await createTestbed(options);
  opened.push(bed);
  return bed;
}

const scope = { prefix: '', stage: 'production' } as const;
const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];

test('the commit counts, not the work tree', async () => {
  const bed = await repository();
  const commit = await bed.promote(a);
  await bed.commit({ 'models/intents/production.json': pointerText(b, { model: 'intents', stage: 'production' }) }, 'later');
  const { named, broken } = await readPointers(bed.git, commit, scope);
  expect([...named.values()]).toMatchObject([{ name: 'intents', digest: a, commit }]);
  expect(broken.size).toBe(0);
});

test('broken pointers are told one by one and hide no other', async () => {
  const bed = await repository();
  await bed.promote(a, { model: 'good' });
  await symlink('../good/production.json', `${bed.root}/link.json`);
  await bed.gitCommand('add', 'link.json');
  await bed.gitCommand('mv', 'link.json', 'models/');
  const oid = (await bed.gitCommand('ls-files', '--stage', 'models/link.json')).split(' ')[1] ?? '';
  await bed.gitCommand('update-index', '--add', '--cacheinfo', `120000,${oid},models/link/production.json`);
  const commit = await bed.commit(
    {
      'models/syntax/production.json': '{',
      'models/shape/production.json': '{"plumbline": "pointer/1"}',
      'models/other/production.json': pointerText(a, { model: 'good', stage: 'production' }),
      'models/wrongstage/production.json': pointerText(a, { model: 'wrongstage', stage: 'staging' }),
      'models/huge/production.json': ' '.repeat((1 << 20) + 1),
      'models/good/evidence/production.json': 'not a pointer',
      'models/good/production.json.orig': 'not a pointer',
      'models/-rf/production.json': 'no name of a model',
    },
    'bad ones',
  );
  const { named, broken } = await readPointers(bed.git, commit, scope);
  expect([...named.keys()]).toEqual(['good']);
  expect([...broken.keys()].toSorted()).toEqual(['huge', 'link', 'other', 'shape', 'syntax', 'wrongstage']);
  expect(new Set([...broken.values()].map((error) => error.code))).toEqual(new Set(['POINTER_INVALID']));
});

test('one model of a project in a sub-folder', async () => {
  const bed = await repository({ prefix: 'teams/ä b/' });
  await bed.promote(a, { model: 'one' });
  const commit = await bed.promote(b, { model: 'two' });
  const { named } = await readPointers(bed.git, commit, { ...scope, prefix: 'teams/ä b/', model: 'two' });
  expect([...named.values()].map((model) => [model.name, model.digest])).toEqual([['two', b]]);
});

test('earlier models come newest first, past broken pointers, and end where there was none', async () => {
  const bed = await repository();
  await bed.promote(c);
  await bed.commit({ 'models/intents/production.json': null }, 'withdrawn');
  await bed.promote(a);
  await bed.commit({ 'models/intents/production.json': '{' }, 'broken');
  await bed.promote(b);
  const commit = await bed.commit({ 'models/intents/production.json': '{}' }, 'broken again');
  const earlier = await Array.fromAsync(earlierModels(bed.git, commit, 'intents', scope));
  expect(earlier.map((model) => model.digest)).toEqual([b, a]);
});

test('findModel says where a model is that is not in the stage', async () => {
  const bed = await repository();
  await bed.promote(a, { model: 'intents', stage: 'staging' });
  const place = { git: bed.git, prefix: '' };
  await expect(findModel(place, { name: 'intents', stage: 'production', revision: 'main' })).rejects.toMatchObject({
    code: 'POINTER_MISSING',
    mend: 'it is in staging: add --stage staging',
  });
  await expect(findModel(place, { name: 'intents', stage: 'staging', revision: 'nowhere' })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  expect((await findModel(place, { name: 'intents', stage: 'staging', revision: 'HEAD' })).digest).toBe(a);
});
