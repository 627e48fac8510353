import type { Define } from './command.ts';
import { renderTable } from './table.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[data]', 'a data set (default: the only one, or the only one with reviews)')
    .option('--from <file>', 'flagged.jsonl of a check (default: what the last runs flagged)')
    .addHelpText('after', '\nExamples:\n  $ plumb review status\n  $ plumb review status intents --json')
    .action(async (word: string | undefined, { from }: { from?: string }) => {
      const [{ openReview, readAskings }, { standOf }] = await Promise.all([import('./review-world.ts'), import('../review/standing.ts')]);
      const world = await openReview(cli, word);
      const stand = standOf(await readAskings(world, cli, from), world.decided, world.settled);
      cli.emit({ data: world.data, ...stand });
      const { rows, people } = stand;
      cli.print(
        `${cli.paint.bold(world.data)}: ${rows.waiting} wait, ${rows.accepted} accepted, ${rows.replaced} to be replaced, ${rows.rejected} rejected, ${rows.disputed === 0 ? 'none disputed' : cli.paint.red(`${rows.disputed} disputed`)}`,
      );
      if (people.length === 0) return;
      const columns = ['who', 'role', 'rows', 'accept', 'edit', 'reject', 'label', 'last'];
      cli.print(
        renderTable(
          columns.map((title, at) => ({ title, align: at > 1 && at < 7 ? 'right' : 'left' })),
          people.map((person) => [
            person.name,
            person.role,
            ...[person.rows, person.accept, person.edit, person.reject, person.label].map(String),
            person.last,
          ]),
        ),
      );
      if (rows.disputed > 0) cli.print(cli.paint.dim(`plumb review adjudicate ${world.data}`));
    });
};
