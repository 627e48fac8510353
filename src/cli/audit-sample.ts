import { randomBytes } from 'node:crypto';
import { PlumbError } from '../base/errors.ts';
import { describeRecords, forJson, periodOptions, selectionOf, type PeriodOptions } from './audit-log.ts';
import type { Define } from './command.ts';
import { logOptions, openAudit, type AuditOptions } from './open-audit.ts';

interface Options extends AuditOptions, PeriodOptions {
  readonly size: string;
  readonly seed?: string;
}

export const define: Define = (command, cli) => {
  periodOptions(logOptions(command))
    .option('-n, --size <n>', 'how many decisions', '25')
    .option('--seed <text>', 'the same seed draws the same decisions (default: one by chance, which is printed)')
    .addHelpText('after', '\nExample:\n  $ plumb audit sample -n 25 --from 2026-07-01 --to 2026-09-30 --seed "Q3, drawn by M. Curie"')
    .action(async ({ size, seed = randomBytes(8).toString('hex'), ...options }: Options) => {
      const [{ soundLog }, { sampleRecords, selectRecords }] = await Promise.all([
        import('../registry/decision-log.ts'),
        import('../audit/selection.ts'),
      ]);
      const wanted = Number(size);
      if (!Number.isInteger(wanted) || wanted < 1)
        throw new PlumbError('USAGE', { what: `-n ${size.slice(0, 40)}: expected a whole number from 1`, mend: 'write -n 25' });
      const selection = await selectionOf(options);
      const { records, head } = soundLog((await openAudit(cli, options)).log);
      const all = selectRecords(records, selection);
      const drawn = sampleRecords(all, wanted, seed);
      cli.emit({ ...selection, seed, head, of: all.length, decisions: drawn.map(forJson) });
      cli.print(await describeRecords(drawn, cli));
      cli.print(`\n${drawn.length} of ${all.length} decisions, drawn with --seed ${JSON.stringify(seed)}; head ${head ?? 'none'}`);
    });
};
