import { resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Failure } from '../report/index.ts';
import type { Report } from '../report/schema.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline } from './open-pipeline.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly stdout?: true;
  readonly html?: string;
  readonly against?: string;
  readonly base?: string;
  readonly stage: 'staging' | 'production';
  readonly link?: string;
  readonly page?: string;
  readonly run?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('[model]', 'name of a model; default: the only one of pipeline.yaml; without any, the report is of the data')
    .option('--stdout', 'the Markdown of the comment, on stdout; under 60,000 bytes')
    .option('--html <file>', 'the report as one self-contained page')
    .option('--base <revision>', 'what the branch would be merged into: its policy and pointers count (default: the main branch)')
    .option('--against <what>', 'production, staging, or a revision whose pipeline was run (default: production)')
    .addOption(stageOption('the stage whose gate judges').default('production'))
    .option('--link <url>', 'page of the CI run, for the links of the report')
    .option('--page <url>', 'where the HTML page will be, for the links of the report')
    .option('--run <id>', 'id of the CI run: what it ran counts as run, all else as from the cache (default: GITHUB_RUN_ID)')
    .addHelpText(
      'after',
      '\nWhat a branch changes since it left its base, and what that does to the model. Runs nothing but evaluations of the other models.\n\nExample:\n  $ plumb ci report --stdout --base origin/main > comment.md',
    )
    .action(async (model: string | undefined, options: Options) => {
      const report = await makeReport(model, options, cli).catch(async (error: unknown) => {
        // another CI posts what is on stdout: that there is no report, and why, is what its readers want to know
        if (options.stdout === true && isPlumbError(error) && error.code !== 'INTERRUPTED') await printFailure(error, options, cli);
        throw error;
      });
      const { renderHtml, renderMarkdown, renderText } = await import('../report/index.ts');
      cli.emit(report);
      if (options.html !== undefined) {
        await writeFileAtomic(resolve(cli.cwd, options.html), renderHtml(report));
        cli.note(`wrote ${visible(options.html)}`);
      }
      if (options.stdout === true) cli.print(renderMarkdown(report));
      else cli.print(renderText(report, { paint: cli.paint, width: process.stdout.columns || 100 }));
    });
};

async function makeReport(model: string | undefined, options: Options, cli: Cli): Promise<Report> {
  const [{ reportBranch }, { withoutPipeline }] = await Promise.all([import('./pull-report.ts'), import('./data-report.ts')]);
  const links: NonNullable<Report['links']> = [
    ...(options.page === undefined ? [] : [{ name: 'page' as const, url: options.page }]),
    ...(options.link === undefined ? [] : [{ name: 'run' as const, url: options.link }]),
  ];
  const ciRun = options.run ?? cli.env['GITHUB_RUN_ID'] ?? null;
  const wish = { model, stage: options.stage, against: options.against, base: options.base, ciRun, links };
  const project = await openProject(cli);
  return withPipeline(project, cli, (open) => reportBranch(open, wish, cli), await withoutPipeline(project, model));
}

async function printFailure(error: PlumbError, options: Options, cli: Cli): Promise<void> {
  const { renderFailure } = await import('../report/index.ts');
  const failure: Failure = { code: error.code, what: error.message, mend: error.mend, where: error.where };
  cli.print(renderFailure(failure, options.link ?? null));
}
