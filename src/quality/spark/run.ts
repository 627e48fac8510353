// The driver as a process: a plan goes in as a file, what was found comes back as one, and becomes the state that every engine ends in.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { byCodeUnit } from '../../base/canonical.ts';
import { PlumbError } from '../../base/errors.ts';
import { parseLine } from '../../datasets/jsonl.ts';
import type { Row } from '../../datasets/rows.ts';
import { BagCounter } from '../columns/column-bag.ts';
import { duplicatesOf } from '../columns/value-index.ts';
import { NumberList, type State } from '../rules/state.ts';
import { planSpark, type SparkAsking } from './plan.ts';
import { refusedRules } from './refusal.ts';

/** Shipped with the package: package.json, "files". */
export const driverPath: string = fileURLToPath(new URL('../../../src/quality/spark/plumb_spark.py', import.meta.url));

/** A file of this machine, as Spark opens it. @param path absolute @throws PlumbError USAGE for one that it takes for a pattern */
export function pathForSpark(path: string): string {
  if (!/[\\*?[\]{}]/.test(path)) return `file://${path}`;
  throw new PlumbError('USAGE', {
    what: `Spark takes ${path} for a pattern of many files`,
    mend: 'give it another name, without any of \\ * ? [ ] { }',
  });
}

export interface SparkRunner {
  /** program and arguments before those of the driver: ['spark-submit', '--master', 'spark://...', driverPath], or ['python3', driverPath] */
  readonly command: readonly string[];
  /** Spark Connect, sc://host:port; null: the session that the command makes */
  readonly remote: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface SparkFound {
  readonly state: State;
  /** Rows that a report shows, with the columns that checks name; of JSONL and CSV with all. */
  look(numbers: readonly number[]): AsyncGenerator<Row>;
}

/**
 * Rows against checks, on Spark: the state, and so the verdict, is that of the other engines.
 * @param file name of the rules file, for errors
 * @throws PlumbError CONFIG_INVALID for rules, or data, whose verdict would not be the same; SPARK_FAILED for what Spark says
 */
export async function judgeBySpark(asking: SparkAsking, runner: SparkRunner, file: string): Promise<SparkFound> {
  const { plan, refused } = planSpark(asking);
  if (refused.length > 0) throw refusedRules(refused, file);
  const folder = await mkdtemp(join(tmpdir(), 'plumb-spark-'));
  try {
    const [planFile, answerFile] = [join(folder, 'plan.json'), join(folder, 'answer.jsonl')];
    await writeFile(planFile, JSON.stringify(plan));
    const [program = '', ...args] = runner.command;
    const said = await runDriver(program, [...args, planFile, answerFile, ...(runner.remote === null ? [] : ['--remote', runner.remote])], runner);
    const answer = new Answer(asking);
    const lines = createInterface({ input: createReadStream(answerFile), crlfDelay: Infinity });
    let read = false;
    try {
      for await (const line of lines) {
        read = true;
        answer.take(JSON.parse(line) as Entry, file);
      }
    } catch (error) {
      if (error instanceof PlumbError || read) throw error;
    }
    if (!answer.done) throw failed(said);
    return answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runDriver(program: string, args: readonly string[], { env, signal }: SparkRunner): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'], signal });
    let said = '';
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-2000)));
    child.on('error', (error) => reject(signal.aborted ? error : failed(`${program} does not start: ${error.message}`, error)));
    child.on('close', () => resolve(said));
  });
}

function failed(said: string, cause?: unknown): PlumbError {
  return new PlumbError('SPARK_FAILED', {
    what: `Spark did not answer: ${said.trim().split('\n').slice(-3).join(' ').slice(0, 1000) || 'it said nothing'}`,
    mend: 'see that the command runs by itself: `spark-submit --version` (Spark 4 or newer, with pyspark)',
    ...(cause === undefined ? {} : { cause }),
  });
}

interface Entry {
  readonly rows?: number;
  readonly columns?: readonly string[];
  /** of JSONL, the first row: it says which columns come first */
  readonly first?: string | null;
  readonly looked?: readonly number[];
  readonly broken?: number;
  readonly numbers?: readonly number[];
  readonly index?: number;
  readonly size?: number;
  readonly groups?: readonly (readonly number[])[];
  readonly bag?: number;
  readonly values?: readonly (readonly [n: number | null, t: string | null, b: boolean | null, j: string | null, count: number])[];
  readonly row?: number;
  readonly text?: string;
  readonly unlike?: string;
  readonly failed?: string;
  readonly done?: true;
}

class Answer implements SparkFound {
  done = false;
  #rows = 0;
  #columns: readonly string[] = [];
  #leading = 0;
  #looked: readonly number[] = [];
  readonly #broken: NumberList[];
  readonly #sizes: number[];
  readonly #groups: number[][][];
  readonly #bags: BagCounter[];
  readonly #shown = new Map<number, Record<string, unknown>>();

  constructor({ checks }: SparkAsking) {
    this.#broken = checks.rows.map(() => new NumberList());
    this.#sizes = checks.indexes.map(() => 0);
    this.#groups = checks.indexes.map(() => []);
    this.#bags = checks.bags.map(() => new BagCounter());
  }

  take(entry: Entry, file: string): void {
    if (entry.unlike !== undefined) throw refusedRules([{ rule: null, check: 'the data', reason: entry.unlike }], file);
    if (entry.failed !== undefined) throw failed(entry.failed.trim().split('\n').slice(0, 3).join('\n'));
    if (entry.rows !== undefined) this.#begin(entry.rows, entry, file);
    if (entry.looked !== undefined) this.#looked = entry.looked;
    if (entry.broken !== undefined) for (const number of entry.numbers ?? []) this.#broken[entry.broken]?.push(number);
    if (entry.index !== undefined && entry.size !== undefined) this.#sizes[entry.index] = entry.size;
    if (entry.index !== undefined) for (const group of entry.groups ?? []) this.#groups[entry.index]?.push([...group]);
    if (entry.bag !== undefined)
      for (const [n, t, b, j, count] of entry.values ?? []) this.#bags[entry.bag]?.add(n ?? t ?? b ?? JSON.parse(j ?? 'null'), count);
    if (entry.row !== undefined) this.#shown.set(entry.row, parseLine(entry.text ?? '{}', { file, row: entry.row }));
    if (entry.done === true) this.done = true;
  }

  #begin(rows: number, { columns = [], first }: Entry, file: string): void {
    const leading = typeof first === 'string' ? Object.keys(parseLine(first, { file, row: 1 })) : columns;
    const others = new Set(columns).difference(new Set(leading));
    this.#rows = rows;
    this.#columns = [...leading, ...[...others].toSorted(byCodeUnit)];
    this.#leading = leading.length;
  }

  get state(): State {
    return {
      rows: this.#rows,
      columns: this.#columns,
      leading: this.#leading,
      looked: this.#looked,
      broken: this.#broken.map((list) => list.all()),
      entries: new Map(),
      indexes: this.#groups.map((groups, at) => {
        const size = this.#sizes[at] as number;
        const surplus = groups.reduce((sum, group) => sum + group.length - 1, 0);
        return { size, distinct: size - surplus, duplicates: duplicatesOf(groups.flatMap(twins)) };
      }),
      bags: this.#bags.map((bag) => bag.bag()),
    };
  }

  async *look(numbers: readonly number[]): AsyncGenerator<Row> {
    for (const row of numbers) {
      const value = this.#shown.get(row);
      if (value === undefined) throw new Error(`row ${row} was not asked for`);
      yield { row, value };
    }
  }
}

/** Each row of a value with the first other row of it. @param rows rising */
function twins(rows: readonly number[]): { row: number; other: number }[] {
  const [first, second] = rows;
  return rows.map((row) => ({ row, other: (row === first ? second : first) as number }));
}
