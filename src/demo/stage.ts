// The stage that the demo plays on: prints a command as its reader would type it, runs it, shows what it says and how long it took.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../base/errors.ts';
import { formatSeconds } from '../base/progress.ts';

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

export interface StageParts {
  /** absolute; every command runs there */
  readonly folder: string;
  /** program and first words that are `plumb` */
  readonly plumb: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paint: Paint;
  readonly signal: AbortSignal;
  print(text: string): void;
}

export interface Played {
  readonly command: string;
  readonly exit: number;
  readonly seconds: number;
  readonly output: string;
}

export interface PlayOptions {
  /** the exit code that belongs to the story; anything else ends the demo */
  readonly expect?: number;
  /** at most so many lines of its output are shown */
  readonly lines?: number;
}

/** One run of the demo; remembers every command and its time. */
export class DemoStage {
  readonly played: Played[] = [];
  readonly #parts: StageParts;
  #server: ChildProcess | undefined;

  constructor(parts: StageParts) {
    this.#parts = parts;
  }

  act(title: string): void {
    this.#parts.print(`\n${this.#parts.paint.bold(title)}`);
  }

  say(text: string): void {
    this.#parts.print(`\n${this.#parts.paint.dim(`# ${text}`)}`);
  }

  /**
   * Plays one command of a shell. The texts are ours; nothing from outside goes into them.
   * @throws PlumbError STAGE_FAILED when it ends otherwise than the story has it
   */
  async play(command: string, options: PlayOptions = {}): Promise<Played> {
    this.#parts.signal.throwIfAborted();
    this.#parts.print(`\n${this.#parts.paint.green('$')} ${this.#parts.paint.bold(command)}`);
    const started = performance.now();
    const child = this.#start(command);
    const pieces: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece));
    const stop = (): void => killGroup(child);
    this.#parts.signal.addEventListener('abort', stop);
    const exit = await ended(child);
    this.#parts.signal.removeEventListener('abort', stop);
    this.#parts.signal.throwIfAborted();
    const played = { command, exit, seconds: (performance.now() - started) / 1000, output: pieces.join('') };
    this.played.push(played);
    this.#show(played, options.lines ?? 30);
    if (exit === (options.expect ?? 0)) return played;
    throw new PlumbError('STAGE_FAILED', {
      what: `the demo stopped: \`${command}\` ended with exit code ${exit}, the story has ${options.expect ?? 0}`,
      where: { file: this.#parts.folder },
      mend: 'the folder is as the command left it; please report this with the output above',
    });
  }

  /** Starts the server of the demo and leaves it running. */
  serve(command: string): void {
    this.#parts.print(`\n${this.#parts.paint.green('$')} ${this.#parts.paint.bold(`${command} &`)}`);
    this.#server = this.#start(command);
    this.#server.stdout?.resume();
    this.#server.stderr?.resume();
  }

  /** Ends the server, if one was started, and waits until it has ended. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = ended(server);
    killGroup(server);
    await Promise.race([gone, sleep(10_000, undefined, { ref: false })]);
  }

  #start(command: string): ChildProcess {
    const { folder, env, plumb } = this.#parts;
    // `plumb` is a function of the shell, so that what is printed is what is run, wherever this plumb is installed
    const define = `plumb() { ${plumb.map(quote).join(' ')} "$@"; }\n`;
    return spawn('/bin/sh', ['-c', define + command], {
      cwd: folder,
      // what is shown is a laptop's day, wherever it is shown
      env: { ...env, PLUMB_RUN_DOMAIN: 'laptop' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  #show(played: Played, limit: number): void {
    const { print, paint } = this.#parts;
    const lines = played.output.replace(/\n+$/, '').split('\n');
    for (const line of lines.slice(0, limit)) if (lines.length > 1 || line !== '') print(`  ${line}`);
    if (lines.length > limit) print(paint.dim(`  ... ${lines.length - limit} more lines`));
    print(paint.dim(`  ${played.exit === 0 ? '' : `exit code ${played.exit}, `}${formatSeconds(played.seconds)}`));
  }
}

/** One word for the shell, whatever it holds. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  } catch {
    // gone already
  }
}
