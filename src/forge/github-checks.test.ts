import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import type { Annotation, Check, Checks } from './forge.ts';
import { openGitHub } from './github.ts';

const token = 'ghs_0123456789abcdefABCDEF';
const commit = 'a'.repeat(40);

let github: GitHubApi;
let checks: Checks;
beforeEach(async () => {
  github = await startGitHub({ token });
  const world = { fetch: globalThis.fetch, pause: () => Promise.resolve(), nowMs: () => 0, random: () => 1 };
  const forge = openGitHub({ apiUrl: github.url, owner: 'o', repo: 'r', token, author: 'github-actions[bot]', ...world });
  checks = forge.checks ?? expect.fail('GitHub has checks');
});
afterEach(async () => {
  await github.close();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

const annotations = (count: number): Annotation[] =>
  Array.from({ length: count }, (_, index) => ({
    path: 'datasets.lock',
    startLine: index + 1,
    endLine: index + 1,
    level: 'failure',
    title: 't',
    message: `${index}`,
  }));
const checkOf = (other: Partial<Check> = {}): Check => ({
  name: 'plumbline',
  conclusion: 'failure',
  title: 'the gate does not hold',
  summary: '# no',
  text: null,
  annotations: [],
  link: 'https://ci.test/1',
  ...other,
});

test('a check without annotations is one request after a look; said again, it is only looked for', async () => {
  expect(await checks.upsert(commit, checkOf())).toEqual({ url: 'https://github.test/o/r/runs/9000', state: 'made', annotations: 0 });
  expect(github.requests).toEqual([`GET /repos/o/r/commits/${commit}/check-runs`, 'POST /repos/o/r/check-runs']);
  expect((await checks.upsert(commit, checkOf())).state).toBe('unchanged');
  expect(github.checkRuns).toMatchObject([
    { name: 'plumbline', sha: commit, status: 'completed', conclusion: 'failure', summary: '# no', link: 'https://ci.test/1' },
  ]);
});

test('another verdict on the same commit takes its place', async () => {
  await checks.upsert(commit, checkOf());
  await checks.upsert(commit, checkOf({ conclusion: 'success', title: 'the gate holds' }));
  expect(github.checkRuns.map((one) => one.conclusion)).toEqual(['failure', 'success']);
});

test('120 annotations go in three requests, and only the last one finishes the check', async () => {
  github.faults.push({ method: 'PATCH', path: /check-runs/, status: 403, message: 'Resource not accessible by integration', times: 1 });
  await expect(checks.upsert(commit, checkOf({ annotations: annotations(120) }))).rejects.toMatchObject({ code: 'FORGE_DENIED' });
  expect(github.checkRuns).toMatchObject([{ status: 'in_progress', conclusion: null, annotations: { length: 50 } }]);
  // the next job goes on where that one ended
  github.requests.length = 0;
  expect(await checks.upsert(commit, checkOf({ annotations: annotations(120) }))).toMatchObject({ state: 'made', annotations: 120 });
  expect(github.requests.map((one) => one.split(' ')[0])).toEqual(['GET', 'PATCH', 'PATCH']);
  expect(github.checkRuns[0]?.annotations.map((one) => one.message)).toEqual(annotations(120).map((one) => one.message));
  expect(github.checkRuns).toMatchObject([{ status: 'completed', conclusion: 'failure' }]);
});

test('a batch whose answer was lost does not stand there twice', async () => {
  for (const method of ['POST', 'PATCH']) github.faults.push({ method, path: /check-runs/, status: 502, afterwards: true, times: 1 });
  await checks.upsert(commit, checkOf({ annotations: annotations(60) }));
  expect(github.checkRuns).toMatchObject([{ status: 'completed', annotations: { length: 60 } }]);
});

test('over 200 the rest is left out, and the title says how many', async () => {
  expect((await checks.upsert(commit, checkOf({ annotations: annotations(1000) }))).annotations).toBe(200);
  expect(github.checkRuns[0]?.title).toBe('the gate does not hold (200 annotations, 800 more in the report)');
  expect(github.requests).toHaveLength(5);
});

test('titles and messages are cut where GitHub would refuse them, in the middle of no character', async () => {
  const [one] = annotations(1) as [Annotation];
  await checks.upsert(commit, checkOf({ annotations: [{ ...one, title: '😀'.repeat(300), message: '€'.repeat(70_000) }] }));
  expect(github.checkRuns[0]?.annotations[0]?.title).toMatch(/^😀{127}…$/u);
});
