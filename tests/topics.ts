// A small real classifier: three topics, sixty rows, trained in half a second.
import { jsonl, TestProject } from './project.ts';

const texts: Readonly<Record<string, readonly string[]>> = {
  card: ['my card is lost', 'the card did not arrive', 'card payment refused'],
  cash: ['withdraw cash', 'the cash machine is empty', 'no cash came out'],
  rate: ['which exchange rate', 'what rate applies', 'a better rate please'],
};

/** @param size rows a topic */
export function topicRows(size: number, prefix: string): string {
  return jsonl(
    Object.entries(texts).flatMap(([label, some]) =>
      Array.from({ length: size }, (_, at) => ({ id: `${prefix}-${label}-${at}`, text: `${some[at % some.length]} ${at}`, label })),
    ),
  );
}

export const topicFiles: Readonly<Record<string, string>> = {
  'pipeline.yaml': `
stages:
  check: { uses: plumb/validate, with: { data: topics, rules: rules.yaml } }
  train: { uses: plumb/train-text, with: { data: topics }, params: [train], needs: [check] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: suite.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 2, validation: 0 }\n',
  'rules.yaml': 'version: 1\nrules:\n  - { column: id, unique: true }\n',
  'suite.yaml': 'version: 1\ndata: asked\nid: id\n',
  'policy.yaml': `
version: 1
models:
  topics: { staging: { gate: default }, production: { gate: default } }
gates:
  default: [{ metric: accuracy, at_least: 0.5 }]
`,
  'data/topics.jsonl': topicRows(20, 'train'),
  'data/asked.jsonl': topicRows(5, 'asked'),
};

/** A project with these files; data is not added yet and stands outside of git. */
export function createTopics(options: { readonly remote?: boolean } = {}): TestProject {
  return TestProject.create({ ...topicFiles, '.gitignore': '.plumb/\nout/\n.plumb-tmp-*\n/data/\n' }, options);
}

/** The same with data locked and committed, and the pipeline run: ready to be promoted. */
export async function createTrained(options: { readonly remote?: boolean } = {}): Promise<TestProject> {
  const project = createTopics(options);
  await project.done('add', 'data/topics.jsonl', 'data/asked.jsonl', '--key', 'id');
  project.git('add', '.');
  project.git('commit', '-qm', 'data');
  await project.done('run');
  return project;
}
