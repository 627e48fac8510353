// Bytes of earlier runs get lost: a cache that was cleaned by hand, a disk that flips bits, a remote without them. A stage whose outputs are lost
// runs again, once, and is a cache hit afterwards.
import { expect, test } from 'vitest';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, TestProject } from './project.ts';

interface Stage {
  readonly stage: string;
  readonly state: string;
  readonly run: string;
  readonly fingerprint: string;
  readonly outputs: Readonly<Record<string, { readonly digest: string }>>;
  readonly notReproducible?: { readonly outputs: readonly string[] };
}

const pipeline = `
stages:
  # other bytes on every run
  clock:
    cmd: date +%s%N > out/clock.txt
    outs: [out/clock.txt]
  folder:
    cmd: mkdir out/folder && date +%s%N > out/folder/a.txt && echo same > out/folder/b.txt
    outs: [out/folder]
  same:
    cmd: cat in.txt > out/same.txt
    deps: [in.txt]
    outs: [out/same.txt]
`;

const create = (options: { remote?: boolean } = {}): TestProject => TestProject.create({ 'pipeline.yaml': pipeline, 'in.txt': 'input\n' }, options);

async function run(project: TestProject, name: string): Promise<Stage> {
  const { stages } = (await project.done('run', name)) as unknown as { stages: Stage[] };
  const stage = stages.find((one) => one.stage === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

test('a record that is gone: the stage runs once more, then it is a hit', async () => {
  using project = create();
  const first = await run(project, 'clock');
  expect(first.state).toBe('ran');
  project.lose(first.run);
  const second = await run(project, 'clock');
  expect(second).toMatchObject({ state: 'ran', fingerprint: first.fingerprint });
  expect(await run(project, 'clock')).toMatchObject({ state: 'cached', run: second.run });
});

test('a record that is damaged is not believed: the same', async () => {
  using project = create();
  const first = await run(project, 'same');
  project.damage(first.run);
  const second = await run(project, 'same');
  expect(second).toMatchObject({ state: 'ran', outputs: first.outputs });
  expect(await run(project, 'same')).toMatchObject({ state: 'cached', run: second.run });
  expect((await project.plumb(['runs'])).exit).toBe(0);
});

test('outputs that are gone and come out otherwise: said, and the new run has the name', async () => {
  using project = create();
  const first = await run(project, 'clock');
  project.lose(first.outputs['out/clock.txt']?.digest);
  const second = await run(project, 'clock');
  expect(second).toMatchObject({ state: 'ran', notReproducible: { outputs: ['out/clock.txt'] } });
  rmSync(project.path('out'), { recursive: true });
  expect(await run(project, 'clock')).toMatchObject({ state: 'cached', run: second.run });
});

test('an output that is damaged in the cache is made again where the work tree needs it', async () => {
  using project = create();
  const first = await run(project, 'same');
  project.damage(first.outputs['out/same.txt']?.digest);
  rmSync(project.path('out'), { recursive: true });
  expect(await run(project, 'same')).toMatchObject({ state: 'ran', outputs: first.outputs });
  expect(project.read('out/same.txt')).toBe('input\n');
  expect((await run(project, 'same')).state).toBe('cached');
});

test('a file of a folder that is gone, though the manifest is there', async () => {
  using project = create();
  await run(project, 'folder');
  project.lose(`sha256:${sha256(readFileSync(project.path('out/folder/a.txt')))}`);
  // as long as the work tree has it, nothing is missed
  expect((await run(project, 'folder')).state).toBe('cached');
  rmSync(project.path('out'), { recursive: true });
  const second = await run(project, 'folder');
  expect(second.state).toBe('ran');
  expect((await run(project, 'folder')).run).toBe(second.run);
});

test('a forced run that came out otherwise counts from then on', async () => {
  using project = create();
  await run(project, 'clock');
  const { stages } = (await project.done('run', '--force', 'clock')) as unknown as { stages: Stage[] };
  expect(stages[0]).toMatchObject({ state: 'ran', notReproducible: { outputs: ['out/clock.txt'] } });
  expect(await run(project, 'clock')).toMatchObject({ state: 'cached', run: stages[0]?.run });
});

test('what the remote still has is fetched, not run; where it has lost it too, the stage runs and the remote keeps its name', async () => {
  using project = create({ remote: true });
  const first = await run(project, 'clock');
  await project.done('push');
  const cache = project.path('.plumb/cache');
  rmSync(cache, { recursive: true });
  rmSync(project.path('out'), { recursive: true });
  expect(await run(project, 'clock')).toMatchObject({ state: 'cached', run: first.run });
  const output = first.outputs['out/clock.txt']?.digest;
  project.lose(output);
  project.loseRemotely(output);
  rmSync(project.path('out'), { recursive: true });
  const second = await run(project, 'clock');
  expect(second.state).toBe('ran');
  expect((await run(project, 'clock')).run).toBe(second.run);
  await project.done('push');
  const name = join('names/runs', first.fingerprint.slice(7));
  expect(readFileSync(join(project.remote, name), 'utf8').trim()).toBe(first.run);
  expect(readFileSync(join(cache, name), 'utf8').trim()).toBe(second.run);
});
