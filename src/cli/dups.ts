import { resolve } from 'node:path';
import { PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { openCheckedData, rowDatasets } from '../quality/checked-data.ts';
import type { FindingsReport } from '../quality/findings.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly columns?: readonly string[];
  readonly as: string;
  readonly language?: string;
  readonly label?: string;
  readonly threshold: string;
  readonly shingle?: string;
  readonly strict?: boolean;
  readonly waivers?: string;
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('[data...]', 'data sets, their paths, or any files of rows; default: all data sets of rows')
    .option('--columns <name...>', 'columns that are compared (default: those with text that are neither key nor label)')
    .option('--as <kind>', 'text: runs of words; code: runs of tokens, names alike; rows: each cell is one thing', 'text')
    .option('--language <name>', 'of --as code (default: python)')
    .option('--label <column>', 'equal texts that differ here are told (default: the label of the data set)')
    .option('--threshold <j>', 'Jaccard index from which two rows are near duplicates', '0.8')
    .option('--shingle <n>', 'words, tokens or cells of a shingle (default: 5, 8, 1)')
    .option('--strict', 'every duplicate is an error')
    .option('--waivers <file>', 'known findings that somebody answers for, until a day')
    .option('--rev <revision>', 'as that revision has it')
    .option('--limit <n>', 'rows that are shown of each kind', '5')
    .option('--out <file>', 'write the flagged rows there: JSONL')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb dups intents\n  $ plumb dups data/new.csv --columns question answer --threshold 0.7\n  $ plumb dups snippets --as code --language python',
    )
    .action((data: string[], options: Options) => findDups(data, options, cli));
};

async function findDups(words: string[], options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const names = words.length === 0 ? await rowDatasets(project, options.rev) : words;
  if (options.out !== undefined && names.length !== 1)
    throw new PlumbError('USAGE', { what: '--out is for one data set', mend: 'name one, or leave --out away' });
  const [{ judgeDuplicates }, { duplicateSettings }, { writeLines }, { flaggedLines }, { parseOptions, waiversOf }, { renderFindings }] =
    await Promise.all([
      import('../quality/duplicates/judge.ts'),
      import('../quality/duplicates/settings.ts'),
      import('./write-lines.ts'),
      import('../quality/flagged-file.ts'),
      import('./check-options.ts'),
      import('./findings-view.ts'),
    ]);
  const { columns, as, language, label, threshold, shingle, strict, rev } = options;
  const limit = parseOptions.count('--limit', options.limit);
  const settings = parseOptions.settings(duplicateSettings, {
    as,
    threshold: Number(threshold),
    ...(columns === undefined ? {} : { columns }),
    ...(language === undefined ? {} : { language }),
    ...(label === undefined ? {} : { label }),
    ...(shingle === undefined ? {} : { shingle: Number(shingle) }),
    ...(strict === true ? { severities: { exact: 'error', normalised: 'error', near: 'error', near_conflict: 'error' } } : {}),
  });
  const waivers = await waiversOf(options.waivers, cli);
  const reports: FindingsReport[] = [];
  for (const name of names) {
    const { cwd, progress, signal } = cli;
    const { rows, world } = await openCheckedData(project, name, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) });
    const { report, flagged } = await judgeDuplicates(rows, settings, world, waivers);
    reports.push(report);
    if (options.out !== undefined) await writeLines(resolve(cwd, options.out), flaggedLines(flagged()));
    cli.print(renderFindings(report, limit, cli.paint));
  }
  const holds = reports.every((report) => report.holds);
  cli.emit({ holds, reports });
  if (!holds) cli.exitCode = 1;
}
