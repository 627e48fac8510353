// flagged.jsonl: the rows that a check found something in, one a line.
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemError } from '../base/errors.ts';
import type { FlaggedRow } from './findings.ts';

/** Lines of a flagged.jsonl, some hundred kilobytes at a time. */
export function* flaggedLines(rows: Iterable<FlaggedRow>): Generator<string> {
  let lines = '';
  for (const row of rows) {
    lines += `${JSON.stringify(row)}\n`;
    if (lines.length < 1 << 18) continue;
    yield lines;
    lines = '';
  }
  if (lines !== '') yield lines;
}

/** @throws PlumbError FILE_UNREADABLE, DISK_FULL */
export async function writeFlagged(path: string, rows: Iterable<FlaggedRow>): Promise<void> {
  try {
    await pipeline(Readable.from(flaggedLines(rows)), createWriteStream(path));
  } catch (error) {
    throw systemError(error, 'write', path);
  }
}
