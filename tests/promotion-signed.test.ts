// What CI ran, signed, promoted by a job, and judged: real commands, a real small model, real signatures.
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../src/base/digest.ts';
import { openProject } from '../src/project/open.ts';
import { parsePolicyText } from '../src/registry/chain.ts';
import { loadEvidence } from '../src/registry/evidence.ts';
import { judgeMove } from '../src/registry/judge-move.ts';
import type { Judgement } from '../src/registry/judgement.ts';
import { openMoveStore } from '../src/registry/move-store.ts';
import { readPointer } from '../src/registry/pointer.ts';
import type { Policy } from '../src/registry/schema.ts';
import { commitTree } from '../src/registry/tree.ts';
import { TestProject } from './project.ts';
import { Job, key, policy } from './trust-forge.ts';

const texts = { card: ['my card is lost', 'the card did not arrive'], cash: ['withdraw cash', 'no cash came out'] };

function rows(size: number, prefix: string): string {
  return Object.entries(texts)
    .flatMap(([label, all]) =>
      Array.from({ length: size }, (_, at) => JSON.stringify({ id: `${prefix}-${label}-${at}`, text: `${all[at % all.length]} ${at}`, label })),
    )
    .join('\n')
    .concat('\n');
}

const files = {
  'pipeline.yaml': `
stages:
  train: { uses: plumb/train-text, with: { data: topics }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate, parts: { rows: topics } }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': policy().replace(
    'models: {}\ngates: {}\n',
    'models: { topics: { production: { gate: default } } }\ngates:\n  default:\n    - { metric: accuracy, at_least: 0.5 }\n    - { against: production, not_worse_by: 0.2 }\n',
  ),
  '.github/workflows/main.yml': 'name: main\n',
};

let jobs = 0;
function jobOn(project: TestProject): Job {
  jobs += 1;
  const event = { repository: { default_branch: 'main' } };
  return Job.start(project, { event, env: { GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main' }, workflow: 'main.yml', run: jobs });
}

function commit(project: TestProject, message: string): void {
  project.git('add', '.');
  project.git('commit', '-qm', message);
}

/** What the last commit did to models/. */
async function judgeHead(project: TestProject): Promise<Judgement> {
  const { git, prefix, store } = await openProject({ cwd: project.root, env: {} });
  const [before, after] = [project.git('rev-parse', 'HEAD~1'), project.git('rev-parse', 'HEAD')];
  const text = `${project.git('show', 'HEAD~1:policy.yaml')}\n`;
  const judgement = await judgeMove({
    git,
    prefix,
    before,
    after,
    policy: { text, digest: digestOf(text), policy: parsePolicyText(text) as Policy, commit: before },
    facts: 'no forge',
    log: null,
    store: openMoveStore(store),
    trust: { main: 'main', mergedPull: async () => null, fetchCommit: async () => false },
    now: new Date(),
  });
  return judgement ?? expect.fail('nothing was judged');
}

const refusedBy = ({ points }: Judgement): string[] => points.filter(({ holds }) => holds !== true).map(({ point, why }) => `${point}: ${why}`);

test('every run behind a promotion is signed, the one by which the old model answered the new questions too', async () => {
  using project = TestProject.create(files, { remote: true });
  project.write('data/topics.jsonl', rows(12, 'train'));
  project.write('data/asked.jsonl', rows(20, 'test'));
  await project.plumb(['add', 'data/topics.jsonl', '--key', 'id', '--label', 'label']);
  await project.plumb(['add', 'data/asked.jsonl', '--key', 'id']);
  await project.plumb(['push']);
  commit(project, 'data');
  const first = jobOn(project);
  await first.plumb(['run']);
  await first.plumb(['ci', 'publish'], { PLUMB_SIGNING_KEY: key });
  await first.plumb(['promote', 'topics', '--to', 'production']);
  expect(refusedBy(await judgeHead(project))).toEqual([]);

  // more questions, and another model
  project.write('data/asked.jsonl', rows(30, 'test'));
  await project.plumb(['add', 'data/asked.jsonl']);
  await project.plumb(['push']);
  project.write('params.yaml', 'train: { epochs: 5, validation: 0 }\n');
  commit(project, 'more cases');
  const second = jobOn(project);
  await second.plumb(['run']);
  await second.plumb(['ci', 'publish'], { PLUMB_SIGNING_KEY: key });
  const unsigned = await second.plumb(['promote', 'topics', '--to', 'production']);
  expect(unsigned.stderr).toContain('nobody signed its answers: set PLUMB_SIGNING_KEY');
  expect(refusedBy(await judgeHead(project))).toEqual([
    expect.stringMatching(/^signatures: the run [0-9a-f]{12} \(stage evaluate\) does not count: it is not signed$/),
  ]);
  project.git('reset', '-q', '--hard', 'HEAD~1');

  await jobOn(project).plumb(['promote', 'topics', '--to', 'production'], { PLUMB_SIGNING_KEY: key });
  expect(refusedBy(await judgeHead(project))).toEqual([]);
  const { git } = await openProject({ cwd: project.root, env: {} });
  const tree = commitTree(git, '', project.git('rev-parse', 'HEAD'));
  const pointer = (await readPointer(tree, 'topics', 'production')) ?? expect.fail('no pointer');
  const { signatures, runs, baselines } = await loadEvidence(tree, pointer);
  expect(Object.keys(signatures?.runs ?? {}).toSorted()).toEqual([...runs.keys(), baselines.production?.digest as Digest].toSorted());
  expect(baselines.production?.record.inputs['model']?.digest).not.toBe(pointer.artifact.digest);
  // the part is the data set that trained it
  expect(pointer.parts).toEqual({ rows: { digest: pointer.data['topics'], bytes: expect.any(Number) } });
  expect((await project.plumb(['verify', '--history'])).exit).toBe(0);

  // what a laptop made and promotes is nobody's word
  project.write('params.yaml', 'train: { epochs: 6, validation: 0 }\n');
  commit(project, 'of a laptop');
  await project.plumb(['run']);
  expect((await project.plumb(['promote', 'topics', '--to', 'production'])).exit).toBe(0);
  expect(refusedBy(await judgeHead(project))[0]).toMatch(
    /^signatures: topics in production: its evidence has no signatures|^signatures: .* does not count/,
  );
}, 120_000);
