import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { AnyStep, StepRegistry } from '../base/step.ts';
import { formatLock, loadLock } from '../datasets/lock.ts';
import { manifestText, rowsManifest } from '../datasets/manifest.ts';
import { createProject, jsonl, type TestProject } from '../datasets/project.fixture.ts';
import type { RowFormat } from '../datasets/schema.ts';
import { validate } from '../quality/rules/step.ts';
import { checkStatically, type Finding, type StaticChecks } from './static-checks.ts';

const steps: StepRegistry = new Map([['plumb/validate', async () => validate as AnyStep]]);

async function look(made: TestProject, wish: { base?: string; fork?: boolean } = {}): Promise<StaticChecks> {
  const base = wish.base === undefined ? null : (await made.git('rev-parse', wish.base)).trim();
  const options = { base, fork: wish.fork ?? false, steps, signal: new AbortController().signal };
  return checkStatically({ root: made.root, project: await made.open() }, options);
}

const brief = ({ code, severity, file, line, what }: Finding): string => `${severity} ${code} ${file}:${line ?? ''} ${what}`;

const rows = [
  { id: 'a', text: 'hello there', label: 'x' },
  { id: 'b', text: 'good bye', label: 'y' },
];
const check = 'version: 1\nstages:\n  check:\n    uses: plumb/validate\n    with: { data: intents, rules: rules/intents.yaml }\n';
const rules = 'version: 1\nkey: id\nrules:\n  - column: text\n    not_missing: true\n';

async function createOrdered(): Promise<TestProject> {
  const made = await createProject();
  await made.write('data/intents.jsonl', jsonl(rows));
  await made.add('data/intents.jsonl', { key: 'id', label: 'label' });
  await made.write('pipeline.yaml', check);
  await made.write('rules/intents.yaml', rules);
  return made;
}

/** Makes datasets.lock name bytes that `plumb add` would not have taken. */
async function lockBytes(made: TestProject, name: string, bytes: string | Buffer, more: { format?: RowFormat; rows?: number } = {}): Promise<void> {
  const { store } = await made.open();
  const lock = await loadLock(await made.open());
  const content = await store.putBytes(bytes);
  const { format = 'jsonl', rows: count = 2 } = more;
  const head = { format, rows: count, key: 'id', label: 'label', schema: { id: 'string', label: 'string', text: 'string' } };
  const sizeBytes = Buffer.byteLength(bytes);
  const digest = await store.putBytes(manifestText(rowsManifest(head, { content, bytes: sizeBytes, tree: null })));
  const entry = { digest, content, path: `data/${name}.${format}`, bytes: sizeBytes, source: { kind: 'files' as const }, ...head };
  await made.write('datasets.lock', formatLock({ version: 1, datasets: { ...lock.datasets, [name]: entry } }));
}

test('a project in order has no findings', async () => {
  const made = await createOrdered();
  expect(await look(made)).toEqual({ holds: true, errors: 0, warnings: 0, findings: [], datasets: { looked: ['intents'], notLooked: [] } });
});

test('every fault of every file is told, with its line and how to mend it', async () => {
  const made = await createOrdered();
  await made.write('plumbline.yaml', 'version: 1\nremot: x\nserve:\n  prt: 1\n  stage: prod\n');
  await made.write('params.yaml', 'train:\n  epochs: 3\n');
  await made.write(
    'policy.yaml',
    'version: 1\nmodels:\n  m:\n    production: { gate: strict }\ngates:\n  strct: [{ metric: accuracy, at_least: 0.5 }]\n',
  );
  await made.write('models/m/production.json', '{}');
  await made.write(
    'pipeline.yaml',
    `${check}  first:
    cmd: x
    deps: [intent]
    params: [train.epoch]
  second:
    uses: plumb/validat
  third:
    cmd: y
    needs: [secnd]
    deps: [second.report, nowhere.txt]
  fourth:
    foreach: [a, b]
    do: { cmd: "z \${item.x}" }
  fifth: { cmd: v, needs: [sixth] }
  sixth: { cmd: w, needs: [fifth] }
models:
  m: { artifact: a.b, evaluation: c }
`,
  );
  await made.write('rules/intents.yaml', `${rules}  - column: label\n    alowed: [x]\n  - column: id\n    regex: "("\n`);
  const place = { root: made.root, project: null };
  const { findings } = await checkStatically(place, { base: null, fork: false, steps, signal: new AbortController().signal });
  expect(findings.map(brief)).toEqual([
    expect.stringMatching(/^error POINTER_INVALID models\/m\/production\.json:1 /),
    ...Array.from(
      { length: findings.filter(({ code }) => code === 'POINTER_INVALID').length - 1 },
      () => expect.stringMatching(/^error POINTER_INVALID/) as string,
    ),
    'error PARAM_MISSING pipeline.yaml:6 stage "first" reads the hyperparameter "train.epoch", which is not there. Did you mean "train.epochs"?',
    'error STEP_UNKNOWN pipeline.yaml:10 stage "second": there is no built-in step "plumb/validat". Did you mean "plumb/validate"?',
    expect.stringMatching(
      /^error PIPELINE_DEP_MISSING pipeline\.yaml:12 stage "third" needs stage "secnd", which is not there. Did you mean "second"/,
    ),
    expect.stringMatching(/^error PIPELINE_DEP_MISSING pipeline\.yaml:12 stage "third" reads "nowhere\.txt"/),
    expect.stringMatching(/^error CONFIG_INVALID pipeline\.yaml:16 stage "fourth@a": \$\{item\.x\} names no single value/),
    'error PIPELINE_CYCLE pipeline.yaml:19 stages wait for each other: fifth -> sixth -> fifth',
    'error CONFIG_INVALID plumbline.yaml:2 unknown key "remot"',
    'error CONFIG_INVALID plumbline.yaml:4 unknown key "prt" in "serve"',
    expect.stringMatching(/^error CONFIG_INVALID plumbline\.yaml:5 "serve\.stage" is "prod"/),
    expect.stringMatching(
      /^error CONFIG_INVALID policy\.yaml:4 models\.m\.production names the gate "strict", which is not there\. Did you mean "strct"/,
    ),
    expect.stringMatching(/^error CONFIG_INVALID rules\/intents\.yaml:6 .*expected at least one of not_missing/),
    expect.stringMatching(/^error CONFIG_INVALID rules\/intents\.yaml:7 unknown key "alowed"/),
    expect.stringMatching(/^error CONFIG_INVALID rules\/intents\.yaml:9 .*not a regular expression/),
  ]);
  expect(findings.every(({ mend }) => mend !== '')).toBe(true);
  expect(findings.find(({ what }) => what.includes('"prt"'))?.mend).toBe('did you mean "port"?');
});

test('of a lock, every bad line; what refers to its data sets is not wrong for that', async () => {
  const made = await createOrdered();
  const { datasets } = await loadLock(await made.open());
  const entry = datasets['intents'];
  if (entry === undefined) throw new Error('there is no such data set');
  const good = formatLock({ version: 1, datasets: { intents: entry } });
  await made.write(
    'datasets.lock',
    good
      .replace(/digest: sha256:\w+/, 'digest: sha256:short')
      .replace('format: jsonl', 'format: jsnl')
      .replace('rows: 2', 'rows: -2'),
  );
  const several = await look(made);
  expect(several.findings.map(({ file, code }) => `${file} ${code}`)).toContain('datasets.lock CONFIG_INVALID');
  expect(several.findings.every(({ file, line }) => file === 'datasets.lock' && line !== undefined)).toBe(true);
  await made.write('datasets.lock', good.replace(/digest: sha256:\w+/, 'digest: sha256:short').replace('bytes: ', 'bytes: -'));
  expect((await look(made)).findings.map(({ line }) => line)).toEqual([6, 13]);
  await made.write('datasets.lock', `<<<<<<< ours\n${good}\n=======\n${good}>>>>>>> theirs\n`);
  expect((await look(made)).findings.map(brief)).toEqual([expect.stringMatching(/^error LOCK_CONFLICT datasets\.lock:1 /)]);
  const outside = { ...entry, path: '../../etc/passwd' };
  await made.write('datasets.lock', formatLock({ version: 1, datasets: { intents: outside, twin: { ...entry, path: outside.path } } }));
  expect((await look(made)).findings.map(({ code, dataset, line }) => `${code} ${dataset} ${line}`)).toEqual(
    expect.arrayContaining(['PATH_OUTSIDE intents 8', 'PATH_OUTSIDE twin 23', 'DATASET_TAKEN twin 23']),
  );
});

test('rows that do not parse are told by their number, each of them; more than fifty are counted', async () => {
  const made = await createOrdered();
  await lockBytes(made, 'intents', Buffer.concat([Buffer.from('{"id":"a","text":""}\n{"id":\n\n[1]\n'), Buffer.from([0x7b, 0xff, 0x7d, 0x0a])]));
  const { findings } = await look(made);
  expect(findings.map(({ code, row, file, line }) => [code, row, file, line])).toEqual([
    ['ROW_ENCODING', 4, 'datasets.lock', 6],
    ['ROW_SYNTAX', 2, 'datasets.lock', 6],
    ['ROW_SYNTAX', 3, 'datasets.lock', 6],
    ['RULES_BROKEN', 1, 'datasets.lock', 6],
  ]);
  await lockBytes(made, 'intents', '{\n'.repeat(60));
  const many = await look(made);
  expect(many.findings.filter(({ row }) => row !== undefined)).toHaveLength(50);
  expect(many.findings.map(({ what }) => what)).toContain('10 more rows of data set "intents" do not parse');
  await lockBytes(made, 'intents', 'id,text,label\na,b\nc,d,e\nf\n', { format: 'csv' });
  expect((await look(made)).findings.map(({ code, row }) => [code, row])).toEqual([
    ['ROW_RAGGED', 1],
    ['ROW_RAGGED', 3],
  ]);
});

test('rows are compared with what the lock says of them', async () => {
  const made = await createOrdered();
  await lockBytes(made, 'intents', jsonl([...rows, { id: 'a', text: 'again', label: 'x' }]), { rows: 3 });
  expect((await look(made)).findings.map(({ code, row, what }) => [code, row, what])).toEqual([
    ['ROW_KEY', 3, 'rows 1 and 3 of data/intents.jsonl have the same key "a" in "id"'],
  ]);
  await lockBytes(made, 'intents', jsonl(rows), { rows: 9 });
  expect((await look(made)).findings.map(brief)).toEqual([
    'error MANIFEST_INVALID datasets.lock:12 the lock says that data set "intents" has 9 rows; it has 2',
  ]);
  await lockBytes(
    made,
    'intents',
    jsonl([
      { id: 'a', txt: 'b' },
      { id: 'b', txt: 'b' },
    ]),
  );
  expect((await look(made)).findings.map(({ code, line }) => [code, line])).toEqual(
    expect.arrayContaining([
      ['DATASET_COLUMN', 11],
      ['MANIFEST_INVALID', 14],
    ]),
  );
});

test('broken rules name rows by their keys, and show neither secrets nor personal data', async () => {
  const made = await createOrdered();
  const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';
  await made.write(
    'data/intents.jsonl',
    jsonl([
      { id: 'ada@example.org', text: `my key is ${secret}`, label: 'x' },
      { id: 'b', text: 'mail ada@example.org now', label: 'y' },
      { id: 'c', text: '', label: 'z' },
    ]),
  );
  await made.add('data/intents.jsonl');
  await made.write(
    'rules/intents.yaml',
    `${rules}  - column: text\n    max_length: 5\n    severity: warning\n  - rows: { min: 100 }\n  - column: gone\n    unique: true\n`,
  );
  const { findings, errors, warnings } = await look(made);
  expect([errors, warnings]).toEqual([3, 1]);
  expect(findings.map(({ code, severity, file, row, key, dataset }) => [code, severity, file, row, key, dataset])).toEqual(
    expect.arrayContaining([
      ['RULES_BROKEN', 'error', 'datasets.lock', 3, 'c', 'intents'],
      ['RULES_BROKEN', 'warning', 'datasets.lock', 1, '[e-mail]', 'intents'],
      ['RULES_BROKEN', 'error', 'datasets.lock', undefined, undefined, 'intents'],
      ['DATASET_COLUMN', 'error', 'rules/intents.yaml', undefined, undefined, 'intents'],
    ]),
  );
  expect(JSON.stringify(findings)).not.toMatch(/ada@example|ghp_/);
  expect(JSON.stringify(findings)).toContain('rule 2: 2 of 3 rows break');
});

test('only data sets that changed against the base are read, and those whose rules changed', async () => {
  const made = await createOrdered();
  await made.write('data/other.jsonl', jsonl(rows));
  await made.add('data/other.jsonl');
  await made.git('add', '.');
  await made.git('commit', '-qm', 'base');
  expect((await look(made, { base: 'HEAD' })).datasets).toEqual({ looked: [], notLooked: [] });
  await made.write('data/other.jsonl', jsonl([...rows, { id: 'c', text: 'x', label: 'x' }]));
  await made.add('data/other.jsonl');
  expect((await look(made, { base: 'HEAD' })).datasets.looked).toEqual(['other']);
  await made.git('commit', '-qam', 'other');
  await made.write('rules/intents.yaml', `${rules}  - rows: { min: 3 }\n`);
  const { datasets, findings } = await look(made, { base: 'HEAD' });
  expect(datasets.looked).toEqual(['intents']);
  // the rows are as they were: it is the rule's line that the change is in
  expect(findings.map(({ file, line }) => `${file}:${line}`)).toEqual(['rules/intents.yaml:6']);
  // nothing of a data set that did not change is asked for
  await rm(join(made.root, '.plumb', 'cache'), { recursive: true });
  await made.write('rules/intents.yaml', rules);
  expect(await look(made, { base: 'HEAD' })).toMatchObject({ holds: true, datasets: { looked: [], notLooked: [] } });
});

test('bytes that cannot be had: an error, and a warning where the job has no right to them', async () => {
  const made = await createOrdered();
  await rm(join(made.root, '.plumb', 'cache'), { recursive: true });
  const { findings, datasets, holds } = await look(made);
  expect(findings.map(brief)).toEqual([expect.stringMatching(/^error BYTES_MISSING datasets\.lock:6 data set "intents" was not looked at: /)]);
  expect([datasets, holds]).toEqual([{ looked: [], notLooked: ['intents'] }, false]);
  expect(await look(made, { fork: true })).toMatchObject({ holds: true, warnings: 1, findings: [{ severity: 'warning', code: 'BYTES_MISSING' }] });
});

test('what is not pushed is told', async () => {
  const made = await createProject({ remote: true });
  await made.write('data/intents.jsonl', jsonl(rows));
  await made.add('data/intents.jsonl');
  expect((await look(made)).findings.map(brief)).toEqual([
    expect.stringMatching(/^warning BYTES_MISSING datasets\.lock:6 .*in this machine's cache only/),
  ]);
});

test('the same findings, the same bytes; hostile names and paths are data', async () => {
  const made = await createOrdered();
  await made.write(
    'pipeline.yaml',
    `${check}  '訓練_x':\n    cmd: x\n    deps: ["::error::\\u001b[31m\\n::set-output name=a::b", "../../etc/passwd", "%0A"]\n`,
  );
  const first = await look(made);
  expect(first.findings).toHaveLength(3);
  expect(JSON.stringify(await look(made))).toBe(JSON.stringify(first));
  expect(digestOf(JSON.stringify(first.findings))).toBe(digestOf(JSON.stringify((await look(made)).findings)));
});
