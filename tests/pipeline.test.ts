// `plumb run` on real repositories: commands of real shells, the real cache, real clones.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder, newProject, Repository } from './plumb.ts';

interface RunOutput {
  readonly stages: { stage: string; state: string; why?: string[]; notReproducible?: { outputs: string[] }; metrics?: Record<string, number> }[];
  readonly error?: { code: string; what: string };
}

const words = `
stages:
  count:
    cmd: node count.js
    deps: [count.js, words.txt]
    params: [limit]
    outs: [counts.json]
    metrics: [metrics.json]
  double:
    cmd: node -e "const fs=require('fs'); fs.writeFileSync('double.txt', String(2*JSON.parse(fs.readFileSync('counts.json')).n))"
    deps: [counts.json]
    outs: [double.txt]
  other:
    cmd: echo unrelated > other.txt
    outs: [other.txt]
`;
const counter = `
const fs = require('fs');
const { limit } = JSON.parse(process.env.PLUMB_PARAMS);
const n = Math.min(limit, fs.readFileSync('words.txt', 'utf8').trim().split(/\\s+/).length);
fs.writeFileSync('counts.json', JSON.stringify({ n }));
fs.writeFileSync('metrics.json', JSON.stringify({ words: { n } }));
`;
const files = {
  'pipeline.yaml': words,
  'params.yaml': '# how far\nlimit: 10 # words\n',
  'count.js': counter,
  'words.txt': 'one two three\n',
  '.gitignore': '.plumb/\n*.json\n/double.txt\n/other.txt\n',
};

function states(output: RunOutput): Record<string, string> {
  return Object.fromEntries(output.stages.map((stage) => [stage.stage, stage.state]));
}

test('what did not change does not run, and deleted outputs come back', async () => {
  const project = await newProject(files);
  expect(states(await project.json<RunOutput>('run'))).toEqual({ count: 'ran', double: 'ran', other: 'ran' });
  await rm(join(project.folder, 'double.txt'));
  await project.write('counts.json', 'spoiled');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ count: 'cached', double: 'cached', other: 'cached' });
  expect(await project.read('double.txt')).toBe('6');
  expect(await project.read('counts.json')).toBe('{"n":3}');
});

test('a file of rows that gets another name runs nothing; one changed row does', async () => {
  const rows = Array.from({ length: 20 }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`);
  const project = await newProject({
    'data/rows.jsonl': rows.join(''),
    'pipeline.yaml': 'stages:\n  split: { uses: plumb/split, with: { data: rows, by: hash(id), test: 0.3 } }\n',
  });
  await project.plumb('add', 'data/rows.jsonl', '--key', 'id');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ split: 'ran' });
  await rename(join(project.folder, 'data/rows.jsonl'), join(project.folder, 'data/lines.jsonl'));
  await project.plumb('add', 'data/lines.jsonl', '--name', 'rows');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ split: 'cached' });
  await project.write('data/lines.jsonl', rows.slice(1).join(''));
  await project.plumb('add', 'data/lines.jsonl');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ split: 'ran' });
});

test('a changed hyperparameter runs what reads it, and what it changed; the reason is said', async () => {
  const project = await newProject(files);
  await project.plumb('run');
  const output = await project.json<RunOutput>('run', '--set', 'limit=2');
  expect(states(output)).toEqual({ count: 'ran', double: 'ran', other: 'cached' });
  expect(output.stages[0]?.why).toEqual(['limit: 10 -> 2']);
  expect(output.stages[0]?.metrics).toEqual({ 'words.n': 2 });
  expect(await project.read('params.yaml')).toBe('# how far\nlimit: 2 # words\n');
  expect(await project.read('double.txt')).toBe('4');
  // the same counts: what reads them is found again
  expect(states(await project.json<RunOutput>('run', '--set', 'limit=10'))).toEqual({ count: 'cached', double: 'cached', other: 'cached' });
  const same = await project.json<RunOutput>('run', '--set', 'limit=99');
  expect(states(same)).toEqual({ count: 'ran', double: 'cached', other: 'cached' });
});

test('--dry says what would run and why, and runs nothing', async () => {
  const project = await newProject(files);
  const output = await project.json<RunOutput>('run', '--dry');
  expect(states(output)).toEqual({ count: 'runs', double: 'waits', other: 'runs' });
  expect(output.stages[0]?.why).toEqual(['never run here']);
  await expect(project.read('other.txt')).rejects.toThrow('ENOENT');
});

test('--dry --set plans with the setting and writes nothing; a setting that does not hold writes nothing', async () => {
  const project = await newProject(files);
  await project.plumb('run');
  const output = await project.json<RunOutput>('run', '--dry', '--set', 'limit=2');
  expect(states(output)).toEqual({ count: 'runs', double: 'waits', other: 'cached' });
  expect(await project.git('status', '--porcelain')).toBe('');
});

test('a failed stage stops its dependants and nothing else; the next run goes on from there', async () => {
  const project = await newProject(files);
  await project.write('count.js', 'console.error("it went wrong"); process.exit(7)');
  const failed = await project.plumb('run');
  expect(failed.exit).toBe(5);
  expect(failed.stderr).toContain('stage "count" ended with exit code 7');
  expect(failed.stderr).toContain('it went wrong');
  expect(failed.stderr).toContain('skipped double: count did not end well');
  expect(await project.read('other.txt')).toBe('unrelated\n');
  await project.write('count.js', counter);
  expect(states(await project.json<RunOutput>('run'))).toEqual({ count: 'ran', double: 'ran', other: 'cached' });
});

test('a stage that ends well without its output has failed', async () => {
  const project = await newProject({ 'pipeline.yaml': 'stages: { a: { cmd: "true", outs: [nothing.txt] } }\n' });
  expect((await project.json<RunOutput>('run')).error?.code).toBe('STAGE_OUT_MISSING');
});

test('another clone takes outputs from the remote and runs nothing', async () => {
  const remote = join(await newFolder(), 'remote');
  const project = await newProject({ ...files, 'plumbline.yaml': `version: 1\nremote: ${JSON.stringify(remote)}\n` });
  await project.plumb('run');
  expect((await project.plumb('push')).exit).toBe(0);
  const clone = new Repository(join(await newFolder(), 'clone'));
  await project.git('clone', '--quiet', project.folder, clone.folder);
  expect(states(await clone.json<RunOutput>('run'))).toEqual({ count: 'cached', double: 'cached', other: 'cached' });
  expect(await clone.read('double.txt')).toBe('6');
});

test('a remote that does not answer, or a spoiled name in the cache, costs a run and no more', async () => {
  const project = await newProject({ ...files, 'plumbline.yaml': 'version: 1\nremote: words.txt\n' });
  const ended = await project.plumb('run');
  expect(ended).toMatchObject({ exit: 0, stderr: expect.stringContaining('the remote was not asked') });
  const { stages } = await project.json<{ stages: { fingerprint: string }[] }>('run');
  const hex = stages[0]?.fingerprint.slice('sha256:'.length) ?? '';
  await rm(join(project.folder, '.plumb/cache/names/runs', hex));
  await project.write(`.plumb/cache/names/runs/${hex}`, '');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ count: 'ran', double: 'cached', other: 'cached' });
  expect(states(await project.json<RunOutput>('run'))).toEqual({ count: 'cached', double: 'cached', other: 'cached' });
});

test('the same fingerprint with other outputs is told as not reproducible', async () => {
  const project = await newProject({
    'pipeline.yaml': 'stages: { dice: { cmd: "date +%s%N > roll.txt", outs: [roll.txt] } }\n',
    '.gitignore': '.plumb/\nroll.txt\n',
  });
  await project.plumb('run');
  const again = await project.json<RunOutput>('run', '--force');
  expect(again.stages[0]).toMatchObject({ state: 'ran', why: ['forced'], notReproducible: { outputs: ['roll.txt'] } });
  expect((await project.plumb('runs')).stdout).toContain('not reproducible');
});

test('what a stage reads may not change under it: its outputs are not kept', async () => {
  const project = await newProject({
    'pipeline.yaml': 'stages: { slow: { cmd: "cat in.txt > out.txt; echo v2 > in.txt", deps: [in.txt], outs: [out.txt] } }\n',
    'in.txt': 'v1\n',
  });
  expect((await project.json<RunOutput>('run')).error?.code).toBe('FILE_CHANGED');
  await project.write('in.txt', 'v1\n');
  expect(states(await project.json<RunOutput>('run', '--dry'))).toEqual({ slow: 'runs' });
});

test('an output that git tracks is not written over; any other is left out of git', async () => {
  const project = await newProject({ 'pipeline.yaml': 'stages: { a: { cmd: "echo gone > notes.md", outs: [notes.md] } }\n', 'notes.md': 'kept\n' });
  await project.write('notes.md', 'unsaved work\n');
  expect((await project.json<RunOutput>('run')).error?.code).toBe('OUT_TRACKED');
  expect(await project.read('notes.md')).toBe('unsaved work\n');
  await project.write('pipeline.yaml', 'stages: { a: { cmd: "mkdir -p made && echo new > made/x.txt", outs: [made/x.txt] } }\n');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ a: 'ran' });
  expect(await project.git('status', '--porcelain', '--untracked-files=all', 'made/x.txt')).toBe('');
});

test('variables of a command are in its fingerprint, in its record and in the reason', async () => {
  const yaml = (value: string): string => `stages: { a: { cmd: "echo $WHO > o.txt", env: { WHO: ${value} }, outs: [o.txt] } }\n`;
  const project = await newProject({ 'pipeline.yaml': yaml('one') });
  await project.plumb('run');
  await project.write('pipeline.yaml', yaml('two'));
  const output = await project.json<RunOutput>('run');
  expect(output.stages[0]).toMatchObject({ state: 'ran', why: ['environment env WHO changed'] });
  expect(await project.json('runs', 'show', 'a')).toMatchObject({ record: { environment: { fingerprinted: { 'env WHO': 'two' } } } });
});

test('a record says which stages had to end before, and nothing of the person at the laptop', async () => {
  const project = await newProject({
    'pipeline.yaml': 'stages: { check: { cmd: "true" }, make: { cmd: "echo 1 > o.txt", outs: [o.txt], needs: [check] } }\n',
  });
  const { stages } = await project.json<{ stages: { run: string }[] }>('run');
  const { record } = await project.json<{ record: { after: object; builder: object } }>('runs', 'show', 'make');
  expect(record.after).toEqual({ check: stages[0]?.run });
  expect(Object.keys(record.builder).toSorted()).toEqual(process.env['CI'] === undefined ? ['kind'] : ['host', 'kind', 'user']);
});

test.each([['kept'], ['frozen']])('a stage that is %s counts only where what it newly needs holds; it does not run for that', async (how) => {
  const yaml = (check: string, more: string): string =>
    `stages: { look: { cmd: "${check}" }, make: { cmd: "echo 1 > o.txt", outs: [o.txt], ${more} }, use: { cmd: cat o.txt, deps: [o.txt] } }\n`;
  const project = await newProject({ 'pipeline.yaml': yaml('true', 'needs: []'), '.gitignore': '.plumb/\n*.txt\n' });
  await project.plumb('run');
  const needs = `needs: [look]${how === 'frozen' ? ', frozen: true' : ''}`;
  const good = how === 'frozen' ? 'frozen' : 'cached';
  await project.write('pipeline.yaml', yaml('true', needs));
  expect(states(await project.json<RunOutput>('run'))).toEqual({ look: 'cached', make: good, use: 'cached' });
  await project.write('pipeline.yaml', yaml('false', needs));
  const ended = await project.plumb('run', 'use');
  expect(ended.exit).toBe(5);
  expect(ended.stderr).toContain('skipped make: look did not end well');
  expect(ended.stderr).toContain('skipped use: make did not end well');
  const planned = await project.json<RunOutput>('run', '--dry', 'use');
  expect(states(planned)).toMatchObject({ look: 'runs' });
  if (how === 'kept') expect(states(planned)).toMatchObject({ make: 'waits' });
});

test('renaming a stage runs nothing; always runs always; frozen keeps what it had', async () => {
  const one = 'stages: { NAME: { cmd: "echo 1 > a.txt", outs: [a.txt] } }\n';
  const project = await newProject({ 'pipeline.yaml': one.replace('NAME', 'first'), '.gitignore': '.plumb/\n*.txt\n' });
  await project.plumb('run');
  await project.write('pipeline.yaml', one.replace('NAME', 'second'));
  expect(states(await project.json<RunOutput>('run'))).toEqual({ second: 'cached' });
  await project.write('pipeline.yaml', one.replace('NAME', 'second').replace('cmd:', 'always: true, cmd:'));
  expect(states(await project.json<RunOutput>('run'))).toEqual({ second: 'ran' });
  await project.write('pipeline.yaml', one.replace('NAME', 'second').replace('echo 1', 'echo 2').replace('cmd:', 'frozen: true, cmd:'));
  expect(states(await project.json<RunOutput>('run'))).toEqual({ second: 'frozen' });
  expect(await project.read('a.txt')).toBe('1\n');
  await project.write('pipeline.yaml', one.replace('NAME', 'third').replace('cmd:', 'frozen: true, cmd:'));
  expect((await project.json<RunOutput>('run')).error?.code).toBe('RUN_MISSING');
});

test('foreach, matrix and folders: each item is a stage, a folder is one output', async () => {
  const project = await newProject({
    'pipeline.yaml': `
stages:
  make:
    foreach: [a, b]
    do: { cmd: 'mkdir -p made/\${item} && echo \${item} > made/\${item}/x.txt', outs: ['made/\${item}'] }
  grid:
    matrix: { size: [1, 2], kind: [p] }
    cmd: [node, -e, 'require("fs").writeFileSync("grid-\${item.size}.txt", "\${item.size}\${item.kind}")']
    outs: ['grid-\${item.size}.txt']
  join: { cmd: 'cat made/a/x.txt made/b/x.txt > joined.txt', deps: [made/a/x.txt, made/b], outs: [joined.txt] }
`,
    '.gitignore': '.plumb/\nmade/\n*.txt\n',
  });
  expect(states(await project.json<RunOutput>('run', '-j', '2'))).toEqual({
    'make@a': 'ran',
    'make@b': 'ran',
    'grid@1-p': 'ran',
    'grid@2-p': 'ran',
    join: 'ran',
  });
  await rm(join(project.folder, 'made'), { recursive: true });
  expect(states(await project.json<RunOutput>('run', 'join'))).toEqual({ 'make@a': 'cached', 'make@b': 'cached', join: 'cached' });
  expect(await project.read('made/b/x.txt')).toBe('b\n');
  expect(await project.read('grid-2.txt')).toBe('2p');
});

test('a working copy that is not what the lock says stops the run before anything runs', async () => {
  const project = await newProject({
    'pipeline.yaml': 'stages: { a: { cmd: "wc -l < data/d.jsonl > n.txt", deps: [data/d.jsonl], outs: [n.txt] } }\n',
    'data/d.jsonl': '{"a":1}\n',
    '.gitignore': '.plumb/\ndata/\nn.txt\n',
  });
  await project.plumb('add', 'data/d.jsonl');
  expect(states(await project.json<RunOutput>('run'))).toEqual({ a: 'ran' });
  await project.write('data/d.jsonl', '{"a":1}\n{"a":2}\n');
  expect((await project.json<RunOutput>('run')).error).toMatchObject({ code: 'DATASET_MODIFIED', what: expect.stringContaining('data/d.jsonl') });
  // a missing working copy is brought back
  await rm(join(project.folder, 'data/d.jsonl'));
  await project.plumb('run', '--force');
  expect(await project.read('data/d.jsonl')).toBe('{"a":1}\n');
});

test('runs are listed, shown and compared', async () => {
  const project = await newProject(files);
  await project.plumb('run');
  await project.plumb('run', '--set', 'limit=2');
  const compared = await project.json<{ params: unknown; metrics: unknown }>('runs', 'compare', 'count~1', 'count');
  expect(compared).toMatchObject({ params: [{ key: 'limit', before: 10, after: 2 }], metrics: [{ metric: 'words.n', before: 3, after: 2 }] });
  const { runs } = await project.json<{ runs: { stage: string; run: string }[] }>('runs');
  expect(runs.map((run) => run.stage).toSorted()).toEqual(['count', 'count', 'double', 'double', 'other']);
  const shown = await project.json<{ record: { inputs: Record<string, { kind: string }>; environment: object; seed: number } }>(
    'runs',
    'show',
    'count',
  );
  expect(shown.record.inputs).toMatchObject({ 'count.js': { kind: 'file' }, 'words.txt': { kind: 'file' } });
  expect((await project.json<RunOutput>('runs', 'show', 'conut')).error).toMatchObject({
    code: 'RUN_MISSING',
    what: expect.stringContaining('Did you mean "count"'),
  });
});
