import { openProject } from '../project/open.ts';
import { formatSeconds } from '../base/progress.ts';
import { PlumbError } from '../base/errors.ts';
import { executeStage, type StageOutcome } from '../pipeline/stage-run.ts';
import { expandStages } from '../pipeline/expand.ts';
import { bindStages, selectStages, type BoundStage } from '../pipeline/graph.ts';
import { findUsable, presentRecords, readyStage } from '../pipeline/plan.ts';
import { checkProjectPath } from '../project/paths.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline, type OpenPipeline } from './open-pipeline.ts';
import { steps } from './steps.ts';

interface EvalOptions {
  readonly suite?: string;
  readonly modelFile?: string;
}

export const define: Define = (command, cli) => {
  command
    .argument('[model]', 'name of a model of pipeline.yaml; default: the only one')
    .option('--suite <file>', 'a suite: evals/intents.yaml (default: that of the evaluation stage)')
    .option('--model-file <file>', 'evaluate this .onnx file of the project instead')
    .addHelpText(
      'after',
      '\nEvaluates the model that the last run made; an evaluation that was done before answers from the cache. Judging is `plumb gate`.\n\nExample:\n  $ plumb eval --suite evals/intents.yaml',
    )
    .action(async (model: string | undefined, options: EvalOptions) => {
      const project = await openProject(cli);
      await withPipeline(project, cli, (open) => evaluate(open, model, options, cli));
    });
};

async function evaluate(open: OpenPipeline, wanted: string | undefined, options: EvalOptions, cli: Cli): Promise<void> {
  const { modelStages, onlyModel } = await import('../registry/found-model.ts');
  const model = wanted ?? onlyModel(open.pipeline);
  const chosen = modelStages(open.pipeline, model);
  const configured = open.pipeline.stages.get(chosen.evaluationStage);
  const suite = options.suite ?? suiteOf(configured);
  const stage = await bindEvaluation(open, suite, options.modelFile ?? `${chosen.artifactStage}.${chosen.output}`);
  const outcome = await runEvaluation(open, stage);
  const { record, digest } = outcome.kept;
  cli.emit({ model, suite, run: digest, state: outcome.state, metrics: record.metrics, measured: record.measured });
  cli.print(
    `${cli.paint.bold(options.modelFile ?? model)} on ${suite}  ${outcome.state === 'cached' ? cli.paint.dim('from the cache') : formatSeconds(outcome.seconds)}`,
  );
  for (const [name, value] of Object.entries(record.metrics)) cli.print(`  ${name.padEnd(16)} ${Number(value.toPrecision(6))}`);
  for (const [name, value] of Object.entries(record.measured)) cli.print(cli.paint.dim(`  ${name.padEnd(16)} ${Number(value.toPrecision(4))}`));
}

function suiteOf(stage: BoundStage | undefined): string {
  const input = stage?.inputs['suite'];
  if (input !== undefined) return input.ref;
  throw new PlumbError('USAGE', {
    what: `stage "${stage?.spec.name ?? '?'}" is a command that names no suite`,
    mend: 'name one with --suite evals/NAME.yaml',
  });
}

/** The evaluation as a stage of its own, outside pipeline.yaml. */
async function bindEvaluation(open: OpenPipeline, suite: string, model: string): Promise<BoundStage> {
  const path = checkProjectPath(suite, '--suite');
  const specs = expandStages(
    { ...open.pipeline.config, stages: { ...open.pipeline.config.stages, ['plumb-eval']: { uses: 'plumb/evaluate', with: { model, suite: path } } } },
    open.pipeline.params,
  );
  const stages = await bindStages(specs, {
    params: open.pipeline.params,
    lock: open.tree.lock,
    steps,
    readText: (file) => open.tree.readText(file),
    exists: (file) => open.tree.exists(file),
  });
  const stage = stages.get('plumb-eval');
  if (stage === undefined) throw new Error('the evaluation vanished while it was bound');
  return stage;
}

async function runEvaluation(open: OpenPipeline, stage: BoundStage): Promise<StageOutcome> {
  const needed = selectStages(new Map([...open.pipeline.stages, [stage.spec.name, stage]]), [stage.spec.name]);
  needed.delete(stage.spec.name);
  const records = await presentRecords(needed, open.context);
  const ready = await readyStage(stage, records, open.context);
  const kept = await findUsable(ready, open.context);
  if (kept !== undefined) return { state: 'cached', kept, why: [], seconds: 0 };
  return executeStage(ready, ['asked for'], open.world, { restore: false, forced: false });
}
