// Processes that left their group (setsid, daemons) are found by a variable that whoever started them put into their environment: a child inherits it,
// and Linux shows it. A process that was started with another environment on purpose is not found; nor is any where there is no /proc.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Mark {
  readonly name: string;
  /** nobody else's: random, or of this job alone */
  readonly value: string;
}

/** A process may start another between two looks; one that does nothing else is given up at some point. */
const mostRounds = 50;

/**
 * Ends all processes that carry the mark, but this one.
 * @returns how many there were
 */
export async function endMarked(mark: Mark): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < mostRounds; round += 1) {
    const found = findMarked(mark);
    if (found.length === 0) break;
    for (const pid of found) {
      ended.add(pid);
      endProcess(pid);
    }
    await sleep(10);
  }
  return ended.size;
}

/** Numbers of the processes that carry the mark, but this one. Zombies have no environment any more. */
export function findMarked({ name, value }: Mark): number[] {
  const wanted = Buffer.from(`\0${name}=${value}\0`);
  return processes().filter((pid) => pid !== process.pid && environmentOf(pid).includes(wanted));
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch {
    return [];
  }
}

/** With a zero before and behind each variable. Empty for a process of somebody else, and for one that ended meanwhile. */
function environmentOf(pid: number): Buffer {
  try {
    return Buffer.concat([Buffer.of(0), readFileSync(`/proc/${pid}/environ`), Buffer.of(0)]);
  } catch {
    return Buffer.alloc(0);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone already: what we wanted
  }
}
