import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseYaml } from '../base/config.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import { checkProjectPath } from '../project/paths.ts';
import { openCheckedData, rowDatasets, type OpenedData } from '../quality/checked-data.ts';
import type { FindingsReport } from '../quality/findings.ts';
import type { PiiAnswer, PiiAsked } from '../quality/pii/check.ts';
import type { PiiConfig } from '../quality/pii/config.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly config?: string;
  readonly columns?: readonly string[];
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
  readonly rewrite?: string;
  readonly keyCheck?: boolean;
}

/** Read where no file is named. */
const configFile = 'pii.yaml';

export const define: Define = (command, cli) => {
  command
    .argument('[data...]', 'data sets, their paths, or any files of rows; default: all data sets of rows')
    .option('--config <file>', `what is looked for and what is done with it (default: ${configFile}, where it is there)`)
    .option('--columns <name...>', 'only these columns')
    .option('--rev <revision>', 'the data as that revision has them')
    .option('--limit <n>', 'rows that are shown of each kind', '5')
    .option('--out <file>', 'write the flagged rows there: JSONL, without any value')
    .option('--rewrite <file>', 'write the rows there with personal data redacted, masked, hashed or replaced; their lineage beside it')
    .option('--key-check', 'say what pii.yaml holds to know its key again, and nothing else')
    .addHelpText(
      'after',
      '\nValues are never shown: kind, place, and a hash where pii.yaml names a key. Names and places need a recogniser with a model: docs/pii.md.\n\nExamples:\n  $ plumb pii intents\n  $ plumb pii data/new.csv --columns text\n  $ plumb pii intents --rewrite clean.jsonl',
    )
    .action((data: string[], options: Options) => (options.keyCheck === true ? sayKeyCheck(options, cli) : findPersonalData(data, options, cli)));
};

async function sayKeyCheck(options: Options, cli: Cli): Promise<void> {
  const [{ keyCheck, requireSecret }, { piiSchema }] = await Promise.all([import('../quality/pii/key.ts'), import('../quality/pii/config.ts')]);
  const name = options.config === undefined ? undefined : (await readConfig(await openProject(cli), options.config)).config.key?.env;
  const env = name ?? piiSchema.parse({ version: 1, key: { check: '0'.repeat(12) } }).key?.env ?? '';
  const check = keyCheck(requireSecret(cli.env, env));
  cli.emit({ env, check });
  cli.print(`key:\n  env: ${env}\n  check: ${JSON.stringify(check)}`);
}

async function findPersonalData(words: string[], options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const names = words.length === 0 ? await rowDatasets(project, options.rev) : words;
  if ((options.out !== undefined || options.rewrite !== undefined) && names.length !== 1)
    throw new PlumbError('USAGE', { what: `${options.out === undefined ? '--rewrite' : '--out'} is for one data set`, mend: 'name one' });
  const [{ judgePii }, { isRewriting }, { parseOptions }, { renderFindings }] = await Promise.all([
    import('../quality/pii/check.ts'),
    import('../quality/pii/treatment.ts'),
    import('./check-options.ts'),
    import('./findings-view.ts'),
  ]);
  const limit = parseOptions.count('--limit', options.limit);
  const asked = { ...(await askedOf(project, options, cli)), rewrites: options.rewrite !== undefined };
  const reports: FindingsReport[] = [];
  for (const name of names) {
    const { cwd, progress, signal, env } = cli;
    const opened = await openCheckedData(project, name, { cwd, progress, signal, ...(options.rev === undefined ? {} : { rev: options.rev }) });
    const answer = await judgePii(opened.rows, asked, opened.world, {
      env,
      threads: Math.min(4, availableParallelism()),
      pathOf: (path) => join(project.root, checkProjectPath(path, 'a recogniser', asked.file)),
    });
    reports.push(answer.report);
    await writeAnswer(answer, opened, options, cli);
    cli.print(renderFindings(answer.report, limit, cli.paint));
    if (options.rewrite === undefined && answer.report.kinds.some(({ kind }) => isRewriting(answer.treatments.of(kind).action)))
      cli.note(`nothing is rewritten: what ${asked.file} has redacted, masked, hashed or replaced still stands in ${name}; --rewrite FILE does it`);
  }
  const holds = reports.every((report) => report.holds);
  cli.emit({ holds, reports });
  if (!holds) cli.exitCode = 1;
}

async function askedOf(project: Project, options: Options, cli: Cli): Promise<PiiAsked> {
  const { config, file } = await readConfig(project, options.config);
  const { waiversSchema } = await import('../quality/waivers.ts');
  const text = config.waivers === undefined ? undefined : await project.readText(checkProjectPath(config.waivers, 'waivers', file));
  if (config.waivers !== undefined && text === undefined)
    throw new PlumbError('CONFIG_MISSING', {
      what: `there is no ${config.waivers}`,
      where: { file, path: 'waivers' },
      mend: 'write it, or take the line out',
    });
  const waivers = text === undefined ? [] : (await parseYaml(text, config.waivers ?? '', waiversSchema)).waivers;
  return { config, file, columns: options.columns ?? null, waivers, day: cli.now().toISOString().slice(0, 10) };
}

async function readConfig(project: Project, asked: string | undefined): Promise<{ readonly config: PiiConfig; readonly file: string }> {
  const { piiSchema, usualConfig, usualFile } = await import('../quality/pii/config.ts');
  const file = checkProjectPath(asked ?? configFile, '--config');
  const text = await project.readText(file);
  if (text !== undefined) return { config: await parseYaml(text, file, piiSchema), file };
  if (asked === undefined) return { config: usualConfig, file: usualFile };
  throw new PlumbError('CONFIG_MISSING', { what: `there is no ${file}`, where: { file }, mend: 'name a file of the project' });
}

async function writeAnswer(answer: PiiAnswer, { rows, world }: OpenedData, { out, rewrite }: Options, cli: Cli): Promise<void> {
  if (out !== undefined) {
    const { writeLines } = await import('./write-lines.ts');
    const { flaggedLines } = await import('../quality/flagged-file.ts');
    await writeLines(resolve(cli.cwd, out), toAsync(flaggedLines(answer.flagged)));
  }
  if (rewrite === undefined) return;
  const [{ rewriteRows }, { requireFormatOfName }] = await Promise.all([
    import('../quality/pii/rewrite-rows.ts'),
    import('../datasets/row-format.ts'),
  ]);
  const data = resolve(cli.cwd, rewrite);
  if (requireFormatOfName(rewrite) !== rows.source.format)
    throw new PlumbError('USAGE', {
      what: `${rows.source.name} is ${rows.source.format}`,
      mend: `name a file that ends with .${rows.source.format}`,
    });
  const { finds, treatments, key } = answer;
  const { rows: count, notes } = await rewriteRows({
    source: rows.source,
    finds,
    treatments,
    key,
    data,
    lineage: `${data}.lineage.jsonl`,
    signal: world.signal,
  });
  cli.note(`${count} of ${answer.report.rows} rows are rewritten in ${rewrite}`);
  for (const note of notes) cli.note(note);
}

async function* toAsync<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
