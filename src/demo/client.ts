// The demo's user: asks the server all the time, counts what was lost, and sees which model answers.
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../base/errors.ts';

export interface Watched {
  /** from the start of watching to the first answer of another model */
  readonly seconds: number;
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

/** Asks a hundred times a second until another model than `before` answers. @throws PlumbError SERVE_FAILED */
export async function untilAnother(url: string, text: string, before: string, signal: AbortSignal): Promise<Watched> {
  const started = performance.now();
  let requests = 0;
  let lost = 0;
  for (;;) {
    signal.throwIfAborted();
    const model = await ask(url, text);
    requests += 1;
    if (model === null) lost += 1;
    const seconds = (performance.now() - started) / 1000;
    if (model !== null && model !== before) return { seconds, requests, lost, model };
    if (seconds * 1000 > patienceMs)
      throw new PlumbError('SERVE_FAILED', {
        what: `${url} still answers with ${before}`,
        mend: 'look at what `plumb serve` prints when you start it yourself',
      });
    await sleep(everyMs);
  }
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
