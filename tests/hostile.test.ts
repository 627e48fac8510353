// What hostile files of a branch, a poisoned cache or a foreign remote can make plumb do: nothing outside of what the pipeline says.
import { expect, test } from 'vitest';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { canonicalJson, type Json } from '../src/base/canonical.ts';
import { sha256, TestProject } from './project.ts';

interface Stage {
  readonly state: string;
  readonly run: string;
  readonly stage: string;
  readonly fingerprint: string;
  readonly outputs: Readonly<Record<string, { readonly digest: string }>>;
}

const pipeline = 'stages:\n  same:\n    cmd: cat in.txt > out/same.txt\n    deps: [in.txt]\n    outs: [out/same.txt]\n';

const create = (): TestProject => TestProject.create({ 'pipeline.yaml': pipeline, 'in.txt': 'input\n' });

async function run(project: TestProject, name: string): Promise<Stage> {
  const { stages } = (await project.done('run', name)) as unknown as { stages: Stage[] };
  const stage = stages.find((one) => one.stage === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

/** Puts an object into the cache by hand. */
function put(project: TestProject, text: string): string {
  const digest = `sha256:${sha256(text)}`;
  const path = project.objectPath(digest);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return digest;
}

/** Writes a record over a cached one: what somebody can do who may write to the remote, from which a cache fills itself. */
function poison(project: TestProject, stage: Stage, change: (record: Record<string, unknown>) => void): void {
  const record = JSON.parse(readFileSync(project.objectPath(stage.run), 'utf8')) as Record<string, unknown>;
  change(record);
  const digest = put(project, canonicalJson(record as Json));
  const name = project.path(`.plumb/cache/names/runs/${stage.fingerprint.slice(7)}`);
  chmodSync(name, 0o644);
  writeFileSync(name, `${digest}\n`);
}

test.each([
  ['.git/hooks', 'folder'],
  ['../escaped', 'file'],
  ['policy.yaml', 'file'],
])('a record that says its output belongs at %s: outputs go where the pipeline says', async (path, kind) => {
  using project = create();
  const first = await run(project, 'same');
  const script = put(project, '#!/bin/sh\n');
  const part = { path: 'post-commit', digest: script, bytes: 10, mode: '100755' };
  const folder = put(project, canonicalJson({ plumbline: 'manifest/1', kind: 'files', parts: [part] }));
  const evil = { path, kind, digest: kind === 'folder' ? folder : script, bytes: 10 };
  poison(project, first, (record) => (record['outputs'] = { ...(record['outputs'] as object), evil }));
  // a foreign record is no record: the stage runs, and its record takes the name back
  expect(await run(project, 'same')).toMatchObject({ state: 'ran', outputs: first.outputs });
  expect(await run(project, 'same')).toMatchObject({ state: 'cached' });
  poison(project, first, (record) => (record['outputs'] = { 'out/same.txt': evil }));
  await project.plumb(['run']);
  expect(existsSync(project.path('.git/hooks/post-commit'))).toBe(false);
  expect(existsSync(project.path('../escaped'))).toBe(false);
  expect(existsSync(project.path('policy.yaml'))).toBe(false);
});

test('a record under the right fingerprint that claims other inputs is not believed', async () => {
  using project = create();
  const first = await run(project, 'same');
  poison(project, first, (record) => {
    for (const input of Object.values(record['inputs'] as Record<string, { digest: string }>)) input.digest = `sha256:${'0'.repeat(64)}`;
  });
  expect(await run(project, 'same')).toMatchObject({ state: 'ran', outputs: first.outputs });
});

test('a renamed stage is a hit, and its outputs stand under its new name', async () => {
  const rules = 'version: 1\nrules:\n  - { rows: { min: 1 } }\n';
  const stages = (name: string): string => `stages:\n  ${name}:\n    uses: plumb/validate\n    with: { data: rows, rules: rules.yaml }\n`;
  using project = TestProject.create({ 'pipeline.yaml': stages('old'), 'rules.yaml': rules, 'rows.jsonl': '{"a":1}\n' });
  await project.done('add', 'rows.jsonl');
  await run(project, 'old');
  project.write('pipeline.yaml', stages('new'));
  expect(await run(project, 'new')).toMatchObject({ state: 'cached' });
  expect(existsSync(project.path('out/new'))).toBe(true);
});
