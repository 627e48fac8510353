import type { StaticChecks } from '../ci/static-checks.ts';
import { isPlumbError } from '../base/errors.ts';
import { requireCommit } from '../datasets/revision.ts';
import { findProject, openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { steps } from './steps.ts';

interface Options {
  readonly base?: string;
  readonly fork?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .option('--base <revision>', 'read only data sets that changed since; without it, all')
    .option('--fork', 'a job without credentials: bytes that it cannot have are a warning')
    .addHelpText(
      'after',
      '\nReads configuration, lock, manifests and rows, judges rows by the rules of plumb/validate stages, and tells every fault. Runs nothing of the repository.\n\nExample:\n  $ plumb ci validate --base origin/main',
    )
    .action(async ({ base, fork = false }: Options) => {
      const place = await openPlace(cli);
      const commit = base === undefined ? null : await requireCommit(place.git, base);
      const checks = await checkPlace(place, { base: commit, fork }, cli);
      cli.emit(checks);
      for (const line of checkLines(checks, cli)) cli.print(line);
      if (!checks.holds) cli.exitCode = 1;
    });
};

export interface CheckedPlace extends Pick<Project, 'root' | 'git'> {
  /** null: its settings are wrong, which is a finding and no end */
  readonly project: Project | null;
}

/** @throws PlumbError NO_GIT_REPOSITORY, NOT_A_PROJECT */
export async function openPlace(world: Pick<Cli, 'cwd' | 'env'>): Promise<CheckedPlace> {
  const place = await findProject(world);
  const project = await openProject(world).catch((error: unknown) => {
    if (isPlumbError(error, 'CONFIG_INVALID') || isPlumbError(error, 'YAML_SYNTAX')) return null;
    throw error;
  });
  return { ...place, project };
}

/** What the action `validate` does, too. */
export async function checkPlace(
  { root, git, project }: CheckedPlace,
  wish: { base: string | null; fork: boolean },
  cli: Pick<Cli, 'signal'>,
): Promise<StaticChecks> {
  const [{ checkStatically }, { partedFrom }] = await Promise.all([import('../ci/static-checks.ts'), import('../ci/changes.ts')]);
  const base = wish.base === null ? null : await partedFrom({ git }, wish.base);
  return checkStatically({ root, project }, { base, fork: wish.fork, steps, signal: cli.signal });
}

function* checkLines({ findings, errors, warnings, datasets }: StaticChecks, { paint }: Cli): Generator<string> {
  for (const { severity, file, line, column, what, mend, code } of findings) {
    const place = [file, line, column].filter((part) => part !== undefined).join(':');
    yield `${severity === 'error' ? paint.red('error') : paint.yellow('warning')}  ${paint.bold(visible(place))}  ${visible(what)}`;
    yield paint.dim(`       mend: ${visible(mend)}  [${code}]`);
  }
  const data = datasets.looked.length === 0 ? 'no data set changed' : `data sets looked at: ${datasets.looked.join(', ')}`;
  yield `${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}; ${data}`;
}
