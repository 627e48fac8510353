import { formatBytes } from '../base/progress.ts';
import { checkoutDatasets, type CheckoutResult } from '../datasets/checkout.ts';
import { loadLock } from '../datasets/lock.ts';
import { lockOfRevision } from '../datasets/reachable.ts';
import { openProject, type Project } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Cli, Define } from './command.ts';
import { countOf } from './count-of.ts';

export interface CheckoutOptions {
  readonly rev?: string;
  readonly force?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets')
    .option('--rev <rev>', 'the data of this revision; default: what datasets.lock of the work tree says')
    .option('--force', 'overwrite changed working copies that are stored nowhere')
    .addHelpText('after', '\nExamples:\n  $ plumb checkout\n  $ plumb checkout intents --rev HEAD~3')
    .action(async (names: string[], options: CheckoutOptions) => {
      const results = await checkout(await openProject(cli), names, options, cli);
      cli.emit({ datasets: results });
    });
};

/** Brings data into the work tree and says what it did; fetches what the cache lacks. */
export async function checkout(project: Project, names: readonly string[], options: CheckoutOptions, cli: Cli): Promise<CheckoutResult[]> {
  const lock = options.rev === undefined ? await loadLock(project) : await lockOfRevision(project, options.rev);
  const { progress, signal } = cli;
  const results = await checkoutDatasets(project, { lock, names, force: options.force === true, progress, signal });
  const written = results.filter((result) => result.how === 'written');
  for (const { path, placed } of written) cli.print(`${cli.paint.green('wrote')} ${visible(path)}  ${placedText(placed)}`);
  if (written.length < results.length) cli.print(`${results.length - written.length} of ${results.length} stood there already`);
  if (results.length === 0) cli.print('no data sets in datasets.lock');
  if (options.rev !== undefined && written.length > 0)
    cli.note('datasets.lock is as it was: `plumb checkout` without --rev goes back to what it says');
  return results;
}

/** '12 files, 3.4 MB, 1 taken away'. */
function placedText({ files, bytes, removed }: CheckoutResult['placed']): string {
  return [countOf(files, 'file'), formatBytes(bytes), ...(removed === 0 ? [] : [`${removed} taken away`])].join(', ');
}
