// The loop of a team on GitHub, through the workflow files that `plumb init --template classifier` wrote: what each kind of pull request starts, and what
// it gets. The tests are one story, in order; GitHub is a strict stand-in (tests/github-api), the runner is act.
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { GithubStory } from './github-story.ts';
import type { WorkflowRun } from './servers/act/act.ts';

let story: GithubStory;
beforeAll(async () => {
  story = await GithubStory.create();
  Object.assign(story.github.permissions, { ann: 'write', rob: 'read' });
});
afterAll(() => story[Symbol.asyncDispose]());
afterEach(() => {
  const wrong = story.github.violations.splice(0);
  if (wrong.length > 0) throw new Error(`GitHub would not take: ${wrong.join('; ')}`);
});

const jobs = ({ jobs: all }: WorkflowRun): string[] => all.map(({ name, result }) => `${name}: ${result}`).toSorted();
const ran = (run: WorkflowRun): string[] => run.jobs.filter(({ id }) => id.startsWith('level-')).map(({ name }) => name);
const around = ['data and configuration: success', 'report: success', 'what must run: success'];

/** Our comment on a pull request; there is never a second one. */
function comment(pull: number): { body: string; edits: number } | null {
  const ours = story.github.comments.filter(({ issue, body }) => issue === pull && body.startsWith('<!-- plumbline report '));
  expect(ours.length).toBeLessThan(2);
  return ours[0] ?? null;
}

function status(pull: number): string | undefined {
  const { head } = story.pull(pull);
  return story.github.statuses.findLast(({ sha, context }) => sha === head && context === 'plumb/gate')?.state;
}

async function requestsOf(work: () => Promise<WorkflowRun>): Promise<{ run: WorkflowRun; requests: string[] }> {
  story.github.requests.splice(0);
  const run = await work();
  return { run, requests: story.github.requests.splice(0) };
}

let rows = 0;

test('the first push to main trains and evaluates in three levels, and its runs are those of main', async () => {
  const run = await story.runMain('0'.repeat(40));
  expect(jobs(run), run.log).toEqual([
    'all from the cache: success',
    'check: success',
    'evaluate: success',
    'train: success',
    'what must run: success',
  ]);
  // a laptop takes them over, and promotes what main made
  await story.team.plumb('run');
  await story.team.plumb('promote', 'intents', '--to', 'production');
  await story.push('main');
});

test('a pull request that changes rows: every stage runs once, and one comment, a status and a check say what came of it', async () => {
  rows = await story.openPull('more-rows', async () => {
    story.team.edit('data/intents.jsonl', (text) => text + story.team.read('data/held-back.jsonl'));
    await story.team.plumb('add', 'data/intents.jsonl');
  });
  const { run, requests } = await requestsOf(() => story.runPull(rows, 'opened'));
  expect(jobs(run), run.log).toEqual([
    'check: success',
    ...around.slice(0, 1),
    'evaluate: success',
    ...around.slice(1, 2),
    'train: success',
    ...around.slice(2),
  ]);
  const body = comment(rows)?.body ?? '';
  expect(body).toContain('## ✅ `intents`: the gate holds');
  expect(body).toMatch(/\| `intents` \| \d+ \(\+\d+\) \|/);
  expect(body).toContain('Rules hold');
  expect(status(rows)).toBe('success');
  const check = story.github.checkRuns.findLast((one) => one.sha === story.pull(rows).head);
  expect(check).toMatchObject({ name: 'plumbline', conclusion: 'success' });
  expect(readFileSync(run.artifact('report', htmlName(run)), 'utf8')).toMatch(/^<!doctype html>/i);
  expect(requests.length).toBeLessThan(30);
});

/** The page has a name of its own in the folder of the job. */
function htmlName(run: WorkflowRun): string {
  return /([\w.-]+\.html)/.exec(run.jobs.find(({ id }) => id === 'report')?.log ?? '')?.[1] ?? 'report.html';
}

test('the same event once more: nothing but plan, checks and report, and still one comment', async () => {
  const run = await story.runPull(rows);
  expect(jobs(run), run.log).toEqual(around);
  expect(comment(rows)?.body).toContain('## ✅ `intents`: the gate holds');
});

test('a push on top runs what it changes, and brings the comment up to date', async () => {
  const before = comment(rows)?.edits ?? 0;
  await story.team.git('switch', '--quiet', 'more-rows');
  story.team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1.2'));
  await story.team.commit('a smaller step');
  await story.push('more-rows');
  const run = await story.runPull(rows);
  expect(ran(run), run.log).toEqual(['train', 'evaluate']);
  expect(comment(rows)?.body).toContain('learning_rate');
  expect(comment(rows)?.body).toContain(story.pull(rows).head);
  expect(comment(rows)?.edits).toBeGreaterThan(before);
});

test('a person without write permission commands nothing; one with it has a stage run anew', async () => {
  const refused = await story.comment(rows, 'rob', '/plumb run');
  expect(refused.ok, refused.log).toBe(true);
  expect(story.github.dispatches).toEqual([]);
  expect(story.github.reactions.map(({ content }) => content)).toEqual(['-1']);

  const taken = await story.comment(rows, 'ann', '/plumb rerun evaluate');
  expect(taken.ok, taken.log).toBe(true);
  expect(story.github.reactions.map(({ content }) => content)).toEqual(['-1', 'eyes']);
  const run = await story.runDispatched();
  expect(ran(run), run.log).toEqual(['evaluate']);
  expect(run.ok, run.log).toBe(true);
});

test('/plumb explain answers with what each model says to a case', async () => {
  const id = /"id":"([^"]+)"/.exec(story.team.read('data/intents-test.jsonl'))?.[1] ?? '';
  const run = await story.comment(rows, 'ann', `/plumb explain ${id}`);
  expect(jobs(run), run.log).toEqual(['command: success', 'explain: success']);
  expect(story.github.comments.at(-1)?.body).toContain(`Case \`${id}\``);
  expect(story.github.comments.at(-1)?.body).toContain('| production |');
});

test('after the merge main finds everything in the cache', async () => {
  const before = await story.merge(rows);
  const run = await story.runMain(before);
  expect(jobs(run), run.log).toEqual(['all from the cache: success', 'what must run: success']);
});

test('a pull request that changes a hyperparameter trains and evaluates, and judges no rows again', async () => {
  const number = await story.openPull('learning-rate', () =>
    story.team.edit('params.yaml', (text) => text.replace('learning_rate: 1.2', 'learning_rate: 0.8')),
  );
  const run = await story.runPull(number, 'opened');
  expect(ran(run), run.log).toEqual(['train', 'evaluate']);
  const body = comment(number)?.body;
  expect(body).toMatch(/learning_rate.*1\.2.*0\.8/s);
  // beside production, what the main branch has by now
  expect(body).toContain('merge base');
});

test('a base that moved: what was merged first is found, and only what differs runs on main', async () => {
  const [first, second] = [
    await story.openPull('one', () => story.team.edit('params.yaml', (text) => text.replace('learning_rate: 1.2', 'learning_rate: 1'))),
    await story.openPull('two', () => story.team.edit('evals/intents.yaml', (text) => `# What the customers ask.\n${text}`)),
  ];
  for (const number of [first, second]) expect((await story.runPull(number, 'opened')).ok).toBe(true);
  await story.runMain(await story.merge(first));
  const run = await story.runMain(await story.merge(second));
  expect(ran(run), run.log).toEqual(['evaluate']);
});

test('a pull request that breaks a rule: the rows are named, the stage that judges them fails, and nothing behind it runs', async () => {
  const number = await story.openPull('broken-rule', async () => {
    story.team.edit('data/intents.jsonl', (text) => `${text}${JSON.stringify({ id: 'new-1', text: 'x', label: 'card_arrival' })}\n`);
    await story.team.plumb('add', 'data/intents.jsonl');
  });
  const run = await story.runPull(number, 'opened');
  expect(run.ok).toBe(false);
  expect(jobs(run), run.log).toContain('data and configuration: failure');
  expect(ran(run)).not.toContain('train');
  expect(comment(number)?.body).toContain('text has at least 3 characters');
  expect(['failure', 'error']).toContain(status(number));
  const check = story.github.checkRuns.findLast((one) => one.sha === story.pull(number).head);
  expect(check?.conclusion).toBe('failure');
  expect(check?.annotations.map(({ path }) => path)).toContain('datasets.lock');
});

test('a pull request with a malformed file: the line is named, nothing runs, and the comment says so', async () => {
  const number = await story.openPull('malformed', () => story.team.edit('pipeline.yaml', (text) => text.replace('  train:\n', '  train\n')));
  const run = await story.runPull(number, 'opened');
  expect(run.ok).toBe(false);
  expect(ran(run)).toEqual([]);
  expect(run.log).toMatch(/::error .*file=pipeline\.yaml,.*line=\d+/);
  expect(comment(number)?.body).toContain('pipeline.yaml');
  expect(status(number)).toBe('error');
});

test('a pull request that changes nothing relevant: a green status, and no comment', async () => {
  const number = await story.openPull('docs', () => story.team.edit('README.md', (text) => `${text}\nMore words.\n`));
  const { run, requests } = await requestsOf(() => story.runPull(number, 'opened'));
  expect(jobs(run), run.log).toEqual(around);
  expect(comment(number)).toBeNull();
  expect(status(number)).toBe('success');
  expect(requests.length).toBeLessThan(20);
});
