// plumb ci plan and validate on a laptop: what a job would see, without a forge.
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TestProject } from './project.ts';

const pipeline = `version: 1
stages:
  a: { cmd: "cp in.txt a.txt", deps: [in.txt], outs: [a.txt] }
  b: { cmd: "cp a.txt b.txt", deps: [a.txt], outs: [b.txt] }
  c: { cmd: "cp b.txt c.txt", deps: [b.txt], outs: [c.txt] }
`;

interface Plan {
  readonly relevant: boolean;
  readonly why: readonly string[];
  readonly levels: readonly (readonly { readonly stages: readonly string[]; readonly why: string; readonly estimate: number | null }[])[];
  readonly cached: readonly { readonly stage: string }[];
}

test('plan: what was not committed counts, the log of this machine says how long it takes, and nothing is run', async () => {
  using project = TestProject.create({ 'pipeline.yaml': pipeline, 'in.txt': 'x\n', 'README.md': 'x\n' });
  const plan = async (...words: string[]): Promise<Plan> => (await project.done('ci', 'plan', ...words)) as unknown as Plan;
  const first = await plan('--levels', '2');
  expect(first.levels.map((jobs) => jobs.map(({ stages }) => stages))).toEqual([[['a']], [['b', 'c']]]);
  expect(first.levels[0]?.[0]).toMatchObject({ why: 'never run here', estimate: null });
  expect(project.read('README.md')).toBe('x\n');
  await project.done('run');
  expect((await plan()).levels).toEqual([]);
  project.git('add', '.');
  project.git('commit', '-qm', 'what a run ignores');
  project.write('README.md', 'y\n');
  expect(await plan('--base', 'HEAD')).toMatchObject({ relevant: false, levels: [], cached: [] });
  project.write('in.txt', 'z\n');
  const changed = await plan('--base', 'HEAD');
  expect(changed).toMatchObject({ relevant: true, why: ['in.txt changed, which stage "a" reads'] });
  expect(changed.levels[0]).toMatchObject([
    { stages: ['a'], why: expect.stringMatching(/^in\.txt changed: /) as string, estimate: expect.any(Number) as number },
  ]);
  const text = await project.plumb(['ci', 'plan', '--base', 'HEAD', '--force', 'b'], { text: true });
  expect(text.stdout).toContain('level 2\n  b  [ubuntu-24.04]  about 0.1 min  waits for a');
  expect(text.stdout).toContain('3 stages to run, 0 from the cache, about 0.3 minutes of machines');
});

test('wrong words are told, and validate answers no', async () => {
  using project = TestProject.create({ 'pipeline.yaml': pipeline.replace('deps: [b.txt]', 'deps: [b.tx]'), 'in.txt': 'x\n' });
  const code = async (...words: string[]): Promise<string | undefined> => (await project.plumb(['ci', ...words])).code;
  expect(await code('plan', '--levels', '0')).toBe('USAGE');
  expect(await code('plan', '--base', 'nowhere')).toBe('GIT_REVISION_UNKNOWN');
  expect(await code('nothing')).toBe('USAGE');
  const { exit, json } = await project.plumb(['ci', 'validate', '--base', 'HEAD']);
  expect([exit, json['errors']]).toEqual([1, 1]);
  const text = await project.plumb(['ci', 'validate'], { text: true });
  expect(text.stdout).toMatch(/^error {2}pipeline\.yaml:5:3 {2}stage "c" reads "b\.tx".*Did you mean "b\.txt"/);
});

test('a plan needs no bytes of data: the lock says which they are', async () => {
  using project = TestProject.create(
    { 'pipeline.yaml': 'version: 1\nstages:\n  a: { cmd: "cp data/d.jsonl a.txt", deps: [d], outs: [a.txt] }\n' },
    { remote: true },
  );
  project.write('data/d.jsonl', '{"id":"1"}\n');
  await project.done('add', 'data/d.jsonl');
  for (const path of ['.plumb', 'data', '../remote']) rmSync(project.path(path), { recursive: true, force: true });
  const { exit, json } = await project.plumb(['ci', 'plan']);
  expect([exit, json['levels']]).toEqual([0, [[expect.objectContaining({ stages: ['a'] })]]]);
});
