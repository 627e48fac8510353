// A pull request from a fork, through the workflow files of the template: its files are checked without a secret, nothing of it runs and nothing is written
// until somebody who may write approves that very commit; then what it makes stays apart.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GithubStory } from './github-story.ts';
import type { WorkflowRun } from './servers/act/act.ts';

let story: GithubStory;
let number: number;
beforeAll(async () => {
  story = await GithubStory.create();
  Object.assign(story.github.permissions, { ann: 'write' });
  const first = await story.runMain('0'.repeat(40));
  if (!first.ok) throw new Error(first.log);
  story.github.git?.fork('mallory');
  await story.team.git('remote', 'add', 'mallory', story.github.git?.folder('mallory/r') ?? '');
  await story.team.branch('theirs', () => story.team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1')));
  await story.team.git('push', '--quiet', 'mallory', 'theirs');
  number = story.github.openPull({ head: 'mallory:theirs', base: 'main', title: 'theirs', author: 'mallory' }).number;
});
afterAll(async () => {
  await story[Symbol.asyncDispose]();
  if (story.github.violations.length > 0) throw new Error(`GitHub would not take: ${story.github.violations.join('; ')}`);
});

const names = ({ jobs }: WorkflowRun): string[] => jobs.map(({ name }) => name).toSorted();
const stored = (folder: string): string[] => readdirSync(join(story.top, folder), { recursive: true }).map(String).toSorted();

test('its event: the files are checked, nothing runs, nothing is written, and the page of the run says what it waits for', async () => {
  const before = stored('store');
  // GitHub gives the event of a fork a token that reads, and no secret
  story.github.permission = 'read';
  const run = await story.runPull(number, 'opened', { secrets: false });
  story.github.permission = 'write';
  expect(run.ok, run.log).toBe(true);
  expect(names(run)).toEqual(['data and configuration', 'what must run']);
  expect(run.log).toContain(`/plumb approve ${story.pull(number).head}`);
  expect(story.github.comments).toEqual([]);
  expect(stored('store')).toEqual(before);
});

test('an approved commit runs; what it makes is in the untrusted store, and the comment is the report of that commit', async () => {
  const before = stored('store');
  const command = await story.comment(number, 'ann', `/plumb approve ${story.pull(number).head}`);
  expect(command.ok, command.log).toBe(true);
  const run = await story.runDispatched({ secrets: false });
  expect(names(run), run.log).toEqual(['evaluate', 'report', 'train', 'what must run']);
  expect(run.ok, run.log).toBe(true);
  expect(stored('store')).toEqual(before);
  expect(stored('store-untrusted').length).toBeGreaterThan(0);
  const report = story.github.comments.find(({ body }) => body.startsWith('<!-- plumbline report '));
  expect(report?.body).toContain(story.pull(number).head);
});

test('T1: another commit on the same pull request is not what was approved', async () => {
  const approved = story.pull(number).head;
  await story.team.git('switch', '--quiet', 'theirs');
  story.team.edit('params.yaml', (text) => text.replace('epochs: 5', 'epochs: 6'));
  await story.team.commit('one more');
  await story.team.git('push', '--quiet', 'mallory', 'theirs');
  story.github.git?.refresh();
  const started = story.github.dispatches.length;
  await story.comment(number, 'ann', `/plumb approve ${approved}`);
  expect(story.github.dispatches).toHaveLength(started);
  expect(story.github.comments.at(-1)?.body).toContain(`/plumb approve ${story.pull(number).head}`);
});

test('T26: main reuses nothing of it after the merge', async () => {
  const run = await story.runMain(await story.merge(number));
  expect(
    run.jobs.filter(({ id }) => id.startsWith('level-')).map(({ name }) => name),
    run.log,
  ).toEqual(['train', 'evaluate']);
});
