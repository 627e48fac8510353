import { setTimeout as pause } from 'node:timers/promises';
import { isPlumbError } from '../base/errors.ts';
import type { Cli } from './command.ts';

/** Runs until a signal. What goes wrong is told, and tried again the next time: a forge that is down must not end a watch. */
export async function watchRuns(seconds: number, run: () => Promise<void>, cli: Cli): Promise<void> {
  while (!cli.signal.aborted) {
    try {
      await run();
    } catch (error) {
      if (!isPlumbError(error) || error.code === 'USAGE') throw error;
      cli.note(`${cli.paint.red('not now')}: ${error.message} [${error.code}]`);
    }
    await pause(1000 * seconds, undefined, { signal: cli.signal }).catch(() => undefined);
  }
  cli.exitCode = 0;
}
