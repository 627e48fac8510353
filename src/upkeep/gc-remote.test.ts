import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { pushRootOf } from '../datasets/manifest.ts';
import type { TestProject } from '../datasets/project.fixture.ts';
import { forms } from '../store/pack/pack.ts';
import { openPackFile } from '../store/pack/reader.ts';
import { collectRemote, planRemote, remoteGraceMs, type RemoteDone, type RemotePlan, type RemoteRequest } from './gc-remote.ts';
import { canBeFetched, createShared, pushVersion, quietly } from './upkeep.fixture.ts';

const request: RemoteRequest = { ...quietly, force: false, graceMs: 0, now: new Date() };
const later = (days: number): Date => new Date(Date.now() + days * 86_400_000);
const week = (weeks: number): Partial<RemoteRequest> => ({ graceMs: remoteGraceMs, now: later(weeks * 7 + 0.5) });

async function plan(project: TestProject, how: Partial<RemoteRequest> = {}): Promise<RemotePlan> {
  return planRemote(await project.open(), { ...request, now: new Date(), ...how });
}

async function collect(project: TestProject, how: Partial<RemoteRequest> = {}): Promise<RemoteDone> {
  const opened = await project.open();
  const all = { ...request, now: new Date(), ...how };
  return collectRemote(opened, await planRemote(opened, all), all);
}

function names(remote: string, kind: string): string[] {
  const folder = join(remote, kind);
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
    : [];
}

const emptyCache = (): Promise<string> => mkdtemp(join(tmpdir(), 'plumb-empty-'));

async function fetchable(remote: string, version: Digest): Promise<boolean> {
  return canBeFetched(remote, version, await emptyCache());
}

/** Two versions that have little in common; the first is named by a branch. */
async function twoVersions() {
  const project = await createShared();
  const first = await pushVersion(project, { 'a.bin': randomBytes(300_000), 'both.bin': randomBytes(100_000) });
  await project.git('branch', 'topic');
  const second = await pushVersion(project, { 'a.bin': randomBytes(200_000) });
  return { project, first, second, remote: project.remote };
}

test('what a branch names stays; a plan changes nothing', async () => {
  const { project, first, second, remote } = await twoVersions();
  const before = ['packs', 'receipts', 'names', 'condemned'].map((kind) => names(remote, kind));
  const { receipts, packs } = await plan(project);
  expect(receipts.takenBack).toEqual([]);
  expect([receipts.kept.live.get(first.slice(7)), receipts.kept.live.get(second.slice(7))]).toEqual(['branch topic', 'the work tree']);
  expect(packs.condemned).toEqual([]);
  await project.git('branch', '-D', 'topic');
  expect((await plan(project)).receipts.takenBack).toEqual([first.slice(7)]);
  expect(['packs', 'receipts', 'names', 'condemned'].map((kind) => names(remote, kind))).toEqual(before);
});

test('a version that nobody needs goes in two steps, and its packs with what of them is needed written anew', async () => {
  const { project, first, second, remote } = await twoVersions();
  await project.git('branch', '-D', 'topic');
  // young: somebody may be about to name it
  expect((await plan(project, { graceMs: remoteGraceMs })).receipts).toMatchObject({ takenBack: [], kept: { young: 1 } });
  const one = await collect(project, week(1));
  expect(one).toMatchObject({ takenBack: 1, condemned: { packs: 0 }, deleted: { packs: 0 }, repacked: { packs: 0 } });
  expect(names(remote, 'names/condemned')).toEqual([first.slice(7)]);
  expect(await fetchable(remote, first)).toBe(false);
  const two = await collect(project, week(2));
  expect(two).toMatchObject({ takenBack: 0, repacked: { packs: 1 }, condemned: { packs: 1 }, deleted: { packs: 0 } });
  expect(names(remote, 'names/condemned')).toEqual([]);
  expect(names(remote, 'condemned').length).toBe(1);
  expect(await fetchable(remote, second)).toBe(true);
  const three = await collect(project, week(3));
  expect(three).toMatchObject({ deleted: { packs: 1 } });
  expect(names(remote, 'condemned')).toEqual([]);
  expect(await fetchable(remote, second)).toBe(true);
  expect(await collect(project, week(4))).toMatchObject({ takenBack: 0, repacked: { packs: 0 }, condemned: { packs: 0 }, deleted: { packs: 0 } });
});

test('without a grace time all of it goes at once, and what is needed does not', async () => {
  const { project, first, second, remote } = await twoVersions();
  await project.git('branch', '-D', 'topic');
  expect(await collect(project)).toMatchObject({ takenBack: 1, repacked: { packs: 1 }, deleted: { packs: 1 } });
  expect([await fetchable(remote, first), await fetchable(remote, second)]).toEqual([false, true]);
  expect(names(remote, 'condemned')).toEqual([]);
});

test('a branch that is there again within the grace time has its version back', async () => {
  const { project, first, remote } = await twoVersions();
  const commit = (await project.git('rev-parse', 'topic')).trim();
  await project.git('branch', '-D', 'topic');
  await collect(project, week(1));
  expect(await fetchable(remote, first)).toBe(false);
  await project.git('branch', 'topic', commit);
  expect(await collect(project, week(1.5))).toMatchObject({ restored: 1 });
  expect(names(remote, 'names/condemned')).toEqual([]);
  expect(await fetchable(remote, first)).toBe(true);
});

test('a condemned pack that is named again comes back', async () => {
  const { project, first, second, remote } = await twoVersions();
  const commit = (await project.git('rev-parse', 'topic')).trim();
  const path = join(remote, 'receipts', first.slice(7, 9), first.slice(7));
  const receipt = await readFile(path);
  await project.git('branch', '-D', 'topic');
  await collect(project, week(1));
  await collect(project, week(2));
  expect(names(remote, 'condemned').length).toBe(1);
  // as a push that was under way when the pack was condemned writes it
  await writeFile(path, receipt);
  expect(await fetchable(remote, first)).toBe(true);
  await project.git('branch', 'topic', commit);
  await collect(project, week(3));
  expect(names(remote, 'condemned')).toEqual([]);
  expect([await fetchable(remote, first), await fetchable(remote, second)]).toEqual([true, true]);
});

test('what another repository needs is left to it, and what nobody claims stays unless it is said to be ours', async () => {
  const { project, first, remote } = await twoVersions();
  const other = await createShared('theirs', { remote });
  const { store } = await other.open();
  const ours = (await project.open()).store;
  const theirs = await pushVersion(other, { 'x.txt': 'theirs' });
  // they have the first version, too
  await store.openRoots([first], quietly);
  await store.push([pushRootOf(store, first, async () => [])], [], quietly);
  await project.git('branch', '-D', 'topic');
  expect((await plan(project)).receipts).toMatchObject({ takenBack: [], released: [first.slice(7)], kept: { others: 1 } });
  await collect(project);
  const receipt = JSON.parse(await readFile(join(remote, 'receipts', first.slice(7, 9), first.slice(7)), 'utf8')) as { repositories: string[] };
  expect(receipt.repositories).toEqual(['theirs']);
  expect([await fetchable(remote, first), await fetchable(remote, theirs)]).toEqual([true, true]);
  // and to a project without a name nothing belongs
  const nameless = await createShared('x', { remote });
  await nameless.write('plumbline.yaml', `version: 1\nremote: ${JSON.stringify(remote)}\n`);
  const nobodys = await pushVersion(nameless, { 'y.txt': 'nobody’s' });
  await expect(plan(nameless)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect((await plan(project)).receipts.kept).toMatchObject({ nobodys: 1, others: 2 });
  expect((await plan(project, { force: true })).receipts.takenBack).toEqual([nobodys.slice(7)]);
  expect(await ours.remoteHas([nobodys])).toEqual(new Set([nobodys]));
});

test('after a gc no push is told that all is there', async () => {
  const { project, first, remote } = await twoVersions();
  const commit = (await project.git('rev-parse', 'topic')).trim();
  await project.git('branch', '-D', 'topic');
  await collect(project);
  await project.git('branch', 'topic', commit);
  const { store } = await project.open();
  const sent = await store.push([pushRootOf(store, first, async () => [])], [], quietly);
  expect(sent.objects).toBeGreaterThan(0);
  expect(await fetchable(remote, first)).toBe(true);
});

test('packs of an unfinished push stay for the grace time, and for an hour at least', async () => {
  const { project, remote } = await twoVersions();
  const bytes = randomBytes(1000);
  await writeFile(join(remote, 'packs', digestOf(bytes).slice(7)), bytes);
  expect((await plan(project)).packs.condemned).toEqual([]);
  expect((await plan(project, { graceMs: remoteGraceMs, now: later(6) })).packs.condemned).toEqual([]);
  expect((await plan(project, { now: later(0.1) })).packs.condemned.length).toBe(1);
  expect(await collect(project, week(1))).toMatchObject({ condemned: { packs: 1 } });
  expect(await collect(project, week(2))).toMatchObject({ deleted: { packs: 1 } });
});

test('names of runs go with their runs; young runs stay, whoever made them', async () => {
  const { project, remote } = await twoVersions();
  const { store } = await project.open();
  const record = await store.putBytes('{"not":"a real record"}');
  const name = { kind: 'runs', key: 'ab'.repeat(32) } as const;
  await store.writeName(name, record);
  const root = {
    digest: record,
    bases: async () => [],
    async *objects() {
      yield { digest: record, bytes: 23, role: 'meta' } as const;
    },
  };
  await store.push([root], [name], quietly);
  // a name that CI signed is one, too
  const signed = { kind: 'pull7', key: 'cd'.repeat(32) } as const;
  await store.setNameInRemote(signed, { digest: record, note: '{"payload":""}' }, quietly);
  expect((await plan(project, { now: later(29) })).receipts).toMatchObject({ takenBack: [], runs: [] });
  expect((await plan(project, { now: later(31) })).receipts).toMatchObject({ takenBack: [record.slice(7)] });
  const { runs } = (await plan(project, { now: later(31) })).receipts;
  expect(runs.toSorted()).toEqual([`pull7/${signed.key}`, `runs/${name.key}`]);
  await collect(project, { now: later(31) });
  expect([...names(remote, 'names/runs'), ...names(remote, 'names/pull7')]).toEqual([]);
});

test('a receipt that is none lets nothing go', async () => {
  const { project, first, remote } = await twoVersions();
  const path = join(remote, 'receipts', first.slice(7, 9), first.slice(7));
  await chmod(path, 0o600);
  await writeFile(path, '{"plumbline":"receipt/9"}');
  await expect(plan(project)).rejects.toMatchObject({ code: 'RECEIPT_INVALID' });
});

test('a clone without history decides nothing for others', async () => {
  const { project } = await twoVersions();
  await pushVersion(project, { 'b.txt': 'third' });
  await project.write('models/a/production.json', '{}');
  await project.git('add', '--all');
  await project.git('commit', '-qm', 'pointer');
  await pushVersion(project, { 'b.txt': 'fourth' });
  await project.git('clone', '-q', '--depth', '1', `file://${project.root}`, '../shallow');
  const { openProject } = await import('../project/open.ts');
  const shallow = await openProject({ cwd: join(project.root, '../shallow'), env: {} });
  await expect(planRemote(shallow, request)).rejects.toMatchObject({ code: 'GIT_TOO_SHALLOW' });
});

test('rows that lie in a remote as lines of an older version outlive it', async () => {
  const project = await createShared();
  const line = (at: number, label: string): string =>
    `${JSON.stringify({ id: at, text: `${label} ${(at * 7919) % 10007} some words that make a row` })}\n`;
  const text = (edit: (at: number) => string): string => Array.from({ length: 30_000 }, (_, at) => line(at, edit(at))).join('');
  const first = await pushVersion(project, { 'rows.jsonl': text(() => 'one') });
  const second = await pushVersion(project, { 'rows.jsonl': text((at) => (at % 50 === 0 ? 'two' : 'one')) });
  const packed = names(project.remote, 'packs').flatMap((hex) => {
    const { index } = openPackFile(join(project.remote, 'packs', hex));
    return Array.from({ length: index.objects }, (_, entry) => index.locationAt(entry).form);
  });
  expect(packed).toContain(forms.lines);
  await collect(project);
  expect([await fetchable(project.remote, first), await fetchable(project.remote, second)]).toEqual([false, true]);
});
