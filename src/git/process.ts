// Running the git command: no shell, no terminal, no configuration that changes how answers look.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../base/errors.ts';
import type { Repository } from './repository.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Result {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** for standard input; without it, it is empty */
  readonly input?: string | Uint8Array;
  /** git commands that are no failure when they end with these codes, besides 0 */
  readonly allow?: readonly number[];
  /** false for the few commands that refuse literal path specs */
  readonly literal?: boolean;
  /** of this run alone, over what all runs have */
  readonly env?: Readonly<Record<string, string>>;
  /** settings of this run alone; they go by the environment, so that no list of processes shows them */
  readonly config?: readonly (readonly [key: string, value: string])[];
}

export interface GitProgram {
  /** @throws PlumbError GIT_FAILED, REPOSITORY_BUSY */
  run(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** For a process that stays, or whose output is read as it comes. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams;
}

/** Absolute path of git, or null. Entries of PATH that are relative are passed over: a repository must not bring its own git. */
export function findGitProgram(env: Environment): string | null {
  const names = process.platform === 'win32' ? ['git.exe'] : ['git'];
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    for (const name of names) {
      const path = join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Configuration under which output has one form, whatever the user has set. */
const fixed = [
  'color.ui=false',
  'core.quotepath=false',
  'log.follow=false',
  'log.showSignature=false',
  'log.showRoot=true',
  'diff.noprefix=false',
  'diff.ignoreSubmodules=none',
  'core.pager=cat',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

/** Variables by which a hook tells git where it runs; for us they may be about another repository. Source: git rev-parse --local-env-vars */
const ofAHook = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_COMMON_DIR',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_REPLACE_REF_BASE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_QUARANTINE_PATH',
  'GIT_CONFIG',
  'GIT_CEILING_DIRECTORIES',
  'GIT_GLOB_PATHSPECS',
  'GIT_NOGLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS',
  'GIT_EXTERNAL_DIFF',
  'GIT_DIFF_OPTS',
];

/** @param env of our own process: identity, agents and the user's configuration come through */
export function gitEnvironment(env: Environment, repository: Repository): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) clean[name] = value;
  // a hook that looks at commits not yet accepted (pre-receive) finds them only by these, so they stay for the repository that they are of
  const quarantined = env['GIT_QUARANTINE_PATH']?.startsWith(repository.commonDir + sep) === true;
  for (const name of ofAHook) if (!(quarantined && /OBJECT|QUARANTINE/.test(name))) delete clean[name];
  return {
    ...clean,
    LC_ALL: 'C',
    LANGUAGE: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_EDITOR: ':',
    GIT_PAGER: 'cat',
  };
}

/** How often and how long to wait for another git that holds a lock: an editor that asks for the status holds it for a moment. */
const lockTries = 20;
const lockWaitMs = 100;

export function createGitProgram(program: string, repository: Repository, env: Environment): GitProgram {
  const cwd = repository.workTree ?? repository.commonDir;
  const clean = gitEnvironment(env, repository);
  const plain = { ...clean };
  delete plain['GIT_LITERAL_PATHSPECS'];
  const start = (args: readonly string[], { literal = true, env: own = {}, config = [] }: RunOptions = {}): ChildProcessWithoutNullStreams => {
    const all = { ...(literal ? clean : plain), ...own };
    return spawn(program, [...fixed, ...args], { cwd, env: { ...all, ...settings(config, all) }, stdio: 'pipe', windowsHide: true });
  };

  async function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await finish(start(args, options), options.input);
      if (result.code === 0 || options.allow?.includes(result.code) === true) return result;
      const locked = /'([^'\n]*\.lock)': File exists/.exec(result.stderr)?.[1];
      if (locked === undefined) throw (await noRoom(result, repository)) ?? failure(args, result);
      if (attempt === lockTries) throw busy(locked);
      await sleep(lockWaitMs);
    }
  }
  return { run, start: (args) => start(args) };
}

/** Behind those that the environment has already. Source: git-config(1), GIT_CONFIG_COUNT */
function settings(config: readonly (readonly [string, string])[], env: Readonly<Record<string, string>>): Record<string, string> {
  if (config.length === 0) return {};
  const before = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const pairs = config.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${before + at}`, key],
    [`GIT_CONFIG_VALUE_${before + at}`, value],
  ]);
  return { ...Object.fromEntries(pairs), GIT_CONFIG_COUNT: `${before + config.length}` };
}

/** Everything that a process writes, once it has ended; without its output where somebody else reads that. */
export function finish(child: ChildProcessWithoutNullStreams, input: string | Uint8Array = '', options = { keepStdout: true }): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    if (options.keepStdout) child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => reject(notStarted(error)));
    child.on('close', (code, signal) =>
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8') + (signal === null ? '' : `ended by ${signal}`),
      }),
    );
    // git may end before it has read all of its input; its exit code then says why
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

export function notStarted(error: Error): PlumbError {
  return new PlumbError('GIT_FAILED', {
    what: `git could not be started: ${error.message}`,
    mend: 'check that `git --version` runs, or set PLUMB_GIT=isomorphic to do without it',
    cause: error,
  });
}

export function failure(args: readonly string[], result: Result): PlumbError {
  const said = withoutSecrets(result.stderr.trim());
  return new PlumbError('GIT_FAILED', {
    what: `git ${args.find((word) => !word.startsWith('-')) ?? ''} ended with code ${result.code}${said === '' ? '' : `: ${said}`}`,
    mend: isForeign(said)
      ? mendForeign(said)
      : /unknown (option|switch)|unrecognized argument|usage: git/.test(said)
        ? 'install git 2.32 or newer, or set PLUMB_GIT=isomorphic'
        : 'mend what git says, then run the command again',
    details: { exitCode: result.code, ...(isForeign(said) ? { foreign: true } : {}) },
  });
}

/** Git does not read what belongs to another user, unless it is told that he is trusted. @param said by git */
export function isForeign(said: string): boolean {
  return said.includes('dubious ownership');
}

export function mendForeign(said: string): string {
  const [command = 'git config --global --add safe.directory PATH'] = /git config --global --add safe\.directory .+/.exec(said) ?? [];
  return `it belongs to another user; if you trust them: ${command}`;
}

/** Git does not always say why it could not write. With less than this left, the disk is the reason. */
const leastRoom = 1 << 20;

async function noRoom({ stderr }: Result, { commonDir }: Repository): Promise<PlumbError | undefined> {
  const said = withoutSecrets(stderr.trim());
  const isSaid = /No space left on device|Out of diskspace|Disk quota exceeded/.test(said);
  if (!isSaid) {
    if (!/write/.test(said)) return undefined;
    const { bavail, bsize } = await statfs(commonDir);
    if (bavail * bsize >= leastRoom) return undefined;
  }
  return new PlumbError('DISK_FULL', {
    what: `git ran out of room: ${said}`,
    where: { file: commonDir },
    mend: 'make room and run the command again; what was complete before is still there',
  });
}

function withoutSecrets(text: string): string {
  return text.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@');
}

function busy(lock: string): PlumbError {
  return new PlumbError('REPOSITORY_BUSY', {
    what: `another git is at work in this repository: it holds ${lock}`,
    where: { file: lock },
    mend: 'wait for it to end; when no git runs any more, a killed one left the file: remove it',
  });
}

/** Output of commands with -z. */
export function records(stdout: Buffer): string[] {
  const text = stdout.toString('utf8');
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** Arguments of one process are bounded: 2 MB in all on Linux, 32 kB on Windows. */
const argumentBytes = 24_000;

export function inPortions(paths: readonly string[]): string[][] {
  const portions: string[][] = [];
  let bytes = Infinity;
  for (const path of paths) {
    bytes += Buffer.byteLength(path) + 1;
    if (bytes > argumentBytes) {
      portions.push([]);
      bytes = Buffer.byteLength(path) + 1;
    }
    portions.at(-1)?.push(path);
  }
  return portions;
}
