import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sweepKilled, sweepTemporary } from './atomic.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumb-sweep-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const now = new Date('2026-11-21T12:00:00Z');
/** no process has such a number */
const gone = 4_194_305;

function left(pid: number | string, hours: number): string {
  const name = `.plumb-tmp-${pid}-0123456789ab-${hours}`;
  const time = new Date(now.getTime() - hours * 3_600_000);
  writeFileSync(join(folder, name), '');
  utimesSync(join(folder, name), time, time);
  return name;
}

test('what dead writers left goes after an hour; what a process may be at work on stays for a month, however the clock jumps', async () => {
  const kept = [left(gone, 0.5), left(process.pid, 2), left(process.pid, 29 * 24), left(gone, -1000), left(process.pid, -1000)];
  const swept = [left(gone, 2), left(process.pid, 31 * 24), left('no-number', 2), left(0, 3)];
  writeFileSync(join(folder, 'of-somebody'), '');
  expect(await sweepTemporary(folder, now)).toBe(swept.length);
  expect(readdirSync(folder).toSorted()).toEqual([...kept, 'of-somebody'].toSorted());
});

test('in a folder of this machine alone, it goes at once', async () => {
  const kept = [left(process.pid, 1), left('no-number', 1)];
  left(gone, 0);
  await sweepKilled(folder);
  expect(readdirSync(folder).toSorted()).toEqual(kept.toSorted());
});
