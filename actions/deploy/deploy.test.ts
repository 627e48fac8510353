// The bundle of deploy, as a runner starts it after a push to main, against a strict stand-in of GitHub with git over HTTP.
import { afterAll, afterEach, expect, test } from 'vitest';
import { better, good } from '../../src/registry/example.fixture.ts';
import { openScene, removeScenes, removeTemplates, signingKey, type ReconcileScene, type Runner } from '../../tests/reconcile-scene.ts';
import { startStep, type StepEnding } from '../runner.fixture.ts';
import { readInputs } from './inputs.ts';

afterEach(removeScenes);
afterAll(removeTemplates);

const payload = { repository: { default_branch: 'main' } };

async function step(scene: ReconcileScene, runner: Runner, inputs: Record<string, string> = {}, event = 'push'): Promise<StepEnding> {
  const ending = await startStep({
    action: 'deploy',
    inputs: { folder: '.', token: 'token-of-job', 'signing-key': signingKey, ...inputs },
    event,
    payload,
    workspace: runner.folder,
    temp: scene.folder,
    env: {
      GITHUB_API_URL: scene.github.url,
      GITHUB_SERVER_URL: scene.github.serverUrl,
      GITHUB_SHA: await scene.pull(),
      GITHUB_RUN_ID: '9001',
      GITHUB_ACTOR: 'carol',
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
  });
  // but to the runner, which hides it from then on
  const said = ending.log.replaceAll(/^::add-mask::.*$/gm, '') + ending.summary + JSON.stringify(ending.outputs);
  for (const secret of ['token-of-job', signingKey]) expect(said).not.toContain(secret);
  return ending;
}

test('after a merge: recorded, served, told; what is refused fails the step once, and is still told by its issue', { timeout: 60_000 }, async () => {
  const { scene, runner } = await openScene();
  const pull = await scene.propose({ candidate: better, production: good });
  const commit = await scene.merge(pull);
  const refused = await step(scene, runner);
  expect(refused).toMatchObject({ code: 1, outputs: { holds: 'false', written: '1', refused: '1' } });
  expect(refused.summary).toContain('**refused**');
  const still = await step(scene, runner, {}, 'schedule');
  expect(still).toMatchObject({ code: 0, outputs: { holds: 'false', written: '0', refused: '1' } });

  scene.approve(pull);
  const healed = await step(scene, runner, {}, 'schedule');
  expect(healed).toMatchObject({ code: 0, outputs: { holds: 'true', written: '1', refused: '0' } });
  expect(JSON.parse(healed.outputs['served'] ?? '')).toContainEqual(expect.objectContaining({ model: 'intents', stage: 'production', commit }));
  expect(healed.summary).toContain('approved by `bob`');
});

test('T27: an input of the run breaks no glass by itself', { timeout: 60_000 }, async () => {
  const { scene, runner } = await openScene();
  await scene.pushDirectly('mallory', () => scene.team.promote({ candidate: better, production: good }));
  await scene.startedBy('mallory');
  const ending = await step(scene, runner, { 'break-glass': 'intents', reason: 'now\n::set-output name=holds::true' }, 'workflow_dispatch');
  expect(ending).toMatchObject({ code: 1, outputs: { holds: 'false' } });
  expect(ending.log).toContain('mallory may not break the glass');
  expect(ending.commands.filter((line) => /set-output/.test(line))).toEqual([]);
});

test('inputs are checked before anything is asked', () => {
  const read = (inputs: Record<string, string>) => () => readInputs((name) => inputs[name] ?? '', '/w');
  expect(read({ token: 't', 'break-glass': 'intents', reason: ' because ', stage: 'staging', 'signing-key': 'k' })()).toEqual({
    folder: '/w',
    options: { breakGlass: 'intents', stage: 'staging', reason: 'because' },
    env: { PLUMB_FORGE_TOKEN: 't', PLUMB_AUDIT_SIGNING_KEY: 'k' },
  });
  const code = (inputs: Record<string, string>): unknown => {
    try {
      return read(inputs)();
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  expect(code({})).toBe('ACTION_INPUT');
  expect(code({ token: 't', 'break-glass': 'intents' })).toBe('ACTION_INPUT');
  expect(code({ token: 't', 'break-glass': '../x', reason: 'r' })).toBe('NAME_INVALID');
  expect(code({ token: 't', stage: 'canary' })).toBe('ACTION_INPUT');
  expect(code({ token: 't', start: 'yes' })).toBe('ACTION_INPUT');
  expect(code({ token: 't', folder: '../other' })).toBe('ACTION_INPUT');
});
