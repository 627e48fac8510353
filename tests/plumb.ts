// Real parts for stories that cross folders: a real git repository in a new folder, and the real `plumb` as a child process.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../bin/plumb.js', import.meta.url));

export interface Ended {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of the machine's own git settings reaches a test. */
const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  PLUMB_CACHE: undefined,
  NO_COLOR: '1',
};

export class Repository {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const [command = '', ...rest] = words;
    const child = spawn(command, rest, { cwd: this.folder, env: { ...environment, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (stdout += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (stderr += piece));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit, signal) => resolve({ exit, signal, stdout, stderr }));
    });
  }

  plumb(...words: string[]): Promise<Ended> {
    return this.run([process.execPath, program, ...words]);
  }

  /** plumb --json, parsed. */
  async json<T = Record<string, unknown>>(...words: string[]): Promise<T> {
    const ended = await this.plumb(...words, '--json');
    return JSON.parse(ended.stdout) as T;
  }

  async git(...words: string[]): Promise<string> {
    const ended = await this.run(['git', ...words]);
    if (ended.exit !== 0) throw new Error(`git ${words.join(' ')}: ${ended.stderr}`);
    return ended.stdout.trim();
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), text);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }
}

/** A folder that goes with the test. */
export async function newFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'plumb test é ')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A project with these files, all committed on main. */
export async function newProject(files: Readonly<Record<string, string>>): Promise<Repository> {
  const repository = new Repository(await newFolder());
  await repository.git('init', '--quiet', '--initial-branch', 'main');
  const all = { 'plumbline.yaml': 'version: 1\n', '.gitignore': '.plumb/\nout/\n', ...files };
  for (const [path, text] of Object.entries(all)) await repository.write(path, text);
  await repository.git('add', '--all');
  await repository.git('commit', '--quiet', '--message', 'first');
  return repository;
}
