// `plumb secrets`, `plumb code` and their steps in a real repository.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TestProject } from './project.ts';

const samples = fileURLToPath(new URL('data/code/', import.meta.url));
const sample = (name: string): string => readFileSync(`${samples}${name}.jsonl`, 'utf8');

const token = ['gh', 'p_q7RzT2vLx9WcB4nKs8JfY3mHd6PgA5eU1oXi'].join('');
const rows = (count: number, edited: ReadonlyMap<number, string>): string =>
  Array.from(
    { length: count },
    (_, at) => `${JSON.stringify({ id: `r${at}`, text: edited.get(at) ?? `nothing to see in row ${at}, however long it is` })}\n`,
  ).join('');

test('rows, a folder, a data set of files; the second look says what a first one would', async () => {
  using project = TestProject.create({
    'data/notes.jsonl': rows(400, new Map([[7, `use ${token}`]])),
    'data/files/a.txt': 'nothing',
    'data/files/b.env': `TOKEN=${token}\n`,
  });
  for (const [path, name] of [
    ['data/notes.jsonl', 'notes'],
    ['data/files', 'files'],
  ] as const)
    expect((await project.plumb(['add', path, '--name', name])).exit).toBe(0);
  const first = await project.plumb(['secrets']);
  expect(first).toMatchObject({
    exit: 1,
    json: {
      holds: false,
      reports: [
        { data: 'files', rows: 2, flagged: 1, kinds: [{ kind: 'github-pat', sample: [{ key: 'b.env' }] }] },
        { data: 'notes', rows: 400, flagged: 1, kinds: [{ kind: 'github-pat', column: 'text', sample: [{ key: 'row 8' }] }] },
      ],
    },
  });
  expect(first.stdout).not.toContain(token);

  project.write(
    'data/notes.jsonl',
    `${JSON.stringify({ id: 'new', text: 'first of all' })}\n${rows(
      400,
      new Map([
        [7, `use ${token}`],
        [200, `and ${token}`],
      ]),
    )}`,
  );
  expect((await project.plumb(['add', 'data/notes.jsonl', '--name', 'notes'])).exit).toBe(0);
  const second = await project.plumb(['secrets', 'notes', '--out', 'flagged.jsonl']);
  const flagged = project
    .read('flagged.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { row: number; key: string });
  expect(flagged.map(({ row, key }) => [row, key])).toEqual([
    [9, 'row 9'],
    [202, 'row 202'],
  ]);
  const copy = await project.plumb(['secrets', 'data/notes.jsonl', '--out', 'again.jsonl']);
  expect([copy.json, project.read('again.jsonl')]).toEqual([second.json, project.read('flagged.jsonl')]);
});

test('words and files that secrets does not understand', async () => {
  using project = TestProject.create({
    'data/notes.jsonl': rows(3, new Map()),
    'bad.toml': "[[rules]]\nid = \"a\"\nregex = '''('''\n",
    'own.toml': "[[rules]]\nid = \"own\"\nregex = '''row [0-9]+'''\n",
  });
  await project.plumb(['add', 'data/notes.jsonl', '--name', 'notes']);
  expect(await project.plumb(['secrets', 'notes', '--config', 'own.toml'])).toMatchObject({ exit: 1, json: { reports: [{ flagged: 3 }] } });
  expect((await project.plumb(['secrets', 'notes'])).exit).toBe(0);
  for (const [words, code] of [
    [['secrets', 'notes', '--config', 'bad.toml'], 'SECRET_RULES'],
    [['secrets', 'notes', '--config', 'none.yaml'], 'FILE_MISSING'],
    [['secrets', 'notes', '--columns', 'txt'], 'DATASET_COLUMN'],
    [['secrets', 'noted'], 'DATASET_UNKNOWN'],
    [['secrets', 'data', '--rev', 'HEAD'], 'USAGE'],
  ] as const)
    expect(await project.plumb(words), words.join(' ')).toMatchObject({ code });
});

const pipeline = `stages:
  safe:
    uses: plumb/secrets
    with: { data: mbpp }
  code:
    uses: plumb/code
    with:
      data: mbpp
      code: [{ column: code, language: python }]
      text: [{ column: text, filters: [gopher-repetition] }]
`;

test('MBPP, HumanEval and GSM8K: all of their code parses; a pipeline holds, until somebody breaks a row', async () => {
  using project = TestProject.create({
    'data/mbpp.jsonl': sample('mbpp'),
    'data/humaneval.jsonl': sample('humaneval'),
    'data/gsm8k.jsonl': sample('gsm8k'),
    'pipeline.yaml': pipeline,
  });
  for (const name of ['mbpp', 'humaneval', 'gsm8k']) expect((await project.plumb(['add', `data/${name}.jsonl`, '--name', name])).exit).toBe(0);
  expect(await project.plumb(['code', 'humaneval', '--column', 'prompt', 'canonical_solution', '--language', 'python'])).toMatchObject({
    exit: 0,
    json: { reports: [{ rows: 14, numbers: { rows_with_syntax_errors: 0, rows_not_parsed: 0 } }] },
  });
  expect(await project.plumb(['code', 'gsm8k', '--text', 'question', 'answer'])).toMatchObject({
    exit: 0,
    json: { reports: [{ check: 'code', rows: 22 }] },
  });
  const ran = await project.plumb(['run']);
  expect(ran.exit, ran.stderr).toBe(0);
  expect(JSON.parse(project.read('out/code/code.json'))).toMatchObject({ holds: true, rows: 25, numbers: { rows_with_syntax_errors: 0 } });

  project.write('data/mbpp.jsonl', sample('mbpp').replace('\\ndef ', '\\ndef def '));
  await project.plumb(['add', 'data/mbpp.jsonl', '--name', 'mbpp']);
  const broken = await project.plumb(['run'], { text: true });
  expect(broken.exit).not.toBe(0);
  expect(broken.stdout + broken.stderr).toMatch(/CODE_FINDINGS|syntax-error in 1 rows/);
});

test('words that code does not understand', async () => {
  using project = TestProject.create({ 'data/notes.jsonl': rows(3, new Map()) });
  await project.plumb(['add', 'data/notes.jsonl', '--name', 'notes']);
  project.write('loose.jsonl', '{"text":"x = 1"}\n{"late":1}\n');
  for (const [words, code] of [
    [['code', 'notes'], 'CONFIG_MISSING'],
    [['code', 'notes', '--column', 'text'], 'USAGE'],
    [['code', 'notes', '--language', 'python'], 'USAGE'],
    [['code', 'notes', '--column', 'txt', '--language', 'python'], 'DATASET_COLUMN'],
    // a file that is no data set has its columns, too
    [['code', 'loose.jsonl', '--column', 'txt', '--language', 'python'], 'DATASET_COLUMN'],
    [['code', 'loose.jsonl', '--column', 'text', '--language', 'pyton'], 'DATASET_COLUMN'],
    [['code', 'loose.jsonl', '--chat', 'talk'], 'DATASET_COLUMN'],
  ] as const)
    expect(await project.plumb(words), words.join(' ')).toMatchObject({ code });
  expect(await project.plumb(['code', 'loose.jsonl', '--text', 'late'])).toMatchObject({ exit: 0 });
});
