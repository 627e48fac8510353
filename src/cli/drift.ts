import { resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { canonicalJsonFile } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';

interface Options {
  readonly against?: string;
  readonly columns?: readonly string[];
  readonly rev?: string;
  readonly alpha?: string;
  readonly effect?: string;
  readonly html?: string;
  readonly out?: string;
  readonly limit: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('<data>', 'data set, its path, or any file of rows')
    .option('--against <what>', 'a revision, a data set, a file of rows, or last:N for the last N locked versions (default: last:1)')
    .option('--columns <name...>', 'only these columns')
    .option('--rev <revision>', 'the data as that revision has it')
    .option('--alpha <p>', 'a difference is more than chance below it (default: 0.05, corrected for the number of tests)')
    .option('--effect <size>', 'how large a difference of values is told (default: 0.1)')
    .option('--html <file>', 'the report as one page, with plots')
    .option('--out <file>', 'the report as drift.json')
    .option('--limit <n>', 'columns as before that are shown', '10')
    .addHelpText(
      'after',
      '\nExamples:\n  $ plumb drift intents\n  $ plumb drift intents --against last:5 --html drift.html\n  $ plumb drift data/new.parquet --against data/old.parquet --columns age label',
    )
    .action(async (data: string, options: Options) => {
      const limit = numberOf(options.limit, '--limit', 0, 1000);
      const [{ openCheckedData }, { openReferences }, { judgeDrift }, { driftSettingsSchema }] = await Promise.all([
        import('../quality/checked-data.ts'),
        import('../quality/drift/references.ts'),
        import('../quality/drift/judge.ts'),
        import('../quality/drift/schema.ts'),
      ]);
      const effect = options.effect === undefined ? {} : { threshold: numberOf(options.effect, '--effect', Number.MIN_VALUE, 1e9) };
      const settings = driftSettingsSchema.parse({
        ...(options.alpha === undefined ? {} : { alpha: numberOf(options.alpha, '--alpha', Number.MIN_VALUE, 0.5) }),
        numbers: effect,
        categories: effect,
      });
      const project = await openProject(cli);
      const { cwd, progress, signal } = cli;
      const asking = { cwd, progress, signal };
      const opened = await openCheckedData(project, data, { ...asking, ...(options.rev === undefined ? {} : { rev: options.rev }) });
      const against = await openReferences(project, opened, options.against ?? null, asking);
      const asked = { columns: options.columns ?? null, settings, severity: 'warning' as const };
      const { report } = await judgeDrift(opened.rows, against, asked, opened.world);
      cli.emit(report);
      if (options.out !== undefined) await write(options.out, canonicalJsonFile(report));
      if (options.html !== undefined) await write(options.html, (await import('../report/drift-page.ts')).renderDriftPage(report));
      if (!cli.json) cli.print((await import('../report/drift-text.ts')).renderDriftText(report, { paint: cli.paint, limit }));
      if (report.drifted > 0) cli.exitCode = 1;
    });

  async function write(file: string, text: string): Promise<void> {
    await writeFileAtomic(resolve(cli.cwd, file), text);
    cli.note(`wrote ${visible(file)}`);
  }
};

function numberOf(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new PlumbError('USAGE', { what: `${option} ${text}: expected a number from ${least} to ${most}`, mend: 'see plumb drift --help' });
}
