import { relative, resolve } from 'node:path';
import { Option } from 'commander';
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import { openCheckedData, rowDatasets } from '../quality/checked-data.ts';
import type { CodeConfig } from '../quality/code/config.ts';
import type { FindingsReport } from '../quality/findings.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly config?: string;
  readonly column?: readonly string[];
  readonly columns?: readonly string[];
  readonly language?: string;
  readonly chat?: string;
  readonly text?: readonly string[];
  readonly waivers?: string;
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
}

/** Read where no file is named. */
const configFile = 'code.yaml';

export const define: Define = (command, cli) => {
  command
    .argument('[data...]', 'data sets, their paths, or any files of rows; default: all data sets of rows')
    .option('--config <file>', `which columns hold what (default: ${configFile})`)
    .option('--column <name...>', 'instead of a file: the column of code; several are joined')
    // what checks of text call it
    .addOption(new Option('--columns <name...>').hideHelp().conflicts('column'))
    .option('--language <name>', 'of --column: python, javascript, ..., or the column that names it')
    .option('--chat <column>', 'instead of a file: the column with the messages of a conversation')
    .option('--text <column...>', 'instead of a file: columns of prose, judged for repetition')
    .option('--waivers <file>', 'known findings that somebody answers for, until a day')
    .option('--rev <revision>', 'the data as that revision has them')
    .option('--limit <n>', 'rows that are shown of each kind', '5')
    .option('--out <file>', 'write the flagged rows there: JSONL')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb code snippets --column code --language python\n  $ plumb code dialogues --chat messages\n  $ plumb code --config code.yaml',
    )
    .action((words: string[], options: Options) => judgeAll(words, options, cli));
};

async function judgeAll(words: readonly string[], options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const { cwd, progress, signal } = cli;
  const { rev, out } = options;
  const names = words.length > 0 ? words : await rowDatasets(project, rev);
  if (out !== undefined && names.length !== 1) throw new PlumbError('USAGE', { what: '--out is for one data set', mend: 'name one' });
  const [{ judgeCode }, { parseOptions, waiversOf }, { renderFindings }] = await Promise.all([
    import('../quality/code/judge.ts'),
    import('./check-options.ts'),
    import('./findings-view.ts'),
  ]);
  const limit = parseOptions.count('--limit', options.limit);
  const config = (await inlineConfig(options)) ?? (await readConfig(project, options, cwd));
  const asked = { config, tokenizers: await readTokenizers(project, config), waivers: await waiversOf(options.waivers, cli) };
  const reports: FindingsReport[] = [];
  for (const name of names) {
    const { rows, world } = await openCheckedData(project, name, { cwd, progress, signal, ...(rev === undefined ? {} : { rev }) });
    const { report, flagged } = await judgeCode(rows, asked, world);
    reports.push(report);
    if (out !== undefined) {
      const [{ writeLines }, { flaggedLines }] = await Promise.all([import('./write-lines.ts'), import('../quality/flagged-file.ts')]);
      await writeLines(resolve(cwd, out), toAsync(flaggedLines(flagged)));
    }
    cli.print(renderFindings(report, limit, cli.paint));
  }
  const holds = reports.every((report) => report.holds);
  cli.emit({ holds, reports });
  if (!holds) cli.exitCode = 1;
}

/** @returns null: no option says what to look at */
async function inlineConfig({ columns, column = columns, language, chat, text, config }: Options): Promise<CodeConfig | null> {
  if (column === undefined && chat === undefined && text === undefined) {
    if (language !== undefined) throw new PlumbError('USAGE', { what: '--language is of --column', mend: 'name the column of code: --column code' });
    return null;
  }
  if (config !== undefined)
    throw new PlumbError('USAGE', { what: '--config says which columns hold what', mend: 'leave out --column, --chat and --text' });
  if (column !== undefined && language === undefined)
    throw new PlumbError('USAGE', { what: '--column without --language', mend: 'write --language python, or the column that names the language' });
  const [{ codeSchema }, { languageOfName }, { parseOptions }] = await Promise.all([
    import('../quality/code/config.ts'),
    import('../quality/code/grammar.ts'),
    import('./check-options.ts'),
  ]);
  const fixed = languageOfName(language ?? '');
  return parseOptions.settings(codeSchema, {
    version: 1,
    code:
      column === undefined
        ? []
        : [{ column: column.length === 1 ? column[0] : column, ...(fixed === null ? { language_column: language } : { language: fixed }) }],
    chat: chat === undefined ? [] : [{ column: chat }],
    text: (text ?? []).map((name) => ({ column: name })),
  });
}

async function readConfig(project: Project, { config }: Options, cwd: string): Promise<CodeConfig> {
  const file = config === undefined ? configFile : relative(project.root, resolve(cwd, config));
  const text = await project.readText(file);
  if (text === undefined)
    throw new PlumbError('CONFIG_MISSING', {
      what: `there is no ${file}`,
      where: { file },
      mend: 'write it (docs/code.md), or say what to look at: --column code --language python',
    });
  const { codeSchema } = await import('../quality/code/config.ts');
  return parseYaml(text, file, codeSchema);
}

async function readTokenizers(project: Project, config: CodeConfig): Promise<Map<string, string>> {
  const { tokenizersOf } = await import('../quality/code/step.ts');
  const texts = new Map<string, string>();
  for (const file of tokenizersOf(config)) {
    const text = await project.readText(file);
    if (text === undefined)
      throw new PlumbError('CONFIG_MISSING', { what: `there is no ${file}`, where: { file }, mend: 'put the tokenizer.json of the model there' });
    texts.set(file, text);
  }
  return texts;
}

async function* toAsync<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
