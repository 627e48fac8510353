// What the tests of the audit commands play on: a team's repository with a log of seven decisions, and clones of it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { digestOf, type Digest } from '../src/base/digest.ts';
import { isPlumbError } from '../src/base/errors.ts';
import { silentProgress } from '../src/base/progress.ts';
import { define } from '../src/cli/audit.ts';
import type { Cli } from '../src/cli/command.ts';
import { AuditedRepository, newKey } from '../src/registry/audit.fixture.ts';
import { artifactOf, bad, better, good, type ExampleModel } from '../src/registry/example.fixture.ts';
import { Repository } from './plumb.ts';

export const key = newKey();
export const digestOfModel = (model: ExampleModel): Digest => digestOf(artifactOf(model));
/** hostile, as reasons are */
export const reason = '=HYPERLINK("http://evil")<script>alert(1)</script>\u001b[2J |`';

/** start, staging, production, staging and production of a better one, a refused one, and the way back. */
export async function makeStory(prefix = ''): Promise<AuditedRepository> {
  const audited = await AuditedRepository.make(key, prefix);
  const { repository } = audited;
  for (const [candidate, production] of [[good], [better, good]] as const) {
    await repository.promote({ candidate, stage: 'staging' });
    await audited.record();
    await repository.promote({ candidate, production });
    await audited.record();
  }
  await repository.promote({ candidate: bad, stage: 'staging' });
  await audited.record({ holds: false });
  await repository.run('revert', '--no-edit', 'HEAD~1');
  await audited.record({ kind: 'rollback', reason });
  return audited;
}

const run = promisify(execFile);

/** As an auditor gets it: all that was pushed, and nothing else. */
export async function cloneOf(audited: AuditedRepository, at: string, how: 'bare' | 'work tree'): Promise<Repository> {
  const { top, prefix } = audited.repository;
  await run('git', ['clone', '-q', ...(how === 'bare' ? ['--bare'] : []), top, at], { env: audited.repository.env });
  return new Repository(how === 'bare' ? at : join(at, prefix));
}

export interface Answer {
  readonly exit: number;
  readonly json: Record<string, unknown>;
  readonly text: string;
}

/** `plumb audit ...` in this process: what it prints and what --json has, by one call. @param cwd a clone */
export async function ask(cwd: string, ...words: string[]): Promise<Answer> {
  const printed: string[] = [];
  let json: Record<string, unknown> = {};
  const same = (text: string): string => text;
  const cli: Cli = {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, GIT_CONFIG_NOSYSTEM: '1' },
    json: false,
    signal: new AbortController().signal,
    progress: silentProgress,
    now: () => new Date(),
    print: (text) => void printed.push(text),
    emit: (value) => void (json = JSON.parse(JSON.stringify(value)) as Record<string, unknown>),
    note: (text) => void printed.push(text),
    paint: { bold: same, dim: same, red: same, green: same, yellow: same },
    exitCode: 0,
  };
  const command = new Command('audit').exitOverride();
  define(command, cli);
  try {
    await command.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    return { exit: error.exitCode, json: { error: error.toJSON() }, text: error.message };
  }
  return { exit: cli.exitCode, json, text: printed.join('\n') };
}
