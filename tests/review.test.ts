// Review as people do it: real plumb, real git, words over a pipe.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { rowDigest } from '../src/datasets/row-digest.ts';
import { jsonl, node, plumbFile, TestProject } from './project.ts';

const rows = [
  { id: 'a', text: 'Mail me at ada@example.org please', label: 'contact' },
  { id: 'b', text: 'where is my card', label: 'card' },
  { id: 'c', text: 'hello\u001b[2J ::error::x', label: 'greeting' },
  { id: 'd', text: 'good morning', label: 'greeting' },
];
const everything = ['a', 'b', 'c', 'd'];

const people: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ada: { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' },
  Bob: { GIT_AUTHOR_NAME: 'Bob', GIT_AUTHOR_EMAIL: 'bob@example.org' },
  Eve: { GIT_AUTHOR_NAME: 'Eve', GIT_AUTHOR_EMAIL: 'eve@example.org' },
};

function start(project: TestProject, words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(node, [plumbFile, ...words], { cwd: project.root, env: { ...project.env, NO_COLOR: '1', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** A sitting of somebody who writes these lines. */
async function sit(
  project: TestProject,
  person: string,
  words: readonly string[],
  lines: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const child = start(project, ['review', ...words], { ...people[person], ...env });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(lines.map((line) => `${line}\n`).join(''));
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, said };
}

async function locked(): Promise<TestProject> {
  const made = TestProject.create({ 'intents.jsonl': jsonl(rows) });
  await made.done('add', 'intents.jsonl', '--key', 'id', '--label', 'label');
  made.git('add', '.');
  made.git('commit', '-qm', 'data');
  return made;
}

describe('plumb review', () => {
  test('two people, a blind second look, a third who decides, rows that come of it', async () => {
    using made = await locked();
    await made.done('review', 'add', 'intents', '--sample', '4', '--seed', '3');
    const ada = await sit(made, 'Ada', ['intents', '--commit'], ['n an address', 'e {"text": "Mail me please"}', 'l crad', 'l greeting', 'r', 'a']);
    expect(ada.exit).toBe(0);
    expect(ada.said).toContain('Did you mean "card"?');
    expect(ada.said).toContain('+ text  Mail me please');
    expect(ada.said).not.toContain('\u001b[2J');
    expect(made.git('log', '-1', '--format=%s')).toBe('review intents: 1 edited, 1 labelled, 1 rejected, 1 accepted');
    expect(
      made
        .git('show', '--name-only', '--format=', 'HEAD')
        .split('\n')
        .every((path) => path.startsWith('reviews/')),
    ).toBe(true);
    const bob = await sit(made, 'Bob', ['--second', '--commit'], ['e {"text": "Mail me please"}', 'a', 'r', 'a']);
    expect(bob.said).not.toContain('Ada');
    expect(bob.said).not.toContain('an address');
    const agreement = await made.done('review', 'agreement', '--of', 'action');
    expect(agreement).toMatchObject({ rows: 4, pairs: [{ a: 'Ada', b: 'Bob', agreement: 0.75 }] });
    const status = await made.done('review', 'status');
    expect(status).toMatchObject({
      rows: { waiting: 0, accepted: 1, replaced: 1, rejected: 1, disputed: 1 },
      people: [
        { name: 'Ada', rows: 4 },
        { name: 'Bob', role: 'second' },
      ],
    });
    expect((await sit(made, 'Bob', ['adjudicate'], [])).said).toContain('you are one of those who do');
    const eve = await sit(made, 'Eve', ['adjudicate', '--commit'], ['l contact']);
    expect(eve.said).toContain('Ada labelled as greeting');
    expect(eve.said).toContain('Bob accepted');
    expect(await made.done('review', 'apply', 'intents')).toMatchObject({ replaced: 2, removed: 1, rows: 3, disputed: 0 });
    expect(made.read('intents.jsonl')).toBe(jsonl([{ ...rows[0], text: 'Mail me please' }, { ...rows[1], label: 'contact' }, rows[3] ?? {}]));
    const [lineage = ''] = made
      .git('status', '--porcelain', '-uall', 'reviews')
      .split('\n')
      .map((line) => line.slice(3));
    expect(JSON.parse(made.read(lineage).split('\n')[0] ?? '')).toEqual({
      row: rowDigest({ ...rows[0], text: 'Mail me please' }),
      from: [rowDigest(rows[0] ?? {})],
      by: 'plumb/review edit',
    });
    expect(await made.done('review', 'show', 'intents', 'b')).toMatchObject({
      review: { status: 'accepted', adjudicated: true, by: [{ name: 'Eve' }] },
    });
    expect(await made.done('review', 'apply', 'intents')).toMatchObject({ replaced: 0, removed: 0 });
    // of several data sets, the one with reviews is meant
    made.write('other.jsonl', jsonl([{ text: 'x' }]));
    await made.done('add', 'other.jsonl');
    expect(await made.done('review', 'status')).toMatchObject({ data: 'intents' });
    await made.done('review', 'add', 'other', '--sample', '1');
    expect(await made.plumb(['review', 'status'])).toMatchObject({ exit: 2, code: 'USAGE', json: { error: { mend: 'name it: intents, other' } } });
  });

  test('what a check flagged waits, with its places marked; $EDITOR edits', async () => {
    using made = await locked();
    const finding = { kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', span: [11, 26], message: 'an address' };
    made.write('flagged.jsonl', jsonl([{ row: 1, key: 'a', digest: rowDigest(rows[0] ?? {}), findings: [finding] }]));
    // an editor that is a program, with an argument: no shell is asked
    made.write(
      'editor.mjs',
      "import { readFileSync, writeFileSync } from 'node:fs'; const file = process.argv[3]; writeFileSync(file, readFileSync(file, 'utf8').replace('ada@example.org', 'the address'));",
    );
    const { said } = await sit(made, 'Ada', ['intents', '--from', 'flagged.jsonl'], ['e'], { EDITOR: `${node} editor.mjs --wait` });
    expect(said).toContain('Mail me at ⟦ada@example.org⟧ please');
    expect(said).toContain('! EMAIL_ADDRESS in text: an address');
    expect(said).toContain('+ text  Mail me at the address please');
    const list = await made.done('review', 'list');
    expect(list).toMatchObject({
      rows: [{ decisions: [{ action: 'edit', edit: { text: 'Mail me at the address please' }, why: ['EMAIL_ADDRESS in text (flagged.jsonl)'] }] }],
    });
    made.write('flagged.jsonl', '{"row":1}\n');
    expect(await made.plumb(['review', 'status', '--from', 'flagged.jsonl'])).toMatchObject({ exit: 3, code: 'CONFIG_INVALID' });
  });

  test('what checks of the pipeline flagged waits, in the data set that it is of; of a check that does not hold, too', async () => {
    using made = await locked();
    made.write('asked.jsonl', jsonl([{ id: 'q', text: 'good morning', label: 'greeting' }]));
    await made.done('add', 'asked.jsonl', '--key', 'id', '--label', 'label');
    made.write(
      'pipeline.yaml',
      'version: 1\nstages:\n  people: { uses: plumb/pii, with: { data: intents } }\n  leaks: { uses: plumb/leakage, with: { train: intents, eval: asked, severities: { exact: warning } } }\n',
    );
    // nothing was run: nothing is asked
    expect(await made.done('review', 'status', 'intents')).toMatchObject({ rows: { waiting: 0 } });
    expect((await made.plumb(['run'])).code).toBe('PII_FOUND');
    expect(await made.done('review', 'status', 'intents')).toMatchObject({ rows: { waiting: 1 } });
    expect(await made.done('review', 'status', 'asked')).toMatchObject({ rows: { waiting: 1 } });
    const { said } = await sit(made, 'Ada', ['intents'], ['a']);
    expect(said).toContain('Mail me at ⟦ada@example.org⟧ please');
    expect(await made.done('review', 'list', 'intents')).toMatchObject({ rows: [{ decisions: [{ why: ['EMAIL_ADDRESS in text (people)'] }] }] });
    // rows that change are looked at anew, and a check that holds asks for nothing
    made.write('intents.jsonl', jsonl([...rows.slice(1), { id: 'e', text: 'call me: (415) 555-2671', label: 'contact' }]));
    await made.done('add', 'intents.jsonl');
    expect(await made.done('review', 'status', 'intents')).toMatchObject({ rows: { waiting: 1 } });
    made.write('intents.jsonl', jsonl(rows.slice(1)));
    await made.done('add', 'intents.jsonl');
    await made.done('run');
    expect(await made.done('review', 'status', 'intents')).toMatchObject({ rows: { waiting: 0 } });
    expect(await made.done('review', 'status', 'asked')).toMatchObject({ rows: { waiting: 1 } });
  });

  test('killed in the middle: what was said to be decided is decided', async () => {
    using made = await locked();
    await made.done('review', 'add', 'intents', '--sample', '4');
    const child = start(made, ['review', 'intents'], people['Ada']);
    child.stdin?.on('error', () => undefined);
    let said = '';
    const twoDecided = new Promise<void>((resolve) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('3 of 4')) resolve();
      });
    });
    child.stdin?.write('a\nr\n');
    await twoDecided;
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(made.git('status', '--porcelain', 'reviews')).not.toMatch(/intents\/[0-9a-f]{64}/);
    expect(await made.done('review', 'status')).toMatchObject({ rows: { waiting: 2, accepted: 1, rejected: 1 } });
    expect((await sit(made, 'Ada', ['intents'], ['a', 'a'])).said).not.toContain('1 of 4');
    expect(await made.done('review', 'commit')).toMatchObject({
      message: expect.stringMatching(/^review intents: 3 accepted, 1 rejected\n/) as string,
    });
    expect(await made.done('review', 'commit')).toMatchObject({ commit: null });
  });

  test('what is decided stands in the provenance of the data set, if it has one', async () => {
    using made = await locked();
    await made.done('provenance', 'record', 'intents', '--source', 'tickets');
    await made.done('review', 'add', 'intents', '--sample', '4');
    await sit(made, 'Ada', ['intents'], ['a', 'l greeting', 'r', 's']);
    expect(await made.done('review', 'apply', 'intents')).toMatchObject({ replaced: 1, removed: 1 });
    const sidecar = made
      .read('intents.provenance.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { row: string; reviewed?: string; sources: object[] });
    const said = (row: object): unknown => sidecar.find((one) => one.row === rowDigest({ ...row }));
    expect(said(rows[0] ?? {})).toMatchObject({ reviewed: 'accepted' });
    expect(said(rows[1] ?? {})).toMatchObject({ reviewed: 'pending' });
    expect(said({ ...rows[1], label: 'greeting' })).toMatchObject({ reviewed: 'accepted', sources: [{ source: 'tickets' }] });
    expect(said(rows[2] ?? {})).toMatchObject({ reviewed: 'rejected' });
    expect(said(rows[3] ?? {})).not.toHaveProperty('reviewed');
  });

  test('exports come back, from both tools', async () => {
    using made = await locked();
    await made.done('review', 'add', 'intents', '--sample', '4');
    await sit(
      made,
      'Ada',
      ['intents'],
      everything.map(() => 'a'),
    );
    for (const tool of ['argilla', 'label-studio']) {
      await made.done('review', 'export', 'intents', '--to', tool, '--out', 'out.json', '--decided');
      expect(await made.done('review', 'import', 'intents', 'out.json', '--from', tool)).toMatchObject({ decisions: 0, known: 4, unmatched: 0 });
    }
  });

  test("Label Studio's interface offers all labels of the data set, not only those of the rows that wait", async () => {
    using made = await locked();
    await made.done('review', 'add', 'intents', '--sample', '1', '--where', 'id=b');
    await made.done('review', 'export', 'intents', '--to', 'label-studio', '--out', 'out.json', '--config', 'interface.xml');
    const [, labels = ''] = /<Choices name="label"[^>]*>(.*?)<\/Choices>/s.exec(made.read('interface.xml')) ?? [];
    expect([...labels.matchAll(/value="(\w+)"/g)].map(([, label]) => label)).toEqual(['card', 'contact', 'greeting']);
  });

  test('what is not understood changes nothing', async () => {
    using made = await locked();
    const before = made.snapshot();
    const refusals: (readonly [readonly string[], string])[] = [
      [['review', 'nothing'], 'DATASET_UNKNOWN'],
      [['review', 'add', 'intents'], 'USAGE'],
      [['review', 'add', 'intents', '--sample', '0'], 'USAGE'],
      [['review', 'add', 'intents', '--sample', '3', '--where', 'lang=de'], 'DATASET_COLUMN'],
      [['review', 'add', 'intents', '--from', 'nowhere.jsonl'], 'FILE_MISSING'],
      [['review', 'show', 'intents', 'nobody'], 'ROW_UNKNOWN'],
      [['review', 'import', 'intents', 'plumbline.yaml', '--from', 'argilla'], 'REVIEW_IMPORT'],
      [['review', 'agreement', '--scale', 'ratio'], 'USAGE'],
    ];
    for (const [words, code] of refusals) expect({ words, code: (await made.plumb(words)).code }).toEqual({ words, code });
    const nobody = {
      GIT_AUTHOR_NAME: undefined,
      GIT_AUTHOR_EMAIL: undefined,
      GIT_COMMITTER_NAME: undefined,
      GIT_COMMITTER_EMAIL: undefined,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'user.useConfigOnly',
      GIT_CONFIG_VALUE_0: 'true',
    };
    expect((await made.plumb(['review', 'intents'], { env: nobody })).code).toBe('REVIEW_ANNOTATOR');
    expect(made.snapshot()).toEqual(before);
  });
});
