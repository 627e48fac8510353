// What the log says is refused and still stands so on the main branch: the last record about a file decides. Each is judged again whenever reconcile runs,
// for an approval that comes afterwards heals. Pure: the log goes in, records come out.
import type { Oid } from '../git/git.ts';
import { logState } from '../registry/audit-state.ts';
import type { DecisionLog, LogRecord } from '../registry/decision-log.ts';
import { placeOf, pointerPath } from '../registry/pointer.ts';

/** A record whose answer was no, and that no later one is about. */
export interface RefusedTip {
  readonly record: LogRecord;
  /** what was refused and is still there, project-relative, sorted */
  readonly paths: readonly string[];
  /**
   * Does everything that the record is about still stand as it left it? Only then is it judged again: a part of what people approved as one would be
   * another thing than they saw.
   */
  readonly whole: boolean;
}

/** The oldest first. */
export function refusedTips({ records }: Pick<DecisionLog, 'records'>): RefusedTip[] {
  const last = new Map<string, LogRecord>();
  for (const record of records) for (const path of pathsOf(record)) last.set(path, record);
  return [...new Set(last.values())]
    .toSorted((a, b) => a.decision.seq - b.decision.seq)
    .flatMap((record) => {
      const all = pathsOf(record);
      const standing = all.filter((path) => last.get(path) === record);
      const refused = standing.filter((path) => isRefused(record, path));
      return refused.length === 0 ? [] : [{ record, paths: refused, whole: standing.length === all.length }];
    });
}

/** Files that a record is about, those that its commit removed, too. */
export function pathsOf({ decision, subject }: Pick<LogRecord, 'decision' | 'subject'>): string[] {
  return [...new Set([...subject.map(({ name }) => name), ...decision.moves.map(pointerPath)])].toSorted();
}

function isRefused({ decision }: LogRecord, path: string): boolean {
  const place = placeOf(path);
  if (place === null) return !decision.holds;
  return decision.moves.some((move) => move.model === place.model && move.stage === place.stage && !move.served);
}

/**
 * The newest commit that was decided about before the one that this record is about, and before what came with it: judged again, it is walked to from there,
 * as it was the first time.
 */
export function decidedBefore({ records }: Pick<DecisionLog, 'records'>, { decision }: LogRecord): Oid | null {
  const { commit, pull } = decision;
  const isOfIt = (one: LogRecord): boolean => one.decision.commit === commit || (pull !== null && one.decision.pull?.number === pull.number);
  const first = records.findIndex(isOfIt);
  return logState(records.slice(0, first)).last;
}
