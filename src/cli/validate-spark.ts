// `plumb validate --engine spark`: the job is started here, the rows are read there.
import { PlumbError } from '../base/errors.ts';
import { requireFormatOfName } from '../datasets/row-format.ts';
import type { Project } from '../project/open.ts';
import { openCheckedData } from '../quality/checked-data.ts';
import type { FlaggedRow } from '../quality/findings.ts';
import { referencesByRows } from '../quality/rules/judge.ts';
import type { Validation } from '../quality/rules/report.ts';
import type { RulesFile, RulesWorld } from '../quality/rules/run.ts';
import type { SparkAsking } from '../quality/spark/plan.ts';
import { driverPath, pathForSpark, type SparkRunner } from '../quality/spark/run.ts';
import { runRulesOnSpark } from '../quality/spark/validate.ts';
import type { Cli } from './command.ts';
import type { Judging } from './rules-of-data.ts';

interface SparkOptions {
  readonly engine?: string;
  readonly sparkSubmit?: string;
  readonly remote?: string;
  readonly rev?: string;
  readonly shard?: string;
  readonly merge?: readonly string[];
}

/** @throws PlumbError USAGE */
export function requireSparkOptions({ engine, sparkSubmit, remote, shard, merge }: SparkOptions): void {
  const wrong = (what: string, mend: string): never => {
    throw new PlumbError('USAGE', { what, mend });
  };
  if (engine === undefined) wrong('--spark-submit and --remote are for --engine spark', 'add --engine spark');
  if (engine !== 'spark')
    wrong(`--engine ${engine}: there is no such engine`, 'write --engine spark, or leave it out: rows are judged on this machine');
  if (sparkSubmit !== undefined && remote !== undefined)
    wrong('--spark-submit with --remote: one starts a job, the other asks a Spark that runs', 'leave one of them out');
  if (shard !== undefined || merge !== undefined)
    wrong('--engine spark with --shard or --merge: Spark cuts rows itself', 'leave out --shard and --merge');
}

interface SparkJudging {
  readonly judging: Judging;
  readonly rules: RulesFile;
  readonly openReference: RulesWorld['openReference'];
  readonly options: SparkOptions;
  readonly onFlagged: ((row: FlaggedRow) => void) | null;
}

export async function judgeOnSpark(
  project: Project,
  { judging, rules, openReference, options, onFlagged }: SparkJudging,
  cli: Cli,
): Promise<Validation> {
  const data = await dataForSpark(project, judging.data, options.rev, cli);
  const references = referencesByRows(openReference, cli.signal);
  const bar = cli.progress.start(`${judging.data} on Spark`, undefined, 'rows');
  try {
    return await runRulesOnSpark(data, rules, { references, now: cli.now(), runner: runnerOf(options, cli) }, onFlagged);
  } finally {
    bar.end();
  }
}

/** A URL is for the cluster to open; a data set is the file that this machine has of it. */
async function dataForSpark(
  project: Project,
  word: string,
  rev: string | undefined,
  cli: Cli,
): Promise<Pick<SparkAsking, 'format' | 'paths'> & { readonly key?: string }> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word)) return { format: requireFormatOfName(word), paths: [word] };
  const { cwd, progress, signal } = cli;
  const { source } = (await openCheckedData(project, word, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) })).rows;
  return { format: source.format, paths: [pathForSpark(source.path)], ...(source.key === undefined ? {} : { key: source.key }) };
}

function runnerOf({ sparkSubmit = 'spark-submit', remote }: SparkOptions, { env, signal }: Cli): SparkRunner {
  const python = env['PYSPARK_DRIVER_PYTHON'] ?? env['PYSPARK_PYTHON'] ?? 'python3';
  const words = remote === undefined ? sparkSubmit.split(/\s+/).filter((word) => word !== '') : [python];
  return { command: [...words, driverPath], remote: remote ?? null, env, signal };
}
