import { collectObjects, pushReachable } from '../datasets/reachable.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets')
    .addHelpText('after', '\nExamples:\n  $ plumb push\n  $ plumb push intents')
    .action(async (names: string[]) => {
      const project = await openProject(cli);
      const result = await pushReachable(project.store, await collectObjects(project, { names }), cli);
      const remote = project.store.remote?.url ?? '';
      cli.emit({ ...result, remote });
      cli.print(transferText('sent', result, visible(remote)));
    });
};
