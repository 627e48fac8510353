/** What lets a loop sleep, and others wake it before its time. Rung while nobody sleeps, it ends the next sleep at once. */
export interface Bell {
  ring(): void;
  /** Resolves after ms, when it rings, or at the signal: whichever comes first. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const end = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', end);
            wake = undefined;
            resolve();
          };
          const timer = setTimeout(end, ms);
          wake = end;
          signal.addEventListener('abort', end, { once: true });
        });
      }
      rung = false;
    },
  };
}
