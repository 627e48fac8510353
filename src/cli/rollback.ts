import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Stage } from '../registry/schema.ts';
import type { StepBack } from '../registry/way-back.ts';
import type { Cli, Define } from './command.ts';
import { forgeOption, type ForgeOptions } from './open-forge.ts';
import { stageOption } from './stage-option.ts';

export interface RollbackOptions extends ForgeOptions {
  readonly stage: Stage;
  readonly to?: string;
  readonly reason?: string;
  readonly commit: boolean;
  readonly pr?: true;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model>', 'name of a model')
    .addOption(stageOption('the stage to roll back').default('production'))
    .option('--to <model or commit>', 'an earlier model by digest, or a commit that had it; default: the model before the current one')
    .option('--reason <text>', 'why: kept in the commit, shown in `plumb history`')
    .option('--pr', "open a pull request on top of origin's main branch; nothing here changes")
    .option('--no-commit', 'put the files back and leave the commit to you')
    .addOption(forgeOption())
    .addHelpText(
      'after',
      '\nMakes the commit that `git revert` makes; a revert by hand, or the button of a forge, does the same. Whoever follows the branch serves the earlier\n' +
        'model when the commit arrives there. Models that were moved by the same commit go back with it.\n\n' +
        'Examples:\n  $ plumb rollback intents --reason "card_arrival goes to the wrong queue"\n  $ plumb rollback intents --to 9f3c12ab34cd --pr',
    )
    .action(async (model: string, options: RollbackOptions) => rollbackCommand(model, options, cli));
};

async function rollbackCommand(model: string, options: RollbackOptions, cli: Cli): Promise<void> {
  if (options.pr === true && !options.commit) throw new PlumbError('USAGE', { what: '--pr always commits', mend: 'leave --no-commit out' });
  const project = await openProject(cli);
  const wish = { place: { model, stage: options.stage }, to: options.to, reason: options.reason };
  if (options.pr === true) return (await import('./rollback-pull.ts')).rollBackByPull(project, wish, options, cli);
  await rollBackHere(project, { ...wish, commit: options.commit }, cli);
}

async function rollBackHere(
  project: Project,
  wish: { place: StepBack['place']; to: string | undefined; reason: string | undefined; commit: boolean },
  cli: Cli,
): Promise<void> {
  const [{ rollBack }, { undoUnfinished }] = await Promise.all([import('../registry/rollback.ts'), import('../project/together.ts')]);
  const { plan, steps, commit } = await project.mutex(async () => {
    await undoUnfinished(project);
    return rollBack(project, wish);
  });
  tellSteps(steps, { commit, reverted: commit === null ? null : plan.revert }, cli);
  const models = [...new Set(steps.map(({ place }) => `models/${place.model}`))].join(' ');
  if (commit === null) return cli.print(`not committed: look at it with \`git diff\`, then commit ${models}`);
  cli.print(`commit ${commit.slice(0, 12)}. git push it: serving follows the branch.`);
}

export function tellSteps(steps: readonly StepBack[], more: Readonly<Record<string, unknown>>, cli: Cli): void {
  const moves = steps.map(({ place, from, to }) => ({ model: place.model, stage: place.stage, from, to }));
  cli.emit({ ...moves[0], ...more, moves });
  for (const { model, stage, from, to } of moves)
    cli.print(
      `${model} in ${stage}: ${from === null ? 'a broken pointer' : shortDigest(from)} -> ${cli.paint.bold(to === null ? 'nothing' : shortDigest(to))}`,
    );
}
