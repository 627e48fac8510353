// The demo's user: asks the server all the time, counts what was lost, and sees which model answers.
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../base/errors.ts';

export interface Watched {
  /** from the end of the command to the first answer of another model; 0 when the server was faster than the command */
  readonly afterCommand: number;
  /** the same from the start of the command */
  readonly afterStart: number;
  readonly requests: number;
  readonly lost: number;
  /** digest of the model that answers now */
  readonly model: string;
}

const everyMs = 10;
const patienceMs = 30_000;

/** Waits for the first answer. @throws PlumbError SERVE_FAILED */
export async function untilServed(url: string, text: string, signal: AbortSignal): Promise<string> {
  const started = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const model = await ask(url, text);
    if (model !== null) return model;
    if (performance.now() - started > patienceMs)
      throw new PlumbError('SERVE_FAILED', {
        what: `nobody answers at ${url}`,
        mend: 'look at what `plumb serve` prints when you start it yourself',
      });
    await sleep(50);
  }
}

/**
 * Asks a hundred times a second while a command runs and on, until another model than `before` answers.
 * @throws PlumbError SERVE_FAILED, and whatever the command throws
 */
export async function watchSwap(
  server: { url: string; text: string; before: string },
  command: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<Watched> {
  const started = performance.now();
  let ended: number | undefined;
  const running = endOf(command).then((moment) => (ended = moment));
  running.catch(() => undefined); // awaited below; a failure must not be unhandled until then
  const seen = { requests: 0, lost: 0 };
  for (;;) {
    signal.throwIfAborted();
    const model = await ask(server.url, server.text);
    seen.requests += 1;
    if (model === null) seen.lost += 1;
    const now = performance.now();
    if (model !== null && model !== server.before) {
      await running;
      return { afterCommand: Math.max(0, now - (ended ?? now)) / 1000, afterStart: (now - started) / 1000, ...seen, model };
    }
    if (ended === undefined) await Promise.race([running, sleep(everyMs)]);
    else if (now - ended > patienceMs) {
      throw new PlumbError('SERVE_FAILED', {
        what: `${server.url} still answers with ${server.before}`,
        mend: 'look at what `plumb serve` prints when you start it yourself',
      });
    } else await sleep(everyMs);
  }
}

async function endOf(command: () => Promise<unknown>): Promise<number> {
  await command();
  return performance.now();
}

async function ask(url: string, text: string): Promise<string | null> {
  try {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) });
    if (!response.ok) return null;
    const answer = (await response.json()) as { model?: { digest?: unknown } };
    return typeof answer.model?.digest === 'string' ? answer.model.digest : null;
  } catch {
    // refused or cut: the caller counts it
    return null;
  }
}
