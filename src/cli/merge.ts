import { PlumbError } from '../base/errors.ts';
import { mergeDatasets, type DatasetMerge, type MergeResult } from '../datasets/merge.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';

interface Options {
  readonly take?: string;
  readonly base?: string;
  readonly ours?: string;
  readonly theirs?: string;
  readonly limit: string;
  readonly force?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; no other may need it')
    .option('--take <side>', 'ours or theirs: whose version stands where both changed the same row or file in different ways')
    .option('--theirs <rev>', 'what to merge; default: what git is merging, rebasing or picking')
    .option('--ours <rev>', 'what to merge it into; default: HEAD')
    .option('--base <rev>', 'where the two come from; default: what git finds')
    .option('--limit <n>', 'conflicts of each data set that are shown', '20')
    .option('--force', 'overwrite changed working copies that are stored nowhere')
    .addHelpText(
      'after',
      '\nIn a rebase, as git has it, ours is the branch that is rebased onto, theirs the commit that is put on top of it.\n\nExamples:\n  $ git merge feature; plumb merge\n  $ plumb merge intents --take theirs',
    )
    .action(async (names: string[], { take, base, ours, theirs, limit, force }: Options) => {
      const result = await mergeDatasets(await openProject(cli), {
        names,
        ...sideOf(take),
        revisions: { ...(base === undefined ? {} : { base }), ...(ours === undefined ? {} : { ours }), ...(theirs === undefined ? {} : { theirs }) },
        limit: limitOf(limit),
        force: force === true,
        progress: cli.progress,
        signal: cli.signal,
      });
      cli.emit(result);
      tell(result, cli);
      if (!result.resolved) cli.exitCode = 1;
    });
};

function sideOf(take: string | undefined): { take?: 'ours' | 'theirs' } {
  if (take === undefined) return {};
  if (take === 'ours' || take === 'theirs') return { take };
  throw new PlumbError('USAGE', { what: `--take ${take.slice(0, 40)}: expected ours or theirs`, mend: 'write --take ours, or --take theirs' });
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 0 && limit <= 10_000) return limit;
  throw new PlumbError('USAGE', { what: `--limit ${text}: expected a whole number from 0 to 10000`, mend: 'write --limit 20' });
}

function tell({ resolved, datasets, sides }: MergeResult, cli: Cli): void {
  for (const dataset of datasets) {
    cli.print(headline(dataset, cli));
    for (const line of conflictLines(dataset)) cli.print(`    ${line}`);
  }
  if (!resolved) cli.note('nothing was changed: decide with --take ours or --take theirs, or make the two sides agree');
  else if (sides.what === 'done') cli.note('datasets.lock is resolved and staged: `git commit --amend` puts it into the merge');
  else cli.note(`datasets.lock is resolved and staged${datasets.length === 0 ? '; no data set needed merging' : ''}`);
}

function headline({ name, how, brought, by, note, conflicts, reason }: DatasetMerge, cli: Cli): string {
  const title = `${how === 'conflict' ? cli.paint.red('conflict') : cli.paint.green(how)} ${cli.paint.bold(name)}`;
  if (reason !== null) return `${title}: ${visible(reason)}`;
  if (brought === null) return title;
  const { added, edited, removed } = brought;
  const what = by === 'path' ? 'files' : 'rows';
  const why = note === null ? '' : ` (${visible(note)})`;
  const both = conflicts === 0 ? '' : `; ${conflicts} changed on both sides`;
  return `${title}: ${what} from theirs by ${by ?? ''}${why}: ${added} added, ${edited} edited, ${removed} removed${both}`;
}

function conflictLines({ how, rows, files, conflicts }: DatasetMerge): string[] {
  if (how !== 'conflict') return [];
  const lines = [
    ...rows.map(({ key, ours, theirs }) => `${visible(key)}  ours ${short(ours)}  theirs ${short(theirs)}`),
    ...files.map(
      ({ path, ours, theirs }) => `${visible(path)}  ${ours === null ? 'gone in ours' : theirs === null ? 'gone in theirs' : 'edited in both'}`,
    ),
  ];
  const more = conflicts - lines.length;
  return more > 0 && lines.length > 0 ? [...lines, `... and ${more} more`] : lines;
}

const mostText = 120;

function short(row: Readonly<Record<string, unknown>> | null): string {
  if (row === null) return '(gone)';
  const text = JSON.stringify(row);
  return visible(text.length > mostText ? `${text.slice(0, mostText).toWellFormed()}…` : text);
}
