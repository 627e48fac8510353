// A row's way in a real project: where it came from, who accepted it, what it trained; and the way back, when it has to be forgotten.
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../src/base/canonical.ts';
import { digestOf, hexOf } from '../src/base/digest.ts';
import { rowDigest } from '../src/datasets/row-digest.ts';
import { drawOf, sideOf } from '../src/prepare/side.ts';
import { jsonl, type TestProject } from './project.ts';
import { createTopics, topicFiles } from './topics.ts';

const mail = 'ada.lovelace@example.org';

/** Sixty rows of twelve tickets; two of them hold an address. */
const rows = topicFiles['data/topics.jsonl']!.trimEnd()
  .split('\n')
  .map((line, at) => ({ ...(JSON.parse(line) as { id: string; text: string; label: string }), ticket: `T-${Math.floor(at / 5)}` }))
  .map((row, at) => (at < 2 ? { ...row, text: `${row.text}, write to ${mail}` } : row));

const pipeline = (needs: string): string => `
stages:
  origins: { uses: plumb/provenance, with: { data: topics, require: [source, reviewed] } }
  redact: { uses: plumb/pii, with: { data: topics, config: pii.yaml, rewrite: jsonl } }
  split: { uses: plumb/split, with: { data: redact.data, by: hash(id), test: 0.3 } }
  train: { uses: plumb/train-text, with: { data: split.train }, params: [train], needs: ${needs} }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: suite.yaml }, needs: ${needs} }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`;
const policy = `${topicFiles['policy.yaml']}data: { require: [{ check: plumb/provenance, with: { require: [source, reviewed] } }] }\n`.replace(
  'at_least: 0.5',
  'at_least: 0.1',
);

/** A sitting in which Ada accepts rows. */
function accept(project: TestProject, some: readonly object[]): void {
  const decisions = some.map((row) => ({ row: rowDigest({ ...row }), action: 'accept', why: ['all of them'], at: '2026-11-21T07:00:00.000Z' }));
  const head = { plumbline: 'review/1', data: 'topics', annotator: { name: 'Ada', email: 'ada@example.org' }, role: 'first' };
  const text = [head, ...decisions].map((line) => `${canonicalJson(line)}\n`).join('');
  project.write(`reviews/topics/${hexOf(digestOf(text))}.jsonl`, text);
}

function commit(project: TestProject, message: string): void {
  project.git('add', '.');
  project.git('commit', '-qm', message);
}

interface Traced {
  readonly row: string;
  readonly provenance: { sources: { document: string }[]; reviewed: string }[];
  readonly steps: { by: string }[];
  readonly versions: { data: string; current: boolean; rows: number }[];
  readonly runs: { stage: string; certainty: string }[];
  readonly models: { use: string; certainty: string; promotions: { stage: string }[] }[];
  readonly unknown: string[];
}

describe('rows with a source, accepted one by one', () => {
  let project: TestProject;
  const traced = async (row: string): Promise<Traced> => (await project.done('trace', row)) as unknown as Traced;

  beforeAll(async () => {
    project = createTopics();
    project.write('pipeline.yaml', pipeline('[origins]'));
    project.write('pii.yaml', 'version: 1\nentities: { EMAIL_ADDRESS: redact }\nonly: true\n');
    project.write('suite.yaml', 'version: 1\ndata: split.test\nid: id\n');
    project.write('policy.yaml', policy);
    project.write('data/topics.jsonl', jsonl(rows));
    await project.done('add', 'data/topics.jsonl', '--key', 'id');
    await project.done('provenance', 'record', 'topics', '--source', 'helpdesk', '--document', 'ticket', '--licence', 'CC-BY-4.0');
    commit(project, 'data and where they came from');
  });
  afterAll(() => project[Symbol.dispose]());

  test('unreviewed rows do not train: the stage stops what needs it, and says which rows', async () => {
    accept(project, rows.slice(0, 59));
    await project.done('provenance', 'record', 'topics');
    const answer = await project.plumb(['run']);
    expect(answer.exit).not.toBe(0);
    expect(answer.stdout + answer.stderr).toContain(rows[59]?.id);
    expect((await project.plumb(['provenance', 'check', 'topics', '--require', 'source', 'reviewed'])).json).toMatchObject({
      holds: false,
      flagged: 1,
    });
  });

  test('nor are they promoted where nothing waited for the check: the policy of the base asks for it', async () => {
    project.write('pipeline.yaml', pipeline('[]'));
    await project.done('run', 'evaluate');
    const refused = await project.plumb(['promote', 'topics', '--to', 'staging', '--force', '--reason', 'in a hurry']);
    expect(refused.code).toBe('PROMOTION_REFUSED');
    expect(refused.stdout).toContain('the data set \\"topics\\"');
    const gate = await project.plumb(['gate', '--stage', 'staging']);
    expect(gate).toMatchObject({ exit: 1, json: { holds: true, data: { holds: false } } });
    project.write('pipeline.yaml', pipeline('[origins]'));
  });

  test('with all rows accepted the model is made and promoted', async () => {
    accept(project, rows.slice(59));
    expect(await project.done('provenance', 'record', 'topics')).toMatchObject({ changed: 1, locked: true });
    commit(project, 'the last row was accepted');
    // made before anything waited for the check: the record does not lead there, and that of the evaluation will do
    await project.done('run', '--force', 'evaluate');
    await project.done('promote', 'topics', '--to', 'staging');
    expect((await project.plumb(['verify'])).exit).toBe(0);
  });

  test('a row leads to its document, and through split and redaction to the model that it trained', async () => {
    const { json } = await project.plumb(['trace', `topics:${rows[0]?.id}`, '--html', 'trace.html']);
    const trace = json as unknown as Traced;
    expect(trace.provenance).toMatchObject([{ sources: [{ source: 'helpdesk', document: 'T-0', licence: 'CC-BY-4.0' }], reviewed: 'accepted' }]);
    expect(trace.steps).toMatchObject([{ by: expect.stringContaining('plumb/pii') as string }]);
    expect(trace.versions).toMatchObject([{ data: 'topics', current: true, rows: 1 }]);
    expect(trace.runs.map(({ stage, certainty }) => `${stage} ${certainty}`)).toEqual(
      expect.arrayContaining(['origins yes', 'redact yes', 'split yes']),
    );
    expect(trace.models).toMatchObject([{ certainty: 'yes', promotions: [{ stage: 'staging' }] }]);
    expect(trace.unknown).toEqual([]);
    expect(project.read('trace.html')).toMatch(/<svg[^]*helpdesk[^]*T-0[^]*train|evaluate/);
    project.git('clean', '-fdq', '--', 'trace.html');
    const sideOfRow = ({ id }: { id: string }): string => sideOf(drawOf(id, null, 0), { test: 0.3, validation: 0 });
    expect(trace.models[0]?.use).toBe(sideOfRow(rows[0]!) === 'train' ? 'trained' : 'evaluated');
    const other = rows.find((row) => sideOfRow(row) !== sideOfRow(rows[0]!));
    expect((await traced(`topics:${other?.id}`)).models[0]?.use).toBe(sideOfRow(rows[0]!) === 'train' ? 'evaluated' : 'trained');
  });

  test('rows by number and by digest, and what is no row', async () => {
    const third = await traced('topics:#3');
    expect(third.row).toBe(rowDigest({ ...rows[2] }));
    expect((await traced(third.row)).versions).toHaveLength(1);
    expect((await project.plumb(['trace', 'topics:nobody'])).code).toBe('ROW_UNKNOWN');
    // where rows have keys, a number that is none is no place: the row of a key that is gone is not the one that stands there now
    expect((await project.plumb(['trace', 'topics:3'])).code).toBe('ROW_UNKNOWN');
    expect((await project.plumb(['trace', `sha256:${'0'.repeat(64)}`])).code).toBe('ROW_UNKNOWN');
    expect((await project.plumb(['trace', 'topics'])).code).toBe('USAGE');
  });

  test('what would have to go for a document: rows, what was made of them, runs, models in use, bytes', async () => {
    const plan = await project.done('forget', 'T-0');
    expect(plan).toMatchObject({ counts: { matched: 5, derived: 2, shared: 0 }, branch: null });
    expect(plan['versions']).toMatchObject([
      { data: 'topics', rows: 5, current: true },
      { data: 'topics.provenance', rows: 5 },
      { data: 'topics.provenance', rows: 5, current: true },
    ]);
    expect(plan['models']).toMatchObject([{ model: 'topics', use: 'trained', now: ['staging'] }]);
    expect((plan['held'] as { what: string; here: boolean }[]).filter(({ here }) => here).map(({ what }) => what)).toEqual(
      expect.arrayContaining(['a version of topics', 'redact.data', 'split.train', 'train.model']),
    );
    expect(plan['reviews']).toHaveLength(1);
    expect((await project.plumb(['forget', 'T-0', '--column', 'ticket'])).json).toMatchObject({ counts: { matched: 5, derived: 2 } });
    expect((await project.plumb(['forget', mail, '--text'])).json).toMatchObject({ counts: { matched: 2, derived: 2 } });
    expect((await project.plumb(['forget', 'helpdesk'])).json).toMatchObject({ counts: { matched: 60 } });
    expect(await project.plumb(['forget', 'nobody'], { text: true })).toMatchObject({ exit: 1, stdout: expect.stringContaining('--column') });
    expect(await project.plumb(['forget', ' '])).toMatchObject({ code: 'USAGE' });
  });

  test('a branch without the rows, and nothing else touched; there the rest still is as it was', async () => {
    const before = project.snapshot();
    const { branch } = (await project.done('forget', 'T-0', '--branch', 'forget/t-0')) as { branch: { commit: string; data: object[] } };
    expect(branch.data).toEqual([
      { data: 'topics', removed: 5, left: 55 },
      { data: 'topics.provenance', removed: 5, left: 55 },
    ]);
    const after = project.snapshot();
    expect({ ...after, '(commits)': '' }).toEqual({ ...before, '(commits)': '' });
    expect(project.git('log', '--format=%B', 'main..forget/t-0')).not.toContain('T-0');
    expect(project.git('diff', '--name-only', 'main', 'forget/t-0')).toBe('datasets.lock');
    expect((await project.plumb(['forget', 'T-0', '--branch', 'forget/t-0'])).code).toBe('GIT_BRANCH_EXISTS');
    project.git('switch', '-q', 'forget/t-0');
    await project.done('checkout');
    expect(project.read('data/topics.jsonl')).toBe(jsonl(rows.slice(5)));
    expect(project.read('data/topics.provenance.jsonl')).not.toContain('"T-0"');
    expect((await project.plumb(['provenance', 'check', 'topics', '--require', 'source,reviewed'])).json).toMatchObject({ holds: true, rows: 55 });
    project.git('switch', '-q', 'main');
    await project.done('checkout');
  });

  test('hostile words: a branch that is an option, a person of another language, control characters', async () => {
    for (const name of ['-b', '../x']) expect((await project.plumb(['forget', 'T-1', `--branch=${name}`])).exit).not.toBe(0);
    const answer = await project.plumb(['forget', '\u001b[31mT-1\u202e', '--branch', 'none'], { text: true });
    expect(answer.stdout).not.toContain('\u001b[31m');
    expect(project.git('branch', '--list', 'none')).toBe('');
  });

  test('with changes in the work tree no branch is made', async () => {
    project.write('params.yaml', 'train: { epochs: 3, validation: 0 }\n');
    expect((await project.plumb(['forget', 'T-1', '--branch', 'forget/t-1'])).code).toBe('GIT_DIRTY');
    project.git('checkout', '-q', '--', 'params.yaml');
    project.write('data/topics.jsonl', jsonl(rows.slice(1)));
    expect((await project.plumb(['forget', 'T-1', '--branch', 'forget/t-1'])).code).toBe('DATASET_MODIFIED');
    await project.done('checkout', '--force');
    expect(project.git('status', '--porcelain')).toBe('');
    expect(project.git('branch', '--list', 'forget/t-1')).toBe('');
  });

  test('killed in the middle there is the branch, whole, or none; two at once make one branch', async () => {
    const before = project.snapshot();
    const work = project.path('.plumb/work');
    await project.plumb(['forget', 'T-2', '--branch', 'forget/t-2'], {
      started: (child) => {
        const look = setInterval(() => {
          // the rows without it are being written
          if (existsSync(work) && readdirSync(work).length > 0 && child.pid !== undefined) {
            clearInterval(look);
            child.kill('SIGKILL');
          }
        }, 1);
        child.once('exit', () => clearInterval(look));
      },
    });
    if (project.git('branch', '--list', 'forget/t-2') !== '') project.git('branch', '-D', 'forget/t-2');
    expect({ ...project.snapshot(), '(commits)': '' }).toEqual({ ...before, '(commits)': '' });
    const both = await Promise.all([0, 1].map(() => project.plumb(['forget', 'T-2', '--branch', 'forget/t-2'])));
    expect(both.filter(({ exit }) => exit === 0)).toHaveLength(1);
    expect(project.git('diff', '--stat', 'main', 'forget/t-2')).toContain('datasets.lock');
    expect({ ...project.snapshot(), '(commits)': '' }).toEqual({ ...before, '(commits)': '' });
  });

  test('of a remote it says what is there, too; an empty file is of nobody', async () => {
    project.write('plumbline.yaml', 'version: 1\nremote: ../remote\n');
    const held = async (): Promise<{ what: string; digest: string; remote: boolean | null }[]> =>
      (await project.done('forget', 'T-0'))['held'] as { what: string; digest: string; remote: boolean | null }[];
    expect((await held()).filter(({ remote }) => remote !== false)).toEqual([]);
    await project.done('push');
    const pushed = await held();
    expect(pushed.filter(({ remote }) => remote === true).map(({ what }) => what)).toEqual(
      expect.arrayContaining(['a version of topics', 'redact.data', 'split.train']),
    );
    expect(pushed.map(({ digest }) => digest)).not.toContain(digestOf(''));
    const { stdout } = await project.plumb(['forget', 'T-0'], { text: true });
    expect(stdout).toMatch(/a version of topics: this cache, the remote\n/);
    expect(stdout).toContain('the remote has objects that hold the rows');
    project.git('checkout', '-q', '--', 'plumbline.yaml');
    expect((await held()).filter(({ remote }) => remote !== null)).toEqual([]);
  });

  test('the verdict of a stage that looks for personal data stands in the sidecar of each row, without any value', async () => {
    expect(await project.done('provenance', 'record', 'topics', '--pii', 'redact')).toMatchObject({ changed: 60 });
    const lines = project.read('data/topics.provenance.jsonl').trimEnd().split('\n');
    const verdicts = lines.map((line) => (JSON.parse(line) as { pii?: unknown }).pii);
    expect(verdicts.filter((verdict) => verdict === undefined)).toEqual([]);
    // the stage redacts: the rows that came in hold the address all the same
    expect(verdicts.filter((verdict) => JSON.stringify(verdict).includes('EMAIL_ADDRESS'))).toHaveLength(2);
    expect(lines.join()).not.toContain(mail);
    expect(await project.plumb(['provenance', 'record', 'topics', '--pii', 'split'])).toMatchObject({ code: 'USAGE' });
    expect((await project.plumb(['forget', mail, '--text'])).json).toMatchObject({ counts: { matched: 2, derived: 2 } });
  });
});
