import { describe, expect, test } from 'vitest';
import type { AnyStep } from '../base/step.ts';
import { validate } from '../quality/rules/step.ts';
import { loadPipeline, type SourceTree } from './source-tree.ts';

const steps = new Map([['plumb/validate', async () => validate as AnyStep]]);

function treeOf(pipeline: string): SourceTree {
  return {
    name: 'the tree of a test',
    lock: { version: 1, datasets: {} },
    readText: async (path) => (path === 'pipeline.yaml' ? pipeline : undefined),
    exists: async (path) => path === 'rules.yaml',
    facts: () => Promise.reject(new Error('nothing is read')),
    dataset: () => Promise.reject(new Error('nothing is read')),
  };
}

describe('what is wrong with a stage is told with its line and column', () => {
  test.each([
    ['a key of its arguments', 'a: { uses: plumb/validate,\n    with: { dat: x, rules: rules.yaml } }', 4, 18],
    ['a value of its arguments', 'a: { uses: plumb/validate,\n    with: { data: 3, rules: rules.yaml } }', 4, 19],
    ['data that are nothing', 'a:\n    uses: plumb/validate\n    with:\n      data: intentz\n      rules: rules.yaml', 6, 13],
    ['a file that is nothing', 'a: { cmd: "true", deps: [rules.yaml,\n    gone.txt] }', 4, 5],
    ['a step that is not there', 'a:\n    uses: plumb/validat\n    with: {}', 4, 11],
    ['a stage that is not there', 'a: { cmd: "true",\n    needs: [b] }', 4, 13],
    ['a stage of a template', 'a:\n    foreach: [x, y]\n    do: { cmd: "true", deps: ["gone-${item}"] }', 4, 5],
  ])('%s', async (_, stage, line, column) => {
    const error: unknown = await loadPipeline(treeOf(`version: 1\nstages:\n  ${stage}\n`), steps).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ where: { file: 'pipeline.yaml', line, column } });
  });
});
