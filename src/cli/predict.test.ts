import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { createTestbed, trainTinyModels, type Testbed, type TinyModels } from '../serve/testbed.ts';

const plumb = fileURLToPath(new URL('../../bin/plumb.js', import.meta.url));
let models: TinyModels;
let bed: Testbed;
let fruit: Digest;
let colour: Digest;
beforeAll(async () => {
  models = await trainTinyModels();
  bed = await createTestbed();
  fruit = (await bed.store.putFile(models.fruit)).digest;
  colour = (await bed.store.putFile(models.colour)).digest;
  await bed.promote(colour);
  await bed.promote(fruit);
  await bed.promote(colour, { stage: 'staging', model: 'other' });
});
afterAll(async () => {
  await bed.remove();
  await models.remove();
});

async function predict(words: readonly string[], input = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [plumb, '-C', bed.root, 'predict', ...words], { stdio: 'pipe' });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { code, stdout, stderr };
}

const lines = (output: string): unknown[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('one text, by the model in production', async () => {
  expect(await predict(['intents', 'a ripe yellow banana'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0\.\d{4} {2}banana\n$/) });
  const json = JSON.parse((await predict(['intents', 'a ripe yellow banana', '--top', '2', '--json'])).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({
    label: 'banana',
    model: { name: 'intents', stage: 'production', digest: fruit },
    top: [{ label: 'banana' }, { label: 'apple' }],
  });
});

test('the model of an earlier commit, and of a file', async () => {
  expect(JSON.parse((await predict(['intents', 'a blue sky', '--rev', 'HEAD~2', '--json'])).stdout)).toMatchObject({
    label: 'blue',
    model: { digest: colour },
  });
  expect(JSON.parse((await predict(['a blue sky', '--model-file', models.colour, '--json'])).stdout)).toMatchObject({
    label: 'blue',
    model: { digest: colour },
  });
});

test('rows of a file, in order, with every field kept', async () => {
  const rows = Array.from({ length: 700 }, (_, at) => ({ id: at, text: at % 2 === 0 ? 'a red apple from the tree' : 'a ripe yellow banana' }));
  await writeFile(join(bed.root, 'in.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const told = await predict(['intents', '--file', 'in.jsonl', '--out', 'sub/out.jsonl', '--json']);
  expect(JSON.parse(told.stdout)).toMatchObject({ rows: 700, out: 'sub/out.jsonl', model: { digest: fruit } });
  const written = lines(await readFile(join(bed.root, 'sub/out.jsonl'), 'utf8'));
  expect(written).toHaveLength(700);
  for (const [at, row] of written.entries()) {
    expect(row).toMatchObject({ id: at, text: rows[at]?.text, predicted: { label: at % 2 === 0 ? 'apple' : 'banana' } });
  }
});

test('CSV, another column, and standard input to standard output', async () => {
  await writeFile(join(bed.root, 'in.csv'), 'id,question\n1,"a red apple, from the tree"\n2,a ripe yellow banana\n');
  const csv = await predict(['intents', '--file', 'in.csv', '--input', 'question', '--top', '1']);
  expect(lines(csv.stdout)).toMatchObject([{ predicted: { label: 'apple', top: [{ label: 'apple' }] } }, { predicted: { label: 'banana' } }]);
  const piped = await predict(['intents', '--file', '-'], '{"text": "a ripe yellow banana"}\n\n{"text": "a red apple from the tree"}');
  expect(lines(piped.stdout)).toMatchObject([{ predicted: { label: 'banana' } }, { predicted: { label: 'apple' } }]);
});

test.for([
  ['a row without the column', '{"text": "a"}\n{"txt": "b"}\n', 'ROW_SYNTAX', /row 2 of bad.jsonl has no field "text"[^]*bad.jsonl:2, row 2/],
  ['a row whose text is a number', '{"text": 1}\n', 'ROW_SYNTAX', /has no text in "text"/],
  ['a row that was predicted already', '{"text": "a", "predicted": {}}\n', 'ROW_SYNTAX', /has a field "predicted" already/],
  ['a row that is not JSON', '{"text": "a"}\n{"text": \n', 'ROW_SYNTAX', /row 2/],
] as const)('%s is one error and leaves no output', async ([, content, code, message]) => {
  await writeFile(join(bed.root, 'bad.jsonl'), content);
  const before = (await readdir(bed.root)).length;
  const told = await predict(['intents', '--file', 'bad.jsonl', '--out', 'bad-out.jsonl']);
  expect(told).toMatchObject({ code: 3, stderr: expect.stringContaining(code) });
  expect(told.stderr).toMatch(message);
  expect((await readdir(bed.root)).length).toBe(before);
});

test.for([
  [['intents'], 2, 'either a text or --file'],
  [['intents', 'a', '--file', 'in.jsonl'], 2, 'either a text or --file'],
  [['intents', 'a', '--rev', 'HEAD', '--ref', 'main'], 2, 'say the same twice'],
  [['intents', 'a', '--top', '0'], 2, 'no number of labels'],
  [['../x', 'a'], 3, 'NAME_INVALID'],
  [['intnets', 'a'], 3, 'Did you mean "intents"?'],
  [['other', 'a'], 3, 'add --stage staging'],
  [['intents', 'a', '--rev', 'nowhere'], 3, 'GIT_REVISION_UNKNOWN'],
  [['a', '--model-file', 'plumbline.yaml'], 3, 'MODEL_INVALID'],
] as const)('%j ends with %i and says %s', async ([words, code, what]) => {
  expect(await predict(words)).toMatchObject({ code, stderr: expect.stringContaining(what) });
});
