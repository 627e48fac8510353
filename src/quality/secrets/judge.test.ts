import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import type { StepResult } from '../../base/step.ts';
import { findingsSchema, flaggedRowSchema, type FlaggedRow } from '../findings.ts';
import { openMemory } from '../memory.ts';
import { keyCheck } from '../pii/key.ts';
import { openSecrets } from './asked.ts';
import { judgeSecretsInFiles } from './judge-files.ts';
import { secrets, secretsArguments } from './step.ts';

const random = 'q7RzT2vLx9WcB4nKs8JfY3mHd6PgA5eU1oXi';
const github = ['gh', 'p_', random].join('');

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'plumb-secrets-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), bytes);
}

const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');

async function runStep(rows: readonly object[], args: object = {}, files: Readonly<Record<string, string>> = {}): Promise<StepResult> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await write('rows.jsonl', text);
  const inputs: Record<string, string> = { data: join(folder, 'rows.jsonl') };
  const with_ = secretsArguments.parse({ data: 'clean.rows', ...args });
  const ports = await secrets.ports(with_, async (path) => files[path] ?? '');
  for (const [name, input] of Object.entries(ports.inputs)) {
    if (input.kind !== 'file') continue;
    await write(`in/${name}`, files[input.path] ?? '');
    inputs[name] = join(folder, 'in', name);
  }
  return secrets.run({
    with: with_,
    params: null,
    seed: 0,
    inputs,
    origins: { data: { kind: 'output', ref: 'clean.rows', digest: digestOf(text) } },
    cacheDir: folder,
    memoryDir: null,
    outputs: Object.fromEntries(Object.entries(ports.outputs).map(([name, file]) => [name, join(folder, file)])),
    progress: silentProgress,
    signal: new AbortController().signal,
    log: () => undefined,
  });
}

async function flaggedRows(): Promise<FlaggedRow[]> {
  const text = await read('flagged.jsonl');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => flaggedRowSchema.parse(JSON.parse(line)));
}

test('secrets in rows end the stage; their place is told in code points, their value nowhere', async () => {
  const rows = [
    { id: 1, text: `\u{1f600} é token = "${github}"` },
    { id: 2, text: 'nothing' },
    { id: 3, chat: [{ role: 'user', content: `use ${github}` }] },
    { id: 4, api_key: random },
  ];
  await expect(runStep(rows)).rejects.toMatchObject({
    code: 'SECRETS_FOUND',
    message: 'clean.rows holds secrets: generic-api-key in 1 rows of "api_key"; github-pat in 1 rows of "chat"; github-pat in 1 rows of "text"',
  });
  const flagged = await flaggedRows();
  expect(flagged.map(({ row }) => row)).toEqual([1, 3, 4]);
  const [first, third, fourth] = flagged.map(({ findings }) => findings[0]);
  expect(first).toMatchObject({ kind: 'github-pat', severity: 'error', column: 'text', span: [13, 13 + github.length] });
  expect(third).toMatchObject({ column: 'chat', span: [4, 4 + github.length] });
  expect(third?.message).toMatch(/^in chat\[0\]\.content: /);
  expect(fourth).toMatchObject({ kind: 'generic-api-key', column: 'api_key', span: [0, random.length] });
  expect((await read('flagged.jsonl')) + (await read('secrets.json'))).not.toContain(random);
  const report = findingsSchema.parse(JSON.parse(await read('secrets.json')));
  expect(report).toMatchObject({ check: 'secrets', rows: 4, flagged: 3, holds: false });
});

test('with a key one secret is known in two places; what is waived counts no more, until its day', async () => {
  const env = 'PLUMB_TEST_SECRETS_KEY';
  const secret = 'a key of the team, long enough';
  process.env[env] = secret;
  const config = `version: 1\nwaivers: waivers.yaml\nkey:\n  env: ${env}\n  check: ${JSON.stringify(keyCheck(secret))}\n`;
  const rows = [{ a: `use ${github} here` }, { a: github }];
  const files = { 'secrets.yaml': config, 'waivers.yaml': 'version: 1\nwaivers: []\n' };
  await expect(runStep(rows, { config: 'secrets.yaml' }, files)).rejects.toMatchObject({ code: 'SECRETS_FOUND' });
  const hashes = (await flaggedRows()).map(({ findings }) => / keyed hash ([0-9a-f]{16})$/.exec(findings[0]?.message ?? '')?.[1]);
  expect(hashes[0]).toMatch(/^[0-9a-f]{16}$/);
  expect(hashes[1]).toBe(hashes[0]);
  const waivers = `version: 1\nwaivers:\n  - kind: github-pat\n    hash: "${hashes[0]}"\n    owner: ada\n    reason: revoked long ago\n    expires: 2027-01-31\n`;
  const waived = { ...files, 'waivers.yaml': waivers };
  expect((await runStep(rows, { config: 'secrets.yaml', as_of: '2027-01-31' }, waived)).metrics).toEqual({ rows: 2, flagged: 0 });
  expect((await flaggedRows())[0]?.findings[0]).toMatchObject({ severity: 'info' });
  await expect(runStep(rows, { config: 'secrets.yaml', as_of: '2027-02-01' }, waived)).rejects.toMatchObject({ code: 'SECRETS_FOUND' });
  process.env[env] = 'another key, long enough as well';
  await expect(runStep(rows, { config: 'secrets.yaml' }, files)).rejects.toMatchObject({ code: 'PII_KEY' });
});

test("gitleaks' own file, columns, severities", async () => {
  const toml = "[[rules]]\nid = \"own\"\nregex = '''own-[0-9]+'''\n";
  const rows = [{ a: 'own-1', b: `own-2 ${github}` }];
  await expect(runStep(rows, { config: 'gitleaks.toml', columns: ['b'] }, { 'gitleaks.toml': toml })).rejects.toMatchObject({
    code: 'SECRETS_FOUND',
  });
  expect((await flaggedRows())[0]?.findings.map(({ kind, column }) => [kind, column])).toEqual([['own', 'b']]);
  const config = 'version: 1\nrules: gitleaks.toml\nseverities: {own: warning}\n';
  expect((await runStep(rows, { config: 'secrets.yaml' }, { 'secrets.yaml': config, 'gitleaks.toml': toml })).metrics).toEqual({
    rows: 1,
    flagged: 1,
  });
});

test('a folder: names, places, binary files; a second look reads what changed, and says the same', async () => {
  await write('tree/b.py', `x = 1\ntoken = "${github}"\n`);
  await write('tree/a/key.p12', new Uint8Array([0, 1, 2]));
  await write('tree/a/plain.bin.dat', new Uint8Array([0, 1, 2]));
  await write('tree/node_modules/x/index.js', `token = "${github}"`);
  await write('tree/.git/config', github);
  const asked = await openSecrets({ config: null, columns: null, day: null, env: {}, pathOf: (file) => file, readText: async () => undefined });
  const world = { memory: openMemory(join(folder, 'memory')), progress: silentProgress, signal: new AbortController().signal };
  const look = (): ReturnType<typeof judgeSecretsInFiles> => judgeSecretsInFiles({ path: join(folder, 'tree'), name: 'tree' }, asked, world);
  const first = await look();
  expect(first.flagged.map(({ key, findings }) => [key, findings[0]?.kind])).toEqual([
    ['a/key.p12', 'pkcs12-file'],
    ['b.py', 'github-pat'],
  ]);
  expect(first.flagged[1]?.findings[0]).toMatchObject({ span: [15, 15 + github.length] });
  expect(first.flagged[1]?.findings[0]?.message).toMatch(/^line 2: /);
  expect(first).toMatchObject({
    looked: 4,
    report: {
      rows: 4,
      numbers: { binary_files: 1 },
      notes: expect.arrayContaining([expect.stringContaining('not looked at: 1 binary file')]) as unknown,
    },
  });
  await write('tree/c.txt', `${'line\n'.repeat(10)}${github}`);
  const second = await look();
  expect(second.looked).toBe(1);
  const full = await judgeSecretsInFiles({ path: join(folder, 'tree'), name: 'tree' }, asked, { ...world, memory: openMemory(join(folder, 'none')) });
  expect(full.looked).toBe(5);
  expect([second.report, second.flagged]).toEqual([full.report, full.flagged]);
  expect(full.flagged[2]?.findings[0]?.message).toMatch(/^line 11: /);
});

test('of a version whose files are known only those that nobody looked at are read', async () => {
  const texts = { 'known/a.txt': `token = "${github}"`, 'known/b.txt': 'nothing here', 'known/c.txt': 'nor here' };
  for (const [path, text] of Object.entries(texts)) await write(path, text);
  const digests = new Map(Object.entries(texts).map(([path, text]) => [path.slice(6), digestOf(text)]));
  const asked = await openSecrets({ config: null, columns: null, day: null, env: {}, pathOf: (file) => file, readText: async () => undefined });
  const world = { memory: openMemory(join(folder, 'memory-of-known')), progress: silentProgress, signal: new AbortController().signal };
  const look = (): ReturnType<typeof judgeSecretsInFiles> =>
    judgeSecretsInFiles({ path: join(folder, 'known'), name: 'known', digests }, asked, world);
  const first = await look();
  expect(first).toMatchObject({ looked: 3, report: { flagged: 1 } });
  // who read them would find another answer
  for (const path of Object.keys(texts)) await write(path, '?'.repeat(texts[path as keyof typeof texts].length));
  digests.set('b.txt', digestOf('????????????'));
  const second = await look();
  expect(second).toMatchObject({ looked: 1 });
  expect([second.report, second.flagged]).toEqual([first.report, first.flagged]);
});

test('one file that is larger than memory should hold: places go on from piece to piece', async () => {
  const lines = 'words and words é\n'.repeat(64 * 1024);
  await write('large.log', `${lines.repeat(15)}${github}\n`);
  const asked = await openSecrets({ config: null, columns: null, day: null, env: {}, pathOf: (file) => file, readText: async () => undefined });
  const world = { memory: openMemory(join(folder, 'memory')), progress: silentProgress, signal: new AbortController().signal };
  const { flagged } = await judgeSecretsInFiles({ path: join(folder, 'large.log'), name: 'large.log' }, asked, world);
  const before = 15 * lines.length;
  expect(flagged[0]?.findings[0]).toMatchObject({ span: [before, before + github.length] });
  expect(flagged[0]?.findings[0]?.message).toMatch(new RegExp(`^line ${15 * 64 * 1024 + 1}: `));
});

test('a row that says gitleaks:allow allows itself nothing, nor do a thousand allowed keys hide the one behind them', async () => {
  await expect(runStep([{ text: `token ${github} # gitleaks:allow` }])).rejects.toMatchObject({ code: 'SECRETS_FOUND' });
  const example = ['AK', 'IAIOSFODNN7EXAMPLE '].join('');
  await expect(runStep([{ text: example.repeat(1_100) }])).resolves.toBeDefined();
  await expect(runStep([{ text: [example.repeat(1_100), 'AK', 'IAQYLPMN5HNM7X4KJD'].join('') }])).rejects.toMatchObject({ code: 'SECRETS_FOUND' });
});

test('a key with characters that nobody sees, or as the name of a column or a key of an object, is found and nowhere shown', async () => {
  const unseen = `${github.slice(0, 12)}\u200b${github.slice(12)}`;
  await runStep([{ text: `a ${unseen}` }, { [github]: 1 }, { text: { [github]: { note: github } } }]).catch(() => undefined);
  const rows = await flaggedRows();
  expect(rows.map(({ row, findings }) => [row, findings.map(({ column, message }) => [column, message.split(':')[0]])])).toEqual([
    [1, [['text', expect.any(String)]]],
    [2, [['<github-pat>', 'in the name of a column']]],
    [
      3,
      [
        ['text', 'in a key of text'],
        ['text', 'in text.<github-pat>.note'],
      ],
    ],
  ]);
  expect(rows[0]?.findings[0]?.span).toEqual([2, 2 + unseen.length]);
  expect((await read('flagged.jsonl')) + (await read('secrets.json'))).not.toContain(github.slice(4));
});

test('a column that no row of an output has would be clean for ever, and is refused', async () => {
  await expect(runStep([{ text: github }], { columns: ['tetx'] })).rejects.toMatchObject({ code: 'DATASET_COLUMN' });
});
