// `plumb pii` and plumb/pii in a real repository.
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TestProject } from './project.ts';

const secret = 'a key of tests, long enough';
const rows = (texts: readonly string[]): string =>
  texts.map((text, at) => `${JSON.stringify({ id: `r${at}`, text, label: at % 2 ? 'a' : 'b' })}\n`).join('');
const texts = ['call 415-555-0132', 'write to ada@example.com', ...Array.from({ length: 28 }, (_, at) => `nothing to see in row ${at}`)];
const pipeline = `stages:
  clean:
    uses: plumb/pii
    with: { data: people, config: pii.yaml, rewrite: jsonl }
  split:
    uses: plumb/split
    with: { data: clean.data, by: hash(id), test: 0.3 }
`;
const config = 'version: 1\naction: surrogate\nkey: { check: "000000000000" }\n';

test('rows are cleaned in a pipeline, by the right key only; what follows has stand-ins', async () => {
  using project = TestProject.create({ 'data/people.jsonl': rows(texts), 'pipeline.yaml': pipeline, 'pii.yaml': config });
  const env = { PLUMB_PII_KEY: secret };
  expect((await project.plumb(['add', 'data/people.jsonl', '--name', 'people', '--key', 'id'])).exit).toBe(0);
  const { check } = (await project.plumb(['pii', '--key-check'], { env })).json;
  expect(check).toMatch(/^[0-9a-f]{12}$/);

  expect(await project.plumb(['run'], { env })).toMatchObject({ code: 'PII_KEY' });
  project.write('pii.yaml', config.replace('000000000000', String(check)));
  expect(await project.plumb(['run'], { env: { PLUMB_PII_KEY: 'another key, long enough' } })).toMatchObject({ code: 'PII_KEY' });
  const ran = await project.plumb(['run'], { env });
  expect(ran.exit, ran.stderr).toBe(0);

  const clean = project.read('out/clean/data.jsonl').split('\n');
  expect(clean.slice(2)).toEqual(rows(texts).split('\n').slice(2));
  expect(clean[1]).toMatch(/"write to [a-z.]+@example\.org"/);
  const sides = project.read('out/split/train.jsonl') + project.read('out/split/test.jsonl');
  expect(sides).not.toMatch(/ada@example\.com|555-0132/);
  expect(project.read('out/clean/lineage.jsonl').trimEnd().split('\n')).toHaveLength(2);
});

test('the command: nothing is flagged, something is, and words that it does not understand', async () => {
  using project = TestProject.create({ 'data/people.jsonl': rows(texts), 'loose.csv': 'id,mail\n1,bob@example.org\n' });
  await project.plumb(['add', 'data/people.jsonl', '--name', 'people', '--key', 'id']);
  const all = await project.plumb(['pii', '--out', 'flagged.jsonl']);
  expect(all).toMatchObject({ exit: 1, json: { holds: false, reports: [{ data: 'people', rows: 30, flagged: 2 }] } });
  expect(all.stdout + all.stderr + project.read('flagged.jsonl')).not.toMatch(/ada@|0132/);
  expect(project.read('flagged.jsonl').trimEnd().split('\n')).toHaveLength(2);
  expect(await project.plumb(['pii', 'people', '--columns', 'label'])).toMatchObject({ exit: 0, json: { holds: true } });
  expect(await project.plumb(['pii', 'loose.csv', 'people'])).toMatchObject({
    exit: 1,
    json: { reports: [{ data: 'loose.csv' }, { data: 'people' }] },
  });
  for (const [words, code] of [
    [['pii', 'people', '--columns', 'txt'], 'DATASET_COLUMN'],
    [['pii', 'people', '--config', 'none.yaml'], 'CONFIG_MISSING'],
    [['pii', 'people', '--rewrite', 'x.csv'], 'USAGE'],
    [['pii', '--key-check'], 'PII_KEY'],
  ] as const)
    expect(await project.plumb(words), words.join(' ')).toMatchObject({ code });
});

test('a waiver that ran out is none, though a branch says that it is another day', async () => {
  const waiver = (expires: string): string =>
    `version: 1\nwaivers:\n  - { kind: EMAIL_ADDRESS, owner: Ada, reason: it is hers, expires: ${expires} }\n`;
  using project = TestProject.create({
    'data/people.jsonl': rows(texts.slice(1)),
    'pii.yaml': 'version: 1\nwaivers: w.yaml\n',
    'w.yaml': waiver('2026-01-31'),
    'pipeline.yaml': 'stages: { look: { uses: plumb/pii, with: { data: people, config: pii.yaml, as_of: 2026-01-01 } } }\n',
  });
  await project.done('add', 'data/people.jsonl', '--name', 'people', '--key', 'id');
  expect(await project.plumb(['run'])).toMatchObject({ exit: 1, code: 'PII_FOUND' });
  project.write('w.yaml', waiver('2999-12-31'));
  await project.done('run');
  expect(JSON.parse(project.read('out/look/pii.json'))).toMatchObject({ holds: true, numbers: { waived: 1 } });
});

test('a file that says redact redacts nothing until it is asked to: the values are still there, and that is said', async () => {
  using project = TestProject.create({ 'data/people.jsonl': rows(texts), 'pii.yaml': 'version: 1\naction: redact\n' });
  await project.plumb(['add', 'data/people.jsonl', '--name', 'people', '--key', 'id']);
  const looked = await project.plumb(['pii', 'people']);
  expect(looked).toMatchObject({ exit: 1, json: { holds: false, reports: [{ flagged: 2 }] } });
  expect(looked.stderr).toContain('nothing is rewritten: what pii.yaml has redacted');
  const done = await project.plumb(['pii', 'people', '--rewrite', 'clean.jsonl']);
  expect(done).toMatchObject({ exit: 0, json: { holds: true, reports: [{ flagged: 0 }] } });
  expect(done.stderr).not.toContain('nothing is rewritten');
});

test.each([
  ['not UTF-8', 'bad.jsonl', Buffer.from('{"text":"ada@example.com"}\n{"text":"\xff"}\n', 'latin1'), 'ROW_ENCODING'],
  ['half a row', 'bad.jsonl', Buffer.from('{"text":"ada@example.com"}\n{"text":'), 'ROW_SYNTAX'],
  ['too many fields', 'bad.csv', Buffer.from('a,b\n1,ada@example.com\n1,2,3\n'), 'ROW_RAGGED'],
  ['no Parquet', 'bad.parquet', Buffer.from('PAR1 no'), 'ROW_SYNTAX'],
])('rows that are %s: one error, and nothing half-written', async (_, name, bytes, code) => {
  using project = TestProject.create({ 'pii.yaml': 'version: 1\naction: redact\n' });
  project.write(name, bytes);
  const target = `clean.${name.split('.')[1]}`;
  const answer = await project.plumb(['pii', name, '--rewrite', target]);
  expect(answer).toMatchObject({ code, exit: 3 });
  expect(existsSync(project.path(target))).toBe(false);
  expect(readdirSync(project.root).filter((file) => file.includes('clean') || file.includes('tmp'))).toEqual([]);
});
