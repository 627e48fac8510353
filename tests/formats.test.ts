import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { writtenByPeople, writtenByPlumbline } from '../scripts/reference/catalog.ts';
import { jsonSchemaOf, keyRows } from '../scripts/reference/json-schema.ts';
import { makeReference } from '../scripts/reference/pages.ts';
import { parseYaml } from '../src/base/config.ts';
import { errorTable, exitCodes, exitMeanings } from '../src/base/errors.ts';
import { trainTextParams } from '../src/train/schema.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test('schemas and reference pages are as the source says (npm run schemas writes them)', async () => {
  const made = await makeReference(root);
  expect(made.size).toBeGreaterThan(15);
  const stale = [...made]
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => path);
  expect(stale).toEqual([]);
  for (const folder of ['schemas', 'docs/reference']) {
    expect(readdirSync(join(root, folder)).filter((name) => !made.has(`${folder}/${name}`))).toEqual([]);
  }
});

test('every key that people write says what it means', () => {
  const silent = writtenByPeople.flatMap(({ name, schema }) =>
    keyRows(jsonSchemaOf(schema))
      .filter((row) => row.meaning === '' && !row.type.startsWith('form '))
      .map((row) => `${name}: ${row.path}`),
  );
  expect(silent).toEqual([]);
});

test('an unknown key is an error in every format, at its top', () => {
  for (const { name, schema } of [...writtenByPeople, ...writtenByPlumbline]) {
    const result = schema.safeParse({ 'no-such-key': 1 });
    expect(result.success, name).toBe(false);
  }
});

test('the files of every template have the documented formats', async () => {
  const templates = join(root, 'templates');
  let checked = 0;
  for (const template of readdirSync(templates)) {
    for (const { file, schema } of writtenByPeople) {
      const [folder, name] = file.includes('/') ? file.split('/') : ['.', file];
      if (!existsSync(join(templates, template, folder ?? ''))) continue;
      const names = readdirSync(join(templates, template, folder ?? '')).filter((one) => (name === '*.yaml' ? one.endsWith('.yaml') : one === name));
      for (const one of names) {
        await parseYaml(readFileSync(join(templates, template, folder ?? '', one), 'utf8'), one, schema);
        checked += 1;
      }
    }
  }
  expect(checked).toBeGreaterThanOrEqual(7);
});

test("the classifier's params.yaml says every hyperparameter, with its default", () => {
  const params = load(readFileSync(join(root, 'templates/classifier/params.yaml'), 'utf8')) as { train: unknown };
  expect(params.train).toEqual(trainTextParams.parse({}));
});

test('every error code has an exit code that is explained', () => {
  for (const [exit] of Object.values(errorTable)) expect(exitMeanings[exit]).not.toBe('');
  expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length);
});
