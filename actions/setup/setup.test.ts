// The committed bundle in a process of its own, and the keys that it decides on.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startStep, type StepEnding } from '../runner.fixture.ts';
import { cacheKeys } from './store-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup action '));
  mkdirSync(join(folder, 'work'));
  writeFileSync(join(folder, 'work/datasets.lock'), 'version: 1\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const repo = { full_name: 'o/r' };
const payload = { pull_request: { number: 7, head: { sha: 'a'.repeat(40), repo }, base: { sha: 'b'.repeat(40), repo } } };

function start(inputs: Record<string, string>, env: Record<string, string> = {}): Promise<StepEnding> {
  const event = { event: 'pull_request', payload, workspace: join(folder, 'work'), temp: folder };
  return startStep({ action: 'setup', inputs: { folder: '.', ...inputs }, ...event, env: { RUNNER_OS: 'Linux', GITHUB_JOB: 'level-1', ...env } });
}

test('a cache only where it is wanted', async () => {
  expect((await start({ cache: 'false' })).outputs).toEqual({ key: '' });
  const { code, outputs, commands } = await start({ cache: 'true' });
  expect({ code, commands }).toEqual({ code: 0, commands: [] });
  expect(outputs['path']).toMatch(/\/plumbline-store$/);
  expect(outputs['key']).toMatch(/^plumbline-store-Linux-pull-7-[0-9a-f]{16}-42-1-level-1$/);
  expect(outputs['restore-keys']?.split('\n')).toEqual([
    expect.stringMatching(/^plumbline-store-Linux-pull-7-[0-9a-f]{16}-$/),
    'plumbline-store-Linux-pull-7-',
    'plumbline-store-Linux-trusted-',
  ]);
});

test('what is no answer, or no folder of the work space, is told', async () => {
  expect(await start({ cache: 'yes' })).toMatchObject({ code: 1, log: expect.stringContaining('ACTION_INPUT') });
  expect(await start({ folder: '../..' })).toMatchObject({ code: 1, log: expect.stringContaining('ACTION_INPUT') });
});

test('T6: main restores nothing of a pull request; pull request 7 nothing of 70, nor of 8', () => {
  const job = { os: 'Linux', lock: 'l', runId: '1', attempt: '1', name: 'x' };
  const keptBy = ['trusted', 'pull-7', 'pull-70', 'pull-8', 'fork-7'].map((whose) => `plumbline-store-Linux-${whose}-l-1-1-x`);
  const restored = (domain: Parameters<typeof cacheKeys>[0]): string[] =>
    keptBy.filter((key) => cacheKeys(domain, job).restoreKeys.some((prefix) => key.startsWith(prefix)));
  expect(restored({ kind: 'trusted' })).toEqual([keptBy[0]]);
  expect(restored({ kind: 'pull', number: 7 })).toEqual([keptBy[0], keptBy[1]]);
  expect(restored({ kind: 'fork', number: 7 })).toEqual([keptBy[0], keptBy[4]]);
});
