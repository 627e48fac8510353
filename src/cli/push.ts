import { existsSync } from 'node:fs';
import { collectObjects, pushReachable } from '../datasets/reachable.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { onlyHere, reachableHistory, reachablePointers, reachableRuns } from './reachable-runs.ts';
import { sumOf, transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; without a name: all, and the runs and models of this revision')
    .option('--history', 'the models that earlier commits named, too: for a remote that is new')
    .addHelpText('after', '\nExamples:\n  $ plumb push\n  $ plumb push intents\n  $ plumb push --history')
    .action(async (names: string[], options: { history?: boolean }) => {
      const project = await openProject(cli);
      const { remote: there } = project.store;
      // a typing error in `remote:` must not pass for a remote
      if (there !== null && !existsSync(there.url)) cli.note(`${visible(there.url)} is not there yet: it is made now`);
      const results = [await pushReachable(project.store, await collectObjects(project, { names }), cli)];
      if (names.length === 0) {
        results.push(await pushReachable(project.store, await reachableRuns(project, cli), cli));
        // a model that was promoted on another machine may never have been here: it is where it was pushed from
        const models = options.history === true ? await reachableHistory(project, cli) : await reachablePointers(project, cli);
        for (const model of models) results.push(await pushReachable(project.store, await onlyHere(model, project), cli));
      }
      const result = sumOf(results);
      const remote = project.store.remote?.url ?? '';
      cli.emit({ ...result, remote });
      cli.print(transferText('sent', result, visible(remote)));
    });
};
