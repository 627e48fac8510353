// A real repository for tests and the benchmark: git, a store, pointers that are committed. Nothing of the product imports this.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, digestOfFile, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { openGit } from '../git/open.ts';
import type { Git } from '../git/git.ts';
import { serialisePointer } from '../registry/pointer.ts';
import type { Pointer, Stage } from '../registry/schema.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { trainTextParams } from '../train/schema.ts';
import { trainText } from '../train/step.ts';

const run = promisify(execFile);

export interface Testbed {
  readonly root: string;
  readonly git: Git;
  readonly store: Store;
  /** Runs git in the work tree; an answer without its last newline. */
  gitCommand(...words: string[]): Promise<string>;
  /** Writes files (null takes one away) and commits them. @returns the commit */
  commit(files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
  /** Commits a pointer that names these bytes. */
  promote(digest: Digest, options?: { model?: string; stage?: Stage }): Promise<string>;
  remove(): Promise<void>;
}

/** @param options.remote absolute path of a folder, written to plumbline.yaml; options.prefix of the project in the repository */
export async function createTestbed(options: { remote?: string; prefix?: string } = {}): Promise<Testbed> {
  const root = await mkdtemp(join(tmpdir(), 'plumb serve ü '));
  const prefix = options.prefix ?? '';
  const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', HOME: root };
  const gitCommand = async (...words: string[]): Promise<string> => (await run('git', words, { cwd: root, env })).stdout.replace(/\n$/, '');
  await gitCommand('init', '--quiet', '--initial-branch=main');
  await gitCommand('config', 'user.name', 'Test');
  await gitCommand('config', 'user.email', 'test@example.org');
  await gitCommand('config', 'gc.auto', '0');
  const commit = async (files: Readonly<Record<string, string | null>>, message: string): Promise<string> => {
    for (const [path, text] of Object.entries(files)) {
      const target = join(root, prefix, path);
      await mkdir(dirname(target), { recursive: true });
      if (text === null) await rm(target);
      else await writeFile(target, text);
    }
    await gitCommand('add', '--all', '--', ...Object.keys(files).map((path) => prefix + path));
    await gitCommand('commit', '--quiet', '--message', message);
    return gitCommand('rev-parse', 'HEAD');
  };
  await commit(
    {
      'plumbline.yaml': `version: 1\n${options.remote === undefined ? '' : `remote: ${JSON.stringify(options.remote)}\n`}`,
      '.gitignore': '.plumb/\n',
    },
    'a project',
  );
  const store = await openStore({
    cacheDir: join(root, prefix, '.plumb', 'cache'),
    ...(options.remote === undefined ? {} : { remote: options.remote }),
  });
  return {
    root,
    git: await openGit(root, process.env),
    store,
    gitCommand,
    commit,
    promote: (digest, place = {}) => {
      const { model = 'intents', stage = 'production' } = place;
      return commit({ [`models/${model}/${stage}.json`]: pointerText(digest, { model, stage }) }, `${model}: ${digest.slice(7, 19)} to ${stage}`);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** A pointer as `plumb promote` writes it; the evidence that it names is not there, for serving does not read it. */
export function pointerText(digest: Digest, place: { model: string; stage: Stage }): string {
  const evidence = digestOf('evidence');
  const pointer: Pointer = {
    plumbline: 'pointer/1',
    ...place,
    artifact: { digest, bytes: 1, format: 'onnx' },
    run: evidence,
    evaluation: evidence,
    data: {},
    code: null,
    report: evidence,
    policy: evidence,
    promotion: evidence,
    metrics: {},
  };
  return serialisePointer(pointer);
}

export interface TrainedModels {
  readonly paths: readonly string[];
  remove(): Promise<void>;
}

/** Trains a model for each seed on a file of rows with `text` and `label`, by the built-in step. @param params of the step, beside its defaults */
export async function trainModels(rows: string, seeds: readonly number[], params: Readonly<Record<string, unknown>> = {}): Promise<TrainedModels> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-models-'));
  const paths: string[] = [];
  const arguments_ = trainText.with.parse({ data: 'rows' });
  const ports = await trainText.ports(arguments_, () => Promise.reject(new Error('this step reads no file of the project')));
  for (const seed of seeds) {
    const outputs: Record<string, string> = {};
    for (const [name, file] of Object.entries(ports.outputs)) outputs[name] = join(folder, String(seed), file);
    await mkdir(join(folder, String(seed)));
    await trainText.run({
      with: arguments_,
      params: trainTextParams.parse(params),
      seed,
      origins: {},
      cacheDir: folder,
      memoryDir: null,
      inputs: Object.fromEntries(Object.keys(ports.inputs).map((name) => [name, rows])),
      outputs,
      progress: silentProgress,
      signal: new AbortController().signal,
      log: () => undefined,
    });
    paths.push(outputs['model'] ?? '');
  }
  return { paths, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Paths of three models whose labels tell them apart. */
export interface TinyModels {
  /** 'apple', 'banana' */
  readonly fruit: string;
  /** 'blue', 'green' */
  readonly colour: string;
  /** of which nobody has put the bytes into a store */
  readonly other: string;
  readonly otherDigest: Digest;
  remove(): Promise<void>;
}

const tinyRows: Readonly<Record<'fruit' | 'colour' | 'other', Readonly<Record<string, readonly string[]>>>> = {
  fruit: {
    apple: ['a red apple from the tree', 'apple pie with a red apple', 'the apple tree'],
    banana: ['a ripe yellow banana', 'peel the banana', 'banana bread with a ripe banana'],
  },
  colour: { blue: ['a blue sky', 'the deep blue sea', 'blue as the sky'], green: ['green grass', 'a green leaf in spring', 'the grass is green'] },
  other: { cat: ['the cat purrs', 'a cat on the sofa', 'cat and mouse'], dog: ['the dog barks', 'walk the dog', 'a dog in the park'] },
};

export async function trainTinyModels(): Promise<TinyModels> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-rows-'));
  const trained: TrainedModels[] = [];
  const train = async (kind: keyof typeof tinyRows): Promise<string> => {
    const rows = Object.entries(tinyRows[kind]).flatMap(([label, texts]) => texts.map((text) => ({ text, label })));
    const file = join(folder, `${kind}.jsonl`);
    await writeFile(file, rows.map((row, id) => `${JSON.stringify({ id, ...row })}\n`).join(''));
    const model = await trainModels(file, [1]);
    trained.push(model);
    return model.paths[0] ?? '';
  };
  const [fruit, colour, other] = [await train('fruit'), await train('colour'), await train('other')];
  const { digest } = await digestOfFile(other);
  const remove = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await Promise.all(trained.map((one) => one.remove()));
  };
  return { fruit, colour, other, otherDigest: digest, remove };
}
