import type { ReviewRole } from '../review/schema.ts';
import { wholeNumber } from './whole-number.ts';
import type { Cli, Define } from './command.ts';
import type { ReviewWorld } from './review-world.ts';

interface Options {
  readonly web?: boolean;
  readonly second?: boolean;
  readonly from?: string;
  readonly limit: string;
  readonly commit?: boolean;
  readonly newLabels?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[data]', 'a data set (default: the only one, or the only one with reviews)')
    .option('--web', 'on a page of this machine, instead of in the terminal')
    .option('--second', 'rows that others have decided, without their decision')
    .option('--from <file>', 'flagged.jsonl of a check (default: what the last runs flagged)')
    .option('--limit <n>', 'so many rows at most in one sitting', '500')
    .option('--new-labels', 'labels that no row has yet may be given')
    .option('--commit', 'commit the decisions at the end')
    .addHelpText('after', '\nExamples:\n  $ plumb review intents\n  $ plumb review intents --web --commit\n  $ plumb review intents --second')
    .action((data: string | undefined, options: Options) => review(data, options, options.second === true ? 'second' : 'first', cli));
};

export async function review(data: string | undefined, options: Options, role: ReviewRole, cli: Cli): Promise<void> {
  const [{ labelsOf, openReview, openRows, readAskings, shapeOf, whoReviews }, { openQueue, planQueue }, { Journal }, { Sitting }] =
    await Promise.all([import('./review-world.ts'), import('../review/queue.ts'), import('../review/journal.ts'), import('../review/sitting.ts')]);
  const limit = wholeNumber('--limit', options.limit);
  const world = await openReview(cli, data);
  const me = await whoReviews(world.project);
  const source = await openRows(world, cli);
  const bar = cli.progress.start('look for waiting rows', world.entry.rows, 'rows');
  const waiting = planQueue(await readAskings(world, cli, options.from), world.settled, { me, role });
  const queue = await openQueue(source, waiting, { limit, signal: cli.signal, onRows: (rows) => bar.advance(rows) }).finally(() => bar.end());
  if (queue.items.length === 0) {
    cli.print(nothingWaits(role, world.data));
    cli.emit({ data: world.data, role, decided: 0, waiting: 0 });
    return;
  }
  const journal = new Journal(world.project, { plumbline: 'review/1', data: world.data, annotator: me, role });
  const labels = options.newLabels === true ? [] : await labelsOf(world);
  const sitting = new Sitting({ queue, journal, shape: shapeOf(world), labels, now: () => cli.now() });
  try {
    if (options.web === true) await (await import('./review-web.ts')).sitOnPage(sitting, { world, me, role }, cli);
    else await (await import('./review-terminal.ts')).sitInTerminal(sitting, world.project.localDir, cli);
  } finally {
    await conclude(world, { decisions: journal.decisions.length, path: await journal.close(), waiting: queue.waiting, role }, cli);
  }
  if (options.commit === true) await (await import('./review-commit.ts')).commitReviews(world.project, cli);
}

async function conclude(
  { data }: ReviewWorld,
  done: { readonly decisions: number; readonly path: string | null; readonly waiting: number; readonly role: ReviewRole },
  cli: Cli,
): Promise<void> {
  const { decisions, path, waiting, role } = done;
  cli.emit({ data, role, decided: decisions, path, waiting });
  if (path === null) cli.print('nothing decided');
  else cli.print(`${decisions} decided: ${path}\n${cli.paint.dim('plumb review commit makes a commit of it; plumb review apply makes rows of it')}`);
}

function nothingWaits(role: ReviewRole, data: string): string {
  if (role === 'second') return `nothing of ${data} waits for a second look of yours`;
  if (role === 'adjudicator') return `nobody disagrees about ${data}, or you are one of those who do`;
  return `nothing of ${data} waits: plumb review add ${data} --sample 100, or run a check`;
}
