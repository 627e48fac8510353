// What an action of ours has instead of a command line: the world that the code behind `plumb` is given, with the log of the step as its output.
import { readFileSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import * as core from '@actions/core';
import { isPlumbError, PlumbError } from '../src/base/errors.ts';
import { silentProgress } from '../src/base/progress.ts';
import { workflowCommand } from '../src/ci/annotations.ts';
import { readCiContext, type CiContext } from '../src/ci/context.ts';
import type { Cli } from '../src/cli/command.ts';
import { harmless } from '../src/cli/harmless.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The project's folder: an input `folder`, relative to the work space. @throws PlumbError ACTION_INPUT when it leads out of it */
export function readFolder(input: string, workspace: string): string {
  const folder = resolve(workspace, input.trim() || '.');
  const place = relative(workspace, folder).split(sep).join('/');
  if (place !== '..' && !place.startsWith('../') && resolve(place) !== place) return folder;
  throw wrongInput('folder', input, 'a folder of the work space');
}

export function wrongInput(name: string, value: string, expected: string): PlumbError {
  return new PlumbError('ACTION_INPUT', {
    what: `the input ${name} is ${JSON.stringify(value.slice(0, 100))}, expected ${expected}`,
    mend: 'correct the `with:` of the step',
  });
}

/** An input of several words: 'a b', 'a, b', or a list of JSON. @throws PlumbError ACTION_INPUT */
export function wordsOf(name: string, text: string): readonly string[] {
  if (!text.startsWith('[')) return text.split(/[\s,]+/).filter((word) => word !== '');
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  } catch {
    // told below
  }
  throw wrongInput(name, text, 'words, or a list of texts as JSON');
}

/** The event that started the workflow; undefined where the runner gives none. */
export function readEvent(env: Environment): unknown {
  const path = env['GITHUB_EVENT_PATH'];
  return path === undefined || path === '' ? undefined : (JSON.parse(readFileSync(path, 'utf8')) as unknown);
}

/** @throws PlumbError ACTION_EVENT outside of a job of GitHub or Gitea Actions, too */
export function requireContext(env: Environment, event: unknown): CiContext {
  const context = readCiContext(env, event);
  if (context !== null) return context;
  throw new PlumbError('ACTION_EVENT', {
    what: 'this is no job of GitHub or Gitea Actions',
    mend: 'elsewhere, `plumb ci --help` has the same as commands',
  });
}

/** What it prints holds names and texts of a branch: no line of it is a command to the runner. */
export function say(text: string): void {
  process.stdout.write(`${harmless(text, true).trimEnd()}\n`);
}

/** The world of a command of plumb, in a folder, ended by the signals that end a step. */
export function jobCli(folder: string, env: Environment): Cli {
  const stop = new AbortController();
  const reason = new PlumbError('INTERRUPTED', { what: 'the job was cancelled', mend: 'run it again' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(reason));
  const plain = (text: string): string => text;
  return {
    cwd: folder,
    env,
    json: false,
    signal: stop.signal,
    progress: silentProgress,
    now: () => new Date(),
    print: say,
    emit: () => undefined,
    note: say,
    paint: { bold: plain, dim: plain, red: plain, green: plain, yellow: plain },
    exitCode: 0,
  };
}

/**
 * Ends the step as failed: an error at its place in a file, where it has one.
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 */
export function fail(error: unknown, prefix = ''): void {
  process.exitCode = 1;
  if (!isPlumbError(error)) return core.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const { file, line, column } = error.where ?? {};
  const place = { file: file === undefined ? undefined : prefix + file, line, col: column, title: error.code };
  process.stdout.write(`${workflowCommand('error', place, `${error.message}\n${error.mend}`)}\n`);
}
