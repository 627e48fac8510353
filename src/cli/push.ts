import { collectObjects, type Reachable } from '../datasets/reachable.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { reachableHistory, reachablePointers, reachableRuns } from './reachable-runs.ts';
import { limitOption, transferLimit } from './transfer-limit.ts';
import { transferText } from './transfer-text.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[dataset...]', 'only these data sets; without a name: all, and the runs and models of this revision')
    .option('--history', 'the models that earlier commits named, too: for a remote that is new')
    .addOption(limitOption())
    .addHelpText('after', '\nExamples:\n  $ plumb push\n  $ plumb push intents\n  $ plumb push --history')
    .action(async (names: string[], options: { history?: boolean; limit?: number }) => {
      const project = await openProject(cli);
      const { store } = project;
      const wanted = [await collectObjects(project, { names })];
      if (names.length === 0) {
        wanted.push(await reachableRuns(project, cli));
        // a model that was promoted on another machine may never have been here: it is where it was pushed from
        const models = options.history === true ? await reachableHistory(project, cli) : await reachablePointers(project, cli);
        wanted.push(...models.map(optional));
      }
      const result = await store.push(
        wanted.flatMap(({ roots }) => roots),
        wanted.flatMap((what) => what.names),
        { ...cli, ...transferLimit(options) },
      );
      const remote = store.remoteUrl ?? '';
      if (result.leftOut.length > 0) cli.note(`${result.leftOut.length} runs and data sets of models are neither here nor in ${visible(remote)}`);
      cli.emit({ ...result, remote });
      cli.print(transferText('sent', result, visible(remote)));
    });
};

function optional({ roots, names }: Reachable): Reachable {
  return { roots: roots.map((root) => ({ ...root, optional: true })), names };
}
