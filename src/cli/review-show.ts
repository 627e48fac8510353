import { hexOf } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Define } from './command.ts';

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'a data set')
    .argument('<row>', 'some digits of its digest (plumb review list), its key, or "row 12"')
    .addHelpText('after', '\nExample:\n  $ plumb review show intents 3f9a12')
    .action(async (word: string, row: string) => {
      const [{ openReview, openRows, readAskings }, { findRow }, { reviewsOf }, { describeItem }, { visible }] = await Promise.all([
        import('./review-world.ts'),
        import('../review/find-row.ts'),
        import('../review/by-row.ts'),
        import('../review/terminal/view.ts'),
        import('../report/visible.ts'),
      ]);
      const world = await openReview(cli, word);
      const found = await findRow(await openRows(world, cli), row, cli.signal);
      if (found === null)
        throw new PlumbError('ROW_UNKNOWN', {
          what: `no row of ${world.data} is called ${row.slice(0, 100)}`,
          mend: 'take a key, "row 12", or some digits of a digest from `plumb review list`',
        });
      const asked = (await readAskings(world, cli, undefined)).flatMap(({ why, rows }) =>
        rows.filter((one) => one.row === found.digest).map(({ findings }) => ({ why, findings })),
      );
      const votes = world.settled.get(found.digest);
      const review = reviewsOf(world.settled).get(found.digest) ?? null;
      cli.emit({
        data: world.data,
        row: found.row,
        key: found.key,
        digest: found.digest,
        value: found.value,
        asked,
        review,
        decisions: votes?.votes ?? [],
        adjudication: votes?.adjudicated === true ? votes.decision : null,
      });
      const all = [...(votes?.votes ?? []), ...(votes?.adjudicated === true && votes.decision !== null ? [votes.decision] : [])];
      const item = { ...found, findings: asked.flatMap(({ findings }) => findings), why: asked.map(({ why }) => why), votes: all };
      const lines = describeItem(item, { at: found.row - 1, items: world.entry.rows, decided: 0, more: 0 }, { show: visible, paint: cli.paint });
      cli.print([...lines, `  ${hexOf(found.digest)}  ${review === null ? 'nobody has looked at it' : review.status}`].join('\n'));
    });
};
