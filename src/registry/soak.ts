// How long has a model been in staging without a break? By the log of decisions, which says what was served; without one, by the first-parent line of the
// base branch, whose dates are those that the commits say.
import type { Digest } from '../base/digest.ts';
import type { Git } from '../git/git.ts';
import type { PointerHistory } from './history.ts';
import { durationForm } from './schema.ts';

const unitMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** @param text as `soak` of policy.yaml has it: '24 hours' */
export function durationMs(text: string): number {
  const [, count, unit] = durationForm.exec(text) ?? [];
  if (count === undefined) throw new Error(`"${text}" is no duration`);
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}

/** '5 hours', '1 day and 2 hours': the two largest units that matter, rounded up to a minute. */
export function durationText(ms: number): string {
  let rest = Math.max(1, Math.ceil(ms / unitMs.minute)) * unitMs.minute;
  const parts: string[] = [];
  for (const unit of ['day', 'hour', 'minute'] as const) {
    const count = Math.floor(rest / unitMs[unit]);
    rest -= count * unitMs[unit];
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return parts.slice(0, 2).join(' and ');
}

/**
 * Since when a branch has had an artifact in a stage without a break; null: it has not.
 * A commit says its own date, and one that was made elsewhere may say any: it counts from its parent on, where that is later.
 * @param history of the stage, newest first
 */
export async function stagedSince(git: Pick<Git, 'readCommit'>, history: PointerHistory, artifact: Digest): Promise<Date | null> {
  const end = history.findIndex(({ after }) => after !== artifact);
  const first = history.slice(0, end === -1 ? undefined : end).at(-1);
  if (first === undefined) return null;
  const [parent] = first.parents;
  const floor = parent === undefined ? first.date : (await git.readCommit(parent)).date;
  return floor > first.date ? floor : first.date;
}

/** Milliseconds that are missing, 0: none. @param since null: it is not there at all */
export function soakLeftMs(soak: string, since: Date | null, now: Date): number {
  return since === null ? durationMs(soak) : Math.max(0, since.getTime() + durationMs(soak) - now.getTime());
}
