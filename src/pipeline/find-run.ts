// People name runs by a few digits of their digest, by a stage (its last run here), or by stage~1 (the one before).
import { isDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { Store } from '../store/store.ts';
import { readRecord, type KeptRecord, type LogEntry } from './records.ts';

/** The log with each run once, at the place where it ran (or first came from elsewhere); newest first. */
export function distinctRuns(log: readonly LogEntry[]): LogEntry[] {
  const seen = new Set<Digest>();
  return log.filter((entry) => !seen.has(entry.run) && seen.add(entry.run)).toReversed();
}

/** @throws PlumbError RUN_MISSING when the word fits no run, or several */
export async function findRun(word: string, log: readonly LogEntry[], store: Store): Promise<KeptRecord> {
  // a whole digest needs no log: it may stand in a pointer, and have been run anywhere
  if (isDigest(word)) return { digest: word, record: await readRecord(store, word) };
  const runs = distinctRuns(log);
  const [, stage = word, back = '0'] = /^(.*?)(?:~(\d+))?$/.exec(word) ?? [];
  const ofStage = runs.filter((entry) => entry.stage === stage)[Number(back)];
  const fitting =
    ofStage === undefined
      ? runs.filter((entry) => word.length >= 4 && (entry.run.startsWith(word) || entry.run.startsWith(`sha256:${word}`)))
      : [ofStage];
  const [only] = fitting;
  if (only === undefined || fitting.length > 1) {
    const stages = [...new Set(runs.map((entry) => entry.stage))];
    throw new PlumbError('RUN_MISSING', {
      what: fitting.length > 1 ? `"${word}" fits ${fitting.length} runs` : `no run "${word}" on this machine.${didYouMean(word, stages)}`,
      mend: 'take a digest (four digits or more), a stage, or stage~1 from `plumb runs`',
    });
  }
  return { digest: only.run, record: await readRecord(store, only.run) };
}
