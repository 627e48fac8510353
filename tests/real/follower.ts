// `plumb serve` in a clone of its own that follows a forge, as a deployment has it, and somebody who asks it all day long.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { node, plumbFile } from '../project.ts';

const execute = promisify(execFile);

export interface FollowerOptions {
  /** folder of the clone, which is made */
  readonly folder: string;
  /** address with a credential in it, for the clone alone */
  readonly cloneUrl: string;
  /** what it fetches from then on, by the token of `env` */
  readonly origin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

export class Follower {
  readonly url: string;
  /** digests, or codes of errors, that it answered with, one after the other, each as often as it came anew */
  readonly answers: string[] = [];
  readonly #child: ChildProcess;
  readonly #watching: Promise<void>;
  #stopped = false;
  #said = '';

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (piece: string) => (this.#said = (this.#said + piece).slice(-100_000)));
    this.#watching = this.#watch();
  }

  static async start({ folder, cloneUrl, origin, env, words }: FollowerOptions): Promise<Follower> {
    const gitEnv = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
    await execute('git', ['clone', '--quiet', '--mirror', cloneUrl, folder], { env: gitEnv });
    await execute('git', ['remote', 'set-url', 'origin', origin], { env: gitEnv, cwd: folder });
    const child = spawn(node, [plumbFile, '-C', folder, 'serve', '--port', '0', '--json', ...words], {
      env: { ...gitEnv, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return new Follower(child, (JSON.parse(line) as { url: string }).url);
  }

  said(): string {
    return this.#said;
  }

  async #ask(): Promise<string> {
    const question = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"where is my card?"}' };
    const answer = await fetch(`${this.url}/v1/models/intents/predict`, question);
    const body = (await answer.json()) as { model?: { digest: string }; error?: { code: string } };
    return body.model?.digest ?? body.error?.code ?? '';
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const answer = await this.#ask().catch(() => null);
      if (answer !== null && answer !== this.answers.at(-1)) this.answers.push(answer);
      await pause(50);
    }
  }

  /** @returns performance.now() of a moment when it did */
  answersWith(answer: string): Promise<number> {
    return this.#until((last) => last === answer, answer);
  }

  /** The same, for anything else. */
  letsGoOf(answer: string): Promise<number> {
    return this.#until((last) => last !== answer, `anything but ${answer}`);
  }

  async #until(holds: (last: string | undefined) => boolean, answer: string): Promise<number> {
    const begun = performance.now();
    while (!holds(this.answers.at(-1))) {
      if (performance.now() - begun > 120_000) throw new Error(`it answers with ${this.answers.at(-1)}, not ${answer}: ${this.#said.slice(-3000)}`);
      await pause(10);
    }
    return performance.now();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}
