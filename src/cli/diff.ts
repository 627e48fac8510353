import { PlumbError } from '../base/errors.ts';
import { diffDatasets } from '../datasets/diff.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Define } from './command.ts';
import { renderDiffMarkdown, renderDiffText } from './diff-views.ts';

interface Options {
  readonly md?: boolean;
  readonly data?: readonly string[];
  readonly limit: string;
  readonly check?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[rev]', 'revision before; default: HEAD')
    .argument('[rev2]', 'revision after; default: the working copies')
    .option('--data <name...>', 'only these data sets')
    .option('--limit <n>', 'example rows of each kind', '5')
    .option('--md', 'Markdown, for a pull request')
    .option('--check', 'exit with 1 when there is a difference')
    .addHelpText('after', '\nExamples:\n  $ plumb diff\n  $ plumb diff main\n  $ plumb diff v1 v2 --data intents --limit 20')
    .action(async (rev: string | undefined, rev2: string | undefined, options: Options) => {
      const project = await openProject(cli);
      const limit = limitOf(options.limit);
      const sides = { before: rev ?? (await headOf(project)), after: rev2 ?? null };
      const { data: names, md } = options;
      const diff = await diffDatasets(project, sides, { limit, ...(names ? { names } : {}), progress: cli.progress, signal: cli.signal });
      const words = { before: rev ?? (sides.before === null ? 'nothing committed' : 'HEAD'), after: rev2 ?? 'working copy' };
      cli.emit(diff);
      cli.print(md === true ? renderDiffMarkdown(diff, words) : renderDiffText(diff, words, cli.paint));
      if (options.check === true && diff.datasets.length > 0) cli.exitCode = 1;
    });
};

/** Before the first commit there is nothing to compare with. */
async function headOf(project: Project): Promise<string | null> {
  return (await project.git.resolve('HEAD')) === null ? null : 'HEAD';
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 0 && limit <= 10_000) return limit;
  throw new PlumbError('USAGE', { what: `--limit ${text}: expected a whole number from 0 to 10000`, mend: 'write --limit 20' });
}
