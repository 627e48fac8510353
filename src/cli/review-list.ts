import { hexOf, shortDigest } from '../base/digest.ts';
import { cellText } from '../datasets/row-content.ts';
import type { Define } from './command.ts';
import { renderTable } from './table.ts';

export const define: Define = (command, cli) => {
  command
    .argument('[data]', 'a data set (default: the only one, or the only one with reviews)')
    .option('--disputed', 'only rows about which people disagree')
    .option('--by <who>', 'only decisions of this person: a name or an address')
    .addHelpText('after', '\nExamples:\n  $ plumb review list intents --disputed\n  $ plumb review list intents --by ada@example.org --json')
    .action(async (word: string | undefined, { disputed, by }: { disputed?: boolean; by?: string }) => {
      const [{ openReview }, { visible, cut }] = await Promise.all([import('./review-world.ts'), import('../report/visible.ts')]);
      const { data, settled } = await openReview(cli, word);
      const isTheirs = (who: { name: string; email: string }): boolean =>
        by === undefined || who.name === by || who.email.toLowerCase() === by.toLowerCase();
      const rows = [...settled]
        .filter(([, row]) => disputed !== true || row.state === 'disputed')
        .map(([digest, row]) => ({
          digest,
          ...row,
          votes: [...row.votes, ...(row.adjudicated && row.decision !== null ? [row.decision] : [])].filter((vote) => isTheirs(vote.annotator)),
        }))
        .filter(({ votes }) => votes.length > 0);
      cli.emit({ data, rows: rows.map(({ digest, state, adjudicated, votes }) => ({ row: digest, state, adjudicated, decisions: votes })) });
      if (rows.length === 0) return cli.print('no decisions');
      const lines = rows.flatMap(({ digest, state, votes }) =>
        votes.map((vote) => [
          shortDigest(digest),
          state === 'disputed' ? cli.paint.red('disputed') : '',
          vote.action,
          cut(
            visible(
              Object.entries(vote.edit ?? {})
                .map(([name, cell]) => `${name}: ${cellText(cell)}`)
                .join('; '),
            ),
            60,
          ),
          visible(vote.annotator.name),
          vote.role,
          vote.at.slice(0, 16).replace('T', ' '),
          cut(visible(vote.note ?? ''), 60),
        ]),
      );
      const titles = ['row', '', 'decision', 'new value', 'who', 'role', 'at (UTC)', 'note'];
      cli.print(
        renderTable(
          titles.map((title) => ({ title })),
          lines,
        ),
      );
      cli.print(cli.paint.dim(`plumb review show ${data} ${hexOf(rows[0]?.digest ?? 'sha256:').slice(0, 12)}`));
    });
};
