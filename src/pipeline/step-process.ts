// A built-in step runs in a process of its own: it can be stopped whole, and a crash of it is not ours. The two ends of the talk are in
// this file: the order goes to its stdin as one line of JSON, events come back on file descriptor 3, a line of JSON each.
import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { PlumbError, errorTable, machineLimit, isPlumbError, type ErrorCode, type Where } from '../base/errors.ts';
import type { Progress, ProgressBar, Unit } from '../base/progress.ts';
import type { JsonValue } from '../base/schema.ts';
import type { StepOrigin, StepRegistry, StepResult } from '../base/step.ts';

/** What a step process is told. Paths are absolute. */
export interface StepOrder {
  readonly uses: string;
  readonly with: JsonValue;
  readonly params: JsonValue;
  readonly seed: number;
  readonly inputs: Readonly<Record<string, string>>;
  readonly origins: Readonly<Record<string, StepOrigin>>;
  readonly cacheDir: string;
  readonly memoryDir: string | null;
  readonly recalls?: false;
  readonly outputs: Readonly<Record<string, string>>;
  readonly passed?: string;
}

type StepEvent =
  | { readonly type: 'start'; readonly bar: number; readonly label: string; readonly total: number | null; readonly unit: Unit }
  | { readonly type: 'advance'; readonly bar: number; readonly amount: number }
  | { readonly type: 'end'; readonly bar: number }
  | { readonly type: 'result'; readonly result: StepResult; readonly recalled: boolean }
  | { readonly type: 'error'; readonly error: { code: string; what: string; mend: string; where?: Where; details?: Record<string, unknown> } };

/** The parent's end: turns event lines into progress, and keeps how the step ended. */
export class StepListener {
  readonly #bars = new Map<number, ProgressBar>();
  readonly #progress: Progress;
  readonly #stage: string;
  result: StepResult | undefined;
  /** it leaned on what this machine remembered */
  recalled = false;
  error: PlumbError | undefined;

  constructor(stage: string, progress: Progress) {
    this.#stage = stage;
    this.#progress = progress;
  }

  onEvent(line: string): void {
    const event = JSON.parse(line) as StepEvent;
    if (event.type === 'start')
      this.#bars.set(event.bar, this.#progress.start(`${this.#stage}: ${event.label}`, event.total ?? undefined, event.unit));
    else if (event.type === 'advance') this.#bars.get(event.bar)?.advance(event.amount);
    else if (event.type === 'end') this.#bars.get(event.bar)?.end();
    else if (event.type === 'result') [this.result, this.recalled] = [event.result, event.recalled];
    else this.error = thawError(event.error);
  }

  close(): void {
    for (const bar of this.#bars.values()) bar.end();
  }
}

function thawError(frozen: { code: string; what: string; mend: string; where?: Where; details?: Record<string, unknown> }): PlumbError {
  const code = (frozen.code in errorTable ? frozen.code : 'STAGE_FAILED') as ErrorCode;
  return new PlumbError(code, {
    what: frozen.what,
    mend: frozen.mend,
    ...(frozen.where ? { where: frozen.where } : {}),
    ...(frozen.details ? { details: frozen.details } : {}),
  });
}

/**
 * The child's end: reads one order from stdin, runs it, tells events on descriptor 3.
 * The end of stdin means that the parent died: then this process ends, too.
 * @returns the exit code
 */
export async function runStepOrder(registry: StepRegistry, signal: AbortSignal): Promise<number> {
  const events = createWriteStream('', { fd: 3 });
  const tell = (event: StepEvent): void => void events.write(`${JSON.stringify(event)}\n`);
  const lines = createInterface({ input: process.stdin });
  const order = await new Promise<StepOrder>((resolve) => lines.once('line', (line) => resolve(JSON.parse(line) as StepOrder)));
  process.stdin.once('end', () => process.exit(1));
  try {
    const load = registry.get(order.uses);
    if (load === undefined)
      throw new PlumbError('STEP_UNKNOWN', {
        what: `there is no built-in step "${order.uses}"`,
        mend: `built-in steps: ${[...registry.keys()].join(', ')}`,
      });
    const step = await load();
    let recalled = false;
    const onRecall = (): void => void (recalled = true);
    const result = await step.run({
      ...order,
      onRecall,
      progress: tellingProgress(tell),
      signal,
      log: (line) => void process.stdout.write(`${line}\n`),
    });
    tell({ type: 'result', result, recalled });
    return await flushed(events, 0);
  } catch (met) {
    const error = machineLimit(met, dirname(Object.values(order.outputs)[0] ?? '.'));
    if (!isPlumbError(error)) throw error;
    const { code, where, mend, details, message } = error;
    tell({ type: 'error', error: { code, what: message, mend, ...(where ? { where } : {}), ...(details ? { details: { ...details } } : {}) } });
    return await flushed(events, error.exitCode);
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}

function flushed(events: NodeJS.WritableStream, exit: number): Promise<number> {
  return new Promise((resolve) => events.end(() => resolve(exit)));
}

/** Advances are gathered: a million rows must not be a million lines. */
function tellingProgress(tell: (event: StepEvent) => void): Progress {
  let bars = 0;
  return {
    start(label, total, unit) {
      bars += 1;
      const bar = bars;
      let gathered = 0;
      let told = performance.now();
      tell({ type: 'start', bar, label, total: total ?? null, unit });
      return {
        advance(amount) {
          gathered += amount;
          if (performance.now() - told < 100) return;
          tell({ type: 'advance', bar, amount: gathered });
          gathered = 0;
          told = performance.now();
        },
        end() {
          tell({ type: 'end', bar });
        },
      };
    },
  };
}
