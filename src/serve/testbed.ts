// A real repository for tests and the benchmark: git, a store, pointers that are committed. Nothing of the product imports this.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, type Digest } from '../base/digest.ts';
import { openGit } from '../git/open.ts';
import type { Git } from '../git/git.ts';
import { serialisePointer } from '../registry/pointer.ts';
import type { Pointer, Stage } from '../registry/schema.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';

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
