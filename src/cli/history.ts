import { shortDigest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { PointerChange } from '../registry/history.ts';
import type { Stage } from '../registry/schema.ts';
import type { ServePlace } from '../serve/place.ts';
import type { Cli, Define } from './command.ts';
import { stageOption } from './stage-option.ts';
import { renderTable } from './table.ts';

interface Options {
  readonly stage: Stage;
  readonly rev: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<model>', 'name of a model')
    .addOption(stageOption('the stage to look at').default('production'))
    .option('--rev <revision>', 'the branch whose history is read: what its readers saw, in order', 'HEAD')
    .addHelpText('after', '\nExamples:\n  $ plumb history intents\n  $ plumb history intents --stage staging --rev origin/main')
    .action(async (model: string, options: Options) => historyCommand(model, options, cli));
};

async function historyCommand(model: string, { stage, rev }: Options, cli: Cli): Promise<void> {
  const { openPlace } = await import('../serve/place.ts');
  const place = await openPlace(cli, rev);
  const { describeChange, pointerHistory, stateOf } = await import('../registry/history.ts');
  const { oneLine } = await import('../registry/one-line.ts');
  const history = (await place.git.resolve(rev)) === null && rev === 'HEAD' ? [] : await pointerHistory(place.git, place.prefix, rev, model, stage);
  if (history.length === 0) throw await noHistory(place, { model, stage, rev });
  const { line, reverted } = stateOf(history);
  const current = line.at(-1);
  cli.emit({
    model,
    stage,
    current: current?.after ?? null,
    takenBack: [...reverted.keys()],
    changes: history.map(({ text: _, pointer, ...change }) => ({ ...change, date: change.date.toISOString(), metrics: pointer?.metrics ?? null })),
  });
  const { paint } = cli;
  const [newest] = history;
  const rows = history.map((change) => {
    const text = describeChange(change);
    const loud =
      change.kind === 'forced' || change.kind === 'broken'
        ? paint.red
        : change.kind === 'again' || change.kind === 'rollback'
          ? paint.yellow
          : String;
    return [
      change === newest ? paint.green('*') : ' ',
      change.date.toISOString().slice(0, 16).replace('T', ' '),
      change.after === null ? '-' : paint.bold(shortDigest(change.after)),
      accuracyOf(change),
      change.commit.slice(0, 10),
      oneLine(change.author.name, 40),
      loud(text),
    ];
  });
  const titles = [
    { title: ' ' },
    { title: 'when (UTC)' },
    { title: 'model' },
    { title: 'accuracy', align: 'right' as const },
    { title: 'commit' },
    { title: 'who' },
    { title: 'what' },
  ];
  cli.print(`${renderTable(titles, rows)}\n\n${model} in ${stage}: ${describeNow(newest, current)}`);
}

/** @param newest change of the pointer: marked in the table. @param current the change that put the model there first, before any way back to it */
function describeNow(newest: PointerChange | undefined, current: PointerChange | undefined): string {
  const putThere = (by: PointerChange | undefined): string =>
    current?.after ? `${shortDigest(current.after)}, put there on ${(by ?? current).date.toISOString().slice(0, 10)}` : 'nothing';
  return newest?.kind === 'broken' ? `a broken pointer (*); before it ${putThere(current)}` : `${putThere(newest)} (*)`;
}

function accuracyOf({ pointer }: PointerChange): string {
  const accuracy = pointer?.metrics['accuracy'];
  return accuracy === undefined ? '' : `${(100 * accuracy).toFixed(2)} %`;
}

async function noHistory({ git, prefix }: ServePlace, asked: { model: string; stage: Stage; rev: string }): Promise<PlumbError> {
  const { listPointers } = await import('../registry/pointer.ts');
  const { commitTree } = await import('../registry/tree.ts');
  const commit = await git.resolve(asked.rev);
  const places = commit === null ? [] : await listPointers(commitTree(git, prefix, commit));
  const others = places.filter((place) => place.model === asked.model).map((place) => place.stage);
  const hint =
    others.length > 0
      ? ` It has one in ${others.join(' and ')}.`
      : didYouMean(
          asked.model,
          places.map((place) => place.model),
        );
  return new PlumbError('POINTER_MISSING', {
    what: `${asked.model} has never had a pointer in ${asked.stage} in the history of ${asked.rev}.${hint}`,
    mend: `\`plumb promote ${asked.model} --to ${asked.stage}\` makes the first`,
  });
}
