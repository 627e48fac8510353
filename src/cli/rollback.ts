import { shortDigest } from '../base/digest.ts';
import { openProject } from '../project/open.ts';
import type { Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly stage: Stage;
  readonly to?: string;
  readonly reason?: string;
  readonly commit: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model>', 'name of a model')
    .addOption(stageOption('the stage to roll back').default('production'))
    .option('--to <model or commit>', 'an earlier model by digest, or a commit that had it; default: the model before the current one')
    .option('--reason <text>', 'why: kept in the commit, shown in `plumb history`')
    .option('--no-commit', 'put the files back and leave the commit to you')
    .addHelpText(
      'after',
      '\nMakes the commit that `git revert` makes; a revert by hand does the same. Whoever follows the branch serves the earlier model when the commit arrives there.\n\n' +
        'Examples:\n  $ plumb rollback intents --reason "card_arrival goes to the wrong queue"\n  $ plumb rollback intents --to 9f3c12ab34cd',
    )
    .action(async (model: string, options: Options) => rollbackCommand(model, options, cli));
};

async function rollbackCommand(model: string, options: Options, cli: Cli): Promise<void> {
  const project = await openProject(cli);
  const [{ rollBack }, { undoUnfinished }] = await Promise.all([import('../registry/rollback.ts'), import('../project/together.ts')]);
  const { plan, commit } = await project.mutex(async () => {
    await undoUnfinished(project);
    return rollBack(project, { place: { model, stage: options.stage }, to: options.to, reason: options.reason, commit: options.commit });
  });
  const from = plan.from.after;
  const to = plan.to.after;
  cli.emit({ model, stage: options.stage, from, to, commit, reverted: commit === null ? null : plan.revert });
  const move = `${model} in ${options.stage}: ${from === null ? 'a broken pointer' : shortDigest(from)} -> ${cli.paint.bold(to === null ? 'nothing' : shortDigest(to))}`;
  if (commit === null) return cli.print(`${move}\nnot committed: look at it with \`git diff\`, then commit models/${model}`);
  cli.print(`${move}\ncommit ${commit.slice(0, 12)}. git push it: serving follows the branch.`);
}
