import { PlumbError } from '../base/errors.ts';
import { selectStages } from '../pipeline/graph.ts';
import { openProject } from '../project/open.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline, type OpenPipeline } from './open-pipeline.ts';
import { jobsOf, runAndTell, selectNamed } from './run-stages.ts';

interface Options {
  readonly jobs?: string;
  readonly force: string[];
  readonly failFast?: boolean;
  readonly checkpointMinutes: string;
}

const several = (value: string, all: string[]): string[] => [...all, value];

export const define: Define = (command, cli) => {
  command
    .argument('[stage...]', 'stages to run, with all that they need; without a name, all')
    .option('-j, --jobs <n>', 'how many stages at once (default: the number of processors)')
    .option('--force <stage>', 'a stage that runs whatever the cache has, if it is one of those that are named; may be repeated', several, [])
    .option('--fail-fast', 'start nothing new after a failure')
    .option('--checkpoint-minutes <n>', 'how often checkpoints of stages that run are sent to the remote; 0: only when they are stopped', '5')
    .addHelpText(
      'after',
      '\nAs `plumb run`, for a machine that is gone afterwards: of earlier outputs only what commands read comes here, and a stage that is stopped leaves its checkpoint in the remote. `plumb ci publish` sends the runs.\n\nExample:\n  $ plumb ci run train',
    )
    .action(async (names: string[], options: Options) => {
      const [jobs, everyMs] = [jobsOf(options.jobs), everyOf(options.checkpointMinutes)];
      const project = await openProject(cli);
      await withPipeline(project, cli, async (open) => {
        const stages = selectStages(open.pipeline.stages, names);
        // what is only needed is another job's to force
        const named = names.length === 0 ? [...stages.keys()] : selectNamed(stages, names);
        const forced = new Set(selectNamed(stages, options.force).filter((stage) => named.includes(stage)));
        const wish = { stages, jobs, failFast: options.failFast === true, forced, restore: false };
        await runAndTell(await withCheckpoints(open, everyMs, cli), wish, cli);
      });
    });
};

/** @returns ms, or null. @throws PlumbError USAGE */
function everyOf(text: string): number | null {
  const minutes = Number(text);
  if (text.trim() !== '' && minutes >= 0 && minutes <= 1440) return minutes === 0 ? null : minutes * 60_000;
  throw new PlumbError('USAGE', {
    what: `--checkpoint-minutes ${text.slice(0, 40)}: expected a number from 0 to 1440`,
    mend: 'write --checkpoint-minutes 5',
  });
}

async function withCheckpoints(open: OpenPipeline, everyMs: number | null, cli: Cli): Promise<OpenPipeline> {
  const { store } = open.project;
  if (store.remote === null) {
    cli.note('no remote is configured: neither outputs nor checkpoints of this machine will be found by others');
    return open;
  }
  const { CheckpointShare } = await import('../pipeline/checkpoint-share.ts');
  return { ...open, world: { ...open.world, checkpoints: new CheckpointShare(open.world, { everyMs }) } };
}
