// A real project in a real git repository, for tests.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentProgress } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import { addDataset, type AddRequest, type AddResult } from './add.ts';

const run = promisify(execFile);
const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false', '-c', 'init.defaultBranch=main'];

export const quiet: { readonly progress: typeof silentProgress; readonly signal: AbortSignal } = {
  progress: silentProgress,
  signal: new AbortController().signal,
};

export interface TestProject {
  /** absolute; the project's root */
  readonly root: string;
  open(): Promise<Project>;
  git(...words: string[]): Promise<string>;
  write(path: string, bytes: string | Uint8Array): Promise<void>;
  add(argument: string, options?: Partial<AddRequest>): Promise<AddResult>;
}

/** @param options prefix: the project stands in this sub-folder; remote: with a folder beside the repository as remote */
export async function createProject(options: { readonly prefix?: string; readonly remote?: boolean } = {}): Promise<TestProject> {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'plumb-project-')));
  const repository = join(top, 'repo');
  const root = join(repository, options.prefix ?? '');
  await mkdir(root, { recursive: true });
  const git = async (...words: string[]): Promise<string> => (await run('git', [...identity, ...words], { cwd: root })).stdout;
  await run('git', [...identity, 'init', '-q', repository]);
  const write = async (path: string, bytes: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), bytes);
  };
  await write('plumbline.yaml', `version: 1\n${options.remote === true ? `remote: ${JSON.stringify(join(top, 'remote'))}\n` : ''}`);
  await write('.gitignore', '/.plumb/\n');
  const open = (): Promise<Project> => openProject({ cwd: root, env: {} });
  return {
    root,
    open,
    git,
    write,
    add: async (argument, request = {}) => addDataset(await open(), { argument, cwd: root, ...quiet, ...request }),
  };
}

export function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
