// action.yml of every action: what the runner and the code make of it agree. docs/reference/actions.md is made of it (tests/formats.test.ts).
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { actionFolders, permissionsOf } from '../scripts/reference/actions-page.ts';
import { readInputs } from './report/inputs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Metadata {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string; readonly value?: string }>>;
  readonly runs: { readonly using: string; readonly main?: string; readonly steps?: readonly Step[] };
}

const folders = actionFolders(root);
const actions = folders.map((folder) => ({ folder, metadata: load(readFileSync(join(root, folder, 'action.yml'), 'utf8')) as Metadata }));
const metadataOf = (folder: string): Metadata => actions.find((one) => one.folder === folder)?.metadata as Metadata;
const steps = actions.flatMap(({ folder, metadata }) => (metadata.runs.steps ?? []).map((step) => ({ folder, step })));

test('every action is for Node 24 or composite, and its files are there', () => {
  const names = ['check-promotion', 'command', 'deploy', 'plan', 'promote', 'report', 'rollback', 'run', 'setup', 'validate'];
  expect(folders).toEqual(['.', ...names.map((name) => `actions/${name}`)]);
  for (const { folder, metadata } of actions) {
    expect(['node24', 'composite']).toContain(metadata.runs.using);
    if (metadata.runs.main !== undefined) expect(existsSync(join(root, folder, metadata.runs.main))).toBe(true);
    for (const [, path] of JSON.stringify(metadata.runs.steps ?? []).matchAll(/\$GITHUB_ACTION_PATH\/([\w./-]+)/g))
      expect(existsSync(join(root, folder, path ?? ''))).toBe(true);
  }
});

test('T3: no value is pasted into a script: they come by the environment', () => {
  expect(steps.length).toBeGreaterThan(6);
  for (const { step } of steps) {
    expect(step.run ?? '').not.toContain('${{');
    if (step.run !== undefined) expect(step.shell).toBe('bash');
    for (const [, name] of (step.run ?? '').matchAll(/\$\{?([A-Z_]+)/g))
      expect([...Object.keys(step.env ?? {}), 'GITHUB_ACTION_PATH']).toContain(name);
  }
});

test('expressions name inputs, steps and outputs that exist', () => {
  for (const { folder, metadata } of actions) {
    const text = JSON.stringify(metadata);
    for (const [, name] of text.matchAll(/\binputs\.([\w-]+)/g)) expect(Object.keys(metadata.inputs), folder).toContain(name);
    for (const [, id] of text.matchAll(/\bsteps\.([\w-]+)/g))
      expect(
        (metadata.runs.steps ?? []).map((step) => step.id),
        folder,
      ).toContain(id);
  }
  const outputs = Object.keys(metadataOf('actions/report').outputs);
  expect(Object.keys(metadataOf('.').outputs)).toEqual([...outputs, 'ran']);
});

test('the code reads exactly the inputs that actions/report declares, and takes their defaults', () => {
  const { inputs } = metadataOf('actions/report');
  const read: string[] = [];
  const given = readInputs((name) => {
    read.push(name);
    return name === 'token' ? 'x' : (inputs[name]?.default ?? '');
  }, '/w');
  expect([...new Set(read)].toSorted()).toEqual(Object.keys(inputs).toSorted());
  const without = readInputs((name) => (name === 'token' ? 'x' : ''), '/w');
  expect(without).toEqual(given);
});

test('the common action hands on what it is given, with the same words', () => {
  const report = metadataOf('actions/report');
  const whole = metadataOf('.');
  const env = whole.runs.steps?.find((step) => step.id === 'report')?.env ?? {};
  for (const [name, value] of Object.entries(env).filter(([key]) => key.startsWith('INPUT_') && key !== 'INPUT_PLUMB')) {
    const input = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value)?.[1] ?? '';
    expect(name).toBe(`INPUT_${input.toUpperCase()}`);
    expect(whole.inputs[input]).toEqual(report.inputs[input]);
  }
  const used = [...JSON.stringify(whole.runs.steps).matchAll(/inputs\.([\w-]+)/g)].map((match) => match[1] ?? '');
  expect([...new Set(used)].toSorted()).toEqual(Object.keys(whole.inputs).toSorted());
});

test('the common action runs and publishes by the very steps of actions/run', () => {
  const own = (folder: string, wanted: RegExp): unknown[] =>
    (metadataOf(folder).runs.steps ?? [])
      .filter((step) => wanted.test(step.run ?? ''))
      .map((step) => [
        (step.run ?? '').replace('$GITHUB_ACTION_PATH/actions/run/', '$GITHUB_ACTION_PATH/'),
        Object.entries(step.env ?? {}).filter(([name]) => /^(PLUMB_SIGNING_KEY|NODE_OPTIONS|BASH_ENV|LD_PRELOAD|INPUT_PLUMB)$/.test(name)),
      ]);
  const wanted = /dist\/index\.js" (?:run|sweep|publish)$/;
  expect(own('actions/run', wanted)).toHaveLength(3);
  expect(own('.', wanted)).toEqual(own('actions/run', wanted));
});

test('every action says which permissions it needs', () => {
  for (const { folder } of actions) {
    const permissions = permissionsOf(folder, readFileSync(join(root, folder, 'action.yml'), 'utf8'));
    if (folder !== 'actions/setup') expect(permissions.length, folder).toBeGreaterThan(0);
  }
});
