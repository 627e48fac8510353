import { fetchDatasets } from '../datasets/checkout.ts';
import { loadLock } from '../datasets/lock.ts';
import { lockOfRevision } from '../datasets/reachable.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets')
    .option('--rev <rev>', 'the data of this revision; default: of the work tree')
    .addHelpText('after', '\nExamples:\n  $ plumb fetch\n  $ plumb fetch intents --rev main')
    .action(async (names: string[], options: { rev?: string }) => {
      const project = await openProject(cli);
      const lock = options.rev === undefined ? await loadLock(project) : await lockOfRevision(project, options.rev);
      const result = await fetchDatasets(project, { lock, names }, cli);
      cli.emit({ ...result, remote: project.store.remote?.url ?? null });
      cli.print(transferText('fetched', result, visible(project.store.remote?.url ?? '')));
    });
};
