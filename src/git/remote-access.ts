// How a git of ours speaks with a remote: which address, with which credential, and what its failures mean. The credential goes by the environment of
// that one process: never in an address, an argument, a file or an error.
import { PlumbError } from '../base/errors.ts';
import type { Git } from './git.ts';
import type { GitProgram, Result } from './process.ts';

/** Lets a job in over http(s), in place of whatever the machine keeps for it. */
export interface GitToken {
  /** https://github.com: goes to this server and to no other */
  readonly server: string;
  readonly secret: string;
}

export interface RemoteOptions {
  /** name of a remote of this repository: 'origin' */
  readonly remote: string;
  /** null: what the machine has for this remote, an SSH key or a credential helper */
  readonly token: GitToken | null;
}

/** @throws PlumbError GIT_UNSUPPORTED */
export function needProgram(git: Git): GitProgram {
  if (git.program !== null) return git.program;
  throw new PlumbError('GIT_UNSUPPORTED', {
    what: 'commits beside the work tree, fetching and pushing need the git command',
    mend: 'install git, and take PLUMB_GIT=isomorphic away',
  });
}

/**
 * Runs a command that speaks with a remote.
 * @param direction which of the remote's addresses, for they may differ
 * @param allow exit codes that are an answer, besides 0
 * @throws PlumbError GIT_REMOTE_MISSING, GIT_REMOTE_DENIED, GIT_REMOTE_FAILED
 */
export async function askRemote(
  program: GitProgram,
  { remote, token }: RemoteOptions,
  { direction, args, allow = [] }: { readonly direction: 'fetch' | 'push'; readonly args: readonly string[]; readonly allow?: readonly number[] },
): Promise<Result> {
  const url = await addressOf(program, remote, direction);
  if (url === null)
    throw new PlumbError('GIT_REMOTE_MISSING', { what: `this repository has no remote "${remote}"`, mend: `git remote add ${remote} <address>` });
  const { config, env } = access(url, token);
  // of a mirror git would push all refs, or nothing
  const own = direction === 'push' ? [...config, [`remote.${remote}.mirror`, 'false'] as const] : config;
  const result = await program.run(args, { allow: [1, 128, 129], env, config: own });
  if (result.code === 0 || allow.includes(result.code)) return result;
  throw remoteFailure(result, remote, token);
}

/** null: there is no such remote */
export async function addressOf(program: GitProgram, remote: string, direction: 'fetch' | 'push'): Promise<string | null> {
  const found = await program.run(['remote', 'get-url', ...(direction === 'push' ? ['--push'] : []), '--', remote], { allow: [2, 128] });
  const [url = ''] = found.stdout.toString('utf8').split('\n');
  return found.code === 0 && url !== '' ? url : null;
}

/** A connection that stands still for so long is given up: a job must not hang. */
const patience: readonly (readonly [string, string])[] = [
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  // no work of git's own beside ours
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

/** The server's own token in place of what else the machine has: an empty value takes back what came before (actions/checkout leaves one). */
function access(url: string, token: GitToken | null): { config: readonly (readonly [string, string])[]; env: Record<string, string> } {
  if (token === null || !isOf(url, token.server)) return { config: patience, env: {} };
  const header = `http.${url.replace(/^(https?:\/\/)[^/@]*@/i, '$1')}.extraheader`;
  return {
    config: [...patience, [header, ''], [header, `Authorization: Basic ${basic(token)}`], ['credential.helper', '']],
    env: { GIT_ASKPASS: '', SSH_ASKPASS: '', GIT_TRACE_REDACT: '1' },
  };
}

function isOf(url: string, server: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url) && new URL(url).origin === new URL(server).origin;
}

/** GitHub, Gitea and Forgejo take any name beside a token. */
function basic({ secret }: GitToken): string {
  return Buffer.from(`x-access-token:${secret}`).toString('base64');
}

/** What git and the remote said, on one line, without anything secret and without bytes that a terminal would obey. */
export function saidBy({ stderr }: Result, token: GitToken | null): string {
  let text = stderr.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@');
  for (const secret of token === null ? [] : [token.secret, basic(token)]) text = text.replaceAll(secret, '***');
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 1000);
}

const denied =
  /Authentication failed|could not read (Username|Password)|Permission denied|returned error: (401|403)|access rights|Invalid username or/i;

function remoteFailure(result: Result, remote: string, token: GitToken | null): PlumbError {
  const said = saidBy(result, token);
  if (denied.test(said)) {
    return new PlumbError('GIT_REMOTE_DENIED', {
      what: `${remote} refuses ${token === null ? 'who asks' : 'this token'}: ${said}`,
      mend:
        token === null ? 'check that `git fetch` and `git push` work here' : 'the token needs to read and to write the contents of this repository',
    });
  }
  return new PlumbError('GIT_REMOTE_FAILED', {
    what: `${remote} did not answer as it should: ${said}`,
    mend: `check that \`git fetch ${remote}\` works`,
  });
}
