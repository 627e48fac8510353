import { collectObjects, pushReachable } from '../datasets/reachable.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { onlyHere, reachablePointers, reachableRuns } from './reachable-runs.ts';
import { sumOf, transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; without a name: all, and the runs and models of this revision')
    .addHelpText('after', '\nExamples:\n  $ plumb push\n  $ plumb push intents')
    .action(async (names: string[]) => {
      const project = await openProject(cli);
      const results = [await pushReachable(project.store, await collectObjects(project, { names }), cli)];
      if (names.length === 0) {
        results.push(await pushReachable(project.store, await reachableRuns(project, cli), cli));
        // a model that was promoted on another machine may never have been here: it is where it was pushed from
        for (const model of await reachablePointers(project, cli))
          results.push(await pushReachable(project.store, await onlyHere(model, project), cli));
      }
      const result = sumOf(results);
      const remote = project.store.remote?.url ?? '';
      cli.emit({ ...result, remote });
      cli.print(transferText('sent', result, visible(remote)));
    });
};
