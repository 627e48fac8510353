import { expect, test } from 'vitest';
import { createProject, jsonl } from '../datasets/project.fixture.ts';
import { openStatIndex } from '../datasets/stat-index.ts';
import { loadPipeline } from '../pipeline/source-tree.ts';
import { openWorkTree } from '../pipeline/work-tree.ts';
import { leakagePairs } from './leakage-pairs.ts';
import { steps } from './steps.ts';

test('what a model is trained on meets what it is asked, through features and splits, each pair once', async () => {
  const project = await createProject();
  for (const name of ['intents', 'cases', 'notes']) {
    await project.write(`data/${name}.jsonl`, jsonl([{ id: name, text: `of ${name}`, label: 'a' }]));
    await project.add(`data/${name}.jsonl`);
  }
  await project.write('evals/a.yaml', 'version: 1\ndata: cases\ninput: question\n');
  await project.write('evals/b.yaml', 'version: 1\ndata: parts.test\n');
  await project.write('work.py', '');
  await project.write(
    'pipeline.yaml',
    `version: 1
stages:
  parts: { uses: plumb/split, with: { data: intents, by: hash(id), test: 0.2 } }
  train: { uses: plumb/train-text, with: { data: parts.train } }
  a: { uses: plumb/evaluate, with: { model: train.model, suite: evals/a.yaml } }
  b: { uses: plumb/evaluate, with: { model: train.model, suite: evals/b.yaml } }
  features: { cmd: python work.py, deps: [notes], outs: [features.bin] }
  deep: { cmd: python work.py, deps: [features.bin], outs: [deep.onnx] }
  judge: { cmd: python work.py, deps: [deep.onnx, cases], outs: [judged.json] }
models:
  small: { artifact: train.model, evaluation: a }
  large: { artifact: deep.onnx, evaluation: judge }
`,
  );
  await project.write('params.yaml', 'train: {}\n');
  const opened = await project.open();
  const tree = await openWorkTree(opened, await openStatIndex(opened));
  expect(await leakagePairs(await loadPipeline(tree, steps), tree)).toEqual([
    { train: { ref: 'parts.train', path: 'out/parts/train.jsonl', column: 'text' }, asked: { ref: 'cases', path: null, column: 'question' } },
    {
      train: { ref: 'parts.train', path: 'out/parts/train.jsonl', column: 'text' },
      asked: { ref: 'parts.test', path: 'out/parts/test.jsonl', column: 'text' },
    },
    { train: { ref: 'notes', path: null, column: null }, asked: { ref: 'cases', path: null, column: null } },
  ]);
});
