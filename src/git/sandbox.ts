// Real repositories for the tests of this folder, made by the real git command, with nothing of this machine's configuration.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openGit } from './open.ts';
import type { Git } from './git.ts';

export interface Sandbox {
  readonly folder: string;
  readonly env: Record<string, string>;
  /** Runs git in the repository; a second passes on git's clock with each call, so that commits have an order. */
  git(...args: string[]): string;
  gitIn(folder: string, ...args: string[]): string;
  write(path: string, text: string | Uint8Array): void;
  remove(path: string): void;
  executable(path: string): void;
  /** Writes the files (null: removes), adds all and commits. @returns the id */
  commit(message: string, files: Readonly<Record<string, string | null>>): string;
  open(how: Git['how'], folder?: string): Promise<Git>;
  [Symbol.dispose](): void;
}

/** A folder of its own; with `init`, a repository on branch main in it. */
export function createSandbox(init: readonly string[] | null = ['--initial-branch=main']): Sandbox {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'plumb-git-')));
  const folder = join(base, 'repository');
  mkdirSync(folder);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: base,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(base, 'gitconfig'),
    LC_ALL: 'C',
  };
  writeFileSync(env['GIT_CONFIG_GLOBAL'] ?? '', '[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n[protocol "file"]\n\tallow = always\n');
  let seconds = 1_700_000_000;
  const gitIn = (where: string, ...args: string[]): string => {
    seconds += 1;
    const dates = { GIT_AUTHOR_DATE: `${seconds} +0000`, GIT_COMMITTER_DATE: `${seconds} +0000` };
    return execFileSync('git', args, { cwd: where, env: { ...env, ...dates }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(
      /\n$/,
      '',
    );
  };
  const sandbox: Sandbox = {
    folder,
    env,
    git: (...args) => gitIn(folder, ...args),
    gitIn,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    remove: (path) => rmSync(join(folder, path), { recursive: true, force: true }),
    executable: (path) => chmodSync(join(folder, path), 0o755),
    commit(message, files) {
      for (const [path, text] of Object.entries(files)) {
        if (text === null) sandbox.remove(path);
        else sandbox.write(path, text);
      }
      sandbox.git('add', '--all', '--force');
      sandbox.git('commit', '--quiet', '--allow-empty', '-m', message);
      return sandbox.git('rev-parse', 'HEAD');
    },
    open: (how, where = folder) => openGit(where, env, { how }),
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
  if (init !== null) sandbox.git('init', '--quiet', ...init);
  return sandbox;
}
