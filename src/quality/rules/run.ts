// Rows against a rules file: what changed since a version that is remembered; else a large file by DuckDB, and all else row by row. The answer is the same.
import { stat } from 'node:fs/promises';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import { digestOf, type Digest } from '../../base/digest.ts';
import { findRowChanges } from '../../datasets/row-changes.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowsAt } from '../../datasets/rows-at.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from '../checked-rows.ts';
import type { ValueIndex } from '../columns/value-index.ts';
import type { FlaggedRow } from '../findings.ts';
import { checkDigest, TornMemory } from '../memory.ts';
import type { DataReference } from './bounds.ts';
import { stateAfter } from './changes.ts';
import { isWhole, namedBy, type Checks } from './checks.ts';
import { columnsOfSource } from './columns-of-source.ts';
import { requireOrder } from './text-ends.ts';
import { judgeOfRows, type JudgedState } from './judge-rows.ts';
import { planChecks } from './plan.ts';
import { checksOf, resolveReferences, type ReferenceWorld, type ResolvedReferences } from './references.ts';
import type { Validation } from './report.ts';
import type { Rules } from './schema.ts';
import { decodeRemembered, encodeRemembered, withFacts, type RecalledState } from './state-file.ts';
import { requireColumns, type State } from './state.ts';
import { scoredColumns, withScores } from './scores.ts';
import { judgeState } from './verdict.ts';

export interface RulesFile {
  readonly rules: Rules;
  /** its name, for errors */
  readonly file: string;
}

export type Engine = 'changes' | 'duckdb' | 'rows';

export interface RulesWorld extends CheckWorld {
  /** data that rules name. @throws PlumbError DATASET_UNKNOWN and the like */
  readonly openReference: (data: DataReference) => Promise<CheckedRows>;
  /** what freshness is measured from; null: nothing may depend on the time */
  readonly now: Date | null;
  /** for tests and measurements: this one, or none */
  readonly engine?: Engine;
}

export interface RulesRun {
  readonly validation: Validation;
  readonly engine: Engine;
  /** rows that were read; all in a full run */
  readonly read: number;
}

/**
 * @param onFlagged told of each row that breaks a rule which does not hold, in the order of the data
 * @throws PlumbError DATASET_COLUMN for a rule about a column that no row has; ROW_SYNTAX and the like
 */
export async function runRules(
  rows: CheckedRows,
  rules: RulesFile,
  world: RulesWorld,
  onFlagged: ((row: FlaggedRow) => void) | null,
): Promise<RulesRun> {
  const { checks, references } = await prepareRules(rows, rules, world);
  const given = { references, digests: onFlagged !== null };
  return withState(job(checks, rows, world, { ...given, file: rules.file }), async ({ state, look, lookWhole, engine, read, keep }) => {
    if (state.rows > 0) requireColumns(checks, state.columns, rules.file);
    const verdict = await judgeState(checks, state, {
      references,
      untyped: rows.source.format === 'csv',
      now: world.now,
      look: onFlagged === null ? look : lookWhole,
      onFlagged,
    });
    await keep(verdict.entries);
    return { validation: verdict.validation, engine, read };
  });
}

export interface PreparedRules {
  readonly checks: Checks;
  readonly references: ResolvedReferences;
}

/** What must be known before rows are judged: other data, and mean and deviation of columns with a z-score. */
export async function prepareRules(rows: CheckedRows, { rules, file }: RulesFile, world: RulesWorld): Promise<PreparedRules> {
  const planned = namedBy(planChecks(rules, file), rows.source.key);
  requireClock(planned, file, world.now);
  await requireOrder(planned, { source: rows.source, file, signal: world.signal });
  const references = await resolveReferences(planned, file, referenceWorld(world));
  const scored = scoredColumns(planned);
  const bags = scored.length === 0 ? [] : (await withState(job(checksOf({ bags: scored }), rows, world), ({ state }) => Promise.resolve(state))).bags;
  return { checks: withScores(planned, bags, rows.source.format === 'csv'), references };
}

/** References are read as all rows are. */
export function referenceWorld(world: RulesWorld): ReferenceWorld {
  return {
    openReference: world.openReference,
    state: (checks, rows) => gathered(job(checks, rows, world)),
    index: async (checks, rows) => (await stateByRows(job(checks, rows, world))).values[0] as ValueIndex,
  };
}

interface Job {
  readonly checks: Checks;
  readonly rows: CheckedRows;
  readonly world: RulesWorld;
  readonly references: ResolvedReferences;
  readonly digests: boolean;
  readonly file: string;
}

const noReferences: ResolvedReferences = { members: new Map(), bags: new Map(), rows: new Map(), contents: [] };

function job(checks: Checks, rows: CheckedRows, world: RulesWorld, given: Partial<Job> = {}): Job {
  return { checks, rows, world, references: noReferences, digests: false, file: 'the rules', ...given };
}

/** A state that is wanted for itself: nothing of it is shown. */
function gathered(of: Job): Promise<State> {
  return withState(of, async ({ state, keep }) => {
    await keep(new Map());
    return state;
  });
}

type Look = (numbers: readonly number[]) => AsyncIterable<Row>;

interface Found {
  readonly state: State;
  readonly engine: Engine;
  readonly read: number;
  /** with the columns that checks name */
  readonly look: Look;
  /** with all columns */
  readonly lookWhole: Look;
  /** remembers the state, if it is one to remember */
  keep(entries: State['entries']): Promise<void>;
}

/** The state of some rows, for as long as `use` needs it. */
async function withState<T>(of: Job, use: (found: Found) => Promise<T>): Promise<T> {
  const { world } = of;
  const look: Look = (numbers) => readRowsAt(of.rows.source, numbers, { readNode: world.readNode, signal: world.signal });
  const kept = await stateByChanges(of);
  if (kept !== null) return use({ ...kept, engine: 'changes', look, lookWhole: look, keep: async () => undefined });
  const answer = await stateByDuckDb(of, look, use);
  if (answer !== null) return answer.of;
  const judged = await stateByRows(of);
  return use({ state: judged, engine: 'rows', read: judged.rows, look, lookWhole: look, keep: keeper(of, judged) });
}

/** A version with more rows than this is not remembered: an index has 20 bytes a row. */
const mostRemembered = 20_000_000;

/** Rows that are found again by their tree, so that a later version need not read all of them. */
function isKept({ checks, rows }: Job): boolean {
  const { tree } = rows.source;
  return tree !== undefined && tree.rows <= mostRemembered && !isWhole(checks);
}

function keeper(of: Job, judged: JudgedState): Found['keep'] {
  if (!isKept(of)) return async () => undefined;
  return async (entries) => {
    const { state, blocks } = encodeRemembered(judged, entries);
    await of.world.memory.keep(digestOfJob(of), rememberedAs(of.rows), state, blocks);
  };
}

const formatOfState = 2;

/** All that a state depends on beside the rows. */
export function digestOfJob({ checks, rows, references }: Pick<Job, 'checks' | 'rows' | 'references'>): Digest {
  const { key, rows: tests, indexes, bags } = checks;
  const asked = JSON.stringify([key, tests, indexes, bags, references.contents]);
  return checkDigest({ check: 'rules', format: formatOfState, data: rows.source.name, asked: digestOf(asked) });
}

/** Below one changed row of so many, what changed is cheaper than all. */
const changedOf = 10;

async function stateByChanges(of: Job): Promise<{ state: State; read: number } | null> {
  const { checks, rows, world } = of;
  const { source } = rows;
  if (!isKept(of) || (world.engine !== undefined && world.engine !== 'changes')) return null;
  for await (const { version, state: bytes, blocks } of world.memory.recall(digestOfJob(of))) {
    const known = decodeRemembered(bytes, blocks);
    if (known === null || !isFor(checks, known)) continue;
    if (version.content === rows.content && version.format === source.format) return { state: withFacts(known), read: 0 };
    if (version.tree === null || version.format !== source.format || version.key !== (source.key ?? null)) continue;
    const before = await openRemembered(world, version, source.name);
    if (before === null) continue;
    const changes = await findRowChanges(before, source, { readNode: world.readNode, signal: world.signal });
    if ((changes.addedCount + changes.removedCount) * changedOf > changes.rows) continue;
    const columns = await columnsOfSource(source, world.readNode);
    try {
      const state = await stateAfter(checks, known, changes, { ...testsOf(of), digests: of.digests }, columns);
      return { state, read: changes.compared };
    } catch (error) {
      if (!(error instanceof TornMemory)) throw error;
    }
  }
  return null;
}

function isFor({ rows, indexes, bags }: Checks, known: RecalledState): boolean {
  return known.broken.length === rows.length && known.values.length === indexes.length && known.bags.length === bags.length;
}

function testsOf({ rows, references }: Job): { untyped: boolean; members: ResolvedReferences['members'] } {
  return { untyped: rows.source.format === 'csv', members: references.members };
}

/** Smaller files are read by the time DuckDB is loaded. */
const leastBytes = 8 << 20;

/** Parquet always: a page that is not what it should be may keep our own reader of it busy for ever. */
async function isForDuckDb({ rows: { source }, world }: Job): Promise<boolean> {
  if (world.engine !== undefined) return world.engine === 'duckdb';
  return source.format === 'parquet' || (await sizeOf(source.path)) >= leastBytes;
}

async function stateByDuckDb<T>(of: Job, look: Look, use: (found: Found) => Promise<T>): Promise<{ of: T } | null> {
  const { checks, rows, world, references, file } = of;
  const { source } = rows;
  if (!(await isForDuckDb(of))) return null;
  const [{ withDuckDb }, { judgeByDuckDb }, { checkParquet }] = await Promise.all([
    import('./duckdb.ts'),
    import('./judge-duckdb.ts'),
    import('./duckdb-table.ts'),
  ]);
  const told = { progress: world.progress, bytes: await sizeOf(source.path) };
  return withDuckDb(source.path, world.signal, async (sql) => {
    const judging = { source, checks, file, readNode: world.readNode, members: references.members, keeps: isKept(of), ...told };
    const judged = await judgeByDuckDb(judging, sql).catch((error: unknown) => {
      // a mistake of ours is a TypeError or the like
      if (isPlumbError(error) || world.signal.aborted || Object.getPrototypeOf(error) !== Error.prototype) throw error;
      return refused(source, error as Error);
    });
    if (judged === null) {
      if (source.format === 'parquet') await checkParquet(sql).catch((error: unknown) => refused(source, error as Error));
      return null;
    }
    const { state } = judged;
    const lookWhole = judged.lookWhole ?? look;
    return { of: await use({ state, engine: 'duckdb', read: state.rows, look: judged.look, lookWhole, keep: keeper(of, state) }) };
  });
}

/**
 * What DuckDB refuses, our own readers of text look at, and say what is wrong with it, in which row, or that nothing is.
 * @throws PlumbError ROW_SYNTAX for Parquet
 */
function refused({ format, name }: RowSource, error: Error): null {
  if (format !== 'parquet' || /out of memory/i.test(error.message)) return null;
  const [line = ''] = error.message.split('\n');
  throw new PlumbError('ROW_SYNTAX', {
    what: `${name} does not read as Parquet: ${line.replaceAll(/'\/[^']*'/g, 'it').slice(0, 200)}`,
    where: { file: name },
    mend: 'write the file again; the extension .parquet promises Parquet',
    cause: error,
  });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

async function stateByRows(of: Job): Promise<JudgedState> {
  const { checks, rows, world } = of;
  return judgeBatches(checks, readRowBatches(rows.source.path, rows.source.format, { signal: world.signal, name: rows.source.name }), {
    ...testsOf(of),
    digests: of.digests,
    progress: world.progress.start(rows.source.name, rows.source.tree?.rows, 'rows'),
  });
}

/** Rows one by one, whose numbers begin with 1. */
export async function judgeBatches(
  checks: Checks,
  batches: AsyncIterable<readonly Row[]>,
  { progress, ...options }: Parameters<typeof judgeOfRows>[1] & { readonly progress: { advance(count: number): void; end(): void } },
): Promise<JudgedState> {
  const judge = judgeOfRows(checks, options);
  try {
    for await (const batch of batches) {
      for (const row of batch) judge.see(row);
      progress.advance(batch.length);
    }
  } finally {
    progress.end();
  }
  return judge.state();
}

function requireClock({ checks }: Checks, file: string, now: Date | null): void {
  const timed = checks.find((check) => check.kind === 'bag' && check.ask.name === 'newest' && check.ask.of.of === undefined);
  if (timed === undefined || now !== null) return;
  throw new PlumbError('CONFIG_INVALID', {
    what: `rule ${timed.about.rule} asks how old the newest value is, and the outcome of a stage may not depend on the day`,
    where: { file, path: `rules.${timed.about.rule - 1}.newest` },
    mend: 'say from when it is measured, `of: 2026-11-01`, or ask it with `plumb validate`',
  });
}
