import { openProject } from '../project/open.ts';
import { exitCodes } from '../base/errors.ts';
import type { Define } from './command.ts';
import { withPipeline } from './open-pipeline.ts';
import { stageOption } from './stage-option.ts';

interface GateOptions {
  readonly base?: string;
  readonly stage: 'staging' | 'production';
}

export const define: Define = (command, cli) => {
  command
    .argument('[model]', 'name of a model; default: the only one of pipeline.yaml')
    .option('--base <revision>', 'revision whose policy and pointers count (default: the main branch)')
    .addOption(stageOption('the stage whose gate judges').default('production'))
    .addHelpText('after', '\nExample:\n  $ plumb gate && echo may be promoted')
    .action(async (model: string | undefined, options: GateOptions) => {
      const project = await openProject(cli);
      const { judgeModel } = await import('./judging.ts');
      const judged = await withPipeline(project, cli, (open) =>
        judgeModel(open, { model, stage: options.stage, against: options.stage, base: options.base }, cli),
      );
      const { gate, report } = judged.judgement;
      const { findDataFaults } = await import('../registry/data-checks.ts');
      const { policy, candidate } = judged;
      const data =
        policy.data === undefined
          ? null
          : findDataFaults(policy.data, { run: candidate.made.digest, evaluation: candidate.evaluated.digest, runs: candidate.records });
      cli.emit({
        model: judged.model,
        stage: judged.stage,
        verdict: report.verdict,
        ...gate,
        ...(data === null ? {} : { data: { holds: data.length === 0, faults: data } }),
        warnings: report.warnings,
      });
      const { renderText } = await import('../report/index.ts');
      // where the gate holds, one line a check says it; where not, people want to see what broke
      if (!gate.holds) cli.print(renderText(report, { paint: cli.paint, width: process.stdout.columns || 100 }));
      cli.print(
        `${gate.holds ? cli.paint.green('the gate holds') : cli.paint.red('the gate does not hold')}: ${gate.gate}, for ${judged.model} in ${judged.stage}; against ${judged.stage}: ${report.verdict}`,
      );
      if (gate.holds) for (const check of gate.checks) cli.print(`  ${check.applies ? 'yes' : ' - '}  ${check.check}: ${check.why}`);
      if (gate.holds) for (const warning of report.warnings) cli.print(cli.paint.yellow(`  !    ${warning}`));
      for (const fault of data ?? []) cli.print(`  ${cli.paint.red('no')}   data: ${fault}`);
      if (data?.length === 0) cli.print('  yes  data: all that it was trained on went through the checks that the policy asks for');
      if (!gate.holds || (data ?? []).length > 0) cli.exitCode = exitCodes.no;
    });
};
