// What runs when: every stage whose predecessors ended well, as many at once as there are slots. Pure but for the work it is given.

export interface Scheduled {
  readonly after: readonly string[];
  /** stages that want a GPU take turns: which card is theirs is not ours to know */
  readonly exclusive: boolean;
}

export type Ending<T> =
  | { readonly state: 'done'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'skipped'; readonly because: string };

/**
 * Runs a graph. A failed stage skips what depends on it and nothing else; with failFast nothing new starts after a failure.
 * @param stages in an order in which each comes after all it needs
 * @param jobs how many at once, 1 or more
 * @returns how each stage ended, in the order given; never rejects for a failed stage
 */
export async function schedule<T>(
  stages: ReadonlyMap<string, Scheduled>,
  work: (name: string) => Promise<T>,
  options: { jobs: number; failFast: boolean; signal: AbortSignal },
): Promise<Map<string, Ending<T>>> {
  const endings = new Map<string, Ending<T>>();
  const running = new Map<string, Promise<void>>();
  const waiting = new Set(stages.keys());
  const start = (name: string): void => {
    waiting.delete(name);
    const ended = (ending: Ending<T>): void => {
      endings.set(name, ending);
      running.delete(name);
    };
    running.set(
      name,
      work(name).then(
        (value) => ended({ state: 'done', value }),
        (error: unknown) => ended({ state: 'failed', error }),
      ),
    );
  };
  for (;;) {
    skipBlocked(stages, waiting, endings, options);
    for (const name of waiting) {
      if (running.size >= options.jobs) break;
      const stage = stages.get(name);
      if (stage === undefined || !stage.after.every((before) => endings.get(before)?.state === 'done')) continue;
      if (stage.exclusive && [...running.keys()].some((other) => stages.get(other)?.exclusive === true)) continue;
      start(name);
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  return new Map([...stages.keys()].map((name) => [name, endings.get(name) ?? { state: 'skipped', because: 'nothing' }]));
}

function skipBlocked<T>(
  stages: ReadonlyMap<string, Scheduled>,
  waiting: Set<string>,
  endings: Map<string, Ending<T>>,
  options: { failFast: boolean; signal: AbortSignal },
): void {
  const failed = [...endings].find(([, ending]) => ending.state === 'failed')?.[0];
  for (const name of waiting) {
    const blocker = stages.get(name)?.after.find((before) => ['failed', 'skipped'].includes(endings.get(before)?.state ?? ''));
    const because = options.signal.aborted
      ? 'stopped by a signal'
      : blocker !== undefined
        ? `${blocker} did not end well`
        : options.failFast && failed !== undefined
          ? `${failed} failed`
          : undefined;
    if (because === undefined) continue;
    waiting.delete(name);
    endings.set(name, { state: 'skipped', because });
  }
}
