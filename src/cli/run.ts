import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { shortDigest } from '../base/digest.ts';
import { fingerprintValue } from '../pipeline/fingerprint.ts';
import { selectStages, type BoundStage } from '../pipeline/graph.ts';
import { parseSetting, writeSettings } from '../pipeline/params.ts';
import { digestsOf, planStages, type PlannedStage } from '../pipeline/plan.ts';
import { openProject } from '../project/open.ts';
import { files } from '../project/layout.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline, type OpenPipeline } from './open-pipeline.ts';
import { jobsOf, runAndTell, selectNamed } from './run-stages.ts';

interface RunOptions {
  jobs?: string;
  set: string[];
  dry?: boolean;
  force?: boolean;
  keepGoing?: boolean;
  failFast?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[stage...]', 'stages to run, with all that they need; without a name, all')
    .option('-j, --jobs <n>', 'how many stages at once (default: the number of processors)')
    .option(
      '--set <key=value>',
      'write a hyperparameter into params.yaml first; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [] as string[],
    )
    .option('--dry', 'say what would run and why; run nothing')
    .option('--force', 'run the named stages (all, without a name) whatever the cache has')
    .option('--keep-going', 'go on with all that does not depend on a failed stage; this is the default, the option is for habits from make and dvc')
    .option('--fail-fast', 'start nothing new after a failure')
    .addHelpText('after', '\nExample:\n  $ plumb run --set train.epochs=5')
    .action(async (names: string[], options: RunOptions) => runCommand(names, options, cli));
};

async function runCommand(names: readonly string[], options: RunOptions, cli: Cli): Promise<void> {
  const jobs = jobsOf(options.jobs);
  const project = await openProject(cli);
  // bound with what is set before anything is written: a setting that does not hold changes nothing
  const params = options.set.length === 0 ? null : await withPipeline(project, cli, (open) => settleParams(options.set, open));
  const texts = new Map(params === null ? [] : [[files.params, params]]);
  await withPipeline(project, cli, (open) => runOpened(open, { names, jobs, options, params }, cli), texts);
}

interface RunWish {
  readonly names: readonly string[];
  readonly jobs: number;
  readonly options: RunOptions;
  /** params.yaml with what is set, or null */
  readonly params: string | null;
}

async function runOpened(open: OpenPipeline, order: RunWish, cli: Cli): Promise<void> {
  const { names, jobs, options, params } = order;
  const stages = selectStages(open.pipeline.stages, names);
  if (options.dry === true)
    return showPlan(stages, await planStages(stages, open.context, { force: options.force === true && names.length === 0 }), cli);
  const forced = options.force === true ? (names.length === 0 ? stages.keys() : selectNamed(stages, names)) : [];
  const before = async (): Promise<void> => {
    if (params !== null) await writeFileAtomic(join(open.project.root, files.params), params);
  };
  await runAndTell(open, { stages, jobs, failFast: options.failFast === true, forced: new Set(forced), restore: true, before }, cli);
}

/** The text of params.yaml with the settings in it. */
async function settleParams(texts: readonly string[], open: OpenPipeline): Promise<string> {
  const pipeline = (await open.project.readText(files.pipeline)) ?? '';
  const inTemplates = [...pipeline.matchAll(/\$\{\s*params\.([\w.-]+)\s*\}/g)].map((match) => match[1] ?? '');
  const known = new Set([...[...open.pipeline.stages.values()].flatMap((stage) => stage.spec.params), ...inTemplates]);
  return writeSettings((await open.project.readText(files.params)) ?? '', texts.map(parseSetting), [...known]);
}

function showPlan(stages: ReadonlyMap<string, BoundStage>, plan: ReadonlyMap<string, PlannedStage>, cli: Cli): void {
  for (const [name, planned] of plan) {
    const text =
      planned.state === 'runs'
        ? planned.why.join('; ')
        : planned.state === 'waits'
          ? `for ${planned.on.join(', ')}`
          : shortDigest(planned.kept.digest);
    cli.print(`${planned.state.padEnd(7)} ${cli.paint.bold(name)}  ${text}`);
  }
  cli.emit({
    stages: [...plan].map(([name, planned]) => {
      if (planned.state === 'waits') return { stage: name, state: planned.state, on: planned.on };
      const ready = planned.ready;
      const stage = stages.get(name);
      return {
        stage: name,
        state: planned.state,
        ...(planned.state === 'runs' ? { why: planned.why } : { run: planned.kept.digest }),
        ...(ready === undefined || stage === undefined
          ? {}
          : { fingerprint: ready.fingerprint, of: fingerprintValue({ stage, inputs: digestsOf(ready.inputs), environment: ready.environment }) }),
      };
    }),
  });
}
