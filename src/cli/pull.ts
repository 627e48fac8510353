import { fetchDatasets } from '../datasets/fetch.ts';
import { loadLock } from '../datasets/lock.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import { checkout } from './checkout.ts';
import type { Define } from './command.ts';
import { fetchRuns } from './fetch.ts';
import { limitOption, transferLimit } from './transfer-limit.ts';
import { sumOf, transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets')
    .option('--force', 'overwrite changed working copies that are stored nowhere')
    .addOption(limitOption())
    .addHelpText('after', '\nExample:\n  $ git pull && plumb pull')
    .action(async (names: string[], options: { force?: boolean; limit?: number }) => {
      const project = await openProject(cli);
      const how = { ...cli, ...transferLimit(options) };
      const fetched = [await fetchDatasets(project, { lock: await loadLock(project), names }, how)];
      if (names.length === 0) fetched.push(await fetchRuns(project, cli, how));
      const result = sumOf(fetched);
      cli.print(transferText('fetched', result, visible(project.store.remoteUrl ?? '')));
      const datasets = await checkout(project, names, options, cli);
      cli.emit({ ...result, remote: project.store.remoteUrl, datasets });
    });
};
