// plumb validate, by whichever name the data has.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonl, TestProject } from './project.ts';

let project: TestProject;
beforeAll(async () => {
  project = TestProject.create({
    'data/orders.jsonl': jsonl([
      { id: 'a', price: 1 },
      { id: 'b', price: -1 },
    ]),
    'rules/orders.yaml': 'version: 1\nkey: id\nrules:\n  - { column: price, min: 0 }\n',
  });
  await project.done('add', 'data/orders.jsonl', '--key', 'id');
});
afterAll(() => project[Symbol.dispose]());

test.each([
  ['name', ['validate', 'orders']],
  ['path', ['validate', 'data/orders.jsonl']],
  ['default', ['validate']],
])('rules are found by the %s of a data set', async (_, words) => {
  const { exit, json } = await project.plumb(words);
  expect(exit).toBe(1);
  expect(json).toMatchObject({ holds: false, validations: [{ data: 'orders', rules: 'rules/orders.yaml', validation: { rows: 2 } }] });
});

test('its path is that of the folder where one stands', async () => {
  const { json } = await project.plumb(['validate', 'orders.jsonl'], { cwd: 'data' });
  expect(json).toMatchObject({ validations: [{ data: 'orders' }] });
});

test('a name that is none is told as such, and not as rules that are missing', async () => {
  const { exit, json } = await project.plumb(['validate', 'oders']);
  expect(exit).toBe(3);
  expect(json).toMatchObject({ error: { code: 'DATASET_UNKNOWN', what: expect.stringContaining('Did you mean "orders"?') as string } });
  expect((await project.plumb(['validate', 'data/new.csv'])).code).toBe('FILE_MISSING');
});
