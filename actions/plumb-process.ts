// plumb as a child process of an action: started without a shell, kept away from what the runner trusts us with, and its log from giving commands.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { PlumbError } from '../src/base/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment without our inputs, the tokens of the job, and the files by which a step speaks to the runner. What plumb reads was written by whoever
 * opened the pull request: it has no use for them. Credentials of the remote stay. This is tidiness, not a wall: see docs/github.md.
 */
export function childEnvironment(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || ofStep.test(name) ? [] : [[name, value]])));
}

const ofStep =
  /^(?:INPUT_|ACTIONS_|STATE_)|^(?:GITHUB|GITEA|FORGEJO|GH|NODE_AUTH|NPM)_TOKEN$|^(?:GITHUB|GITEA)_(?:ENV|OUTPUT|PATH|STATE|STEP_SUMMARY)$|^PLUMB_(?:SIGNING_KEY|FORGE_TOKEN|WEBHOOK_SECRET)$/i;

/** What marks the processes of this job: the same in all its steps, and another in any other job, be it on the same machine. */
export function jobMark(env: Environment): { readonly name: string; readonly value: string } {
  const own = ['GITHUB_REPOSITORY', 'GITHUB_RUN_ID', 'GITHUB_RUN_ATTEMPT', 'GITHUB_JOB', 'RUNNER_NAME', 'RUNNER_TRACKING_ID', 'GITHUB_WORKSPACE'];
  const value = createHash('sha256')
    .update(JSON.stringify(own.map((name) => env[name] ?? null)))
    .digest('hex');
  return { name: 'PLUMB_JOB', value };
}

/** A group of the log in which nothing is a command: the runner reads `::set-env` and the like from any line, until it sees a word nobody can guess. */
export class QuietGroup {
  readonly #word = randomUUID();
  readonly #write: (text: string) => void;
  #atStart = true;

  /** @param title of ours, one line */
  constructor(title: string, write: (text: string) => void) {
    this.#write = write;
    write(`::group::${title}\n::stop-commands::${this.#word}\n`);
  }

  add(text: string): void {
    if (text === '') return;
    this.#atStart = text.endsWith('\n');
    this.#write(text);
  }

  end(): void {
    this.#write(`${this.#atStart ? '' : '\n'}::${this.#word}::\n::endgroup::\n`);
  }
}

/** The same for a text that is whole. */
export function withoutCommands(text: string): string {
  const word = randomUUID();
  return `::stop-commands::${word}\n${text.trimEnd()}\n::${word}::`;
}

export interface PlumbOrder {
  /** plumb.js; of our own installation, never of the work space */
  readonly script: string;
  readonly words: readonly string[];
  readonly env: Record<string, string>;
  /** gets what plumb writes for people, as it comes */
  onText(text: string): void;
}

export interface PlumbAnswer {
  readonly code: number;
  /** the one document of --json; undefined when there was none */
  readonly json: unknown;
}

/** Of what plumb answers: run records of a few thousand stages. */
const mostBytes = 256 << 20;
/** Between the second signal to a step and its end by force there are 2.5 seconds. */
const lastMs = 1200;

/**
 * Runs plumb to its end. The runner ends a step by SIGINT, 7.5 seconds later SIGTERM, and 2.5 seconds later by force: plumb is asked to stop by the
 * first, told to by the second, and killed a moment later.
 * Source: docs.github.com, "Workflow cancellation reference"
 * @throws PlumbError ACTION_PLUMB
 */
export async function runPlumb(order: PlumbOrder): Promise<PlumbAnswer> {
  const { script, words, env } = order;
  // a group of its own: whoever signals ours does not signal plumb twice
  const child = spawn(process.execPath, [script, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  passSignals(child);
  const pieces: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > mostBytes) child.kill('SIGKILL');
    else pieces.push(piece);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => order.onText(text));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new PlumbError('ACTION_PLUMB', { what: `plumb did not start: ${cause.message}`, mend: 'see the log', cause })),
    );
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  return { code, json: parse(Buffer.concat(pieces).toString()) };
}

/** For good: what is done when plumb has ended shall not be cut off either. */
function passSignals(child: ChildProcess): void {
  let asked = 0;
  const onSignal = (): void => {
    asked += 1;
    child.kill('SIGTERM');
    if (asked > 1) setTimeout(() => child.kill('SIGKILL'), lastMs).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
