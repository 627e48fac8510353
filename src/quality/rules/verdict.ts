// From what is known of the rows to the report, and to the rows that are flagged. Rows are walked in the order of the data, each once, whatever breaks there.
import { PlumbError } from '../../base/errors.ts';
import { didYouMean } from '../../base/names.ts';
import type { Row } from '../../datasets/rows.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import type { Finding, FlaggedRow } from '../findings.ts';
import { isWithin } from './bounds.ts';
import type { Check, CheckAbout, Checks } from './checks.ts';
import { describer, indexShown } from './judge-rows.ts';
import type { CheckResult, Validation } from './report.ts';
import { keysKept, samplesKept } from './report-size.ts';
import type { BrokenRow, State } from './state.ts';
import { judgeBag, type Observed, type ReferenceBag } from './statistics.ts';

/** What other data hold, by place in the references of the checks. */
export interface ReferenceFacts {
  readonly bags: ReadonlyMap<number, ReferenceBag>;
  readonly rows: ReadonlyMap<number, number>;
}

export interface VerdictWorld {
  readonly references: ReferenceFacts;
  readonly untyped: boolean;
  /** time that freshness is measured from; null: none may be asked */
  readonly now: Date | null;
  /** rows of these data by number, rising */
  readonly look: (numbers: readonly number[]) => AsyncIterable<Row>;
  /** told of each row that breaks a rule which does not hold, in order; null: nobody wants to know */
  readonly onFlagged: ((row: FlaggedRow) => void) | null;
}

/** What a verdict had to know of broken rows, for whoever keeps it. */
export interface Verdict {
  readonly validation: Validation;
  readonly entries: ReadonlyMap<number, BrokenRow>;
}

export async function judgeState(checks: Checks, state: State, world: VerdictWorld): Promise<Verdict> {
  const lines = checks.checks.map((check) => lineOf(check, checks, state, world));
  const entries = await walkBroken(checks, state, lines, world);
  const results = lines.map(({ result }) => result);
  const broken = (severity: string): number => results.filter((result) => !result.holds && result.severity === severity).length;
  const errors = broken('error');
  const validation: Validation = { plumbline: 'validation/1', rows: state.rows, holds: errors === 0, errors, warnings: broken('warning'), results };
  return { validation, entries };
}

/** A result, and which rows break it. */
interface Line {
  readonly result: CheckResult;
  readonly rows: Uint32Array;
  /** of unique: the other row */
  readonly others: Uint32Array | null;
  /** what `shown` of a broken row calls it */
  readonly check: string;
  readonly columns: readonly string[];
  /** of rows that are told */
  readonly flags: boolean;
}

const none = new Uint32Array();

function lineOf(check: Check, checks: Checks, state: State, world: VerdictWorld): Line {
  const { about } = check;
  switch (check.kind) {
    case 'row': {
      const rows = state.broken[check.row] as Uint32Array;
      const looked = state.looked[check.row] as number;
      const holds = rows.length === 0 || (about.mostly !== undefined && (looked - rows.length) / looked >= about.mostly);
      const result = resultOf(about, { holds, checked: looked, failing: rows.length });
      return { result, rows, others: null, check: String(check.row), columns: checks.rows[check.row]?.columns ?? [], flags: !holds };
    }
    case 'unique': {
      const facts = state.indexes[check.index] as State['indexes'][number];
      const { rows, others } = facts.duplicates;
      const holds = rows.length === 0 || (about.mostly !== undefined && (facts.size - rows.length) / facts.size >= about.mostly);
      const result = resultOf(about, { holds, checked: facts.size, failing: rows.length });
      return { result, rows, others, check: indexShown(check.index), columns: checks.indexes[check.index]?.columns ?? [], flags: !holds };
    }
    default: {
      const { checked, holds, observed } = judgeTogether(check, state, world);
      return {
        result: { ...resultOf(about, { holds, checked, failing: 0 }), observed },
        rows: none,
        others: null,
        check: '',
        columns: [],
        flags: false,
      };
    }
  }
}

function judgeTogether(check: Exclude<Check, { kind: 'row' | 'unique' }>, state: State, world: VerdictWorld): Observed & { checked: number } {
  switch (check.kind) {
    case 'share': {
      const looked = state.looked[check.row] as number;
      const share = looked === 0 ? 1 : (looked - (state.broken[check.row] as Uint32Array).length) / looked;
      return { checked: looked, holds: check.ask.name === 'not_missing_share' && isWithin(share, check.ask.of), observed: share };
    }
    case 'distinct': {
      const { size, distinct } = state.indexes[check.index] as State['indexes'][number];
      const found = check.ask.name === 'distinct_share' ? (size === 0 ? 1 : distinct / size) : distinct;
      const bounds = check.ask.of as { min?: number; max?: number };
      return { checked: size, holds: size === 0 || isWithin(found, bounds), observed: found };
    }
    case 'bag':
    case 'drift': {
      const bag = state.bags[check.bag] as ColumnBag;
      const reference = check.kind === 'drift' ? (world.references.bags.get(check.against) ?? null) : null;
      return { checked: state.rows, ...judgeBag(bag, { ask: check.ask, untyped: world.untyped, now: world.now }, reference) };
    }
    case 'rows':
      return {
        checked: state.rows,
        ...judgeCount(check.rows, state.rows, check.against === null ? null : (world.references.rows.get(check.against) as number)),
      };
    case 'table':
      return { checked: state.rows, ...judgeTable(check.ask, state.columns) };
  }
}

function judgeCount(asked: Extract<Check, { kind: 'rows' }>['rows'], rows: number, others: number | null): Observed {
  if (others === null) return { holds: isWithin(rows, { min: asked.min, max: asked.max }), observed: rows };
  if (asked.equal !== undefined) return { holds: rows === others, observed: rows };
  const share = others === 0 ? (rows === 0 ? 1 : Number.MAX_VALUE) : rows / others;
  return { holds: isWithin(share, { min: asked.min_share, max: asked.max_share }), observed: share };
}

function judgeTable(ask: Extract<Check, { kind: 'table' }>['ask'], columns: readonly string[]): Observed {
  const there = new Set(columns);
  const lacking = (names: readonly string[]): string[] => names.filter((name) => !there.has(name));
  const tell = (holds: boolean, text: string): Observed => ({ holds, observed: text });
  switch (ask.name) {
    case 'exists':
      return tell(there.has(ask.column), there.has(ask.column) ? 'there' : `not there.${didYouMean(ask.column, columns)}`);
    case 'position': {
      const place = columns.indexOf(ask.column) + 1;
      return tell(place === ask.of, place === 0 ? 'not there' : `column ${place}`);
    }
    case 'columns':
      return tell(JSON.stringify(ask.of) === JSON.stringify(columns), differences(ask.of, columns));
    case 'columns_any_order':
      return tell(lacking(ask.of).length === 0 && there.size === new Set(ask.of).size, differences(ask.of, columns));
    case 'columns_contain':
      return tell(
        lacking(ask.of).length === 0,
        differences(
          ask.of,
          columns.filter((name) => ask.of.includes(name)),
        ),
      );
    case 'columns_within': {
      const allowed = new Set(ask.of);
      return tell(
        columns.every((name) => allowed.has(name)),
        differences(
          columns.filter((name) => allowed.has(name)),
          columns,
        ),
      );
    }
    case 'column_count':
      return { holds: isWithin(columns.length, ask.of), observed: columns.length };
  }
}

function differences(wanted: readonly string[], columns: readonly string[]): string {
  const [asked, there] = [new Set(wanted), new Set(columns)];
  const list = (names: readonly string[]): string =>
    names
      .slice(0, 10)
      .map((name) => JSON.stringify(name))
      .join(', ') + (names.length > 10 ? ', ...' : '');
  const lacking = wanted.filter((name) => !there.has(name));
  const extra = columns.filter((name) => !asked.has(name));
  const parts = [lacking.length === 0 ? '' : `not ${list(lacking)}`, extra.length === 0 ? '' : `also ${list(extra)}`].filter((part) => part !== '');
  if (parts.length > 0) return parts.join('; ');
  return JSON.stringify(wanted) === JSON.stringify(columns) ? 'as asked' : `in the order ${list(columns)}`;
}

function resultOf(about: CheckAbout, found: Pick<CheckResult, 'holds' | 'checked' | 'failing'>): CheckResult {
  const { rule, name, column, check, expected, desc, severity, mostly } = about;
  return {
    rule,
    ...(name === undefined ? {} : { name }),
    column,
    check,
    expected,
    ...(desc === undefined ? {} : { desc }),
    severity,
    ...(mostly === undefined ? {} : { mostly }),
    ...found,
    keys: [],
    sample: [],
  };
}

/** Fills in keys and samples and tells flagged rows. @returns what was known or found of the rows walked */
async function walkBroken(checks: Checks, state: State, lines: readonly Line[], world: VerdictWorld): Promise<Map<number, BrokenRow>> {
  const numbers = numbersToWalk(lines, world.onFlagged !== null);
  const cursors = lines.map(() => 0);
  const entries = new Map<number, BrokenRow>();
  for await (const { number, entry } of knownOrRead(checks, state, { numbers, lines, digests: world.onFlagged !== null }, world)) {
    entries.set(number, entry);
    const findings: Finding[] = [];
    const key = entry.key ?? `row ${number}`;
    lines.forEach((line, at) => {
      if (line.rows[cursors[at] as number] !== number) return;
      const same = line.others?.[cursors[at] as number];
      cursors[at] = (cursors[at] as number) + 1;
      show(line, { number, key, value: entry.shown[line.check] ?? '', same });
      if (line.flags) findings.push(findingOf(line.result, same));
    });
    if (findings.length > 0 && entry.digest !== null) world.onFlagged?.({ row: number, key, digest: entry.digest, findings });
  }
  return entries;
}

function show({ result }: Line, { number, key, value, same }: { number: number; key: string; value: string; same: number | undefined }): void {
  if (result.keys.length < keysKept) result.keys.push(key);
  if (result.sample.length < samplesKept) result.sample.push({ row: number, key, value, ...(same === undefined ? {} : { same_as: same }) });
}

/** Names the rule and what it asks for, never the value: it may be what nobody should read. */
function findingOf({ rule, name, column, expected, desc, severity }: CheckResult, same: number | undefined): Finding {
  const message = `${column === null ? '' : `${column} `}${expected}${desc === undefined ? '' : ` (${desc})`}${same === undefined ? '' : `; as row ${same}`}`;
  return { kind: name ?? `rule ${rule}`, severity, column, message };
}

/** The first rows that break each check, and all that are flagged; rising, each once. */
function numbersToWalk(lines: readonly Line[], flagged: boolean): number[] {
  const lists = lines.map(({ rows, flags }) => (flagged && flags ? rows : rows.subarray(0, keysKept)));
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  const numbers: number[] = [];
  for (const number of all) if (number !== numbers.at(-1)) numbers.push(number);
  return numbers;
}

interface Walk {
  readonly numbers: readonly number[];
  readonly lines: readonly Line[];
  readonly digests: boolean;
}

/** Rows of which all that is wanted is known are not read. */
async function* knownOrRead(
  checks: Checks,
  { entries }: State,
  walk: Walk,
  world: VerdictWorld,
): AsyncGenerator<{ number: number; entry: BrokenRow }> {
  const { numbers, lines, digests } = walk;
  const toRead = numbers.filter((number) => !isKnown(entries.get(number), number, walk));
  const reading = world.look(toRead)[Symbol.asyncIterator]();
  const describe = describer(checks, digests);
  let next = 0;
  for (const number of numbers) {
    const known = entries.get(number);
    if (toRead[next] !== number) {
      if (known !== undefined) yield { number, entry: known };
      continue;
    }
    next += 1;
    const { value: row, done } = await reading.next();
    if (done === true || row.row !== number) throw changed(number);
    yield {
      number,
      entry: describe(
        row,
        lines.filter(({ rows }) => holdsNumber(rows, number)).map(({ check }) => check),
      ),
    };
  }
  await reading.return?.();
}

function isKnown(entry: BrokenRow | undefined, number: number, { lines, digests }: Walk): boolean {
  if (entry === undefined || (digests && entry.digest === null)) return false;
  return lines.every(({ rows, check }) => Object.hasOwn(entry.shown, check) || !holdsNumber(rows, number));
}

function holdsNumber(rows: Uint32Array, number: number): boolean {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return rows[low] === number;
}

function changed(row: number): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `row ${row} is not there any more: the file was changed while it was read`,
    mend: 'run the command again',
  });
}
