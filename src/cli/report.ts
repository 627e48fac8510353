import { resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { openProject } from '../project/open.ts';
import { visible } from '../report/visible.ts';
import type { Define } from './command.ts';
import { withPipeline } from './open-pipeline.ts';
import { stageOption } from './stage-option.ts';

interface ReportOptions {
  readonly md?: string | true;
  readonly html?: string | true;
  readonly against?: string;
  readonly base?: string;
  readonly stage: 'staging' | 'production';
}

export const define: Define = (command, cli) => {
  command
    .argument('[model]', 'name of a model; default: the only one of pipeline.yaml; without any, the report is of the data')
    .option('--md [file]', 'Markdown for a pull request, on stdout or into a file; under 60,000 bytes')
    .option('--html [file]', 'one self-contained page (default file: report.html)')
    .option(
      '--against <what>',
      'production, staging, or a revision whose pipeline was run (default: production); of data alone: a revision (default: where the branch left its base, on main the version before)',
    )
    .option('--base <revision>', 'revision whose policy and pointers count (default: the main branch)')
    .addOption(stageOption('the stage whose gate judges').default('production'))
    .addHelpText(
      'after',
      '\nSpeaks of the last `plumb run`; runs nothing but the evaluation of the other model, when its cases were others, and checks of data that have no run.\nWhere pipeline.yaml names no model, it is the report of the data: what changed, and what their checks found on which rows.\n\nExample:\n  $ plumb report --html report.html --against production',
    )
    .action(async (model: string | undefined, options: ReportOptions) => {
      const project = await openProject(cli);
      const [{ judgeModel }, { isOfData, reportData, withoutPipeline }, { renderHtml, renderMarkdown, renderText }] = await Promise.all([
        import('./judging.ts'),
        import('./data-report.ts'),
        import('../report/index.ts'),
      ]);
      const { against, base, stage } = options;
      const report = await withPipeline(
        project,
        cli,
        async (open) =>
          isOfData(model, [open.pipeline])
            ? reportData(open, { against, base, ciRun: null }, cli)
            : (await judgeModel(open, { model, stage, against, base }, cli)).judgement.report,
        await withoutPipeline(project, model),
      );
      cli.emit(report);
      if (options.md !== undefined) {
        const text = renderMarkdown(report);
        if (options.md === true) cli.print(text);
        else await write(options.md, text);
      }
      if (options.html !== undefined) await write(options.html === true ? 'report.html' : options.html, renderHtml(report));
      if (options.md === undefined) cli.print(renderText(report, { paint: cli.paint, width: process.stdout.columns || 100 }));
    });

  async function write(file: string, text: string): Promise<void> {
    await writeFileAtomic(resolve(cli.cwd, file), text);
    cli.note(`wrote ${visible(file)}`);
  }
};
