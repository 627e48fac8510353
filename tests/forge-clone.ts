// A clone on this machine, for tests of forges: commits on branches, pushed over HTTP.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface Clone extends AsyncDisposable {
  readonly folder: string;
  git(...args: string[]): Promise<string>;
  /** Starts a branch at `from`, or goes on with it. */
  branch(name: string, from?: string): Promise<void>;
  /** @param files what they hold then; null: removed. @returns the commit */
  commit(message: string, files: Readonly<Record<string, string | null>>): Promise<string>;
}

/** An empty repository with main as its branch; nobody's git settings matter to it. */
export async function newClone(): Promise<Clone> {
  const folder = await mkdtemp(join(tmpdir(), 'forge-clone-'));
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  const who = ['-c', 'user.name=Tester', '-c', 'user.email=tester@forge.test'];
  // not while other commands wait: a server in this process answers the push
  const git = async (...args: string[]): Promise<string> =>
    (await execute('git', [...who, ...args], { cwd: folder, env, maxBuffer: 1 << 26 })).stdout.trim();
  await git('init', '-q', '-b', 'main');
  return {
    folder,
    git,
    branch: async (name, from) => void (await (from === undefined ? git('checkout', '-q', name) : git('checkout', '-q', '-b', name, from))),
    commit: async (message, files) => {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await (text === null ? rm(join(folder, path)) : writeFile(join(folder, path), text));
      }
      await git('add', '-A');
      await git('commit', '-q', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
