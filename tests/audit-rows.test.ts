// Which rows trained a model: of a real one, from its real run records, with the store beside the clone and without it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGit } from '../src/git/open.ts';
import { keySigner } from '../src/registry/audit-append.ts';
import { LogWriter, newKey, policyWithKeys } from '../src/registry/audit.fixture.ts';
import { ask } from './audit-story.ts';
import { newFolder, newProject, Repository } from './plumb.ts';
import { jsonl, sha256 } from './project.ts';

const topics = ['card', 'cash', 'rate'];
const rows = (prefix: string): string =>
  jsonl(Array.from({ length: 60 }, (_, at) => ({ id: `${prefix}${at}`, text: `::set-env name=${topics[at % 3]}:: ${at}`, label: topics[at % 3] })));

const key = newKey();
const files = {
  'pipeline.yaml': `
stages:
  split: { uses: plumb/split, with: { data: topics, by: hash(id), test: 0.25 } }
  train: { uses: plumb/train-text, with: { data: split.train }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 2, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': policyWithKeys(
    { log: key },
    'version: 1\nmodels:\n  topics: { production: { gate: any } }\ngates:\n  any:\n    - { metric: accuracy, at_least: 0 }\n',
  ),
  '.gitignore': '.plumb/\nout/\ndata/\n',
};

test('data sets by manifest, the rows that the training read, the rows themselves; what is not here is said', async () => {
  const project = await newProject(files);
  await project.write('data/topics.jsonl', rows('t'));
  await project.write('data/asked.jsonl', rows('a'));
  for (const name of ['topics', 'asked']) expect((await project.plumb('add', `data/${name}.jsonl`, '--key', 'id')).exit).toBe(0);
  await project.git('add', '--all');
  await project.git('commit', '--quiet', '--message', 'data');
  expect((await project.plumb('run')).stderr).not.toContain('Mend');
  const git = await openGit(project.folder, process.env);
  const log = new LogWriter(
    { git, prefix: '', head: () => project.git('rev-parse', 'HEAD'), run: (...words) => project.git(...words) },
    keySigner(key),
  );
  await log.record({ kind: 'start' });
  expect((await project.plumb('promote', 'topics', '--to', 'production')).exit).toBe(0);
  await log.record();

  const { json } = await ask(project.folder, 'rows', 'topics');
  const all = sha256(rows('t'));
  expect(json).toMatchObject({
    data: [
      { name: 'asked', use: 'evaluated', kind: 'rows', count: 60, here: true },
      { name: 'topics', use: 'trained', kind: 'rows', count: 60, content: `sha256:${all}`, here: true },
    ],
    inputs: [{ name: 'split.train', here: true }],
  });
  const out = join(await newFolder(), 'rows.jsonl');
  await ask(project.folder, 'rows', 'topics', '--list', 'topics', '--out', out);
  expect(sha256(readFileSync(out))).toBe(all);
  const [input] = json['inputs'] as { digest: string }[];
  await ask(project.folder, 'rows', 'topics', '--list', 'split.train', '--out', out);
  expect(`sha256:${sha256(readFileSync(out))}`).toBe(input?.digest);
  // what a row says is no command to the CI that prints it
  const printed = await project.run(
    [process.execPath, new URL('../bin/plumb.js', import.meta.url).pathname, 'audit', 'rows', 'topics', '--list', 'topics'],
    { CI: 'true' },
  );
  expect(printed.stdout).toContain('"id":"t59"');
  expect(printed.stdout).not.toMatch(/^::/m);

  const elsewhere = join(await newFolder(), 'clone');
  await project.git('clone', '--quiet', project.folder, elsewhere);
  const clone = new Repository(elsewhere);
  expect((await ask(clone.folder, 'rows', 'topics')).json).toMatchObject({
    // the lock of the commit that was trained says how many
    data: [
      { name: 'asked', count: 60, here: false },
      { name: 'topics', count: 60, content: `sha256:${all}`, here: false },
    ],
    inputs: [{ name: 'split.train', here: false }],
  });
  expect((await ask(clone.folder, 'rows', 'topics')).text).toContain('not here');
  expect((await ask(clone.folder, 'rows', 'topics', '--list', 'topics', '--out', out)).json).toMatchObject({ error: { code: 'BYTES_MISSING' } });
  expect((await ask(clone.folder, 'rows', 'topics', '--list', 'topic')).json).toMatchObject({
    error: { code: 'DATASET_UNKNOWN', what: expect.stringContaining('Did you mean "topics"?') },
  });
  expect((await ask(clone.folder, 'rows', 'topics', '--at', '2001-01-01')).json).toMatchObject({ error: { code: 'POINTER_MISSING' } });
}, 60_000);
