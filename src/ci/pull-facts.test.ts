// Facts from the strict stand-in for GitHub, with a real repository behind it and pushes over HTTP.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newClone, type Clone } from '../../tests/forge-clone.ts';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import { isPlumbError } from '../base/errors.ts';
import { openGitHub } from '../forge/github.ts';
import { openGit } from '../git/open.ts';
import { accessSchema } from '../registry/access.ts';
import { decideApprovals, type ApprovalRule } from '../registry/approvals.ts';
import type { Point } from '../registry/judgement.ts';
import type { PullFacts } from '../registry/pull-facts.ts';
import { subjectAt } from '../registry/subject.ts';
import { commitTree } from '../registry/tree.ts';
import type { FactsQuestion } from './pull-asking.ts';
import { gatherFacts } from './pull-facts.ts';

const token = 'ghs_0123456789abcdefABCDEF';
const pointer = 'models/intents/production.json';
const workflows = { '.github/workflows/promote.yml': 'on: workflow_dispatch\n', '.github/workflows/rollback.yml': 'on: workflow_dispatch\n' };
const people = ['anna', 'bea', 'carl', 'promoter[bot]', 'github-actions[bot]'];
const rule: ApprovalRule = { count: 1, teams: ['ml'], people: [], codeowners: true };
const access = accessSchema.parse({ promote: { teams: ['ml'] } });

let github: GitHubApi;
let clone: Clone;
/** has the main branch alone */
let reader: Clone;
let clock = Date.parse('2026-11-02T09:00:00Z');

beforeAll(async () => {
  github = await startGitHub({ token, login: 'checker[bot]', owner: 'acme', repo: 'bank', git: true, now: () => clock });
  for (const login of people) github.actors[`token-of-${login}`] = { login, can: 'write' };
  Object.assign(github.permissions, { anna: 'write', bea: 'write', carl: 'write', emil: 'read' });
  github.teams['acme/ml'] = { members: { anna: 'active', bea: 'active', carl: 'active', emil: 'pending' } };
  clone = await newClone();
  reader = await newClone();
  await clone.commit('start', { [pointer]: '1\n', '.github/CODEOWNERS': '/docs/ @acme/docs\n', ...workflows });
  await push('anna', 'main');
  await readMain();
});

afterAll(async () => {
  await github.close();
  await clone[Symbol.asyncDispose]();
  await reader[Symbol.asyncDispose]();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

/** As GitHub writes times. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

async function readMain(): Promise<void> {
  await reader.git('fetch', '-q', clone.folder, 'main');
  await reader.git('reset', '-q', '--hard', 'FETCH_HEAD');
}

async function push(login: string, branch: string): Promise<void> {
  clock += 60_000;
  const address = `${github.serverUrl.replace('//', `//x-access-token:${encodeURIComponent(`token-of-${login}`)}@`)}/acme/bank.git`;
  await clone.git('push', '-q', '-f', address, branch);
}

/** A pull request of one push, five minutes after the one before. @returns its number */
async function open(
  branch: string,
  files: Readonly<Record<string, string>>,
  by: { readonly pushed?: string; readonly opened?: string } = {},
): Promise<number> {
  clock += 300_000;
  await clone.branch(branch, 'main');
  await clone.commit(branch, files);
  await push(by.pushed ?? 'anna', branch);
  return github.openPull({ head: branch, base: 'main', title: branch, author: by.opened ?? by.pushed ?? 'anna' }).number;
}

function approve(pull: number, login: string): void {
  clock += 60_000;
  const commit = github.pulls.find(({ number }) => number === pull)?.head ?? null;
  github.reviews.push({ id: github.reviews.length + 1, pull, login, state: 'APPROVED', commit, submittedAt: seconds(clock) });
}

interface Asking {
  readonly from?: Clone;
  readonly question?: Partial<FactsQuestion>;
  readonly token?: string;
}

async function gather(pull: number, { from = clone, question = {}, token: given = token }: Asking = {}): Promise<PullFacts> {
  const world = { fetch: globalThis.fetch, pause: () => Promise.resolve(), nowMs: () => clock, random: () => 0.5 };
  const forge = openGitHub({ apiUrl: github.url, owner: 'acme', repo: 'bank', token: given, author: 'checker[bot]', ...world });
  github.requests.splice(0);
  const git = await openGit(from.folder, process.env);
  return gatherFacts(forge, pull, { git, prefix: '', base: await from.git('rev-parse', 'main'), access, rules: [rule], paths: null, ...question });
}

async function decide(facts: PullFacts): Promise<{ counted: string[]; points: readonly Point[]; why: string }> {
  const git = await openGit(clone.folder, process.env);
  const paths = facts.subjectPaths ?? [];
  const subject = await subjectAt(commitTree(git, '', facts.head), paths);
  const { counted, points } = decideApprovals({ facts, subject, paths, wanted: rule, access, waive: false, afterMerge: false });
  return { counted: counted.map(({ login }) => login), points, why: points.find(({ point }) => point === 'approvals')?.why ?? '' };
}

test('who opened, pushed and approved it, what each commit has, and what they may do; each asked once', async () => {
  const pull = await open('one', { [pointer]: '2\n' });
  approve(pull, 'Bea');
  const facts = await gather(pull);
  expect(facts).toMatchObject({
    forge: 'github',
    author: { login: 'anna', kind: 'person' },
    state: 'open',
    retargetedAt: null,
    files: [pointer],
    subjectPaths: [pointer],
    pushes: [{ person: { login: 'anna' }, before: null, after: facts.head }],
    opinions: [{ person: { login: 'Bea' }, state: 'approved', commit: facts.head }],
    triggers: [],
    standing: { anna: { role: 'write', teams: { ml: 'yes' } }, bea: { role: 'write', teams: { ml: 'yes' } } },
    codeowners: '/docs/ @acme/docs\n',
    gaps: [],
  });
  expect(github.requests.map((one) => one.replace(/acme\/bank\//, '')).toSorted()).toMatchInlineSnapshot(`
    [
      "GET /orgs/acme/teams/ml/memberships/anna",
      "GET /orgs/acme/teams/ml/memberships/bea",
      "GET /repos/actions/workflows/promote.yml/runs",
      "GET /repos/actions/workflows/rollback.yml/runs",
      "GET /repos/activity",
      "GET /repos/collaborators/anna/permission",
      "GET /repos/collaborators/bea/permission",
      "GET /repos/git/ref/heads%2Fone",
      "GET /repos/issues/1/events",
      "GET /repos/pulls/1",
      "GET /repos/pulls/1",
      "GET /repos/pulls/1/files",
      "GET /repos/pulls/1/reviews",
    ]
  `);
  // an account that is gone has no name, and its no is heard
  github.reviews.push({ id: 700, pull, login: null, state: 'CHANGES_REQUESTED', commit: facts.head, submittedAt: seconds(clock) });
  expect((await decide(await gather(pull))).why).toContain('ghost asked for changes');
  github.reviews.pop();
  expect(await decide(facts)).toMatchObject({ counted: ['Bea'], points: [{ holds: true }, { holds: true }] });
});

test('what a clone lacks the forge tells, with the same digests', async () => {
  const pull = await open('same', { [pointer]: '3\n' });
  approve(pull, 'bea');
  const near = await gather(pull, { from: clone });
  expect(github.requests.filter((one) => one.includes('/contents/'))).toEqual([]);
  const far = await gather(pull, { from: reader });
  expect(github.requests.filter((one) => one.includes('/contents/'))).toHaveLength(1);
  expect(far).toEqual(near);
  expect(new Set(Object.values(near.subjects)).size).toBe(2);
});

test('T15: what is pushed after the approval is not approved, and an approval that the forge moved along neither', async () => {
  const pull = await open('moved', { [pointer]: '4\n' });
  approve(pull, 'bea');
  await clone.branch('moved');
  await clone.commit('another model', { [pointer]: '5\n' });
  await push('anna', 'moved');
  expect(await decide(await gather(pull, { from: reader }))).toMatchObject({ counted: [] });
  const [review] = github.reviews.filter((one) => one.pull === pull);
  Object.assign(review ?? {}, { commit: github.pulls.find(({ number }) => number === pull)?.head });
  const { counted, why } = await decide(await gather(pull));
  expect(counted).toEqual([]);
  expect(why).toContain('bea approved while the branch had something else');
});

test('T15: pushed away by force and back: the commit in between is asked of the forge, and whoever pushed it has no say', async () => {
  const pull = await open('back', { [pointer]: '6\n' });
  const first = await clone.git('rev-parse', 'back');
  approve(pull, 'carl');
  await clone.commit('another', { [pointer]: '7\n' });
  await push('bea', 'back');
  await clone.git('reset', '-q', '--hard', first);
  await push('anna', 'back');
  approve(pull, 'bea');
  const facts = await gather(pull, { from: reader });
  const { counted, why } = await decide(facts);
  expect(counted).toEqual(['carl']);
  expect(why).toContain('bea pushed what it decides');
});

test('an update from the main branch keeps an approval, whoever pushes it', async () => {
  const pull = await open('updated', { [pointer]: '8\n' });
  approve(pull, 'bea');
  await clone.branch('main');
  await clone.commit('main goes on', { README: `${clock}\n` });
  await push('anna', 'main');
  await clone.branch('updated');
  await clone.git('merge', '-q', '--no-edit', 'main');
  await push('bea', 'updated');
  expect((await decide(await gather(pull))).counted).toEqual(['bea']);
  await readMain();
});

test('a pointer that is taken out again voids nothing: what is left was seen as it is', async () => {
  const second = 'models/rates/production.json';
  const pull = await open('two-models', { [pointer]: '20\n', [second]: '20\n' });
  approve(pull, 'bea');
  expect((await gather(pull)).subjectPaths).toEqual([pointer, second]);
  await clone.git('rm', '-q', second);
  await clone.commit('one of them', {});
  await push('anna', 'two-models');
  const facts = await gather(pull);
  expect(facts.subjectPaths).toEqual([pointer]);
  expect((await decide(facts)).counted).toEqual(['bea']);
});

test('T15: a pointer that comes to those that were approved voids it', async () => {
  const pull = await open('one-more', { [pointer]: '21\n' });
  approve(pull, 'bea');
  await clone.commit('another', { 'models/rates/production.json': '21\n' });
  await push('anna', 'one-more');
  const { counted, why } = await decide(await gather(pull));
  expect(counted).toEqual([]);
  expect(why).toContain('bea approved something else');
});

test('T12: CODEOWNERS is read from the base, not from the pull request', async () => {
  const pull = await open('owners', { [pointer]: '9\n', '.github/CODEOWNERS': '* @bea\n' });
  expect(await gather(pull)).toMatchObject({ codeowners: '/docs/ @acme/docs\n', subjectPaths: [pointer] });
});

/** A job at work from a minute before now on. @param by each who started it, or started it again */
function run(file: string, ...by: readonly string[]): void {
  const attempts = by.map((login) => ({ by: login, startedAt: seconds(clock - 60_000), endedAt: null as string | null }));
  const id = 900 + github.runs.length;
  github.runs.push({ id, file: `.github/workflows/${file}`, event: 'workflow_dispatch', branch: 'main', sha: '0'.repeat(40), attempts });
}

function endRuns(): void {
  github.runs.length = 0;
}

test('T14, T27: whoever started the job of a bot does not approve, nor whoever started it before', async () => {
  const pull = await open('by-a-bot', { [pointer]: '10\n' }, { pushed: 'promoter[bot]' });
  approve(pull, 'bea');
  const unknown = await gather(pull);
  expect(unknown.triggers).toEqual([]);
  expect((await decide(unknown)).why).toContain('no job of a promotion was at work then');
  clock -= 60_000;
  run('promote.yml', 'bea');
  clock += 60_000;
  const started = await gather(pull);
  expect(started.triggers).toEqual([{ login: 'bea', kind: 'person' }]);
  expect((await decide(started)).why).toContain('bea started a job');
  approve(pull, 'carl');
  expect(await decide(await gather(pull))).toMatchObject({ counted: ['carl'], points: [{ why: 'brought by bea' }, { holds: true }] });
  endRuns();
  clock -= 120_000;
  run('rollback.yml', 'carl', 'bea');
  clock += 120_000;
  expect((await decide(await gather(pull))).counted).toEqual([]);
  endRuns();
});

test('T14: the account of every job says nothing of who is behind it', async () => {
  const pull = await open('any-job', { [pointer]: '11\n' }, { pushed: 'github-actions[bot]' });
  run('promote.yml', 'carl');
  approve(pull, 'bea');
  const facts = await gather(pull);
  expect(facts.triggers).toBeNull();
  const { counted, why } = await decide(facts);
  expect(counted).toEqual([]);
  expect(why).toContain('every job of every workflow has that account');
  endRuns();
});

test('a hidden team is unknown, an invitation is no member, members of teams below are', async () => {
  const pull = await open('teams', { [pointer]: '12\n' });
  github.teams['acme/risk'] = { members: {}, hidden: true };
  github.teams['acme/all'] = { members: {} };
  github.teams['acme/some'] = { members: { bea: 'active', carl: 'pending' }, parent: 'acme/all' };
  for (const login of ['bea', 'carl']) approve(pull, login);
  const { standing } = await gather(pull, { question: { rules: [{ ...rule, teams: ['risk', 'all'] }] } });
  expect(standing['bea']?.teams).toEqual({ risk: 'unknown', all: 'yes' });
  expect(standing['carl']?.teams).toEqual({ risk: 'unknown', all: 'no' });
});

test('only those are asked about on whom it depends', async () => {
  const pull = await open('few', { [pointer]: '13\n' });
  for (const login of ['anna', 'helper[bot]', 'bea']) approve(pull, login);
  github.reviews.push({ id: 800, pull, login: 'emil', state: 'COMMENTED', commit: null });
  await gather(pull, { question: { rules: [{ ...rule, teams: [], role: 'write' }], access: accessSchema.parse({}) } });
  const asked = github.requests.filter((one) => /permission|teams/.test(one));
  expect(asked.map((one) => one.split('/').at(-2) ?? '').toSorted()).toEqual(['anna', 'bea']);
});

test('what the token may not ask stays unknown, and says which permission lacks', async () => {
  const pull = await open('denied', { [pointer]: '14\n' });
  approve(pull, 'bea');
  github.actors['weak'] = { login: 'checker[bot]', can: { contents: 'read', 'pull-requests': 'read', metadata: 'read' } };
  const facts = await gather(pull, { token: 'weak' });
  expect(facts.triggers).toBeNull();
  const { counted, points, why } = await decide(facts);
  expect({ counted, holds: points.map(({ holds }) => holds) }).toEqual({ counted: [], holds: ['unknown', 'unknown'] });
  expect(why).toContain('runs of promote.yml');
});

test('a list that is cut short is not known', async () => {
  const pull = await open('long', { [pointer]: '15\n' });
  approve(pull, 'bea');
  const found = github.pulls.find(({ number }) => number === pull);
  Object.assign(found ?? {}, { changedFiles: 4000 });
  const facts = await gather(pull);
  expect(facts).toMatchObject({ files: null, subjectPaths: null });
  expect((await decide(facts)).points[1]).toMatchObject({ holds: false });
  // what git says is not what reviewers see
  expect(await decide(await gather(pull, { question: { paths: [pointer] } }))).toMatchObject({
    counted: [],
    points: [{ holds: true }, { holds: 'unknown' }],
  });
});

test('a forge that is busy or in trouble is an error, as is a pull request that is not there', async () => {
  const pull = await open('trouble', { [pointer]: '16\n' });
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(() => 'none').catch((error: unknown) => (isPlumbError(error) ? error.code : error));
  const fault = { method: 'GET', path: /reviews$/, times: 9 };
  github.faults.push({ ...fault, status: 502 });
  expect(await codeOf(gather(pull))).toBe('FORGE_FAILED');
  github.faults.splice(0, 1, { ...fault, status: 429, headers: { 'retry-after': '3600' } });
  expect(await codeOf(gather(pull))).toBe('FORGE_BUSY');
  github.faults.length = 0;
  expect(await codeOf(gather(999))).toBe('FORGE_DENIED');
});
