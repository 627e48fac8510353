// Parts of the rows, judged by as many runners as one likes and put together: what one part says is a state, and states add up. A part is a file:
//
//   "PLPART1\n", u32 length of the head, head: JSON, the state (state-file.ts), SHA-256 of all before
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PlumbError, systemError } from '../../base/errors.ts';
import { readRowRange, readRowsAt } from '../../datasets/rows-at.ts';
import type { RowSource, TreeSource } from '../../datasets/row-source.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { FlaggedRow } from '../findings.ts';
import { isWhole } from './checks.ts';
import { judgeBatches, digestOfJob, prepareRules, type RulesFile, type RulesRun, type RulesWorld } from './run.ts';
import { joinStates } from './state-join.ts';
import { decodeState, encodeState, withFacts, type KeptState } from './state-file.ts';
import { planChecks } from './plan.ts';
import { requireColumns } from './state.ts';
import { judgeState } from './verdict.ts';

/** One part of so many; the first is 1. */
export interface Shard {
  readonly at: number;
  readonly of: number;
}

const magic = Buffer.from('PLPART1\n');

interface Head extends Shard {
  /** what was asked, of which data */
  readonly check: string;
  readonly data: string;
  /** SHA-256 of the file */
  readonly content: string;
}

/**
 * Judges one part of the rows.
 * @returns the part, for mergeShards
 * @throws PlumbError CONFIG_INVALID for rules that need all rows in their order, DATASET_FORMAT for a file that cannot be cut
 */
export async function judgeShard(rows: CheckedRows, rules: RulesFile, world: RulesWorld, shard: Shard): Promise<Buffer> {
  requireParts(rules);
  const { checks, references } = await prepareRules(rows, rules, world);
  const { source } = rows;
  const state = await judgeBatches(checks, renumbered(batchesOf(source, shard, world)), {
    untyped: source.format === 'csv',
    members: references.members,
    digests: true,
    progress: world.progress.start(`${source.name} ${shard.at}/${shard.of}`, undefined, 'rows'),
  });
  const head: Head = { ...shard, check: digestOfJob({ checks, rows, references }), data: source.name, content: rows.content };
  return partFile(head, encodeState(state, state.entries));
}

/**
 * Puts parts together: the outcome is that of one run over all rows.
 * @param parts in any order; rows that are shown and that no part noted are read from `rows`
 * @throws PlumbError PARTS_INVALID for parts of other rules or data, and where one is missing or twice
 */
export async function mergeShards(
  rows: CheckedRows,
  rules: RulesFile,
  world: RulesWorld,
  parts: readonly { readonly name: string; readonly bytes: Buffer }[],
  onFlagged: ((row: FlaggedRow) => void) | null,
): Promise<RulesRun> {
  requireParts(rules);
  const { checks, references } = await prepareRules(rows, rules, world);
  const read = parts.map(({ name, bytes }) => ({ name, ...readPart(name, bytes) })).toSorted((a, b) => a.head.at - b.head.at);
  requireAll(read, { check: digestOfJob({ checks, rows, references }), content: rows.content });
  const state = withFacts(joinStates(read.map((part) => part.state)));
  if (state.rows > 0) requireColumns(checks, state.columns, rules.file);
  const look = (numbers: readonly number[]): AsyncIterable<Row> =>
    readRowsAt(rows.source, numbers, { readNode: world.readNode, signal: world.signal });
  const verdict = await judgeState(checks, state, { references, untyped: rows.source.format === 'csv', now: world.now, look, onFlagged });
  return { validation: verdict.validation, engine: 'rows', read: 0 };
}

function requireParts({ rules, file }: RulesFile): void {
  const checks = planChecks(rules, file);
  if (!isWhole(checks)) return;
  const whole = checks.checks.find((check) => check.kind === 'row' && ['order', 'z_score'].includes(checks.rows[check.row]?.test.kind ?? ''));
  throw new PlumbError('CONFIG_INVALID', {
    what: `rule ${whole?.about.rule} (${whole?.about.check}) needs all rows in one run`,
    where: { file, path: `rules.${(whole?.about.rule ?? 1) - 1}` },
    mend: 'put it into a rules file of its own, and run that one without --shard',
  });
}

async function* renumbered(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<Row[]> {
  let row = 0;
  for await (const batch of batches) yield batch.map((one) => ({ ...one, row: (row += 1) }));
}

function batchesOf(source: RowSource, { at, of }: Shard, { readNode, signal }: RulesWorld): AsyncIterable<readonly Row[]> {
  const { tree, format, path, name } = source;
  if (tree !== undefined) {
    const range = { start: Math.floor((tree.rows * (at - 1)) / of), end: Math.floor((tree.rows * at) / of) };
    return readRowRange(source as TreeSource, range, { readNode, signal });
  }
  if (format === 'parquet') return readRowBatches(path, format, { name, signal, part: { at, of } });
  if (format === 'jsonl') return linesOf(source, { at, of }, signal);
  throw new PlumbError('DATASET_FORMAT', {
    what: `${name} cannot be cut: where a row of a CSV begins, only who reads all of it knows`,
    where: { file: name },
    mend: 'lock it with `plumb add`: its manifest says where rows are',
  });
}

/** Lines that begin within a share of the bytes. */
async function* linesOf({ path, name }: RowSource, { at, of }: Shard, signal: AbortSignal): AsyncGenerator<readonly Row[]> {
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  let range: { start: number; end: number };
  try {
    const { size } = await handle.stat();
    const share = (part: number): number => Math.floor((size * part) / of);
    range = { start: await lineFrom(handle, share(at - 1)), end: await lineFrom(handle, share(at)) };
  } finally {
    await handle.close();
  }
  if (range.start >= range.end) return;
  yield* readRowBatches(path, 'jsonl', {
    name,
    signal,
    source: createReadStream(path, { start: range.start, end: range.end - 1, highWaterMark: 1 << 20 }),
  });
}

/** Where the first line begins that begins at or behind an offset; the end of the file where none does. */
async function lineFrom(handle: Awaited<ReturnType<typeof open>>, offset: number): Promise<number> {
  if (offset === 0) return 0;
  const buffer = Buffer.alloc(1 << 16);
  for (let place = offset - 1; ; place += buffer.length) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, place);
    if (bytesRead === 0) return place;
    const found = buffer.subarray(0, bytesRead).indexOf(0x0a);
    if (found !== -1) return place + found + 1;
    if (bytesRead < buffer.length) return place + bytesRead;
  }
}

function partFile(head: Head, state: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const body = Buffer.concat([magic, length, json, state]);
  return Buffer.concat([body, hash('sha256', body, 'buffer')]);
}

function readPart(name: string, bytes: Buffer): { head: Head; state: KeptState } {
  const body = bytes.subarray(0, Math.max(0, bytes.length - 32));
  const isWholeFile = body.length >= 12 && body.subarray(0, 8).equals(magic) && hash('sha256', body, 'buffer').equals(bytes.subarray(body.length));
  if (isWholeFile) {
    const end = 12 + body.readUInt32LE(8);
    const state = decodeState(body.subarray(end));
    if (state !== null) return { head: JSON.parse(body.toString('utf8', 12, end)) as Head, state };
  }
  throw partsInvalid(`${name} is no part of a validation, or was cut`, name);
}

function requireAll(parts: readonly { readonly name: string; readonly head: Head }[], asked: Pick<Head, 'check' | 'content'>): void {
  const of = parts[0]?.head.of ?? 0;
  for (const [at, { name, head }] of parts.entries()) {
    if (head.content !== asked.content) throw partsInvalid(`${name} is of another version of ${head.data}`, name);
    if (head.check !== asked.check || head.of !== of) throw partsInvalid(`${name} is of other rules, or of another number of parts`, name);
    if (head.at !== at + 1) throw partsInvalid(head.at <= at ? `part ${head.at}/${of} is there twice` : `part ${at + 1}/${of} is not there`, name);
  }
  if (parts.length !== of) throw partsInvalid(`part ${parts.length + 1}/${of} is not there`, parts.at(-1)?.name ?? '');
}

function partsInvalid(what: string, file: string): PlumbError {
  return new PlumbError('PARTS_INVALID', {
    what,
    where: { file },
    mend: 'merge all parts of one `plumb validate --shard`, of the same rules and data',
  });
}
