import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import type { TestProject } from '../datasets/project.fixture.ts';
import { openProject } from '../project/open.ts';
import { checkRemote, type RemoteCheck, type RemoteReport } from './fsck-remote.ts';
import { createShared, fetchAnew, pushVersion, quietly } from './upkeep.fixture.ts';

const options: RemoteCheck = { ...quietly, repair: false, now: new Date() };
const emptyFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'plumb-empty-'));

async function check(project: TestProject, how: Partial<RemoteCheck> = {}): Promise<RemoteReport> {
  return checkRemote(await project.open(), { ...options, ...how });
}

interface Filled {
  readonly project: TestProject & { readonly remote: string };
  readonly versions: readonly Digest[];
}

/** Two versions: large files in chunks, small ones, rows as lines of the version before. */
async function filled(): Promise<Filled> {
  const project = await createShared();
  const rows = (word: string): string =>
    Array.from(
      { length: 9000 },
      (_, at) => `${JSON.stringify({ id: at, text: `${at % 40 === 0 ? word : 'same'} ${(at * 7919) % 10_007} words of a row` })}\n`,
    ).join('');
  const first = await pushVersion(project, { 'large.bin': randomBytes(500_000), 'small.txt': 'small', 'rows.jsonl': rows('one'), 'none.txt': '' });
  const second = await pushVersion(project, { 'small.txt': 'smaller', 'rows.jsonl': rows('two') });
  return { project, versions: [first, second] };
}

function packs(remote: string): string[] {
  return readdirSync(join(remote, 'packs')).map((name) => join(remote, 'packs', name));
}

function largest(paths: readonly string[]): string {
  return paths.toSorted((a, b) => statSync(b).size - statSync(a).size)[0]!;
}

function edit(path: string, change: (bytes: Buffer) => Buffer): void {
  const bytes = change(readFileSync(path));
  rmSync(path);
  writeFileSync(path, bytes);
}

function flip(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = bytes[place]! ^ 4;
    return bytes;
  };
}

async function allFetchable({ project, versions }: Filled): Promise<void> {
  for (const version of versions) expect(await fetchAnew(project.remote, version, await emptyFolder())).toBeGreaterThan(4);
}

test('a remote that is in order is, and every byte of it was read', async () => {
  const { project } = await filled();
  const report = await check(project);
  expect(report).toMatchObject({ faults: [], notThere: [], packs: packs(project.remote).length });
  expect(report.bytes).toBe(packs(project.remote).reduce((sum, path) => sum + statSync(path).size, 0));
});

test.each<[string, (remote: string) => void]>([
  ['a byte of data', (remote) => edit(largest(packs(remote)), flip(5000))],
  ['a byte of a manifest or a node', (remote) => packs(remote).forEach((path) => edit(path, flip(-900)))],
  ['a byte of an index', (remote) => packs(remote).forEach((path) => edit(path, flip(-60)))],
  ['a byte of a footer', (remote) => edit(largest(packs(remote)), flip(-3))],
  ['a byte of the beginning', (remote) => edit(largest(packs(remote)), flip(2))],
  ['the end of a pack', (remote) => { chmodSync(largest(packs(remote)), 0o600); truncateSync(largest(packs(remote)), 300_000); }], // prettier-ignore
  ['a pack', (remote) => rmSync(largest(packs(remote)))],
  ['all packs', (remote) => packs(remote).forEach((path) => rmSync(path))],
])('when %s is lost, it is told with who needs it, and sent again from here', async (_, spoil) => {
  const all = await filled();
  spoil(all.project.remote);
  const report = await check(all.project);
  expect(report.faults.length).toBeGreaterThan(0);
  expect(report.faults.every(({ state }) => state === 'bad')).toBe(true);
  expect(report.faults.some(({ what, neededBy }) => what === 'pack' && neededBy.some((text) => text.includes('the work tree')))).toBe(true);
  const repaired = await check(all.project, { repair: true });
  expect(repaired.faults.map(({ state }) => state)).not.toContain('bad');
  expect((await check(all.project)).faults).toEqual([]);
  await allFetchable(all);
});

test('a receipt that is none, or names packs that do not have it all, is written anew', async () => {
  const all = await filled();
  const place = (version: Digest): string => join(all.project.remote, 'receipts', version.slice(7, 9), version.slice(7));
  edit(place(all.versions[0]!), () => Buffer.from('{}'));
  edit(place(all.versions[1]!), (bytes) => {
    const receipt = JSON.parse(bytes.toString()) as { packs: unknown[]; repositories: string[] };
    receipt.packs = receipt.packs.slice(0, 1);
    receipt.repositories = ['another', 'ours'];
    return Buffer.from(JSON.stringify(receipt));
  });
  const report = await check(all.project);
  expect(new Set(report.faults.map(({ what, digest }) => `${what} ${digest}`))).toEqual(
    new Set([`receipt ${all.versions[0]}`, `version ${all.versions[1]}`]),
  );
  await check(all.project, { repair: true });
  expect((await check(all.project)).faults).toEqual([]);
  await allFetchable(all);
  expect((JSON.parse(readFileSync(place(all.versions[1]!), 'utf8')) as { repositories: string[] }).repositories).toEqual(['another', 'ours']);
});

test('what this machine does not have is not touched, and another machine can repair it', async () => {
  const all = await filled();
  const { project } = all;
  edit(largest(packs(project.remote)), flip(5000));
  await project.git('clone', '-q', project.root, '../elsewhere');
  const elsewhere = await openProject({ cwd: join(project.root, '../elsewhere'), env: {} });
  const before = packs(project.remote).toSorted();
  const report = await checkRemote(elsewhere, { ...options, repair: true });
  expect(report.faults.some(({ state }) => state === 'bad')).toBe(true);
  expect(packs(project.remote).toSorted()).toEqual(expect.arrayContaining(before.filter((path) => path === largest(before))));
  expect((await check(project, { repair: true })).faults.map(({ state }) => state)).not.toContain('bad');
  await allFetchable(all);
});

test('what was never pushed is no fault', async () => {
  const { project } = await filled();
  await project.write('data/small.txt', 'not pushed');
  await project.add('data');
  expect(await check(project)).toMatchObject({ faults: [], notThere: [expect.stringMatching(/^sha256:/)] });
});
