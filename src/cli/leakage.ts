import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { openStatIndex } from '../datasets/stat-index.ts';
import { openProject, type Project } from '../project/open.ts';
import { openCheckedData } from '../quality/checked-data.ts';
import type { FindingsReport } from '../quality/findings.ts';
import type { SideRows } from '../quality/leakage/side.ts';
import type { LeakageSettings } from '../quality/leakage/settings.ts';
import type { Cli, Define } from './command.ts';
import type { PairSide } from './leakage-pairs.ts';

interface Options {
  readonly train?: readonly string[];
  readonly eval?: readonly string[];
  readonly columns?: readonly string[];
  readonly trainColumns?: readonly string[];
  readonly ngram: readonly string[];
  readonly near: boolean;
  readonly threshold: string;
  readonly group?: string;
  readonly time?: string;
  readonly strict?: boolean;
  readonly waivers?: string;
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
}

export const define: Define = (command, cli) => {
  command
    .option('--train <data...>', 'training rows: data sets, their paths, or any files of rows')
    .option('--eval <data...>', 'evaluation rows (default of both: all that pipeline.yaml joins)')
    .option('--columns <name...>', 'columns that are compared (default: the input of the suite, else those with text)')
    .option('--train-columns <name...>', 'columns of the training rows (default: the same)')
    .option('--ngram <n...>', 'words in a row that are told', ['13', '8'])
    .option('--no-near', 'do not look for texts that are nearly the same')
    .option('--threshold <j>', 'Jaccard index from which two texts are nearly the same', '0.8')
    .option('--group <column>', 'user or source document: no value may stand on both sides')
    .option('--time <column>', 'no evaluation row may be older than the newest training row')
    .option('--strict', 'everything that is found is an error')
    .option('--waivers <file>', 'known findings that somebody answers for, until a day')
    .option('--rev <revision>', 'data sets as that revision has them (with --train and --eval)')
    .option('--limit <n>', 'rows that are shown of each kind', '5')
    .option('--out <file>', 'write the flagged evaluation rows there: JSONL')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb leakage\n  $ plumb leakage --train intents --eval intents-test --group user\n  $ plumb leakage --train new.jsonl --eval evals.csv --ngram 13',
    )
    .action((options: Options) => findLeakage(options, cli));
};

/** Evaluation rows, and all training rows that they are held against. */
interface Asked {
  readonly asked: PairSide;
  readonly trains: readonly PairSide[];
}

async function findLeakage(options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const wanted = await whatIsAsked(project, options);
  if (options.out !== undefined && wanted.length !== 1)
    throw new PlumbError('USAGE', { what: '--out is for one evaluation set', mend: 'name one with --train and --eval, or leave --out away' });
  const [{ judgeLeakage }, { writeLines }, { flaggedLines }, { parseOptions, waiversOf }, { renderFindings }] = await Promise.all([
    import('../quality/leakage/judge.ts'),
    import('./write-lines.ts'),
    import('../quality/flagged-file.ts'),
    import('./check-options.ts'),
    import('./findings-view.ts'),
  ]);
  const limit = parseOptions.count('--limit', options.limit);
  const settings = await settingsOf(options);
  const waivers = await waiversOf(options.waivers, cli);
  const reports: FindingsReport[] = [];
  for (const { asked, trains } of wanted) {
    const sides: SideRows[] = [];
    for (const train of trains) sides.push(await openSide(project, train, options.rev, cli));
    const { report, flagged } = await judgeLeakage(
      await openSide(project, asked, options.rev, cli),
      sides,
      withColumns(settings, asked, trains),
      waivers,
    );
    reports.push(report);
    if (options.out !== undefined) await writeLines(resolve(cli.cwd, options.out), flaggedLines(flagged));
    cli.print(renderFindings(report, limit, cli.paint));
  }
  const holds = reports.every((report) => report.holds);
  cli.emit({ holds, reports });
  if (!holds) cli.exitCode = 1;
}

async function whatIsAsked(project: Project, { train, eval: asked }: Options): Promise<Asked[]> {
  const sideOf = (ref: string): PairSide => ({ ref, path: null, column: null });
  if (train !== undefined && asked !== undefined) return asked.map((ref) => ({ asked: sideOf(ref), trains: train.map(sideOf) }));
  if (train !== undefined || asked !== undefined)
    throw new PlumbError('USAGE', { what: '--train and --eval belong together', mend: 'name both, or none: then pipeline.yaml says what is joined' });
  const [{ leakagePairs }, { loadPipeline }, { openWorkTree }, { steps }] = await Promise.all([
    import('./leakage-pairs.ts'),
    import('../pipeline/source-tree.ts'),
    import('../pipeline/work-tree.ts'),
    import('./steps.ts'),
  ]);
  const index = await openStatIndex(project);
  try {
    const tree = await openWorkTree(project, index);
    const pairs = await leakagePairs(await loadPipeline(tree, steps), tree);
    if (pairs.length === 0)
      throw new PlumbError('CONFIG_INVALID', {
        what: 'pipeline.yaml joins no training rows with evaluation rows',
        where: { file: 'pipeline.yaml' },
        mend: 'name them: plumb leakage --train intents --eval intents-test',
      });
    const refs = [...new Set(pairs.map((pair) => pair.asked.ref))];
    return refs.map((ref) => {
      const own = pairs.filter((pair) => pair.asked.ref === ref);
      return { asked: (own[0] as (typeof own)[number]).asked, trains: own.map((pair) => pair.train) };
    });
  } finally {
    index.save();
  }
}

async function openSide(project: Project, { ref, path }: PairSide, rev: string | undefined, { cwd, progress, signal }: Cli): Promise<SideRows> {
  const file = path === null ? ref : join(project.root, path);
  if (path !== null && !existsSync(file))
    throw new PlumbError('RUN_MISSING', { what: `${ref} is not there: its stage has not been run here`, where: { file: path }, mend: 'plumb run' });
  const { rows, world } = await openCheckedData(project, file, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) });
  return { rows: { ...rows, source: { ...rows.source, name: ref } }, world };
}

/** What the command line does not say, the pipeline does. */
function withColumns(settings: LeakageSettings, asked: PairSide, trains: readonly PairSide[]): LeakageSettings {
  const columns = settings.columns ?? (asked.column === null ? undefined : [asked.column]);
  const told = [...new Set(trains.map(({ column }) => column))];
  const trainColumns = settings.train_columns ?? (told.length === 1 && typeof told[0] === 'string' ? [told[0]] : undefined);
  return { ...settings, ...(columns === undefined ? {} : { columns }), ...(trainColumns === undefined ? {} : { train_columns: trainColumns }) };
}

async function settingsOf({ columns, trainColumns, ngram, near, threshold, group, time, strict }: Options): Promise<LeakageSettings> {
  const [{ leakageSettings }, { parseOptions }] = await Promise.all([import('../quality/leakage/settings.ts'), import('./check-options.ts')]);
  const error = 'error';
  return parseOptions.settings(leakageSettings, {
    near,
    threshold: Number(threshold),
    ngrams: ngram.map(Number),
    ...(columns === undefined ? {} : { columns }),
    ...(trainColumns === undefined ? {} : { train_columns: trainColumns }),
    ...(group === undefined ? {} : { group }),
    ...(time === undefined ? {} : { time }),
    ...(strict === true ? { severities: { near: error, ngram: error, short_ngram: error } } : {}),
  });
}
