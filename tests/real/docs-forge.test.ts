// Pages whose commands talk to a forge, followed at the stand-in of GitHub: the real plumb, git over HTTP. The pages' models are called intents and router; here
// they are small ones, under names of their own.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publicText } from '../../src/pipeline/attestation.ts';
import type { TestProject } from '../project.ts';
import { alice, longer, makeTemplate, policyWith, PullScene } from '../pull-scene.ts';
import { followPage, readBlocks, readPage } from './page.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const env = {
  PLUMB_FORGE_TOKEN: alice,
  PLUMB_AUDIT_SIGNING_KEY: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64'),
  PLUMB_WEBHOOK_SECRET: 'a secret of sixteen bytes or more',
};
const policy = policyWith(1, `audit:\n  keys: [{ name: deploy, public: "${publicText(privateKey)}" }]\n`);

let template: TestProject;
beforeAll(async () => {
  template = await makeTemplate();
});
afterAll(() => template[Symbol.dispose]());

/** @param before what has happened until the page is read */
async function follow(page: string, section?: string, before: (scene: PullScene) => Promise<void> = async () => undefined): Promise<string[]> {
  await using scene = await PullScene.begin(template, policy);
  await before(scene);
  const text = (await readPage(page)).replaceAll(/\bintents\b/g, 'topics').replaceAll(/\brouter\b/g, 'small');
  const blocks = readBlocks(text, section);
  expect(blocks.length).toBeGreaterThan(0);
  // awaited: the scene ends with this function
  return await followPage(blocks, scene.project.root, undefined, env);
}

/** One promotion after the other, pushed past all pull requests. */
async function promoteTwice(scene: PullScene): Promise<void> {
  const { project } = scene;
  await project.done('promote', 'topics', '--to', 'production');
  scene.commit('longer', { 'params.yaml': longer });
  await project.done('run');
  await project.done('promote', 'topics', '--to', 'production');
  scene.push();
}

test('promotion by pull request', async () => {
  expect(await follow('docs/github.md', 'Promotion by pull request')).toEqual([]);
});

test('a rollback at night', async () => {
  expect(await follow('docs/rollback.md', 'At night', promoteTwice)).toEqual([]);
});

test('a drill', async () => {
  expect(await follow('docs/drill.md', undefined, promoteTwice)).toEqual([]);
});

test.each(['', 'Setting it up'])('the log of decisions begins, goes on, and is kept by a machine of its own: %s', async (section) => {
  const begun = async (scene: PullScene): Promise<void> => {
    await promoteTwice(scene);
    expect(await scene.plumb(['reconcile', '--start'], { env })).toMatchObject({ exit: 0 });
  };
  expect(await follow('docs/deploy.md', section, section === '' ? undefined : begun)).toEqual([]);
});

test('a glass is broken', async () => {
  const before = async (scene: PullScene): Promise<void> => {
    await scene.plumb(['reconcile', '--start'], { env });
    await promoteTwice(scene);
    expect(await scene.plumb(['reconcile'], { env })).toMatchObject({ exit: 1 });
  };
  expect(await follow('docs/deploy.md', 'Break-glass', before)).toEqual([]);
});

test('doctor looks at a forge and closes what it can', async () => {
  expect(await follow('docs/doctor.md')).toEqual([]);
});

test.each(['From an empty repository to the first report', 'Gitea and Forgejo'])('%s', async (section) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-page-'));
  try {
    execFileSync('git', ['init', '-q', '-b', 'main', folder]);
    expect(await followPage(readBlocks(await readPage('docs/github.md'), section), folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
