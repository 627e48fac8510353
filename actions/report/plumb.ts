// The installed plumb as a child process: found, started without a shell, and kept away from what the runner trusts us with.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { PlumbError } from '../../src/base/errors.ts';
import { reportSchema } from '../../src/report/schema.ts';
import type { Answer } from './plan.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of both streams; a report is at most 160 kB of JSON, and pretty-printed. */
const mostBytes = 8 << 20;

/**
 * The script of plumb: of the package that the project installed (in its folder or above, up to the work space), else the one on PATH.
 * @throws PlumbError ACTION_PLUMB
 */
export function findPlumb(folder: string, workspace: string, env: Environment): string {
  for (let at = folder; ; at = dirname(at)) {
    const script = join(at, 'node_modules', 'plumbline', 'bin', 'plumb.js');
    if (existsSync(script)) return script;
    if (at === workspace || at === dirname(at)) break;
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).map((place) => join(place, 'plumb'));
  const found = onPath.find((path) => path.startsWith('/') && existsSync(path));
  if (found !== undefined) return realpathSync(found);
  throw new PlumbError('ACTION_PLUMB', {
    what: `there is no plumb in node_modules of ${folder} and none on PATH`,
    mend: 'run `npm ci` first, with plumbline among the devDependencies, or the action actions/setup',
  });
}

/**
 * The environment without our inputs, the runner's tokens, and the files by which a step speaks to the runner: plumb has no use for them,
 * and what it reads was written by whoever opened the pull request. This is tidiness, not a wall: see docs/github.md.
 */
export function childEnvironment(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !/^(INPUT_|ACTIONS_|STATE_)|TOKEN|^GITHUB_(ENV|OUTPUT|PATH|STATE|STEP_SUMMARY)$/i.test(name));
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/**
 * @param log takes what plumb wrote for people, as lines in which the runner finds no commands
 * @throws PlumbError ACTION_PLUMB when there is neither a report nor an error of plumb's
 */
export async function askPlumb(
  order: { script: string; words: readonly string[]; folder: string; env: Environment; signal: AbortSignal },
  log: (text: string) => void,
): Promise<Answer> {
  const { stdout, stderr, code } = await start(order);
  if (stderr !== '') log(withoutCommands(stderr));
  const value = parse(stdout);
  const failure = (value as { error?: { code?: unknown; what?: unknown; mend?: unknown } } | undefined)?.error;
  if (code !== 0 && failure !== undefined) return { failure: { code: String(failure.code), what: String(failure.what), mend: String(failure.mend) } };
  const report = reportSchema.safeParse(value);
  if (code === 0 && report.success) return { report: report.data };
  const [issue] = report.error?.issues ?? [];
  throw new PlumbError('ACTION_PLUMB', {
    what: `plumb ${order.words.join(' ')} ended with ${code} and without a report/1${issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`}`,
    mend: 'see the log above; the action and the installed plumbline should be of one version',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function start(order: Parameters<typeof askPlumb>[0]): Promise<{ stdout: string; stderr: string; code: number }> {
  // the same Node that runs us: a shebang would take whichever is first on PATH
  const child = spawn(process.execPath, [order.script, ...order.words], {
    cwd: order.folder,
    env: childEnvironment(order.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: order.signal,
  });
  const streams: { [name in 'stdout' | 'stderr']: Buffer[] } = { stdout: [], stderr: [] };
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > mostBytes) child.kill('SIGKILL');
      else streams[name].push(piece);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(new PlumbError('ACTION_PLUMB', { what: `plumb did not start: ${error.message}`, mend: 'see the log', cause: error })),
    );
    child.on('close', (code) => {
      const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(streams[name]).toString();
      resolve({ stdout: text('stdout'), stderr: text('stderr'), code: code ?? 1 });
    });
  });
}

/** The runner reads `::set-env` and the like from any line of a step, until it sees a word that nobody can guess. */
function withoutCommands(text: string): string {
  const word = randomUUID();
  return `::stop-commands::${word}\n${text.trimEnd()}\n::${word}::`;
}
