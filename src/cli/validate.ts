import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { withLines } from '../base/config.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import { nameOfRows, openCheckedData, rowDatasets, type OpenedData } from '../quality/checked-data.ts';
import type { FlaggedRow } from '../quality/findings.ts';
import { parseRules } from '../quality/rules/parse-rules.ts';
import type { RulesFile, RulesRun, RulesWorld } from '../quality/rules/run.ts';
import type { Shard } from '../quality/rules/shard.ts';
import type { Cli, Define } from './command.ts';
import type { Judging } from './rules-of-data.ts';

interface Options {
  readonly rules?: string;
  readonly reference?: readonly string[];
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
  readonly shard?: string;
  readonly merge?: readonly string[];
  readonly engine?: string;
  readonly sparkSubmit?: string;
  readonly remote?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('[data...]', 'data sets, their paths, or any files of rows; default: all data sets that have rules')
    .option('--rules <file>', 'rules file (default: those of the validate stages of pipeline.yaml, else rules/<data set>.yaml)')
    .option('--reference <name=file...>', 'a file of rows that stands for data which the rules refer to')
    .option('--rev <revision>', 'the data as that revision has it')
    .option('--limit <n>', 'rows that are shown of each broken rule', '3')
    .option('--out <file>', 'write the rows that break a rule there: JSONL; with --shard: the part')
    .option('--shard <i/n>', 'judge one part of the rows, for any number of machines; --merge puts the parts together')
    .option('--merge <part...>', 'put parts together: the outcome is that of one run')
    .option('--engine <spark>', 'judge on a Spark, with the same verdict; data may be URLs that it opens (default: this machine)')
    .option('--spark-submit <command>', 'with --engine spark: how a job is started there (default: spark-submit)')
    .option('--remote <url>', 'with --engine spark: by Spark Connect, sc://host:port')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb validate\n  $ plumb validate data/new.csv --rules rules/intents.yaml\n  $ plumb validate intents --shard 3/8 --out part3 ... then: plumb validate intents --merge part1 ... part8\n  $ plumb validate s3a://lake/rows.parquet --rules rules/intents.yaml --engine spark --spark-submit "spark-submit --master yarn"',
    )
    .action((data: string[], options: Options) => validateData(data, options, cli));
};

async function validateData(words: string[], options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const judgings = await judgingsOf(project, words, options, cli);
  const one = options.out !== undefined || options.shard !== undefined || options.merge !== undefined;
  if (one && judgings.length !== 1)
    throw new PlumbError('USAGE', {
      what: '--out, --shard and --merge are for one data set and one rules file',
      mend: 'name the data set, and the file with --rules where it has several',
    });
  if (options.engine !== undefined || options.sparkSubmit !== undefined || options.remote !== undefined)
    (await import('./validate-spark.ts')).requireSparkOptions(options);
  if (options.shard !== undefined) return judgePart(project, judgings[0] as Judging, options, cli);
  const [{ renderValidation }, { flaggedLines }, { writeLines }, { parseOptions }] = await Promise.all([
    import('./validation-view.ts'),
    import('../quality/flagged-file.ts'),
    import('./write-lines.ts'),
    import('./check-options.ts'),
  ]);
  const limit = parseOptions.count('--limit', options.limit);
  const answers: { data: string; rules: string; engine: string; validation: RulesRun['validation'] }[] = [];
  for (const judging of judgings) {
    const flagged: FlaggedRow[] = [];
    const { validation, engine } = await judgeWhole(
      project,
      judging,
      options,
      options.out === undefined ? null : (row) => void flagged.push(row),
      cli,
    );
    answers.push({ data: judging.data, rules: judging.rules, engine, validation });
    if (options.out !== undefined) await writeLines(resolve(cli.cwd, options.out), flaggedLines(flagged));
    if (!cli.json) cli.print(renderValidation(judging, validation, limit, cli.paint));
  }
  const holds = answers.every(({ validation }) => validation.holds);
  cli.emit({ holds, validations: answers });
  if (!holds) cli.exitCode = 1;
}

async function judgingsOf(project: Project, words: readonly string[], options: Options, cli: Cli): Promise<Judging[]> {
  const { rules, rev } = options;
  const names = words.length === 0 ? await rowDatasets(project, rev) : words;
  if (rules !== undefined) return names.map((data) => ({ data, rules }));
  // rules stand under the name of a data set, whichever way it is named
  const asking = { cwd: cli.cwd, ...(rev === undefined ? {} : { rev }) };
  const known = await Promise.all(names.map(async (word) => (await nameOfRows(project, word, asking)) ?? word));
  const { rulesOfData } = await import('./rules-of-data.ts');
  const judgings = await rulesOfData(project, known, { required: words.length > 0 });
  if (judgings.length === 0) cli.note('no data set has rules: write rules/<data set>.yaml, or let `plumb rules suggest` write a first one');
  return judgings;
}

async function judgeWhole(
  project: Project,
  judging: Judging,
  options: Options,
  onFlagged: ((row: FlaggedRow) => void) | null,
  cli: Cli,
): Promise<Pick<RulesRun, 'validation'> & { readonly engine: string }> {
  if (options.engine !== undefined) {
    const { rules, text, openReference } = await openRules(project, judging, options, cli);
    const { judgeOnSpark } = await import('./validate-spark.ts');
    const asked = { judging, rules, openReference, options, onFlagged };
    return { validation: await withLines(rules.file, text, () => judgeOnSpark(project, asked, cli)), engine: 'spark' };
  }
  const { opened, rules, text, world } = await openJudging(project, judging, options, cli);
  if (options.merge === undefined) {
    const { runRules } = await import('../quality/rules/run.ts');
    return withLines(rules.file, text, () => runRules(opened.rows, rules, world, onFlagged));
  }
  const parts = await Promise.all(options.merge.map(async (name) => ({ name, bytes: await readPart(resolve(cli.cwd, name), name) })));
  const { mergeShards } = await import('../quality/rules/shard.ts');
  return withLines(rules.file, text, () => mergeShards(opened.rows, rules, world, parts, onFlagged));
}

async function judgePart(project: Project, judging: Judging, options: Options, cli: Cli): Promise<void> {
  const shard = shardOf(options.shard ?? '');
  if (options.out === undefined) throw new PlumbError('USAGE', { what: '--shard without --out', mend: 'say where the part goes: --out part1' });
  const { opened, rules, text, world } = await openJudging(project, judging, options, cli);
  const { judgeShard } = await import('../quality/rules/shard.ts');
  const part = await withLines(rules.file, text, () => judgeShard(opened.rows, rules, world, shard));
  await (await import('./write-lines.ts')).writeLines(resolve(cli.cwd, options.out), [part]);
  cli.emit({ data: judging.data, rules: judging.rules, shard, part: options.out, bytes: part.length });
  cli.print(`part ${shard.at}/${shard.of} of ${judging.data}: ${options.out}`);
}

async function openJudging(
  project: Project,
  judging: Judging,
  options: Options,
  cli: Cli,
): Promise<{ opened: OpenedData; rules: RulesFile; text: string; world: RulesWorld }> {
  const { rules, text, openReference } = await openRules(project, judging, options, cli);
  const { cwd, progress, signal, now } = cli;
  const opened = await openCheckedData(project, judging.data, { cwd, progress, signal, ...(options.rev === undefined ? {} : { rev: options.rev }) });
  return { opened, rules, text, world: { ...opened.world, openReference, now: now() } };
}

/** The rules of some data, and the data that they refer to. */
async function openRules(
  project: Project,
  judging: Judging,
  { reference = [], rev }: Options,
  { cwd, progress, signal }: Cli,
): Promise<{ rules: RulesFile; text: string; openReference: RulesWorld['openReference'] }> {
  const text = await readRules(project, judging.rules, cwd);
  const rules = { rules: await parseRules(text, judging.rules), file: judging.rules };
  const asking = { cwd, progress, signal };
  const files = new Map(reference.map(referenceOf));
  const openReference: RulesWorld['openReference'] = async (data) => {
    const [name, of] = typeof data === 'string' ? [data, rev] : [data.data, data.rev ?? rev];
    const file = files.get(name);
    if (file !== undefined) return (await openCheckedData(project, file, asking)).rows;
    return (await openCheckedData(project, name, { ...asking, cwd: project.root, ...(of === undefined ? {} : { rev: of }) })).rows;
  };
  return { rules, text, openReference };
}

/** A path of the project, or one relative to where the command runs. */
async function readRules(project: Project, file: string, cwd: string): Promise<string> {
  for (const path of [resolve(cwd, file), resolve(project.root, file)]) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw systemError(error, 'read', file);
    }
  }
  throw new PlumbError('FILE_MISSING', {
    what: `there is no rules file ${file}`,
    where: { file },
    mend: 'write one, or let `plumb rules suggest` write a first one',
  });
}

async function readPart(path: string, name: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', name)));
}

function referenceOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new PlumbError('USAGE', { what: `--reference ${text}: expected a name and a file`, mend: 'write --reference prev=data/old.parquet' });
}

function shardOf(text: string): Shard {
  const [, at, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { at: Number(at), of: Number(of) };
  if (shard.at >= 1 && shard.at <= shard.of) return shard;
  throw new PlumbError('USAGE', { what: `--shard ${text}: expected one part of so many`, mend: 'write --shard 1/8' });
}
