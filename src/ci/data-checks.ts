// Data sets of a lock: can their bytes be had, are they what the lock says, do their rows parse, do they keep the rules? A file of rows is read once, and
// once for each rules file that judges it, in memory that is bounded but for what a check must remember (keys, `unique`).
import type { Positions } from '../base/config.ts';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { isPlumbError, PlumbError, type ErrorCode } from '../base/errors.ts';
import { KeyCheck } from '../datasets/keys.ts';
import { readLockedManifest } from '../datasets/manifest.ts';
import { readRowBatches, readRows } from '../datasets/rows.ts';
import type { RowsEntry } from '../datasets/row-versions.ts';
import { SchemaInference } from '../datasets/schema-inference.ts';
import type { Lock, LockEntry } from '../datasets/schema.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { CheckedRows } from '../quality/checked-rows.ts';
import { describeBroken } from '../quality/rules/broken.ts';
import { judgeRows, referencesByRows } from '../quality/rules/judge.ts';
import type { CheckResult, Validation } from '../quality/rules/report.ts';
import { maskSensitive } from '../quality/sensitive.ts';
import type { Judging } from './config-checks.ts';
import type { Around, Finding, Findings } from './finding.ts';

export interface DataWish {
  readonly lock: Lock;
  readonly lockPositions: Positions;
  readonly judgings: readonly Judging[];
  /** data sets that are another version than that of the base; null: there is no base, all count as changed */
  readonly changed: ReadonlySet<string> | null;
  /** rules files that differ from those of the base: what they judge is judged again */
  readonly changedRules: ReadonlySet<string>;
  /** This job has no credentials: bytes that cannot be had are nobody's mistake. */
  readonly fork: boolean;
  readonly signal: AbortSignal;
}

export interface Looked {
  /** data sets that were looked at, sorted */
  readonly looked: readonly string[];
  /** whose bytes could not be had, sorted */
  readonly notLooked: readonly string[];
}

/** @throws PlumbError INTERRUPTED; all else is a finding */
export async function checkData({ store }: Pick<Project, 'store'>, wish: DataWish, findings: Findings): Promise<Looked> {
  const { lock, lockPositions, changed, changedRules } = wish;
  const looked: string[] = [];
  const notLooked: string[] = [];
  const names = Object.keys(lock.datasets).toSorted(byCodeUnit);
  for (const name of names) {
    const entry = lock.datasets[name];
    const judgings = wish.judgings.filter((judging) => judging.dataset === name);
    const isNew = changed === null || changed.has(name);
    if (entry === undefined || !(isNew || judgings.some(({ file }) => changedRules.has(file)))) continue;
    wish.signal.throwIfAborted();
    const around = { file: files.lock, dataset: name, ...lockPositions(['datasets', name, 'digest'], true) };
    const source: Source = { store, lock, name, entry, around, isNew, positions: lockPositions, fork: wish.fork, signal: wish.signal };
    ((await checkDataset(source, judgings, findings)) ? looked : notLooked).push(name);
  }
  await checkRemote(store, { lock, looked, lockPositions }, findings);
  return { looked, notLooked };
}

interface Source {
  readonly store: Project['store'];
  readonly lock: Lock;
  readonly name: string;
  readonly entry: LockEntry;
  readonly around: Around;
  /** of another version than that of the base */
  readonly isNew: boolean;
  readonly positions: Positions;
  readonly fork: boolean;
  readonly signal: AbortSignal;
}

/** @returns whether its bytes could be had */
async function checkDataset(source: Source, judgings: readonly Judging[], findings: Findings): Promise<boolean> {
  const { store, name, entry, around } = source;
  try {
    await readLockedManifest(store, name, entry);
    if (entry.format !== 'files') await checkRows({ ...source, entry, path: await store.pathOf(entry.content) }, judgings, findings);
    return true;
  } catch (error) {
    if (!isPlumbError(error) || !unreachable.has(error.code)) {
      findings.addError(error, around);
      return true;
    }
    const severity = source.fork ? 'warning' : 'error';
    const what = `data set "${name}" was not looked at: ${error.message}`;
    findings.add({ severity, ...around, code: error.code, what, mend: error.mend });
    return false;
  }
}

const unreachable: ReadonlySet<ErrorCode> = new Set(['BYTES_MISSING', 'REMOTE_MISSING', 'REMOTE_FAILED', 'REMOTE_DENIED']);

/** What is in this machine's cache alone, other machines cannot have. A remote that does not answer has been told of where bytes were missing. */
async function checkRemote(
  store: Project['store'],
  { lock, looked, lockPositions }: { lock: Lock; looked: readonly string[]; lockPositions: Positions },
  findings: Findings,
): Promise<void> {
  if (store.remoteUrl === null || looked.length === 0) return;
  const digests = new Map(looked.flatMap((name) => (lock.datasets[name] === undefined ? [] : [[name, lock.datasets[name].digest] as const])));
  const there = await store.lookInRemote([...digests.values()]);
  if (store.unreachable !== null) return;
  for (const [name, digest] of digests) {
    if (there.has(digest)) continue;
    findings.add({
      severity: 'warning',
      code: 'BYTES_MISSING',
      file: files.lock,
      dataset: name,
      ...lockPositions(['datasets', name, 'digest'], true),
      what: `data set "${name}" is in this machine's cache only, not in the remote ${store.remoteUrl}`,
      mend: 'run `plumb push`',
    });
  }
}

type RowsSource = Source & { readonly entry: RowsEntry; readonly path: string };

async function checkRows(source: RowsSource, judgings: readonly Judging[], findings: Findings): Promise<void> {
  await new RowFacts(source, findings).check();
  for (const judging of judgings) await judge(source, judging, findings);
}

/** Of one data set; of the rest only the number is told. */
const mostFaults = 50;

/** What rows are beside what rules ask of them: rows at all, each with a key of its own, as many and with such columns as the lock says. */
class RowFacts {
  readonly #source: RowsSource;
  readonly #findings: Findings;
  readonly #inference = new SchemaInference();
  #faults = 0;

  constructor(source: RowsSource, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  async check(): Promise<void> {
    const { path, entry, signal } = this.#source;
    let keys = entry.key === undefined ? null : new KeyCheck(entry.key, entry.path);
    try {
      for await (const row of readRows(path, entry.format, { signal, name: entry.path, onFault: (error) => this.#fault(error) })) {
        this.#inference.add(row.value);
        try {
          keys?.add(row);
        } catch (error) {
          // one row without a key of its own is enough: how many there are, a rule (not_missing, unique) says
          keys = null;
          this.#fault(error);
        }
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#fault(error);
    }
    this.#compare();
  }

  #fault(error: unknown): void {
    this.#faults += 1;
    if (this.#faults > mostFaults) return;
    if (!isPlumbError(error) || unreachable.has(error.code)) throw error;
    const { row } = error.where ?? {};
    this.#findings.add({
      severity: 'error',
      ...this.#source.around,
      code: error.code,
      what: error.message,
      mend: error.mend,
      ...(row === undefined ? {} : { row }),
    });
  }

  /** With the lock, once all rows were read. Of a file with faults nothing more is said. */
  #compare(): void {
    const { entry, name, positions, around } = this.#source;
    const tell = (field: string, what: string, code: ErrorCode = 'MANIFEST_INVALID'): void =>
      this.#findings.add({
        severity: 'error',
        ...around,
        ...positions(['datasets', name, field], true),
        code,
        what,
        mend: `restore ${files.lock} from git, or lock the rows again: \`plumb add ${entry.path}\``,
      });
    if (this.#faults > mostFaults) tell('digest', `${this.#faults - mostFaults} more rows of data set "${name}" do not parse`, 'ROW_SYNTAX');
    if (this.#faults > 0) return;
    const { rows } = this.#inference;
    if (rows !== entry.rows) tell('rows', `the lock says that data set "${name}" has ${entry.rows} rows; it has ${rows}`);
    else if (canonicalJson(this.#inference.schema()) !== canonicalJson(entry.schema))
      tell('schema', `the lock says other columns of data set "${name}" than it has`);
    for (const field of ['key', 'label'] as const) {
      const column = entry[field];
      if (column !== undefined && rows > 0 && !this.#inference.has(column))
        tell(field, `the lock names the ${field} column "${column}" of data set "${name}", which it does not have`, 'DATASET_COLUMN');
    }
  }
}

/** A rule about a column that no row has is told, and the others are judged without it. */
async function judge(source: RowsSource, judging: Judging, findings: Findings): Promise<void> {
  const { path, entry, isNew, around, name, signal } = source;
  const { file, rules, positions } = judging;
  // what does not parse was told
  const read = () => readRowBatches(path, entry.format, { signal, name: entry.path, onFault: () => undefined });
  const references = referencesByRows((data) => openLocked(source, typeof data === 'string' ? data : data.data), signal);
  const kept = rules.rules.map((rule, at) => ({ rule, number: at + 1 }));
  let { key } = rules;
  while (kept.length > 0) {
    const { key: _, ...others } = rules;
    const tried = { ...others, ...(key === undefined ? {} : { key }), rules: kept.map(({ rule }) => rule) };
    try {
      const validation = await judgeRows({ rules: tried, file }, { read, untyped: entry.format === 'csv', key: entry.key, references });
      for (const result of validation.results) {
        if (result.holds) continue;
        const number = kept[result.rule - 1]?.number ?? result.rule;
        // the line that the change is in: that of the data, or where these are as they were, that of the rule
        const place = isNew ? around : { file, dataset: name, ...positions(['rules', number - 1], false) };
        findings.add({ ...place, ...brokenRule({ ...result, rule: number }, validation, { file, name }) });
      }
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isPlumbError(error)) throw error;
      if (error.code === 'DATASET_UNKNOWN' || unreachable.has(error.code)) findings.addError(error, { file, dataset: name, severity: 'warning' });
      // rows that end the reading: they are told by now
      if (error.code !== 'CONFIG_INVALID' && error.code !== 'DATASET_COLUMN') return;
      const [where, at] = /^(?:key|rules\.(\d+)(?:\..*)?)$/.exec(error.where?.path ?? '') ?? [];
      const [wrong] = at === undefined ? [] : kept.splice(Number(at), 1);
      const place = wrong === undefined ? ['key'] : ['rules', String(wrong.number - 1)];
      findings.addError(error, { file, dataset: name, ...positions(where === undefined ? [] : place, false) });
      if (where === undefined) return;
      if (wrong === undefined) key = undefined;
    }
  }
}

/** Data of the same lock that rules refer to. */
async function openLocked({ store, lock }: Source, name: string): Promise<CheckedRows> {
  const entry = Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined;
  if (entry === undefined || entry.format === 'files') {
    throw new PlumbError('DATASET_UNKNOWN', {
      what: `rules refer to "${name}", which is no data set of rows: what they say of it, a run of the stage shows`,
      mend: 'nothing, where it is the output of a stage',
    });
  }
  await readLockedManifest(store, name, entry);
  return { source: { path: await store.pathOf(entry.content), format: entry.format, name }, content: entry.content };
}

function brokenRule(result: CheckResult, validation: Validation, of: { file: string; name: string }): Omit<Finding, 'file'> {
  const column = result.column ?? undefined;
  const masked = {
    ...result,
    sample: result.sample.map((one) => ({ ...one, value: maskSensitive(one.value, column), key: maskSensitive(one.key) })),
  };
  const [first] = masked.sample;
  return {
    code: 'RULES_BROKEN',
    severity: result.severity,
    what: `data set "${of.name}", ${of.file}, ${describeBroken(masked, validation)}`,
    mend: 'correct the rows, or the rule when the rows are right',
    ...(first === undefined ? {} : { row: first.row, key: first.key }),
  };
}
