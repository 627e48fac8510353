// Users, documents and times: what training and evaluation must not share, whatever their rows say.
import type { Side } from './side.ts';
import { sideRecord } from './side.ts';

/** Group of 64 bits as one number of 53. */
function groupAt({ index: { records, width } }: Side, row: number): number {
  const at = row * width + sideRecord.group;
  return (records[at] as number) * 0x200000 + ((records[at + 1] as number) >>> 11);
}

/** Evaluation rows (from 0) whose group stands in training, each with the first training row of it. */
export function sharedGroups(asked: Side, train: Side): Map<number, number> {
  const wanted = new Map<number, number>();
  for (let row = 0; row < asked.index.rows; row += 1) if (groupAt(asked, row) !== 0) wanted.set(groupAt(asked, row), -1);
  for (let row = 0; wanted.size > 0 && row < train.index.rows; row += 1)
    if (wanted.get(groupAt(train, row)) === -1) wanted.set(groupAt(train, row), row);
  const shared = new Map<number, number>();
  for (let row = 0; row < asked.index.rows; row += 1) {
    const other = wanted.get(groupAt(asked, row)) ?? -1;
    if (other !== -1) shared.set(row, other);
  }
  return shared;
}

/** Evaluation rows that are older than the newest training row, each with that row: the first of several. */
export function olderThanTraining(asked: Side, train: Side): Map<number, number> {
  const [times, others] = [timesOf(asked), timesOf(train)];
  let newest = -1;
  for (const [row, time] of others.entries()) if (!Number.isNaN(time) && (newest === -1 || time > (others[newest] as number))) newest = row;
  const older = new Map<number, number>();
  if (newest !== -1) for (const [row, time] of times.entries()) if (time < (others[newest] as number)) older.set(row, newest);
  return older;
}

function timesOf({ index: { records, width, rows } }: Side): Float64Array {
  const times = new Float64Array(rows);
  const halves = new Uint32Array(times.buffer);
  for (let row = 0; row < rows; row += 1) {
    halves[row * 2] = records[row * width + sideRecord.time] as number;
    halves[row * 2 + 1] = records[row * width + sideRecord.time + 1] as number;
  }
  return times;
}
