// A project with two promotions of a small real model, one after the other: what tests of the way back begin with.
import { newProject, type Repository } from './plumb.ts';

const topics = { card: ['my card is lost', 'card payment'], cash: ['withdraw cash', 'no cash came out'], rate: ['exchange rate', 'a better rate'] };

function rows(size: number, prefix: string): string {
  const all = Object.entries(topics).flatMap(([label, texts]) =>
    Array.from({ length: size }, (_, at) => JSON.stringify({ id: `${prefix}-${label}-${at}`, text: `${texts[at % texts.length]} ${at}`, label })),
  );
  return `${all.join('\n')}\n`;
}

export const files = {
  'pipeline.yaml': `
stages:
  train: { uses: plumb/train-text, with: { data: topics }, params: [train] }
  evaluate: { uses: plumb/evaluate, with: { model: train.model, suite: evals/topics.yaml } }
models:
  topics: { artifact: train.model, evaluation: evaluate }
`,
  'params.yaml': 'train: { epochs: 4, validation: 0 }\n',
  'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n',
  '.gitignore': '.plumb/\nout/\ndata/\n',
};

export interface TwoModels {
  readonly repository: Repository;
  /** digests of the model that was in production before, and of the one that is */
  readonly before: string;
  readonly current: string;
}

/** @param more files, policy.yaml among them. The store is named relative to the project. */
export async function twoModels(more: Readonly<Record<string, string>>): Promise<TwoModels> {
  const repository = await newProject({ ...files, 'plumbline.yaml': 'version: 1\nremote: .plumb/../../store\n', ...more });
  await repository.write('data/topics.jsonl', rows(12, 'train'));
  await repository.write('data/asked.jsonl', rows(12, 'test'));
  const must = async (...words: string[]): Promise<void> => {
    const { exit, stdout, stderr } = await repository.plumb(...words);
    if (exit !== 0) throw new Error(`plumb ${words.join(' ')}: ${stdout}${stderr}`);
  };
  const served = async (): Promise<string> =>
    (JSON.parse(await repository.read('models/topics/production.json')) as { artifact: { digest: string } }).artifact.digest;
  await must('add', 'data/topics.jsonl', '--key', 'id', '--label', 'label');
  await must('add', 'data/asked.jsonl', '--key', 'id');
  await repository.git('add', '--all');
  await repository.git('commit', '-qm', 'data');
  await must('run');
  await must('promote', 'topics', '--to', 'production');
  const before = await served();
  await repository.write('params.yaml', 'train: { epochs: 6, validation: 0 }\n');
  await repository.git('commit', '-qam', 'longer');
  await must('run');
  await must('promote', 'topics', '--to', 'production');
  return { repository, before, current: await served() };
}
