import { afterEach, beforeEach, expect, test } from 'vitest';
import { isPlumbError } from '../base/errors.ts';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import type { Forge } from './forge.ts';
import { openGitHub } from './github.ts';

const token = 'ghs_0123456789abcdefABCDEF';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);
const marker = '<!-- plumbline:test -->';

let github: GitHubApi;
let forge: Forge;
let waits: number[];
beforeEach(async () => {
  github = await startGitHub({ token });
  github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
  waits = [];
  forge = open();
});
afterEach(async () => {
  await github.close();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

function open(other: Partial<Parameters<typeof openGitHub>[0]> = {}): Forge {
  const pause = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  const world = { fetch: globalThis.fetch, pause, nowMs: () => 1_000_000, random: () => 1 };
  return openGitHub({ apiUrl: `${github.url}/`, owner: 'o', repo: 'r', token, author: 'github-actions[bot]', ...world, ...other });
}

const failureOf = async (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no failure').catch((error: unknown) => error);

test('a pull request by its number, and by the commit that it ends with', async () => {
  const found = { number: 7, head, base };
  expect(await forge.findPullRequest({ number: 7 })).toMatchObject(found);
  github.pulls.push({ ...github.pulls[0], number: 3, state: 'closed' } as never);
  expect(await forge.findPullRequest({ commit: head })).toMatchObject(found);
  expect(await forge.findPullRequest({ commit: base })).toBeNull();
});

test('one comment: made, left alone while the text is the same, then updated', async () => {
  const states = [];
  for (const body of ['one', 'one', 'two']) states.push((await forge.upsertComment(7, { marker, body })).state);
  expect(states).toEqual(['made', 'unchanged', 'updated']);
  expect(github.comments).toMatchObject([{ body: `${marker}\ntwo`, edits: 1 }]);
});

test('it is found among hundreds of others, and a marker that someone else wrote is not ours', async () => {
  const other = (id: number, body: string): void => void github.comments.push({ id, issue: 7, body, login: 'mallory', edits: 0 });
  for (let id = 1; id <= 250; id += 1) other(id, id === 3 ? `${marker}\nfill me` : 'hello');
  expect((await forge.upsertComment(7, { marker, body: 'one' })).state).toBe('made');
  expect((await forge.upsertComment(7, { marker, body: `two\n${marker}` })).state).toBe('updated');
  expect((await forge.upsertComment(7, { marker: '<!-- another -->', body: 'x' })).state).toBe('made');
  expect(github.comments.filter((one) => one.login === 'mallory' && one.edits > 0)).toEqual([]);
  expect(github.comments.slice(250).map((one) => one.body)).toEqual([`${marker}\ntwo\n${marker}`, '<!-- another -->\nx']);
});

test('a comment whose answer was lost is found again, not made twice', async () => {
  github.faults.push({ method: 'POST', path: /comments$/, status: 502, afterwards: true, times: 1 });
  await forge.upsertComment(7, { marker, body: 'one' });
  expect(github.comments).toHaveLength(1);
  expect(waits).toEqual([1000]);
});

test('a server that fails twice is asked a third time; one that fails for good is told with what was asked', async () => {
  const status = { context: 'plumb/gate', state: 'success', description: 'x'.repeat(200), link: 'https://ci.test/1' } as const;
  github.faults.push({ method: 'POST', path: /statuses/, status: 502, times: 2 });
  await forge.setStatus(head, status);
  expect(waits).toEqual([1000, 2000]);
  expect(github.statuses).toEqual([
    {
      sha: head,
      context: 'plumb/gate',
      state: 'success',
      description: `${'x'.repeat(139)}…`,
      target_url: 'https://ci.test/1',
      creator: 'github-actions[bot]',
    },
  ]);
  github.faults.push({ method: 'POST', path: /statuses/, status: 503, times: 4 });
  const failure = await failureOf(forge.setStatus(head, status));
  expect(isPlumbError(failure, 'FORGE_FAILED') && failure.message).toBe(
    `GitHub answered 503 to POST /api/v3/repos/o/r/statuses/${head}: Server Error`,
  );
});

test('a secondary limit is waited for, the limit of the hour is not', async () => {
  const limited = { method: 'GET', path: /pulls/, status: 403, times: 1 };
  github.faults.push({ ...limited, headers: { 'retry-after': '2' } });
  await forge.findPullRequest({ number: 7 });
  expect(waits).toEqual([3000]);
  github.faults.push({ ...limited, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999' } });
  expect(isPlumbError(await failureOf(forge.findPullRequest({ number: 7 })), 'FORGE_BUSY')).toBe(true);
});

test('a token that may only read, one that is wrong, a server that is not there: said in words, the token never', async () => {
  github.permission = 'read';
  const denied = await failureOf(forge.upsertComment(7, { marker, body: 'x' }));
  expect(isPlumbError(denied, 'FORGE_DENIED') && denied.mend).toContain('pull-requests: write');
  // the stand-in sends back the header that it was sent, as a debugging proxy would
  const other = 'ghp_wrong_but_secret_too';
  const wrong = await failureOf(open({ token: other }).findPullRequest({ number: 7 }));
  expect(isPlumbError(wrong, 'FORGE_DENIED') && wrong.message).toContain('Bad credentials: token ***');
  const gone = await failureOf(open({ apiUrl: 'http://127.0.0.1:1' }).findPullRequest({ number: 7 }));
  expect(isPlumbError(gone, 'FORGE_FAILED')).toBe(true);
  for (const error of [denied, wrong, gone]) {
    const { inspect } = await import('node:util');
    const all = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
    expect(all).not.toContain(token);
    expect(all).not.toContain(other);
  }
});

test('all files of a pull request over its pages, with where renamed ones were', async () => {
  const [pull] = github.pulls as [GitHubApi['pulls'][number]];
  pull.files = Array.from({ length: 250 }, (_, index) => ({ filename: `data/${index}.jsonl`, status: 'added' }));
  pull.files = [...pull.files, { filename: 'new name', status: 'renamed', previous_filename: 'old/name' }];
  const files = await forge.changedFiles(7);
  expect(files).toHaveLength(251);
  expect(files.at(-1)).toEqual({ path: 'new name', change: 'renamed', previousPath: 'old/name' });
  expect(github.requests.filter((one) => one.endsWith('/files'))).toHaveLength(3);
});

test('more files than the forge lists are an error, never a part of them', async () => {
  const [pull] = github.pulls as [GitHubApi['pulls'][number]];
  pull.files = Array.from({ length: 3001 }, (_, index) => ({ filename: `${index}`, status: 'added' }));
  expect(isPlumbError(await failureOf(forge.changedFiles(7)), 'FORGE_LIMIT')).toBe(true);
  pull.files = pull.files.slice(0, 20);
  pull.changedFiles = 21;
  expect(isPlumbError(await failureOf(forge.changedFiles(7)), 'FORGE_LIMIT')).toBe(true);
});
