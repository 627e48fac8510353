import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { readTextFile } from '../base/config.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { loadLock } from '../datasets/lock.ts';
import { formatOfName } from '../datasets/row-format.ts';
import { openProject, type Project } from '../project/open.ts';
import { openCheckedData, recallsHere } from '../quality/checked-data.ts';
import type { FindingsReport } from '../quality/findings.ts';
import { memoryFolder, noMemory, openMemory } from '../quality/memory.ts';
import type { SecretsAsked } from '../quality/secrets/asked.ts';
import type { SecretsAnswer } from '../quality/secrets/judge-rows.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly config?: string;
  readonly columns?: readonly string[];
  readonly rev?: string;
  readonly limit: string;
  readonly out?: string;
}

/** Read where no file is named. */
const configFile = 'secrets.yaml';

export const define: Define = (command, cli) => {
  command
    .argument('[data|path...]', 'data sets, files of rows, any other files, folders; default: all data sets')
    .option('--config <file>', `secrets.yaml, or a TOML file of gitleaks' rules (default: ${configFile}, where it is there)`)
    .option('--columns <name...>', 'only these columns, of rows')
    .option('--rev <revision>', 'data sets of rows as that revision has them')
    .option('--limit <n>', 'rows or files that are shown of each kind', '5')
    .option('--out <file>', 'write the flagged rows there: JSONL, without any value')
    .addHelpText(
      'after',
      '\nValues are never shown: the rule, the place, and a hash where secrets.yaml names a key.\n\nExamples:\n  $ plumb secrets\n  $ plumb secrets src data/new.jsonl\n  $ plumb secrets intents --config gitleaks.toml',
    )
    .action((words: string[], options: Options) => findSecrets(words, options, cli));
};

async function findSecrets(words: readonly string[], options: Options, cli: Cli): Promise<void> {
  const [{ openSecrets, resolver }, { parseOptions }] = await Promise.all([import('../quality/secrets/asked.ts'), import('./check-options.ts')]);
  const limit = parseOptions.count('--limit', options.limit);
  const project = await projectOf(words, options, cli);
  const folder = project?.root ?? cli.cwd;
  const named = options.config === undefined ? configFile : relative(folder, resolve(cli.cwd, options.config));
  const config = options.config !== undefined || existsSync(join(folder, configFile)) ? named : null;
  const pathOf = resolver(folder);
  const readText = (file: string): Promise<string | undefined> => readTextFile(pathOf(file), file);
  const day = cli.now().toISOString().slice(0, 10);
  const asked = await openSecrets({ config, columns: options.columns ?? null, day, env: cli.env, pathOf, readText });
  const targets = await targetsOf(words, project, options, cli);
  if (options.out !== undefined && targets.length !== 1) throw new PlumbError('USAGE', { what: '--out is for one data set', mend: 'name one' });
  const reports: FindingsReport[] = [];
  for (const target of targets) {
    const answer = await judge(target, { project, asked, options, cli });
    reports.push(answer.report);
    if (options.out !== undefined) await writeOut(answer, resolve(cli.cwd, options.out));
    const { renderFindings } = await import('./findings-view.ts');
    cli.print(renderFindings(answer.report, limit, cli.paint));
  }
  const holds = reports.every((report) => report.holds);
  cli.emit({ holds, reports });
  if (!holds) cli.exitCode = 1;
}

/** Files and folders can be looked at outside of any project. */
async function projectOf(words: readonly string[], options: Options, cli: Cli): Promise<Project | null> {
  try {
    return await openProject(cli);
  } catch (error) {
    const areFiles = words.length > 0 && options.rev === undefined && words.every((word) => isOther(resolve(cli.cwd, word)));
    if (areFiles && (isPlumbError(error, 'NOT_A_PROJECT') || isPlumbError(error, 'NO_GIT_REPOSITORY'))) return null;
    throw error;
  }
}

type Target =
  | { readonly rows: string }
  | { readonly path: string; readonly name: string; /** manifest of a data set of files */ readonly locked?: Digest };

async function targetsOf(words: readonly string[], project: Project | null, { rev }: Options, cli: Cli): Promise<Target[]> {
  if (project === null) return words.map((word) => ({ path: resolve(cli.cwd, word), name: word }));
  const { datasets } = await loadLock(project);
  const names = words.length > 0 ? words : Object.keys(datasets).toSorted();
  return names.map((word): Target => {
    const entry = Object.hasOwn(datasets, word) ? datasets[word] : undefined;
    const path = isAbsolute(word) ? word : join(cli.cwd, word);
    const files =
      entry?.format === 'files'
        ? { path: join(project.root, entry.path), name: word, locked: entry.digest }
        : entry === undefined && isOther(path)
          ? { path, name: word }
          : null;
    if (files === null) return { rows: word };
    if (rev !== undefined)
      throw new PlumbError('USAGE', {
        what: `--rev is for data sets of rows, and ${word} is files`,
        mend: `plumb checkout, then plumb secrets ${word}`,
      });
    if (existsSync(files.path)) return files;
    throw new PlumbError('FILE_MISSING', {
      what: `the files of ${word} are not in the work tree`,
      where: { file: word },
      mend: `run plumb checkout ${word}`,
    });
  });
}

/** A folder, or a file that is no rows. */
function isOther(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts !== undefined && (facts.isDirectory() || (facts.isFile() && formatOfName(path) === null));
}

interface Judging {
  readonly project: Project | null;
  readonly asked: SecretsAsked;
  readonly options: Options;
  readonly cli: Cli;
}

async function judge(target: Target, { project, asked, options, cli }: Judging): Promise<SecretsAnswer> {
  const { cwd, progress, signal } = cli;
  if ('path' in target) {
    const { judgeSecretsInFiles } = await import('../quality/secrets/judge-files.ts');
    const memory = project === null ? noMemory : openMemory(memoryFolder(project.store.cacheDir), { recalls: recallsHere(cli.env) });
    const digests = project === null || target.locked === undefined ? null : await lockedDigests(project, target.path, target.locked);
    return judgeSecretsInFiles({ ...target, ...(digests === null ? {} : { digests }) }, asked, { memory, progress, signal });
  }
  if (project === null) throw new Error('rows outside of a project');
  const { judgeSecretsInRows } = await import('../quality/secrets/judge-rows.ts');
  const { rows, world } = await openCheckedData(project, target.rows, {
    cwd,
    progress,
    signal,
    ...(options.rev === undefined ? {} : { rev: options.rev }),
  });
  return judgeSecretsInRows(rows, asked, world);
}

/** Of a data set whose files are what the lock says: a stat a file says that they are. */
async function lockedDigests(project: Project, path: string, locked: Digest): Promise<ReadonlyMap<string, Digest> | null> {
  const [{ describeFolder }, { cacheOnly, digestOfManifest }, { openStatIndex }, { digestsOfVersion }] = await Promise.all([
    import('../datasets/folder.ts'),
    import('../datasets/manifest.ts'),
    import('../datasets/stat-index.ts'),
    import('../quality/secrets/judge-files.ts'),
  ]);
  const index = await openStatIndex(project);
  try {
    const manifest = await describeFolder(index, path);
    if (digestOfManifest(manifest) !== locked) return null;
  } catch (error) {
    // a link that leads out, say: what is no data set is looked at all the same
    if (isPlumbError(error)) return null;
    throw error;
  } finally {
    index.save();
  }
  const store = cacheOnly(project.store);
  return digestsOfVersion((digest) => store.readBytes(digest), locked);
}

async function writeOut({ flagged }: SecretsAnswer, path: string): Promise<void> {
  const [{ writeLines }, { flaggedLines }] = await Promise.all([import('./write-lines.ts'), import('../quality/flagged-file.ts')]);
  await writeLines(path, toAsync(flaggedLines(flagged)));
}

async function* toAsync<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
