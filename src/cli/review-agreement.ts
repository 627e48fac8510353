import { Option } from 'commander';
import { shortDigest } from '../base/digest.ts';
import { visible } from '../report/visible.ts';
import { agreementOf, type Agreement, type AgreementRequest } from '../review/agreement/agreement.ts';
import type { Cli, Define } from './command.ts';
import { openReview } from './review-world.ts';
import { renderTable } from './table.ts';

interface Options {
  readonly of?: 'action' | 'label';
  readonly scale: AgreementRequest['scale'];
  readonly weights: AgreementRequest['weights'];
  readonly order?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('[data]', 'a data set (default: the only one, or the only one with reviews)')
    .addOption(new Option('--of <what>', 'what is compared (default: labels, where all have one)').choices(['action', 'label']))
    .addOption(new Option('--scale <scale>', 'of alpha').choices(['nominal', 'ordinal', 'interval']).default('nominal'))
    .addOption(
      new Option('--weights <weights>', 'of kappa: disagreement grows with the distance').choices(['none', 'linear', 'quadratic']).default('none'),
    )
    .option('--order <a,b,c>', 'categories from the least to the greatest')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb review agreement intents\n  $ plumb review agreement answers --scale ordinal --weights quadratic --order bad,fair,good',
    )
    .action(async (word: string | undefined, { of, order, ...rest }: Options) => {
      const { data, settled } = await openReview(cli, word);
      const agreement = agreementOf(settled, { ...rest, of: of ?? null, order: order?.split(',') ?? null });
      cli.emit({ data, ...agreement });
      tell(data, agreement, cli);
    });
};

function tell(data: string, { of, rows, alpha, pairs, disagreements, scale, weights }: Agreement, cli: Cli): void {
  if (rows === 0) return cli.print(`nobody has looked at a row that another one looked at: plumb review ${data} --second`);
  const figure = (value: number | null): string => (value === null ? 'not defined' : value.toFixed(3));
  cli.print(`${cli.paint.bold(data)}: ${rows} rows that two or more looked at, compared by ${of}`);
  cli.print(`Krippendorff's alpha (${scale})  ${cli.paint.bold(figure(alpha.alpha))}`);
  const titles = [{ title: 'who' }, { title: 'and who' }, { title: 'rows', align: 'right' as const }, { title: 'agree', align: 'right' as const }];
  cli.print(
    renderTable(
      [...titles, { title: `kappa${weights === 'none' ? '' : ` (${weights})`}`, align: 'right' }, { title: '95 %' }],
      pairs.map(({ a, b, rows: both, agreement, kappa, se }) => [
        visible(a),
        visible(b),
        String(both),
        `${(100 * agreement).toFixed(1)} %`,
        figure(kappa),
        kappa === null || se === null ? '' : `${(kappa - 1.96 * se).toFixed(2)} to ${Math.min(1, kappa + 1.96 * se).toFixed(2)}`,
      ]),
    ),
  );
  for (const { row, votes } of disagreements.slice(0, mostShown))
    cli.print(`  ${shortDigest(row)}  ${votes.map(({ who, category }) => `${visible(who)}: ${visible(category)}`).join(', ')}`);
  if (disagreements.length > mostShown)
    cli.print(cli.paint.dim(`  ${disagreements.length - mostShown} more: --json, or plumb review list ${data} --disputed`));
}

const mostShown = 20;
