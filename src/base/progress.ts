// Progress is told to whoever listens; how it looks is decided in one place, by what stderr is.

export type Unit = 'bytes' | 'rows' | 'files' | 'steps' | 'cases';

/** One running job. `advance` adds to what is done; `end` takes the line away. */
export interface ProgressBar {
  advance(amount: number): void;
  end(): void;
}

export interface Progress {
  /** total: what there is to do, or undefined where nobody knows. */
  start(label: string, total: number | undefined, unit: Unit): ProgressBar;
}

/** Batches as they are read: what was taken is told, and the line goes when the reader stops, for whatever reason. */
export async function* tellBatches<Batch extends { readonly length: number }>(
  batches: AsyncIterable<Batch>,
  start: () => ProgressBar,
): AsyncGenerator<Batch> {
  const bar = start();
  try {
    for await (const batch of batches) {
      yield batch;
      bar.advance(batch.length);
    }
  } finally {
    bar.end();
  }
}

/** Things as they come, of so many, the first of which may take a while: the line says that they are waited for, and goes with the last. */
export async function* tellEach<T>(items: AsyncIterable<T>, bar: ProgressBar): AsyncGenerator<T> {
  const waiting = setInterval(() => bar.advance(0), 200);
  try {
    for await (const item of items) {
      yield item;
      bar.advance(1);
    }
  } finally {
    clearInterval(waiting);
    bar.end();
  }
}

export const silentProgress: Progress = { start: () => ({ advance: () => undefined, end: () => undefined }) };

/** What a bar knows of itself: pure, so that it can be tested without a terminal. */
export function describeProgress(state: { label: string; done: number; total: number | undefined; unit: Unit; seconds: number }): string {
  const rate = state.seconds > 0 ? state.done / state.seconds : 0;
  const parts = [state.label];
  if (state.total !== undefined && state.total > 0) parts.push(`${Math.min(100, Math.floor((100 * state.done) / state.total))} %`);
  parts.push(state.total === undefined ? amount(state.done, state.unit) : `${amount(state.done, state.unit)} of ${amount(state.total, state.unit)}`);
  if (rate > 0) parts.push(`${rateOf(rate, state.unit)}/s`);
  if (rate > 0 && state.total !== undefined && state.done < state.total) parts.push(`${formatSeconds((state.total - state.done) / rate)} left`);
  return parts.join('  ');
}

function amount(value: number, unit: Unit): string {
  return unit === 'bytes' ? formatBytes(value) : `${Math.floor(value).toLocaleString('en-US')} ${unit}`;
}

/** What takes long has a rate too: "0 steps/s" says that nothing goes on. */
function rateOf(rate: number, unit: Unit): string {
  return unit === 'bytes' || rate >= 10 ? amount(rate, unit) : `${rate.toFixed(rate < 1 ? 2 : 1)} ${unit}`;
}

/** 1234567 -> '1.2 MB' (powers of 1000, as disks and S3 count). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 75 -> '1 min 15 s', 0.234 -> '0.23 s'. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * Bars on a stream. On a terminal: one line, redrawn. Elsewhere (a log of CI): a line at most every ten seconds.
 * Nothing is shown in the first second of a job.
 */
export function streamProgress(stream: { write(text: string): unknown; isTTY?: boolean; columns?: number }, now: () => number): Progress {
  return {
    start(label, total, unit) {
      const started = now();
      let done = 0;
      let shown = 0;
      let drawn = false;
      return {
        advance(more) {
          done += more;
          const time = now();
          if (time - started < 1000 || time - shown < (stream.isTTY ? 100 : 10_000)) return;
          shown = time;
          drawn = true;
          const line = describeProgress({ label, done, total, unit, seconds: (time - started) / 1000 });
          stream.write(stream.isTTY ? `\r\u001b[2K${line.slice(0, (stream.columns || 80) - 1)}` : `${line}\n`);
        },
        end() {
          if (drawn && stream.isTTY) stream.write('\r\u001b[2K');
        },
      };
    },
  };
}
